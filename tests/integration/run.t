#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# list, ps, pause and resume; run with its statuses and signals; what is printed (X-02, X-10, X-12).
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.lab import read, write
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


# list, ps, pause, resume


@suite.case("X-02", "list shows every container as table, JSON and ids")
def listing(lab):
    check(not json.loads(lab.brig("list", "-f", "json").ok().out), "empty list")
    made = lab.bundle(SLEEP)
    one, two = lab.create(made), lab.start(made)
    entries = {entry["id"]: entry
               for entry in json.loads(lab.brig("list", "--format", "json").ok().out)}
    equal(set(entries), {one.id, two.id}, "ids")
    equal(entries[one.id]["status"], "created", "status of the first")
    equal(entries[two.id]["status"], "running", "status of the second")
    equal(entries[two.id]["pid"], two.pid, "pid")
    equal(entries[two.id]["bundle"], made.path, "bundle")
    check("created" in entries[two.id] and "owner" in entries[two.id], "created and owner")
    equal(set(lab.brig("list", "-q").ok().out.split()), {one.id, two.id}, "quiet")
    table = lab.brig("list").ok().out.splitlines()
    equal(table[0].split(), ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"], "header")
    equal(len(table), 3, "lines")
    check(lab.brig("list", "-f", "xml").status != 0, "unknown format")


@suite.case("TRAP-31", "list skips what is not a container")
def list_foreign(lab):
    container = lab.create(lab.bundle(SLEEP))
    os.mkdir(f"{lab.root}/foreign")
    write(f"{lab.root}/file", "")
    write(f"{lab.root}/foreign/state.json", "{")
    equal(lab.brig("list", "-q").ok().out.split(), [container.id], "ids")
    for name in ("foreign/state.json", "file"):
        os.unlink(f"{lab.root}/{name}")
    os.rmdir(f"{lab.root}/foreign")


@suite.case("X-02", "ps gives the host's pids of all processes")
def ps(lab):
    container = lab.start(lab.bundle(shell="sleep 999 & sleep 998 & echo up; wait"))
    container.wait_out("up")
    pids = json.loads(lab.brig("ps", "--format", "json", container.id).ok().out)
    equal(len(pids), 3, "processes")
    check(container.pid in pids, "init among them")
    namespace = os.readlink(f"/proc/{container.pid}/ns/pid")
    for pid in pids:
        equal(os.readlink(f"/proc/{pid}/ns/pid"), namespace, "pid namespace")
    table = lab.brig("ps", container.id).ok().out.split("\n")
    contains(table[0], "PID", "table header")
    lab.brig("ps", "-f", "json", "nobody").failed("does not exist")


@suite.case("X-02 O-04", "pause freezes, resume goes on, and the wrong state is an error")
def pause(lab):
    container = lab.start(lab.bundle(
        shell="i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done"))
    container.wait_out("2")
    lab.brig("pause", container.id).ok()
    equal(container.status(), "paused", "status")
    seen = container.out()
    time.sleep(0.1)
    equal(container.out(), seen, "output while paused")
    lab.brig("pause", container.id).failed("not running")
    lab.brig("resume", container.id).ok()
    equal(container.status(), "running", "status")
    eventually(lambda: container.out() != seen, "output after resume")
    lab.brig("resume", container.id).failed("container not paused")


@suite.case("O-04 O-05", "SIGKILL gets through to a paused container; delete --force too")
def kill_paused(lab):
    first, second = lab.sleeper(), lab.sleeper()
    lab.brig("pause", first.id).ok()
    lab.brig("pause", second.id).ok()
    first.kill("KILL").ok()
    first.wait_stopped()
    second.delete("--force").ok()
    first.delete().ok()
    lab.expect_nothing_left("paused containers")


# run


@suite.table("X-10", "run in the foreground gives the program's status", {
    "0": ("exit 0", 0), "1": ("exit 1", 1), "7": ("exit 7", 7), "126": ("exit 126", 126),
    "255": ("exit 255", 255),
})
def run_status(lab, shell, status):
    equal(lab.run(lab.bundle(shell=shell)).status, status, "exit status")
    lab.expect_nothing_left("run")


@suite.case("X-10", "run gives 137 when PID 1 is killed")
def run_killed(lab):
    # PID 1 of a namespace ends by SIGKILL only, and only from outside.
    call = lab.spawn("run", "--bundle", lab.bundle(SLEEP).write().path, "victim")
    lab.containers.append("victim")
    eventually(lambda: lab.brig("state", "victim").status == 0 and
               lab.state("victim")["status"] == "running", "running")
    os.kill(lab.state("victim")["pid"], signal.SIGKILL)
    equal(call.wait().status, 137, "exit status")


@suite.case("X-10", "run gives 128+N when a program without pid namespace ends by a signal")
def run_signal_hostpid(lab):
    for number in (signal.SIGTERM, signal.SIGSEGV, signal.SIGKILL, signal.SIGUSR1):
        made = lab.bundle(shell=f"kill -{int(number)} $$; sleep 1")
        made.without_namespace("pid")
        equal(lab.run(made).status, 128 + number, f"status for {number!r}")


@suite.case("X-10", "run forwards the signals that it gets")
def run_forwards(lab):
    names = {"HUP": 1, "INT": 2, "QUIT": 3, "USR1": 10, "USR2": 12, "TERM": 15, "CONT": 18}
    traps = "; ".join(f"trap 'echo got {name}' {number}" for name, number in names.items())
    made = lab.bundle(shell=f"{traps}; trap 'exit 9' 37; echo up; while :; do sleep 0.01; done")
    lab.containers.append("fg")
    call = lab.spawn("run", "--bundle", made.write().path, "fg")
    eventually(lambda: "up" in call.out(), "start")
    for name, number in names.items():
        call.signal(number)
        eventually(lambda: f"got {name}" in call.out(), f"forwarded {name}")
    call.signal(37)
    equal(call.wait().status, 9, "exit status")
    lab.expect_nothing_left("run")


@suite.case("X-10 X-12", "a signal at the program's first word is the program's")
def run_forwards_early(lab):
    made = lab.bundle(shell="trap 'exit 7' HUP; echo up; while :; do sleep 0.01; done").write()
    lab.containers.append("early")
    for _ in range(30):
        lab.calls.clear()
        reader, writer = os.pipe()
        call = lab.spawn("run", "--bundle", made.path, "early", stdout=writer)
        os.close(writer)
        equal(os.read(reader, 10), b"up\n", "the first word")
        call.signal(signal.SIGHUP)
        equal(call.wait().status, 7, "exit status")
        os.close(reader)


@suite.case("TRAP-32 X-12", "run --keep leaves state and cgroup until delete")
def run_keep(lab):
    made = lab.bundle(shell="exit 3")
    made.set("linux.cgroupsPath", "/kept")
    result = lab.run(made, "--keep", identity="kept")
    equal(result.status, 3, "exit status")
    equal(lab.state("kept")["status"], "stopped", "status")
    check(os.path.isdir(f"{oracle.CGROUPS}/memory/kept") or
          os.path.isdir(f"{oracle.CGROUPS}/kept"), "the cgroup is there")
    lab.brig("delete", "kept").ok()
    lab.expect_nothing_left("run --keep and delete")


@suite.case("X-10", "run --detach returns with a running container")
def run_detached(lab):
    lab.containers.append("bg")
    outs = lab.outs()
    lab.brig("run", "-d", "--pid-file", "pid", "--bundle",
             lab.bundle(shell="echo up; exec sleep 1000").write().path, "bg", outs=outs).ok()
    equal(lab.state("bg")["status"], "running", "status")
    equal(read(f"{lab.path}/pid"), str(lab.state("bg")["pid"]), "pid file")
    eventually(lambda: "up" in read(outs[0]), "output")


@suite.case("X-12", "run reaps the orphans of a container without pid namespace")
def run_orphans(lab):
    made = lab.bundle(shell="setsid sleep 500 & setsid sleep 501 & exit 4")
    made.without_namespace("pid")
    equal(lab.run(made).status, 4, "exit status")
    lab.expect_nothing_left("run with orphans")


# output and errors


@suite.case("TRAP-35 4.4", "every verb is silent on success")
def silent(lab):
    container = lab.create(lab.bundle(SLEEP))
    silent_verbs = (("start",), ("pause",), ("resume",), ("kill", "0"), ("kill", "KILL"))
    for verb, *tail in silent_verbs:
        result = lab.brig(verb, container.id, *tail).ok()
        equal((result.out, result.err), ("", ""), f"output of {verb}")
    container.wait_stopped()
    result = container.delete().ok()
    equal((result.out, result.err), ("", ""), "output of delete")
    equal((container.out(), container.err()), ("", ""), "output of create")


@suite.case("4.2 X-01", "the log gets one JSON object per error, appended, and stderr the text")
def json_log(lab):
    log = f"{lab.path}/log.json"
    for _ in range(2):
        result = lab.brig("start", "nobody", globals_=("--log", log, "--log-format", "json"))
        result.failed("container does not exist")
    lines = [json.loads(line) for line in read(log).splitlines()]
    equal(len(lines), 2, "entries")
    for entry in lines:
        equal(entry["level"], "error", "level")
        contains(entry["msg"], "container does not exist", "msg")
        check("T" in entry["time"], "RFC 3339 time")
    lab.brig("start", "nobody", globals_=("--log=/nowhere/at/all", "--log-format=json")
             ).failed("container does not exist")


@suite.case("TRAP-05 4.5", "an error is one write to stderr")
def one_write(lab):
    reader, writer = os.pipe()
    call = lab.spawn("create", "--bundle", lab.bundle(["/bin/absent"]).write().path, "x",
                     stderr=writer)
    os.close(writer)
    first = os.read(reader, 8191).decode()
    contains(first, "no such file or directory", "the first read")
    equal(os.read(reader, 8191), b"", "what comes after the first read")
    os.close(reader)
    call.wait()


suite.main()
