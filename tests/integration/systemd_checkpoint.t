#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# checkpoint and restore of containers that are units of systemd's. Engines 2.14, 7.2.
import contextlib
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.systemd import SLICE, TOP, SystemdSuite, show, systemctl, units
from harness.criu import CRIU, need_criu
from harness.lab import need, read, write
from harness.tap import check, contains, equal, eventually

suite = SystemdSuite()
DRIVER = ("--systemd-cgroup",)
LIMITS = {"memory": {"limit": 64 << 20, "swap": 64 << 20}, "pids": {"limit": 40}, "cpu": {"shares": 512}}
PROPERTIES = {"MemoryMax": str(64 << 20), "TasksMax": "40", "CPUWeight": "59", "KillSignal": "10", "Slice": SLICE,
              "Delegate": "yes", "ActiveState": "active"}
NOWHERE = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}  # what the container has open
# Two processes, of which one counts.
COUNT = "sleep 1000 & i=0; while true; do i=$((i+1)); echo $i >/tmp/count; sleep 0.05; done"


class Mover:
    """A container that is checkpointed and restored, with its unit."""

    def __init__(self, lab, annotations=(), identity=None):
        need_criu()
        self.lab, self.id = lab, identity or lab.name()
        self.unit = f"brig-{self.id}.scope"
        self.folder = f"{TOP}/{SLICE}/{self.unit}"
        self.bundle = lab.bundle(shell=COUNT, linux__cgroupsPath=f"{SLICE}:brig:{self.id}", linux__resources=LIMITS,
                                 annotations={"org.systemd.property.KillSignal": "10", **dict(annotations)})
        self.image = f"{lab.path}/image"

    def start(self):
        container = self.lab.start(self.bundle, identity=self.id, globals_=DRIVER, **NOWHERE)
        eventually(lambda: self.count() > 1, "numbers", 10)
        return container

    def count(self):
        path = f"{self.bundle.rootfs}/tmp/count"
        return int((read(path) if os.path.exists(path) else "").strip() or 0)

    def call(self, *words, **how):
        return self.lab.brig(*words, globals_=(*DRIVER, "--criu", CRIU, "--log", f"{self.lab.path}/log"), timeout=30,
                             **how)

    def checkpoint(self, *options):
        result = self.call("checkpoint", "--image-path", self.image, *options, self.id)
        check(result.status == 0, f"{result}\n{log(self.image, 'dump.log')}")

    def try_restore(self, identity=None, **how):
        self.lab.containers.append(identity or self.id)
        return self.call("restore", "--bundle", self.bundle.write().path, "--detach", "--image-path", self.image,
                         identity or self.id, **how)

    def restore(self):
        result = self.try_restore(**NOWHERE)
        check(result.status == 0, f"{result}\n{log(self.lab.path, 'log')}{log(self.image, 'restore.log')}")


def log(image, name):
    path = f"{image}/{name}"
    return "".join(read(path).splitlines(keepends=True)[-30:]) if os.path.exists(path) else "no log"


def procs(folder):
    return sorted(int(word) for word in read(f"{folder}/cgroup.procs").split())


@suite.table("2.14 CG-04 CG-05", "restore makes the scope again, by its name and properties, with all processes", {
    "a scope": {}, "a subgroup": {"run.oci.systemd.subgroup": "payload"},
    "a delegated cgroup": {"run.oci.systemd.subgroup": "payload", "run.oci.delegate-cgroup": "inner"}})
def restored(lab, annotations):
    mover = Mover(lab, annotations)
    first = mover.start()
    below = "".join(f"/{name}" for name in annotations.values())
    equal(show(mover.unit, *PROPERTIES), PROPERTIES, "properties before")
    check(len(procs(mover.folder + below)) >= 2, "the two processes")
    pid = first.pid
    mover.checkpoint()
    check(mover.unit not in units(), "the scope is still there")
    check(not os.path.exists(mover.folder), "the cgroup is still there")
    count = mover.count()
    mover.restore()
    check(first.pid != pid, "another process")
    eventually(lambda: mover.count() > count, "numbers that go on", 10)
    for moment in ("at once", "after a daemon-reload"):
        equal(show(mover.unit, *PROPERTIES), PROPERTIES, f"properties {moment}")
        own = mover.folder + "".join(f"/{name}" for name in list(annotations.values())[:1])
        equal([read(f"{own}/{name}").strip() for name in ("memory.max", "pids.max", "cpu.weight")],
              [str(64 << 20), "40", "59"], f"files {moment}")
        systemctl("daemon-reload")
    inside = procs(mover.folder + below)
    check(len(inside) >= 2 and first.pid in inside, f"processes: {inside}, init {first.pid}")
    told = json.loads(lab.brig("ps", "--format", "json", mover.id).ok().out)
    check(len(told) >= 2 and first.pid in told, f"ps: {told}, init {first.pid}")
    equal(first.exec("/bin/cat", "/proc/self/cgroup").ok().out.strip().rsplit("/", 1)[-1],
          (mover.folder + below).rsplit("/", 1)[-1], "the cgroup of exec")
    first.delete("--force").ok()
    check(mover.unit not in units(), "the scope is still there")
    check(not os.path.exists(mover.folder), "the cgroup is still there")


@suite.case("2.14 CG-05", "restore beside the container itself is refused by its unit, which goes on")
def beside(lab):
    mover = Mover(lab)
    first = mover.start()
    mover.checkpoint("--leave-running")
    other = lab.name()
    mover.try_restore(other).failed("linux.cgroupsPath", mover.unit, "there already", status=1)
    lab.gone(other)
    equal(first.status(), "running", "status")
    check(first.pid in procs(mover.folder), "its process")


@suite.case("2.14 G-05", "a restore that fails leaves no unit, and the next one succeeds")
def failed(lab):
    mover = Mover(lab)
    first = mover.start()
    mover.checkpoint()
    os.rename(f"{mover.image}/pstree.img", f"{lab.path}/pstree.img")
    mover.try_restore().failed("criu", status=1)
    lab.gone(mover.id)
    check(mover.unit not in units(), "the scope is still there")
    os.rename(f"{lab.path}/pstree.img", f"{mover.image}/pstree.img")
    mover.restore()
    equal(show(mover.unit, *PROPERTIES), PROPERTIES, "properties")
    check(first.pid in procs(mover.folder), "the processes")


def options():
    """Those of the machine's cgroup hierarchy."""
    line = next(line for line in read("/proc/self/mountinfo").splitlines() if " - cgroup2 " in line)
    return set(line.split()[-1].split(",")) - {"rw"}


NOTE = "/run/brig/.hierarchy"


@contextlib.contextmanager
def kept_options():
    """What they are; the machine has them again afterwards, whatever brig does."""
    before = options()
    need("nsdelegate" in before, "the hierarchy is mounted without nsdelegate")
    try:
        yield before
    finally:
        if options() != before:
            subprocess.run(["mount", "-o", ",".join(["remount", *sorted(before)]), TOP], check=True)
        if os.path.exists(NOTE):
            os.truncate(NOTE, 0)


def take_away(lab):
    os.makedirs(f"{lab.path}/other")
    subprocess.run(["mount", "-t", "cgroup2", "none", f"{lab.path}/other"], check=True)  # as CRIU does
    subprocess.run(["umount", f"{lab.path}/other"], check=True)
    equal(options(), set(), "options")


def traced(lab, calls, *words):
    """The words of a call of brig that tells `calls` to {lab.path}/trace; "call:error=…" lets that one fail."""
    strace = shutil.which("strace")
    need(strace, "no strace")
    fails = ["-e", f"inject={calls}"] if ":" in calls else []
    return [strace, "-qq", "-o", f"{lab.path}/trace", "-e", f"trace={calls.split(':', maxsplit=1)[0]}", *fails,
            *lab.words(*words, globals_=("--criu", CRIU, "--log", f"{lab.path}/log", "--log-level", "warning"))]


@suite.table("2.14 R-47", "the options of the machine's hierarchy stay as they are", {
    "one": False, "after one that was killed when they were gone": True})
def hierarchy(lab, was_killed):
    with kept_options() as before:
        mover = Mover(lab)
        mover.start()
        if was_killed:
            os.makedirs(os.path.dirname(NOTE), mode=0o700, exist_ok=True)
            write(NOTE, ",".join(before) + ",")
            take_away(lab)
        mover.checkpoint("--leave-running")
        equal(options(), before, "after a checkpoint")
        equal((read(NOTE), os.stat(NOTE).st_uid), ("", 0), "the note")


@suite.case("2.14 R-47", "what cannot be put back is told of, and is by the next one")
def not_put_back(lab):
    with kept_options() as before:
        mover = Mover(lab)
        mover.start()
        subprocess.run(traced(lab, "fsopen:error=ENOMEM", "checkpoint", "--image-path", mover.image, "--leave-running",
                              mover.id), check=True, timeout=60)
        equal(options(), set(), "options after a failure")
        for option in before:
            contains(read(f"{lab.path}/log"), option, "the warning")
            contains(read(NOTE), option, "the note")
        mover.image += "2"
        mover.checkpoint("--leave-running")
        equal((options(), read(NOTE)), (before, ""), "after the next one")


@suite.case("2.14 R-47", "a restore puts them back before the processes go on")
def before_the_end(lab):
    with kept_options() as before:
        mover = Mover(lab)
        mover.start()
        mover.checkpoint()
        lab.containers.append(mover.id)
        subprocess.run(traced(lab, "fsmount,rename,renameat,renameat2", "restore", "--bundle", mover.bundle.path,
                              "--detach", "--image-path", mover.image, "--pid-file", f"{lab.path}/pid", mover.id),
                       check=True, timeout=60, **NOWHERE)
        lines = read(f"{lab.path}/trace").splitlines()
        calls = ["pid file" if '/pid"' in line or '"pid"' in line else line.split("(")[0] for line in lines]
        check("fsmount" in calls[:calls.index("pid file")], "\n".join(lines))
        equal((options(), read(NOTE)), (before, ""), "at the end")


@suite.case("2.14", "nor do they change by two checkpoints at once")
def at_once(lab):
    with kept_options() as before:
        movers = [Mover(lab), Mover(lab)]
        for number, mover in enumerate(movers):
            mover.image += str(number)
            mover.start()
        waits = f"{lab.path}/criu"  # the one for the other, so that both are under way
        write(waits, f'#!/bin/sh\n: >{lab.path}/$PPID.at; i=0\n'
                     f'while [ $(ls {lab.path}/*.at | wc -l) -lt 2 ] && [ $i -lt 300 ]\n'
                     f'do i=$((i+1)); sleep 0.1; done\nexec {CRIU} "$@"\n')
        os.chmod(waits, 0o755)
        for _ in range(3):
            calls = [lab.spawn("checkpoint", "--image-path", mover.image, "--leave-running", mover.id,
                               globals_=("--criu", waits)) for mover in movers]
            for call in calls:
                call.wait(60).ok()
            marks = [name for name in os.listdir(lab.path) if name.endswith(".at")]
            equal(len(marks), 2, "calls at once")
            for mark in marks:
                os.unlink(f"{lab.path}/{mark}")
        equal((options(), read(NOTE)), (before, ""), "options and note")


suite.main()
