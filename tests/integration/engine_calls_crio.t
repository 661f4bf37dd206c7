#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The calls of CRI-O itself: --root alone, statuses and texts that it reads, and any of them on one CPU.
import datetime
import json
import os
import pty
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.callers import Crio
from harness.cgroups import need_controllers, value
from harness.console import read_all, read_until, set_size, take_terminal
from harness.lab import Container, need, read, write
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


@suite.case("CALL-46 TRAP-29", "start, state, pause, resume: times and pids as CRI-O reads them")
def states(lab):
    crio = Crio(lab, lab.bundle(SLEEP))
    pid = crio.create()

    def looks(status, number):
        result = crio.call("state", crio.id).ok()
        equal(result.err, "", "standard error")
        state = json.loads(result.out)
        equal((state["status"], state["pid"]), (status, number), "status and pid")
        check(state["created"].endswith("Z"), f"UTC: {state['created']}")
        whole, _, fraction = state["created"][:-1].partition(".")
        moment = datetime.datetime.fromisoformat(whole + "+00:00").timestamp()
        check(abs(moment - time.time()) < 60 and (not fraction or fraction.isdigit()),
              f"created {state['created']}")
        return state["created"]
    created = looks("created", pid)
    crio.silent("start", crio.id)
    looks("running", pid)
    crio.silent("pause", crio.id)
    looks("paused", pid)
    crio.silent("resume", crio.id)
    looks("running", pid)
    os.kill(pid, signal.SIGKILL)
    for _ in range(20):  # dying, a zombie, gone: never an error
        crio.call("state", crio.id).ok()
    lab.exit_of(pid)
    equal(looks("stopped", 0), created, "created, later")


@suite.table("CALL-47 TRAP-59", "exec in the foreground with pipes: the program's own status", {
    "0": ("exit 0", 0), "42": ("exit 42", 42), "126": ("exit 126", 126), "255": ("exit 255", 255),
    "TERM": ("kill -TERM $$", 143), "KILL": ("kill -KILL $$", 137)})
def exec_pipes(lab, shell, status):
    crio = Crio(lab, lab.bundle(SLEEP)).started()
    path = crio.process_file(["/bin/sh", "-c", f"read x; echo out $x; echo err >&2; {shell}"])
    reader, writer = os.pipe()
    os.write(writer, b"word\n")
    os.close(writer)
    result = crio.call("exec", "--process", path, crio.id, stdin=reader)
    os.close(reader)
    equal((result.status, result.out, result.err), (status, "out word\n", "err\n"), "exec")


@suite.table("CALL-47 TRAP-59", "exec in the foreground that fails: 255 and never 126 or 127", {
    "no program": {"args": ["/absent"]}, "a folder": {"args": ["/etc"]}, "no cwd": {"cwd": "/absent"},
    "no x-bit": {"args": ["/etc/passwd"]}})
def exec_fails(lab, members):
    crio = Crio(lab, lab.bundle(SLEEP)).started()
    path = crio.process_file(**{"args": ["/bin/true"], **members})
    crio.call("exec", "--process", path, crio.id).failed(status=255)


class LocalTerminal:
    """A pty of CRI-O's with the call as leader of its session."""

    def __init__(self, crio, path):
        self.master, slave = pty.openpty()
        set_size(self.master, 30, 90)
        self.call = crio.spawn("exec", "--process", path, crio.id, stdin=slave, stdout=slave,
                               stderr=slave, preexec_fn=take_terminal)
        os.close(slave)


@suite.case("CALL-47", "exec in the foreground on a terminal of CRI-O's")
def exec_terminal(lab):
    crio = Crio(lab, lab.bundle(SLEEP)).started()
    path = crio.process_file(["/bin/sh", "-c", "tty; stty size; trap 'stty size' WINCH; echo up; "
                                               "until read x; do :; done; echo got $x; exit 7"],
                             terminal=True)
    local = LocalTerminal(crio, path)
    text = read_until(local.master, "up")
    contains(text, "/dev/pts/0", "a terminal of the container's")
    contains(text, "30 90", "size")
    set_size(local.master, 31, 91)
    read_until(local.master, "31 91")
    os.write(local.master, b"word\n")
    status = local.call.wait().status
    contains(read_all(local.master), "got word", "output")
    equal(status, 7, "exit status")
    os.close(local.master)


@suite.case("CALL-47", "exec that CRI-O kills for its time leaves nothing that needs the runtime")
def exec_killed(lab):
    crio = Crio(lab, lab.bundle(SLEEP)).started()
    path = crio.process_file(["/bin/sleep", "999"])
    call = crio.spawn("exec", "--process", path, crio.id)
    eventually(lambda: len(json.loads(crio.call("ps", "-f", "json", crio.id).out)) == 2, "exec")
    call.signal(signal.SIGKILL)
    call.process.wait()
    crio.silent("delete", "--force", crio.id)
    lab.expect_nothing_left("an exec that was killed")


@suite.case("CALL-48 TRAP-22 TRAP-39", "kill by number and by name; lower-case words once it is dead")
def kill(lab):
    crio = Crio(lab, lab.bundle(shell="trap 'echo got' 10; echo up; while :; do sleep 0.01; done")).started()
    crio.out.wait_for("up")
    crio.silent("kill", crio.id, "10")
    crio.out.wait_for("got")
    crio.silent("kill", crio.id, "KILL")
    equal(lab.exit_of(crio.pid()), -9, "end")
    for words in (("15",), ("KILL",)):
        crio.call("kill", crio.id, *words).failed("container not running", status=1)
    crio.silent("kill", "-a", crio.id, "9")


@suite.case("CALL-48 TRAP-23", "kill -a 9 in a pod that shares its pid namespace")
def kill_all(lab):
    pod = Crio(lab, lab.bundle(SLEEP)).started()
    made = lab.bundle(shell="sleep 998 & echo up; exec sleep 999")
    made.namespace("pid", f"/proc/{pod.pid()}/ns/pid")
    crio = Crio(lab, made).started()
    crio.out.wait_for("up")
    crio.silent("kill", "-a", crio.id, "9")
    equal(lab.exit_of(crio.pid()), -9, "end of init")
    eventually(lambda: json.loads(crio.call("ps", "-f", "json", crio.id).ok().out) in ([], None),
               "the end of all")
    equal(pod.state()["status"], "running", "the pod")
    crio.silent("delete", "--force", crio.id)
    pod.silent("delete", "--force", pod.id)


@suite.case("CALL-49 TRAP-20", "delete --force of what runs, is paused, has stopped, and is not")
def delete(lab):
    for how in ("created", "running", "paused", "stopped"):
        crio = Crio(lab, lab.bundle(SLEEP))
        pid = crio.create()
        if how != "created":
            crio.silent("start", crio.id)
        if how == "paused":
            crio.silent("pause", crio.id)
        if how == "stopped":
            os.kill(pid, signal.SIGKILL)
        crio.silent("delete", "--force", crio.id)
        equal(lab.exit_of(pid), -9, f"end of what was {how}")
        crio.silent("delete", "--force", crio.id)


@suite.case("CALL-50 TRAP-24", "update --resources - with --root alone: the state knows the manager")
def update(lab):
    need_controllers("pids")
    for manager in ("cgroupfs", "disabled"):
        crio = Crio(lab, lab.bundle(SLEEP))
        crio.globals_ = (f"--cgroup-manager={manager}",)
        crio.create()
        crio.globals_ = ()
        path = write(f"{lab.path}/resources", json.dumps({"pids": {"limit": 55}, "cpu": {},
                                                          "memory": {}, "devices": []}))
        with open(path, encoding="utf-8") as file:
            result = crio.call("update", "--resources", "-", crio.id, stdin=file)
        if manager == "disabled":
            result.failed("without cgroups", status=1)
            result.call.refused = False
        else:
            equal((result.ok().out, result.err), ("", ""), "output")
            equal(value(Container(lab, crio.id, None), "pids", "pids.max"), "55", "limit")


@suite.case("X-07", "properties of CRI-O's where there is no systemd are handed on and have no effect")
def properties(lab):
    sent = {"org.systemd.property.DefaultDependencies": "true",
            "org.systemd.property.After": "['crio.service']",
            "org.systemd.property.TimeoutStopUSec": "uint64 10000000"}
    crio = Crio(lab, lab.bundle(SLEEP, annotations=sent)).started()
    equal(crio.state()["annotations"], sent, "annotations in the state")
    crio.silent("delete", "--force", crio.id)


@suite.case("CALL-52 TRAP-35", "--version and features with both streams joined")
def probes(lab):
    crio = Crio(lab, lab.bundle(SLEEP)).started()
    crio.own_root = False
    contains(crio.call("--version", joined=True).ok().out, "brig version ", "version")
    document = json.loads(crio.call("features", joined=True).ok().out)
    for name in ("ociVersionMin", "ociVersionMax"):
        check(document[name], name)
    check("rro" in document["mountOptions"], "mount options")


@suite.case("CALL-53 TRAP-49", "each call under taskset -c 0: the container has all CPUs")
def one_cpu(lab):
    need(shutil.which("taskset"), "no taskset")
    everything = os.sched_getaffinity(0)
    need(len(everything) >= 2 and 0 in everything, "needs two CPUs")
    plain = lab.words
    lab.words = lambda *words, **how: ["taskset", "-c", "0", *plain(*words, **how)]
    show = "grep Cpus_allowed_list /proc/self/status"
    wanted = next(line for line in read("/proc/self/status").splitlines()
                  if line.startswith("Cpus_allowed_list")) + "\n"
    need_controllers("pids")
    crio = Crio(lab, lab.bundle(shell=f"{show}; while :; do sleep 0.01; done"))
    pid = crio.create()
    equal(os.sched_getaffinity(pid), everything, "CPUs of init, created")
    crio.silent("start", crio.id)
    crio.out.wait_for("\n")
    equal(crio.out.text(), wanted, "CPUs of init")
    equal(crio.call("exec", "--process", crio.process_file(["/bin/sh", "-c", show]), crio.id).out,
          wanted, "CPUs of exec")
    path = crio.process_file(["/bin/sleep", "999"])
    crio.spawn("exec", "--process", path, "--detach", "--pid-file", f"{lab.path}/exec.pid",
               crio.id).wait().ok()
    equal(os.sched_getaffinity(int(read(f"{lab.path}/exec.pid"))), everything, "of a detached exec")
    for words in (("pause", crio.id), ("resume", crio.id), ("update", "--pids-limit=50", crio.id),
                  ("kill", crio.id, "0")):
        crio.silent(*words)
    equal(os.sched_getaffinity(pid), everything, "CPUs of init at the end")
    equal(crio.state()["status"], "running", "status")
    crio.silent("delete", "--force", crio.id)


suite.main()
