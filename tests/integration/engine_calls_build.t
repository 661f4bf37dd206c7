#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The calls of the builders, buildah and BuildKit: one waits for the process itself, the other for a
# run in the foreground.
import json
import os
import pty
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.callers import Buildah, BuildKit, Pipe
from harness.cgroups import V1, unified
from harness.console import ConsoleSocket, read_all, read_until, set_size
from harness.lab import read
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


# buildah


@suite.table("CALL-55 TRAP-01", "buildah: create in the bundle's folder; it can wait for the process", {
    "plain": (), "both flags": ("--no-pivot", "--no-new-keyring")})
def buildah_create(lab, *options):
    buildah = Buildah(lab, lab.bundle(shell="echo out; exit 5"))
    pid = buildah.create(*options)
    lab.reaping = False  # it may be gone before start is
    buildah.silent("start", buildah.id)
    equal(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 5, "what buildah's wait4 gives")
    lab.reaping = True
    equal(buildah.out.wait_end(), "out\n", "output")
    equal(buildah.state()["status"], "stopped", "status")
    buildah.silent("delete", buildah.id)


@suite.case("CALL-55 TRAP-13", "buildah: a terminal by console.sock in the bundle")
def buildah_terminal(lab):
    made = lab.bundle(shell="echo up; read x; exit 4", process__terminal=True)
    buildah = Buildah(lab, made)
    console = ConsoleSocket(f"{made.path}/console.sock")
    buildah.silent("create", "--bundle", made.path, "--pid-file", buildah.pid_file,
                   "--console-socket", console.path, buildah.id)
    master = console.accept()
    buildah.silent("start", buildah.id)
    read_until(master, "up")
    os.write(master, b"\n")
    equal(lab.exit_of(buildah.pid()), 4, "exit status")
    console.close()


@suite.case("CALL-56 TRAP-27 TRAP-29", "buildah: start, state ten times a second until it has stopped, delete")
def buildah_life(lab):
    buildah = Buildah(lab, lab.bundle(shell="trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done"))
    buildah.create()
    equal(buildah.state()["status"], "created", "status")
    buildah.silent("start", buildah.id)
    buildah.out.wait_for("up")
    buildah.silent("kill", buildah.id)
    lab.reaping = False  # it reaps by itself, sooner or later
    seen = []
    while (not seen or seen[-1] != "stopped") and len(seen) < 50:
        state = buildah.state()
        equal((state["id"], state["bundle"]), (buildah.id, buildah.made.path), "state")
        seen.append(state["status"])
        time.sleep(0.1)
    check(set(seen) <= {"running", "stopped"} and seen[-1] == "stopped", f"statuses {seen}")
    lab.reaping = True
    equal(lab.exit_of(buildah.pid()), 0, "exit status")
    equal(buildah.state()["status"], "stopped", "status once it is reaped")
    buildah.silent("delete", buildah.id)


@suite.case("CALL-56", "buildah: what does not end by kill ends by kill SIGKILL")
def buildah_kill(lab):
    buildah = Buildah(lab, lab.bundle(shell="trap '' TERM; echo up; while :; do sleep 0.01; done"))
    buildah.create()
    buildah.silent("start", buildah.id)
    buildah.out.wait_for("up")
    buildah.silent("kill", buildah.id)
    equal(buildah.state()["status"], "running", "status")
    buildah.silent("kill", buildah.id, "SIGKILL")
    equal(lab.exit_of(buildah.pid()), -9, "its end")
    buildah.silent("delete", buildah.id)


# BuildKit


def cgroup_of(kit):
    return f"{V1.get('memory') or unified()}{kit.made.linux['cgroupsPath']}"


def kept(kit):
    """BuildKit reads how much was used, and whether memory ran out, after the run."""
    for name in ("memory.oom_control", "memory.events"):
        path = f"{cgroup_of(kit)}/{name}"
        if os.path.exists(path):
            return read(path)
    return None


def build(lab, made):
    kit = BuildKit(lab, made)
    made.linux["cgroupsPath"] = f"/buildkit/{kit.id}"
    made.write()
    return kit


@suite.table("CALL-57 TRAP-32", "BuildKit: run --keep with pipes, the program's status, the cgroup kept", {
    "0": ("exit 0", 0, ()), "9": ("exit 9", 9, ("--no-pivot",)), "127": ("exit 127", 127, ())})
def run_pipes(lab, shell, status, options):
    kit = build(lab, lab.bundle(shell=f"read x; echo out $x; echo err >&2; sleep 999 & {shell}"))
    reader, writer = os.pipe()
    os.write(writer, b"word\n")
    os.close(writer)
    result = kit.call("run", "--bundle", kit.made.path, *options, "--keep", kit.id, stdin=reader)
    os.close(reader)
    equal((result.status, result.out, result.err), (status, "out word\n", "err\n"), "run")
    contains(kept(kit), "oom_kill", "the cgroup's events")
    equal(read(f"{cgroup_of(kit)}/cgroup.procs"), "", "processes that are left")
    equal(kit.state()["status"], "stopped", "status")
    kit.silent("delete", kit.id)
    check(not os.path.exists(cgroup_of(kit)), "the cgroup after delete")
    tidy(kit)


def tidy(kit):
    """The folder above the container's is another container's, too, so create leaves it."""
    for folder in {*V1.values(), unified()} - {None}:
        if os.path.isdir(f"{folder}/buildkit"):
            os.rmdir(f"{folder}/buildkit")
    kit.lab.expect_nothing_left("run --keep and delete")


@suite.case("CALL-57 TRAP-32", "BuildKit: that memory ran out is known after run --keep")
def run_out_of_memory(lab):
    made = lab.bundle(["/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"])
    made.set("linux.resources.memory", {"limit": 16 << 20, "swap": 16 << 20})
    kit = build(lab, made)
    equal(kit.call("run", "--bundle", made.path, "--keep", kit.id).status, 137, "exit status")
    check("oom_kill 0" not in kept(kit), f"events {kept(kit)!r}")
    kit.silent("delete", kit.id)
    tidy(kit)


@suite.case("CALL-57", "BuildKit: run --keep on a terminal of its own; SIGWINCH to the runtime")
def run_terminal(lab):
    made = lab.bundle(shell="stty size; trap 'stty size' WINCH; echo up; while :; do sleep 0.01; "
                            "[ -e /end ] && exit 3; done", process__terminal=True)
    kit = build(lab, made)
    master, slave = pty.openpty()
    set_size(master, 20, 70)
    with open(os.devnull, "rb") as nothing:
        call = kit.spawn("run", "--bundle", made.path, "--keep", kit.id, stdin=nothing, stdout=slave,
                         stderr=slave)
    os.close(slave)
    contains(read_until(master, "up"), "20 70", "size")
    set_size(master, 25, 75)
    call.signal(signal.SIGWINCH)
    read_until(master, "25 75")
    made.file("/end")
    equal(call.wait().status, 3, "exit status")
    read_all(master)
    os.close(master)
    kit.silent("delete", kit.id)
    tidy(kit)


@suite.table("CALL-57", "BuildKit: SIGTERM to the runtime is the program's", {
    "it has a handler": ("trap 'echo got; exit 8' TERM; echo up; while :; do sleep 0.01; done", 8),
    "no pid namespace, no handler": ("echo up; exec sleep 999", 143)})
def run_term(lab, shell, status):
    made = lab.bundle(shell=shell)
    if status == 143:
        made.without_namespace("pid")
    kit = build(lab, made)
    call = kit.spawn("run", "--bundle", made.path, "--keep", kit.id, stdout=kit.out.writer)
    kit.out.shut()
    kit.out.wait_for("up")
    equal(os.getpgid(call.pid), call.pid, "a process group of its own")
    call.signal(signal.SIGTERM)
    equal(call.wait().status, status, "exit status")
    kit.out.wait_end()
    kit.silent("delete", kit.id)
    tidy(kit)


@suite.case("CALL-57", "BuildKit: a run that fails gives 1, says why, and leaves nothing")
def run_fails(lab):
    kit = build(lab, lab.bundle(["/absent"]))
    kit.call("run", "--bundle", kit.made.path, "--keep", kit.id).failed(
        "no such file or directory", status=1)
    tidy(kit)
    kit.made.process["args"] = ["/bin/true"]
    kit.made.write()
    kit.call("run", "--bundle", kit.made.path, "--keep", kit.id).ok()
    kit.silent("delete", kit.id)
    tidy(kit)


def running(lab, made):
    """A container in a foreground run, and that call."""
    kit = build(lab, made)
    kit.call("state", kit.id).failed("does not exist", status=1)
    call = kit.spawn("run", "--bundle", made.path, "--keep", kit.id, stdout=kit.out.writer,
                     stderr=kit.err.writer)
    kit.out.shut()
    kit.err.shut()

    def up():
        result = kit.call("state", kit.id, joined=True)
        return result.status == 0 and json.loads(result.out)["status"] == "running"
    eventually(up, "running")
    return kit, call


def end(kit, call):
    """As BuildKit ends a run: SIGKILL by the runtime, again and again, until the run is over."""
    kills = 0
    while call.process.poll() is None and kills < 100:
        result = kit.call("kill", kit.id, "9")
        check(result.status == 0 or "container not running" in result.err, str(result))
        kills += 1
        time.sleep(0.05)
    equal(call.wait().status, 137, "exit status of the run")
    kit.silent("delete", kit.id)
    kit.call("state", kit.id).failed("does not exist", status=1)
    tidy(kit)


@suite.table("CALL-58 TRAP-06 TRAP-59", "BuildKit: exec in the foreground, its pid file while it runs", {
    "7": ("exit 7", 7), "TERM": (None, 143)})
def exec_foreground(lab, shell, status):
    kit, call = running(lab, lab.bundle(SLEEP))
    pid_file = f"{lab.path}/exec.pid"
    path = kit.process_file(["/bin/sh", "-c", f"echo up; read x; {shell or 'sleep 999'}"])
    reader, writer = os.pipe()
    out = Pipe()
    added = kit.spawn("exec", "--process", path, "--pid-file", pid_file, kit.id, stdin=reader,
                      stdout=out.writer)
    os.close(reader)
    out.shut()
    eventually(lambda: os.path.exists(pid_file), "the pid file")
    pid = int(read(pid_file))
    out.wait_for("up")
    check(f"/{kit.id}" in read(f"/proc/{pid}/cgroup"), "the process, in the container's cgroup")
    if status == 143:
        os.kill(pid, signal.SIGTERM)
    else:
        os.write(writer, b"\n")
    equal(added.wait().status, status, "exit status")
    os.close(writer)
    end(kit, call)


@suite.case("CALL-58 TRAP-07 TRAP-59", "BuildKit: exec that fails gives 255 and no pid file")
def exec_fails(lab):
    kit, call = running(lab, lab.bundle(SLEEP))
    for args in (["/absent"], ["/etc"], ["absent"]):
        kit.call("exec", "--process", kit.process_file(args), "--pid-file", f"{lab.path}/exec.pid",
                 kit.id).failed(status=255)
        check(not os.path.exists(f"{lab.path}/exec.pid"), f"pid file of {args}")
    end(kit, call)


@suite.case("CALL-59 TRAP-29 TRAP-35", "BuildKit: state before and while it runs, a loop of kills, delete")
def states(lab):
    kit, call = running(lab, lab.bundle(SLEEP))
    result = kit.call("state", kit.id, joined=True).ok()  # go-runc decodes both streams as one
    state = json.loads(result.out)
    equal((state["bundle"], state["rootfs"], state["status"]),
          (kit.made.path, kit.made.rootfs, "running"), "keys")
    check(state["pid"] in oracle.processes(), "pid")
    end(kit, call)


suite.main()
