#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# start, kill and delete, alone and side by side: O-03 to O-07, X-03.
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.lab import read, write
from harness.tap import Suite, check, equal, eventually, patient

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


# start


@suite.case("O-03 O-06 LC-06", "start twice is an error and the container runs on")
def start_twice(lab):
    container = lab.sleeper()
    lab.brig("start", container.id).failed("cannot start an already running container")
    equal(container.status(), "running", "status")


@suite.case("O-03 T-91", "start of a stopped container is an error")
def start_stopped(lab):
    container = lab.start(lab.bundle(["/bin/true"]))
    container.wait_stopped()
    lab.brig("start", container.id).failed("cannot start a container that has stopped")
    killed = lab.create(lab.bundle(SLEEP))
    killed.kill("KILL").ok()
    killed.wait_stopped()
    lab.brig("start", killed.id, timeout=5).failed("stopped")


@suite.case("O-03", "start of an unknown id is an error")
def start_unknown(lab):
    lab.brig("start", "nobody").failed("container does not exist")


@suite.case("O-03 LC-06 LC-08 TRAP-18", "start returns after execve")
def start_after_exec(lab):
    for _ in range(10):
        container = lab.create(lab.bundle(SLEEP))
        pid = container.pid
        container.start()
        equal(read(f"/proc/{pid}/comm"), "sleep\n", "comm right after start")
        container.delete("--force").ok()


@suite.case("C-04", "create without process is accepted, start refuses it")
def no_process(lab):
    made = lab.bundle()
    del made.config["process"]
    container = lab.create(made)
    equal(container.status(), "created", "status")
    lab.brig("start", container.id).failed("process")
    equal(container.status(), "created", "status after the refused start")
    container.delete().ok()


@suite.case("O-03 X-02", "a created container that is paused starts after it was resumed")
def start_paused(lab):
    container = lab.create(lab.bundle(SLEEP))
    lab.brig("pause", container.id).ok()
    lab.brig("start", container.id).failed("cannot start a container in the paused state")
    lab.brig("resume", container.id).ok()
    container.start()
    equal(container.status(), "running", "status")


@suite.case("C-04", "run without process is refused, and nothing is left")
def run_no_process(lab):
    made = lab.bundle()
    del made.config["process"]
    lab.run(made).failed("process", status=1)
    lab.expect_nothing_left("a run without process")


def hanging_start(lab):
    """A container whose startContainer hook does not end, and the start that waits for it."""
    made = lab.bundle(SLEEP)
    made.config["hooks"] = {"startContainer": [{"path": "/bin/sleep", "args": ["sleep", "100"]}]}
    container = lab.create(made)
    call = lab.spawn("start", container.id)
    eventually(lambda: container.status() == "running", "the start has let init go")
    return container, call


@suite.case("O-03 O-05", "a start that is killed leaves a running container, not a created one")
def start_killed(lab):
    container, call = hanging_start(lab)
    call.process.kill()
    call.process.wait()
    equal(container.status(), "running", "status")
    container.delete().failed("that is not stopped: running")
    lab.brig("start", container.id).failed("cannot start an already running container")


@suite.case("O-03 O-05", "delete --force does not wait for a start that hangs")
def delete_during_start(lab):
    container, call = hanging_start(lab)
    deleted = container.delete("--force").ok()
    check(deleted.seconds < patient(5), f"delete took {deleted.seconds} s")
    call.wait()
    lab.gone(container.id)


@suite.case("O-03 T-87", "of many starts at once exactly one wins")
def start_race(lab):
    container = lab.create(lab.bundle(SLEEP))
    calls = [lab.spawn("start", container.id) for _ in range(8)]
    statuses = [call.wait().status for call in calls]
    equal(statuses.count(0), 1, f"winners of {statuses}")
    equal(container.status(), "running", "status")


# kill


@suite.table("O-04", "kill knows the signal", {
    "number": ("15", signal.SIGTERM), "TERM": ("TERM", signal.SIGTERM),
    "SIGTERM": ("SIGTERM", signal.SIGTERM), "sigterm": ("sigterm", signal.SIGTERM),
    "usr1": ("usr1", signal.SIGUSR1), "default": (None, signal.SIGTERM),
    "SIGRTMIN+3": ("SIGRTMIN+3", 37), "37": ("37", 37), "RTMIN+3": ("RTMIN+3", 37),
    "SIGRTMAX-1": ("SIGRTMAX-1", 63), "HUP": ("HUP", signal.SIGHUP),
})
def kill_names(lab, name, number):
    traps = "; ".join(f"trap 'echo got {n}; exit 0' {n}" for n in (1, 10, 15, 37, 63))
    container = lab.start(lab.bundle(shell=f"{traps}; echo ready; while :; do sleep 0.01; done"))
    container.wait_out("ready")
    container.kill(*([name] if name else [])).ok()
    container.wait_out(f"got {int(number)}")


@suite.table("O-04", "kill refuses what is no signal", {
    "name": "SIGFOO", "65": "65", "negative": "-1", "blank": "", "hex": "0x9",
    "huge": "99999999999",
    "number and letters": "9x",
})
def kill_unknown(lab, name):
    container = lab.sleeper()
    check(lab.brig("kill", "--", container.id, name).status != 0, "kill with a bad signal")
    equal(container.status(), "running", "status")


SIGNALS = {name.name[3:]: int(name) for name in signal.Signals
           if not name.name.startswith("SIGRT")
           and name.name not in ("SIGKILL", "SIGSTOP", "SIGCHLD")}  # CHLD: the shell has its own
REAL_TIME = {"RTMIN": 34, "RTMIN+1": 35, "RTMIN+15": 49, "RTMIN+30": 64, "RTMAX": 64,
             "RTMAX-1": 63, "RTMAX-30": 34}


@suite.table("O-04", "every signal, in each of its forms", {
    "NAME": lambda name, number: name, "SIGNAME": lambda name, number: f"SIG{name}",
    "signame": lambda name, number: f"sig{name}".lower(), "Name": lambda name, number: name.title(),
    "number": lambda name, number: str(number)})
def kill_every(lab, form):
    names = SIGNALS | REAL_TIME
    traps = "; ".join(f"trap 'echo got {n}.' {n}" for n in sorted(set(names.values())))
    container = lab.start(lab.bundle(shell=f"{traps}; echo ready; while :; do sleep 0.01; done"))
    container.wait_out("ready")
    for name, number in names.items():
        lab.calls.clear()
        before = container.out()
        container.kill(form(name, number)).ok()
        eventually(lambda: container.out() != before, f"signal {name}")
        equal(container.out()[len(before):], f"got {number}.\n", f"what {name} is")


@suite.table("O-04", "the two that no program can catch", {
    "STOP": ("STOP", "T"), "19": ("19", "T"), "SIGKILL": ("SIGKILL", None), "9": ("9", None)})
def kill_uncatchable(lab, name, state):
    container = lab.sleeper()
    pid = container.pid
    container.kill(name).ok()
    if state:
        eventually(lambda: oracle.processes()[pid][1] == state, "state of the process")
        equal(container.status(), "running", "a stopped process is no stopped container")
        container.kill("CONT").ok()
        eventually(lambda: oracle.processes()[pid][1] == "S", "it goes on")
    else:
        container.wait_stopped()
        equal(lab.exit_of(pid), -signal.SIGKILL, "exit")


@suite.case("O-04 O-06 X-03", "kill without effect: of a stopped container that left a process")
def kill_nothing(lab):
    made = lab.bundle(shell="setsid sleep 1000 & sleep 0.05")
    made.without_namespace("pid")
    container = lab.start(made)
    container.wait_stopped()
    left = json.loads(lab.brig("ps", "--format", "json", container.id).ok().out)
    for name in ("KILL", "TERM", "0"):
        container.kill(name).failed("container not running", status=1)
    equal(json.loads(lab.brig("ps", "--format", "json", container.id).ok().out), left,
          "what it left")


def pending(pid, number):
    """Whether a signal was sent to the process and not taken yet."""
    mask = read(f"/proc/{pid}/status").split("ShdPnd:")[1].split()[0]
    return bool(int(mask, 16) >> (number - 1) & 1)


@suite.case("O-04", "a signal for a paused container waits until it is resumed, SIGKILL does not")
def kill_paused(lab):
    container = lab.start(lab.bundle(
        shell="trap 'echo got; exit 3' TERM; echo up; while :; do sleep 0.01; done"))
    container.wait_out("up")
    pid = container.pid
    lab.brig("pause", container.id).ok()
    container.kill("TERM").ok()
    equal((container.status(), "got" in container.out()), ("paused", False), "while paused")
    check(pending(pid, signal.SIGTERM), "the program has not taken the signal yet")
    lab.brig("resume", container.id).ok()
    container.wait_out("got")
    container.wait_stopped()


@suite.case("O-04", "kill without an id, and of one that does not exist")
def kill_no_id(lab):
    lab.brig("kill").failed("missing operand", status=1)
    lab.brig("kill", "--all", "nobody", "KILL").failed("container does not exist", status=1)
    lab.brig("kill", "nobody", "NOSIG").failed("unknown signal", status=1)


@suite.case("O-04", "signal 0 only asks")
def kill_zero(lab):
    container = lab.sleeper()
    container.kill("0").ok()
    equal(container.status(), "running", "status")


@suite.case("TRAP-22 O-04 X-03", "kill of a stopped container says so in the words engines match")
def kill_stopped(lab):
    container = lab.start(lab.bundle(["/bin/true"]))
    container.wait_stopped()
    container.kill("TERM").failed("container not running", status=1)
    lab.brig("kill", "nobody", "TERM").failed("container does not exist", status=1)


@suite.case("O-04", "a created container can be killed")
def kill_created(lab):
    container = lab.create(lab.bundle(SLEEP))
    container.kill("KILL").ok()
    container.wait_stopped()
    container.delete().ok()


@suite.case("O-04", "a created container also ends by SIGTERM")
def term_created(lab):
    container = lab.create(lab.bundle(SLEEP))
    container.kill("TERM").ok()
    container.wait_stopped()


@suite.case("O-04 X-02", "kill --all reaches every process of the container")
def kill_all(lab):
    shell = "for i in 1 2 3; do setsid sh -c 'trap \"echo bye; exit\" TERM; echo up; " \
            "while :; do sleep 0.01; done' & done; trap '' TERM; while :; do sleep 0.05; done"
    container = lab.start(lab.bundle(shell=shell))
    eventually(lambda: container.out().count("up") == 3, "three children")
    lab.brig("kill", "--all", container.id, "TERM").ok()
    eventually(lambda: container.out().count("bye") == 3, "three farewells")
    equal(container.status(), "running", "init ignores TERM")


@suite.case("O-04 N-05 TRAP-23", "without a pid namespace kill reaches the orphans of a dead init")
def kill_orphans(lab):
    made = lab.bundle(shell="setsid sleep 1000 & sleep 0.1")
    made.without_namespace("pid")
    container = lab.start(made)
    container.wait_stopped()
    left = json.loads(lab.brig("ps", "--format", "json", container.id).ok().out)
    equal(len(left), 1, "orphans")
    lab.brig("kill", "--all", container.id, "KILL").ok()
    eventually(lambda: lab.reap() or left[0] not in oracle.processes(), "end of the orphan")
    container.delete().ok()


# delete


@suite.table("O-05 O-06 LC-11", "delete refuses a container that is not stopped, which lives on", {
    "running": "running", "paused": "paused"})
def delete_running(lab, status):
    container = lab.sleeper()
    if status == "paused":
        lab.brig("pause", container.id).ok()
    before = container.state()
    container.delete().failed(f"cannot delete container {container.id} that is not stopped: "
                              f"{status}", status=1)
    equal(container.state(), before, "state")


@suite.case("O-05 DEC-12 TRAP-21", "delete of a created container succeeds, as engines need")
def delete_created(lab):
    container = lab.create(lab.bundle(SLEEP))
    container.delete().ok()
    lab.gone(container.id)
    lab.expect_nothing_left("delete of a created container")


@suite.case("O-05 TRAP-20", "delete of an unknown id says so; --force is silent")
def delete_unknown(lab):
    lab.brig("delete", "nobody").failed("container does not exist", status=1)
    result = lab.brig("delete", "--force", "nobody").ok()
    equal((result.out, result.err), ("", ""), "output")


@suite.case("O-05", "delete --force ends a running container and its children, twice is fine")
def delete_force(lab):
    container = lab.start(lab.bundle(shell="sleep 999 & setsid sleep 998 & sleep 1000"))
    container.delete("--force").ok()
    lab.expect_nothing_left("delete --force")
    container.delete("--force").ok()


@suite.case("O-05 T-65", "delete --force ends a fork bomb without a pid namespace")
def delete_bomb(lab):
    made = lab.bundle(shell="f() { setsid sh -c 'sleep 300 & sleep 300' & }; "
                            "for i in 1 2 3 4 5 6 7 8; do f; done; echo up; sleep 300")
    made.without_namespace("pid")
    container = lab.start(made)
    container.wait_out("up")
    container.delete("--force").ok()
    lab.expect_nothing_left("delete --force of a bomb")


@suite.case("O-05 LC-12", "delete removes what create made and nothing else")
def delete_only_own(lab):
    other = lab.sleeper()
    os.mkdir(f"{lab.path}/volume")
    write(f"{lab.path}/volume/file", "kept")
    made = lab.bundle(SLEEP)
    os.makedirs(made.inside("/volume"))
    made.mount("/volume", "bind", f"{lab.path}/volume", ["bind"])
    made.namespace("network", f"/proc/{other.pid}/ns/net")
    made.set("linux.cgroupsPath", "/one")
    before, groups = oracle.tree(made.write().path), oracle.cgroups()
    volume = oracle.tree(f"{lab.path}/volume")
    container = lab.start(made, "--pid-file", f"{lab.path}/pid")
    pid = container.pid
    check(oracle.cgroups() - groups, "it has a cgroup")
    container.kill("KILL").ok()
    container.wait_stopped()
    container.delete().ok()
    equal(oracle.cgroups() - groups, set(), "cgroups left")
    check(not os.path.exists(f"/proc/{pid}"), "the process is gone")
    equal(os.listdir(lab.root), [other.id], "state folders")
    equal(oracle.tree(f"{lab.path}/volume"), volume, "the volume")
    after = oracle.tree(made.path)
    equal({name: after.get(name) for name in before if "/rootfs" not in name},
          {name: entry for name, entry in before.items() if "/rootfs" not in name}, "the bundle")
    equal(set(before) - set(after), set(), "what is missing in the image")
    equal(read(f"{lab.path}/pid"), str(pid), "the pid file is the caller's")
    equal(other.status(), "running", "the other container")
    other.exec("/bin/true").ok()


@suite.case("O-05 G-05", "a state folder without state is removed by delete --force")
def delete_stale(lab):
    os.mkdir(f"{lab.root}/stale")
    lab.brig("delete", "--force", "stale").ok()
    check(not os.path.exists(f"{lab.root}/stale"), "folder is gone")
    os.mkdir(f"{lab.root}/stale")
    lab.brig("delete", "stale").failed("does not exist")


@suite.case("O-05 TRAP-26", "delete works without environment, bundle and working directory")
def delete_bare(lab):
    made = lab.bundle(SLEEP)
    container = lab.start(made)
    container.kill("KILL").ok()
    container.wait_stopped()
    os.rename(made.path, f"{made.path}-gone")
    os.mkdir(f"{lab.path}/lost")
    call = lab.spawn("delete", container.id, env={}, cwd=f"{lab.path}/lost",
                     preexec_fn=lambda: os.rmdir(f"{lab.path}/lost"))
    call.wait().ok()
    lab.gone(container.id)


# side by side


def creating(lab, seconds="1"):
    """A create that takes its time in a hook."""
    made = lab.bundle(SLEEP)
    made.config["hooks"] = {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", seconds]}]}
    lab.containers.append("slow")
    call = lab.spawn("create", "--bundle", made.write().path, "slow")
    eventually(lambda: any(name == "sleep" for _, _, name in oracle.processes().values()), "hook")
    return made, call


@suite.table("O-03 O-04 O-05 O-06", "while a container is being made it is refused at once", {
    "start": (("start",), (), "being created"),
    "kill": (("kill",), ("KILL",), "container not running"),
    "delete": (("delete",), (), "that is not stopped: creating"),
    "exec": (("exec",), ("/bin/true",), "being created"),
    "pause": (("pause",), (), "being created"),
    "resume": (("resume",), (), "being created"),
    "create": (None, (), "already exists"),
})
def during_create(lab, words, tail, reason):
    made, call = creating(lab)
    words = words or ("create", "--bundle", made.path)
    result = lab.brig(*words, "slow", *tail).failed(reason)
    check(result.seconds < patient(0.5), f"it took {result.seconds} s")
    call.wait().ok()
    equal(lab.state("slow")["status"], "created", "the container is made all the same")
    lab.brig("start", "slow").ok()


@suite.case("O-02 O-06", "of two creates of one id at once one makes it, the other has no effect")
def two_creates(lab):
    made, first = creating(lab)
    other = lab.bundle(SLEEP)
    groups = oracle.cgroups()
    lab.brig("create", "--bundle", other.write().path, "--pid-file", "pid", "slow").failed(
        "container with given ID already exists", status=1)
    check(not os.path.exists(f"{lab.path}/pid"), "no pid file of the second")
    equal(oracle.cgroups(), groups, "cgroups")
    first.wait().ok()
    equal(lab.state("slow")["bundle"], made.path, "bundle")


@suite.case("O-06", "a create and a delete --force that meet leave nothing or a whole container")
def create_and_delete(lab):
    made = lab.bundle(SLEEP).write()
    lab.containers.append("met")
    kinds = set()
    for round_ in range(40):
        lab.calls.clear()
        create = lab.spawn("create", "--bundle", made.path, "met")
        time.sleep(round_ * 0.0003)
        lab.brig("delete", "--force", "met").ok()
        result = create.wait()
        kinds.add(result.status)
        if result.status == 0 and os.path.isdir(f"{lab.root}/met"):
            equal(lab.state("met")["status"], "created", "status")
        elif result.status != 0:
            result.failed("create met", status=1)
        lab.brig("delete", "--force", "met").ok()
        lab.expect_nothing_left("a meeting")
    return f"exit statuses of create: {sorted(kinds)}"


@suite.case("O-06 X-12", "a container of a foreground run can be paused and deleted by others")
def beside_run(lab):
    made = lab.bundle(SLEEP)
    lab.containers.append("fg")
    call = lab.spawn("run", "--bundle", made.write().path, "fg")
    eventually(lambda: lab.brig("state", "fg").status == 0 and
               lab.state("fg")["status"] == "running", "running")
    lab.brig("pause", "fg").ok()
    equal(lab.state("fg")["status"], "paused", "status")
    lab.brig("resume", "fg").ok()
    lab.brig("delete", "fg").failed("that is not stopped: running")
    check(lab.brig("delete", "--force", "fg").ok().seconds < patient(1), "delete is prompt")
    equal(call.wait().status, 137, "exit status of run")
    lab.gone("fg")
    lab.expect_nothing_left("delete --force beside run")


@suite.case("O-07 R-37", "a stranger with the creator's pid is not touched by delete --force")
def stranger_creator(lab):
    _, call = creating(lab, "60")
    call.signal(signal.SIGKILL)
    call.process.wait()
    write("/proc/sys/kernel/ns_last_pid", str(call.pid - 1))
    stranger = lab.popen(["sleep", "300"])
    equal(stranger.pid, call.pid, "the pid is used again")
    lab.brig("delete", "--force", "slow").ok()
    check(stranger.process.poll() is None, "the stranger lives")
    lab.gone("slow")


@suite.case("O-06 H-06", "of two delete --force at once one waits for the other's poststop hooks")
def two_deletes(lab):
    made = lab.bundle(SLEEP)
    mark = f"{lab.path}/mark"
    made.config["hooks"] = {"poststop": [{"path": "/bin/sh", "args": [
        "sh", "-c", f"echo begin >> {mark}; sleep 0.7; echo end >> {mark}"]}]}
    for _ in range(3):
        write(mark, "")
        container = lab.start(made)
        calls = [lab.spawn("delete", "--force", container.id) for _ in range(2)]
        equal([call.wait().status for call in calls], [0, 0], "exit statuses")
        equal(read(mark), "begin\nend\n", "the hook ran once, to its end")
        lab.gone(container.id)


suite.main()
