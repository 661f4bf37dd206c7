#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# checkpoint and restore of containers that are units of systemd's. Engines 2.14, 7.2.
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.systemd import SLICE, TOP, SystemdSuite, show, systemctl, units
from harness.criu import CRIU, need_criu
from harness.lab import need, read
from harness.tap import check, equal, eventually

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


NOTE = "trusted.brig.options"


@suite.table("2.14 R-47", "the options of the machine's hierarchy stay as they are", {
    "one": False, "after one that was killed when they were gone": True})
def hierarchy(lab, was_killed):
    before = options()
    need("nsdelegate" in before, "the hierarchy is mounted without nsdelegate")
    mover = Mover(lab)
    mover.start()
    if was_killed:
        os.setxattr(TOP, NOTE, ",".join(["rw", *before]).encode())
        os.mkdir(f"{lab.path}/other")
        subprocess.run(["mount", "-t", "cgroup2", "none", f"{lab.path}/other"], check=True)  # as CRIU does
        subprocess.run(["umount", f"{lab.path}/other"], check=True)
        equal(options(), set(), "options")
    mover.checkpoint("--leave-running")
    equal(options(), before, "after a checkpoint")
    check(NOTE not in os.listxattr(TOP), "the note is still there")


@suite.case("2.14", "nor do they change by two checkpoints at once")
def at_once(lab):
    before = options()
    movers = [Mover(lab), Mover(lab)]
    for number, mover in enumerate(movers):
        mover.image += str(number)
        mover.start()
    for _ in range(3):
        calls = [lab.spawn("checkpoint", "--image-path", mover.image, "--leave-running", mover.id,
                           globals_=("--criu", CRIU)) for mover in movers]
        for call in calls:
            call.wait(60).ok()
    equal(options(), before, "options")
    check(NOTE not in os.listxattr(TOP), "the note is still there")


suite.main()
