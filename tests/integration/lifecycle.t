#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# create, start, kill and delete over a container's life: O-01 to O-07, X-02, X-07.
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


# create and state


@suite.case("O-02 X-02", "create leaves a created container whose program has not run")
def created(lab):
    container = lab.create(lab.bundle(shell="echo ran; sleep 1000"))
    state = container.state()
    equal(state["status"], "created", "status")
    check(oracle.processes()[state["pid"]][1] != "Z", "init is alive")
    time.sleep(0.05)
    equal(container.out(), "", "output before start")
    container.start()
    container.wait_out("ran")


@suite.case("O-01", "state has every key that engines read")
def state_keys(lab):
    made = lab.bundle(SLEEP, annotations={"a.b": "c", "quote": "\"\n\\"})
    container = lab.create(made)
    state = container.state()
    for key in ("ociVersion", "id", "status", "pid", "bundle", "rootfs", "created", "annotations"):
        check(key in state, f"key {key} in {state}")
    equal(state["id"], container.id, "id")
    equal(state["bundle"], made.path, "bundle")
    equal(os.path.realpath(state["rootfs"]), os.path.realpath(made.rootfs), "rootfs")
    equal(state["annotations"], {"a.b": "c", "quote": "\"\n\\"}, "annotations")
    date, rest = state["created"].split("T")
    equal(len(date), 10, "RFC 3339 date")
    check(rest.endswith("Z"), "created is UTC")


@suite.case("O-01", "state follows the life: created, running, stopped")
def state_life(lab):
    container = lab.create(lab.bundle(SLEEP))
    equal(container.status(), "created", "after create")
    container.start()
    equal(container.status(), "running", "after start")
    pid = container.pid
    container.kill("KILL").ok()
    container.wait_stopped()
    equal(lab.exit_of(pid), -signal.SIGKILL, "exit seen by the subreaper")
    state = container.state()
    equal(state.get("pid", 0), 0, "pid when stopped")
    container.delete().ok()
    lab.gone(container.id)


@suite.case("O-01 trap-27", "a zombie init counts as stopped")
def zombie(lab):
    lab.reaping = False
    container = lab.start(lab.bundle(["/bin/true"]))
    eventually(lambda: any(state == "Z" and parent == os.getpid()
                           for parent, state, _ in oracle.processes().values()), "zombie init")
    equal(container.status(), "stopped", "status of a zombie")
    container.delete().ok()
    lab.reaping = True


@suite.case("O-01", "state without an id or of an unknown id is an error")
def state_unknown(lab):
    lab.brig("state", "nobody").failed("does not exist")
    check(lab.brig("state").status != 0, "state without id")


@suite.case("O-02", "the id must be unique; the first container is not touched")
def duplicate(lab):
    made = lab.bundle(SLEEP)
    container = lab.create(made)
    pid = container.pid
    lab.brig("create", "--bundle", made.path, container.id).failed("already exist")
    equal((container.status(), container.pid), ("created", pid), "the first one")
    container.start()
    lab.brig("run", "--bundle", made.path, container.id).failed("already exist")
    equal((container.status(), container.pid), ("running", pid), "the first one")


@suite.case("O-05", "an id can be used again after delete")
def reuse(lab):
    made = lab.bundle(SLEEP)
    for _ in range(3):
        container = lab.create(made, identity="again")
        container.delete("--force").ok()
    lab.expect_nothing_left("three lives of one id")


@suite.table("O-02 T-95", "a bad id is refused before anything is touched", {
    "empty": "", "dot": ".", "dot dot": "..", "slash": "a/b", "up": "../x", "newline": "a\nb",
    "blank": "a b", "256 letters": "a" * 256, "1024 letters": "a" * 1024, "UTF-8": "käse",
    "percent": "%n", "star": "*", "colon": "a:b",
})
def bad_id(lab, identity):
    made = lab.bundle(SLEEP).write()
    before = oracle.tree(lab.path, content=False)
    keep = {path for path in before if "/out-" not in path and "/err-" not in path}
    for words in (("create", "--bundle", made.path), ("run", "--bundle", made.path), ("start",),
                  ("state",), ("kill",), ("delete",), ("exec",), ("ps",), ("pause",)):
        tail = ("/bin/true",) if words[0] == "exec" else ()
        result = lab.brig(*words, "--", identity, *tail)
        check(result.status not in (0, None), f"wanted an error of {result}")
    lab.brig("delete", "--force", "--", identity)
    after = {path for path in oracle.tree(lab.path, content=False)
             if "/out-" not in path and "/err-" not in path}
    equal(after, keep, "files below state root and bundle")
    lab.expect_nothing_left("a bad id")


@suite.table("O-02", "a good id is accepted", {
    "letters and digits": "Az09", "signs": "a_b+c-d.e", "one": "x", "long": "a" * 200,
})
def good_id(lab, identity):
    lab.create(lab.bundle(SLEEP), identity=identity).delete().ok()


@suite.case("O-02 B-02", "create without a bundle, config or id fails cleanly")
def no_bundle(lab):
    lab.brig("create", "--bundle", f"{lab.path}/missing", "x").failed("no such file or directory")
    os.mkdir(f"{lab.path}/empty")
    lab.brig("create", "--bundle", f"{lab.path}/empty", "x").failed("config.json")
    check(lab.brig("create", "--bundle", f"{lab.path}/empty").status != 0, "create without id")
    lab.expect_nothing_left("a failed create")


@suite.case("B-01", "the bundle is the working directory unless named; relative ones work")
def bundle_places(lab):
    made = lab.bundle(SLEEP).write()
    lab.containers.append("here")
    lab.brig("create", "here", cwd=made.path).ok()
    equal(lab.state("here")["bundle"], made.path, "absolute bundle of a default")
    lab.containers.append("relative")
    lab.brig("create", "-b", os.path.basename(made.path), "relative",
             cwd=os.path.dirname(made.path)).ok()
    equal(lab.state("relative")["bundle"], made.path, "absolute bundle of a relative one")


@suite.case("B-03", "editing or losing the config after create changes nothing")
def config_frozen(lab):
    made = lab.bundle(shell="echo first; sleep 1000")
    container = lab.create(made)
    write(f"{made.path}/config.json", "{}")
    container.start()
    container.wait_out("first")
    os.unlink(f"{made.path}/config.json")
    container.exec("/bin/true").ok()
    container.kill("KILL").ok()
    container.wait_stopped()
    container.delete().ok()


@suite.case("X-02 X-08 trap-6", "the pid file holds the host's pid, no newline, replaced by rename")
def pid_file(lab):
    path = write(f"{lab.path}/pid", "old")
    old = os.open(path, os.O_RDONLY)
    container = lab.create(lab.bundle(SLEEP), "--pid-file", "pid")
    equal(read(path), str(container.pid), "pid file")
    equal(os.read(old, 10), b"old", "the old file is not written in place")
    os.close(old)
    left = [name for name in os.listdir(lab.path) if "pid" in name and name != "pid"]
    equal(left, [], "temporary files beside the pid file")
    equal(oct(os.stat(path).st_mode & 0o777), "0o644", "mode")


@suite.case("X-08", "a failed create leaves no pid file")
def pid_file_failed(lab):
    made = lab.bundle(["/bin/absent"])
    lab.try_create(made, "--pid-file", "pid").failed("no such file or directory")
    check(not os.path.exists(f"{lab.path}/pid"), "no pid file")
    lab.expect_nothing_left("a failed create")


@suite.case("N-05 X-08", "init is PID 1 inside, another PID outside, a child of the subreaper")
def pid_one(lab):
    container = lab.start(lab.bundle(shell="echo $$; readlink /proc/self/ns/pid; sleep 1000"))
    container.wait_out("pid:")
    first, namespace = container.out().split()
    equal(first, "1", "pid inside")
    pid = container.pid
    check(pid != 1, "pid outside")
    equal(oracle.processes()[pid][0], os.getpid(), "parent of init")
    equal(os.readlink(f"/proc/{pid}/ns/pid"), namespace, "its pid namespace from the host")
    check(os.readlink("/proc/self/ns/pid") != namespace, "is not ours")
    contains(read(f"/proc/{pid}/status"), f"NSpid:\t{pid}\t1", "status on the host")


@suite.case("X-08 trap-1 trap-19", "after create and start no helper is left")
def no_helpers(lab):
    container = lab.create(lab.bundle(SLEEP))
    for step in ("created", "running"):
        others = {pid: entry for pid, entry in oracle.processes().items()
                  if pid not in lab.before.processes and pid != container.pid}
        equal(others, {}, f"processes beside init when {step}")
        if step == "created":
            container.start()


# start


@suite.case("O-03", "start twice is an error and the container runs on")
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


@suite.case("O-03 trap-18", "start returns after execve")
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
    check(deleted.seconds < 5, f"delete took {deleted.seconds} s")
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


@suite.case("O-04", "signal 0 only asks")
def kill_zero(lab):
    container = lab.sleeper()
    container.kill("0").ok()
    equal(container.status(), "running", "status")


@suite.case("O-04 X-03", "kill of a stopped container says so in the words engines match")
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


@suite.case("O-04 N-05 trap-23", "without a pid namespace kill reaches the orphans of a dead init")
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


@suite.case("O-05", "delete refuses a running container, which runs on")
def delete_running(lab):
    container = lab.sleeper()
    container.delete().failed("running", status=1)
    equal(container.status(), "running", "status")


@suite.case("O-05 trap-21", "delete of a created container succeeds, as engines need")
def delete_created(lab):
    container = lab.create(lab.bundle(SLEEP))
    container.delete().ok()
    lab.gone(container.id)
    lab.expect_nothing_left("delete of a created container")


@suite.case("O-05 trap-20", "delete of an unknown id says so; --force is silent")
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


@suite.case("O-05 G-05", "a state folder without state is removed by delete --force")
def delete_stale(lab):
    os.mkdir(f"{lab.root}/stale")
    lab.brig("delete", "--force", "stale").ok()
    check(not os.path.exists(f"{lab.root}/stale"), "folder is gone")
    os.mkdir(f"{lab.root}/stale")
    lab.brig("delete", "stale").failed("does not exist")


@suite.case("O-05 trap-26", "delete works without environment, bundle and working directory")
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


suite.main()
