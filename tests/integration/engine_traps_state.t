#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Traps that engines set a runtime, second part: state, pid files, lifetime and cgroups (TRAP-06,
# TRAP-24 to TRAP-34, TRAP-58, TRAP-60).
import contextlib
import ctypes
import json
import os
import shutil
import signal
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle, sandbox
from harness.cgroups import (V1, folder, groups_of, in_group, need_controllers, need_v1, place_without,
                             room_on_v2, see_only_v2, top_of, unified, value)
from harness.lab import need, read, write
from harness.tap import Suite, check, contains, equal, eventually, patient

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
MIB = 1 << 20


# What later calls know


def lose_all(made):
    """Takes everything away that create was told, and gives how later calls are made."""
    os.rename(made.path, f"{made.path}-gone")
    return {"env": {}, "cwd": "/"}


@suite.case("TRAP-24", "after create no call needs the bundle, the folder, the driver or a variable")
def later_calls(lab):
    need_controllers("pids")
    made = lab.bundle(SLEEP, linux__resources={"pids": {"limit": 50}})
    container = lab.create(made, globals_=("--cgroup-manager", "cgroupfs"),
                           env={"PATH": "/bin", "HOME": "/root", "XDG_RUNTIME_DIR": "/run"})
    bare = lose_all(made)
    lab.brig("start", container.id, **bare).ok()
    lab.brig("exec", "-d", "--pid-file", f"{lab.path}/pid", container.id, *SLEEP, **bare).ok()
    pid = int(read(f"{lab.path}/pid"))
    equal(groups_of(pid), groups_of(container.pid), "exec's cgroups")
    lab.brig("update", "--pids-limit", "40", container.id, **bare).ok()
    equal(value(container, "pids", "pids.max"), "40", "pids.max")
    for verb, status in (("pause", "paused"), ("resume", "running")):
        lab.brig(verb, container.id, **bare).ok()
        equal(json.loads(lab.brig("state", container.id, **bare).ok().out)["status"], status, verb)
    equal(len(json.loads(lab.brig("ps", "-f", "json", container.id, **bare).ok().out)), 2, "ps")
    lab.brig("events", "--stats", container.id, **bare).ok()
    lab.brig("kill", container.id, "9", **bare).ok()
    container.wait_stopped()
    lab.brig("delete", container.id, **bare).ok()
    lab.expect_nothing_left("delete")


@suite.case("TRAP-24", "a container without cgroups stays one, though later calls do not say so")
def later_calls_disabled(lab):
    made = lab.bundle(SLEEP)
    groups = oracle.cgroups()
    container = lab.create(made, globals_=("--cgroup-manager=disabled",))
    bare = lose_all(made)
    lab.brig("start", container.id, **bare).ok()
    lab.brig("exec", container.id, "/bin/true", **bare).ok()
    lab.brig("pause", container.id, **bare).failed("cgroup")
    equal(groups_of(container.pid), groups_of("self"), "its cgroups are the caller's")
    lab.brig("kill", container.id, "9", **bare).ok()
    container.wait_stopped()
    lab.brig("delete", container.id, **bare).ok()
    equal(oracle.cgroups(), groups, "cgroups")


@suite.case("TRAP-26", "podman's two environments, one with an empty XDG_RUNTIME_DIR, are one root")
def environments(lab):
    made = lab.bundle(SLEEP).write()
    conmon = {"PATH": "/usr/bin:/bin", "HOME": "/root", "USER": "somebody", "TMPDIR": "/nowhere",
              "XDG_RUNTIME_DIR": ""}
    direct = {"XDG_RUNTIME_DIR": ""}
    how = {"root": False}
    lab.brig("create", "--bundle", made.path, "shared", env=conmon, **how).ok()
    try:
        check(os.path.isdir("/run/brig/shared"), "the default root")
        for words in (("start", "shared"), ("pause", "shared"), ("resume", "shared"),
                      ("exec", "shared", "/bin/true"), ("kill", "shared", "9")):
            lab.brig(*words, env=direct, **how).ok()
    finally:
        lab.brig("delete", "--force", "shared", env=direct, **how).ok()
    check(not os.path.exists("/run/brig/shared"), "state is left")


@suite.case("TRAP-29", "state never fails nor tells nonsense while the container lives its life")
def always_state(lab):
    container = lab.create(lab.bundle(SLEEP))
    words = lab.words()
    script = ('set -e; "$0" --root "$1" start $2; for i in 1 2 3; do "$0" --root "$1" pause $2; sleep 0.2; '
              '"$0" --root "$1" resume $2; "$0" --root "$1" update --pids-limit $((40 + i)) $2; '
              '"$0" --root "$1" exec $2 /bin/true; done; "$0" --root "$1" kill $2 9; exit 5')
    equal(container.status(), "created", "status")
    life = lab.popen(["sh", "-c", script, words[0], lab.root, container.id])
    seen = ["created"]  # as create left it
    while life.process.poll() is None or "stopped" not in seen:
        lab.calls.clear()
        result = lab.brig("state", container.id).ok()
        equal(result.err, "", "standard error")
        status = json.loads(result.out)["status"]
        if not seen or seen[-1] != status:
            seen.append(status)
        check(len(seen) < 100, f"statuses {seen}")
    equal(life.wait().status, 5, "the life")
    check(set(seen) <= {"created", "running", "paused", "stopped"}, f"statuses {seen}")
    check("paused" in seen, f"it was seen paused: {seen}")
    return f"{seen}"


@suite.case("TRAP-29", "who asks while create is under way gets a whole answer, or that there is none")
def state_during_create(lab):
    made = lab.bundle(SLEEP).write()
    seen = set()
    lab.containers.append("young")
    for _ in range(10):
        lab.calls.clear()
        create = lab.spawn("create", "--bundle", made.path, "young")
        while create.process.poll() is None:
            result = lab.brig("state", "young")
            if result.status != 0:
                equal((result.status, result.err), (1, "brig: state young: container does not exist\n"),
                      "the only failure")
            else:
                state = json.loads(result.out)
                seen.add(state["status"])
                check(state["id"] == "young" and (state["pid"] > 0) == (state["status"] == "created"),
                      f"{state}")
        create.wait().ok()
        equal(lab.state("young")["status"], "created", "status")
        lab.brig("delete", "young").ok()
    check(seen <= {"creating", "created"}, f"statuses {seen}")
    return f"{sorted(seen)}"


@suite.case("TRAP-29", "a cgroup that others removed is no reason for state to fail")
def state_without_cgroup(lab):
    container = lab.sleeper()
    places = {folder(container, controller) for controller in groups_of(container.pid)
              if controller in V1 or not V1}
    container.kill("9").ok()
    container.wait_stopped()
    for place in places:
        eventually(lambda place=place: not os.path.isdir(place) or not os.rmdir(place), "rmdir")
    equal(container.status(), "stopped", "status")
    container.delete().ok()


# The pid file


class FolderEvents:
    """What happens to the names of a folder, by inotify(7)."""

    KINDS = {0x2: "modify", 0x8: "close-write", 0x80: "moved-to", 0x100: "create"}

    def __init__(self, folder):
        self.descriptor = sandbox.libc.inotify_init1(os.O_NONBLOCK)
        sandbox.libc.inotify_add_watch(self.descriptor, ctypes.c_char_p(folder.encode()),
                                       ctypes.c_uint32(sum(self.KINDS)))

    def since(self):
        """{name: what happened}, without names that begin with a dot."""
        data = b""
        while True:
            try:
                data += os.read(self.descriptor, 65536)
            except BlockingIOError:
                break
        found = {}
        while data:
            _, mask, _, length = struct.unpack("iIII", data[:16])
            name = data[16:16 + length].rstrip(b"\0").decode()
            if not name.startswith("."):
                found.setdefault(name, []).append(self.KINDS[mask & 0xfff])
            data = data[16 + length:]
        return found


@suite.case("TRAP-06", "the pid file appears whole, by a rename, in create, run and exec")
def pid_file_events(lab):
    os.mkdir(f"{lab.path}/pids")
    events = FolderEvents(f"{lab.path}/pids")
    made = lab.bundle(SLEEP)
    container = lab.start(made, "--pid-file", f"{lab.path}/pids/init")
    container.exec(*SLEEP, options=("-d", "--pid-file", f"{lab.path}/pids/exec")).ok()
    lab.containers.append("other")
    lab.brig("run", "-d", "--pid-file", f"{lab.path}/pids/run", "--bundle", made.path, "other").ok()
    seen = events.since()
    equal(seen, {name: ["moved-to"] for name in ("init", "exec", "run")}, "what happened")
    listed = json.loads(lab.brig("ps", "-f", "json", container.id).ok().out)
    equal(sorted(int(read(f"{lab.path}/pids/{name}")) for name in ("init", "exec")),
          sorted(listed), "pids")
    equal(read(f"{lab.path}/pids/run"), str(lab.state("other")["pid"]), "pid of run")
    os.close(events.descriptor)


# The end


@suite.case("TRAP-30", "a cgroup that is busy for a moment is removed all the same")
def busy(lab):
    need(shutil.which("strace"), "no strace")
    container = lab.sleeper()
    container.kill("9").ok()
    container.wait_stopped()
    log = f"{lab.path}/trace"
    lab.popen(["strace", "-f", "-o", log, "-e", "trace=rmdir", "-e",
               "inject=rmdir:error=EBUSY:when=1..30", *lab.words("delete", container.id)]
              ).wait(20).ok()
    check(read(log).count("INJECTED") == 30, "the kernel said busy")
    lab.expect_nothing_left("delete")


@suite.case("TRAP-30", "a pod's container that left processes behind starts again with the same id")
def again(lab):
    made = lab.bundle(shell="for i in 1 2 3 4 5; do setsid sleep 1000 & done; exit 3")
    made.without_namespace("pid")
    made.set("linux.cgroupsPath", "/again")
    for _ in range(5):
        container = lab.start(made, identity="again")
        container.wait_stopped()
        container.delete("--force").ok()
        lab.expect_nothing_left("delete --force")


@suite.case("TRAP-31", "runc's container in the same root is neither listed nor touched")
def foreign(lab):
    runc = shutil.which("runc")
    need(runc, "no runc")
    other = lab.bundle(SLEEP)
    other.config["ociVersion"] = "1.0.2"
    beside = [runc, "--root", lab.root]
    lab.popen([*beside, "run", "-d", "--bundle", other.write().path, "theirs"]).wait().ok()
    try:
        own = lab.sleeper()
        equal(lab.brig("list", "-q").ok().out.split(), [own.id], "ids")
        for words in (("state",), ("kill",), ("delete",), ("start",)):
            lab.brig(*words, "theirs").failed("container does not exist", status=1)
        result = lab.brig("delete", "--force", "theirs")
        check(os.path.exists(f"{lab.root}/theirs/state.json"), f"its state is there: {result}")
        own.delete("--force").ok()
        shown = json.loads(lab.popen([*beside, "state", "theirs"]).wait().ok().out)
        equal(shown["status"], "running", "its status")
    finally:
        lab.popen([*beside, "delete", "--force", "theirs"]).wait().ok()


@suite.case("TRAP-32", "run --keep: why it ended and what it used can be read until delete")
def keep(lab):
    need_controllers("memory")
    made = lab.bundle(shell="a=x; while :; do a=$a$a; done", linux__cgroupsPath="/kept",
                      linux__resources={"memory": {"limit": 16 * MIB, "swap": 16 * MIB}})
    equal(lab.run(made, "--keep", identity="kept").status, 137, "exit status")
    place = f"{top_of('memory')}/kept"
    contains(in_group(place, "memory.oom_control"), "oom_kill 1", "the kill")
    check(int(in_group(place, "memory.max_usage_in_bytes")) > 15 * MIB, "the usage")
    lab.brig("delete", "kept").ok()
    check(not os.path.exists(place), "the cgroup is gone")


# Side by side


@suite.case("TRAP-34", "an exec that hangs holds up neither kill nor ps, state, pause and delete")
def hanging_exec(lab):
    container = lab.sleeper()
    foreground = lab.spawn("exec", container.id, "/bin/sh", "-c", "echo up; exec sleep 1000")
    eventually(lambda: "up" in foreground.out(), "the foreground exec")
    lab.brig("pause", container.id).ok()
    frozen = lab.spawn("exec", "--ignore-paused", container.id, "/bin/true")
    time.sleep(0.05)
    check(frozen.process.poll() is None, "exec waits in the frozen container")
    for words in (("ps", "-f", "json"), ("state",), ("update", "--pids-limit", "60"), ("kill",)):
        result = lab.brig(*words, container.id, *(["9"] if words == ("kill",) else [])).ok()
        check(result.seconds < patient(5), f"{words} took {result.seconds} s")
    container.wait_stopped()
    equal(foreground.wait().status, 137, "the foreground exec")
    check(frozen.wait().status in (0, 137, 255), "the frozen one ends, too")
    check(container.delete().ok().seconds < patient(5), "delete")


@suite.case("TRAP-60", "SIGTERM in the middle of create ends it, and the id is free at once")
def terminated(lab):
    made = lab.bundle(SLEEP)
    made.config["hooks"] = {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "60"]}]}
    lab.containers.append("half")
    call = lab.spawn("create", "--bundle", made.write().path, "--pid-file", "pid", "half")
    eventually(lambda: any(name == "sleep" for _, _, name in oracle.processes().values()), "hook")
    call.signal(signal.SIGTERM)
    call.wait(5).failed(status=1)
    lab.expect_nothing_left("a create that was asked to end")
    check(not os.path.exists(f"{lab.path}/pid"), "no pid file")
    lab.brig("delete", "--force", "half").ok()
    del made.config["hooks"]
    lab.create(made, identity="half").start()


# podman --cgroups=split, run by an engine that sits in a leaf itself


@contextlib.contextmanager
def engine_in_leaf(lab, tops):
    """Every call of the runtime comes from the group /split/runtime of these hierarchies."""
    words = lab.words
    for top in tops:
        os.makedirs(f"{top}/split/runtime")
    for group in ("split", "split/runtime") if V1.get("cpuset") in tops else ():
        for file in ("cpuset.cpus", "cpuset.mems"):
            write(f"{V1['cpuset']}/{group}/{file}", read(f"{V1['cpuset']}/{file}"))
    script = "".join(f"echo 0 > {top}/split/runtime/cgroup.procs; " for top in tops) + 'exec "$@"'
    lab.words = lambda *rest, **how: ["sh", "-c", script, "sh", *words(*rest, **how)]
    yield
    for top in tops:
        left = [name for name in os.listdir(f"{top}/split") if os.path.isdir(f"{top}/split/{name}")]
        equal(left, ["runtime"], f"groups left in {top}/split")
        eventually(lambda top=top: not read(f"{top}/split/runtime/cgroup.procs"), "an empty leaf")
        for group in ("split/runtime", "split"):
            os.rmdir(f"{top}/{group}")


@suite.case("TRAP-58 CALL-31", "split: a group beside the engine's own leaf, in every hierarchy of v1")
def split_v1(lab):
    need_v1("pids")
    with engine_in_leaf(lab, sorted(set(V1.values()))):
        container = lab.start(lab.bundle(SLEEP, linux__cgroupsPath="/split/libpod-payload-1",
                                         linux__resources={"pids": {"limit": 30}}))
        groups = groups_of(container.pid)
        equal({path for name, path in groups.items() if name in V1}, {"/split/libpod-payload-1"},
              "groups")
        equal(value(container, "pids", "pids.max"), "30", "its limit")
        container.exec(*SLEEP, options=("-d", "--pid-file", f"{lab.path}/pid")).ok()
        equal(groups_of(int(read(f"{lab.path}/pid"))), groups, "exec's groups")
        container.delete("--force").ok()


@suite.case("TRAP-58 CG-06", "split on v2: what is not delegated is missed only where a limit needs it")
def split_v2(lab):
    see_only_v2(lab)
    with place_without("pids") as place, engine_in_leaf(lab, [unified()]):
        # Beside the engine's leaf; where v2 has the controller, beneath what has processes.
        parent = os.path.dirname(place) if place else "/split"
        container = lab.start(lab.bundle(SLEEP, linux__cgroupsPath=f"{parent}/libpod-payload-1"))
        equal(groups_of(container.pid)[""], f"{parent}/libpod-payload-1", "group")
        container.delete("--force").ok()
        limited = lab.bundle(SLEEP, linux__cgroupsPath=f"{parent}/libpod-payload-2",
                             linux__resources={"pids": {"limit": 9}})
        lab.try_create(limited).failed("linux.resources.pids.limit", "needs the pids controller")


@suite.case("TRAP-58", "split on v2: a controller that is delegated to the engine's group is enabled")
def split_delegated(lab):
    see_only_v2(lab)
    need("hugetlb" in read(f"{unified()}/cgroup.controllers").split(), "no controller on v2")
    with room_on_v2(), engine_in_leaf(lab, [unified()]):
        write(f"{unified()}/cgroup.subtree_control", "+hugetlb")
        container = lab.start(lab.bundle(
            SLEEP, linux__cgroupsPath="/split/libpod-payload-1", linux__resources={
                "hugepageLimits": [{"pageSize": "2MB", "limit": 4 * MIB}]}))
        equal(value(container, "", "hugetlb.2MB.max"), str(4 * MIB), "its limit")
        container.delete("--force").ok()
        for name in read(f"{unified()}/split/cgroup.subtree_control").split():
            write(f"{unified()}/split/cgroup.subtree_control", f"-{name}")


suite.main()
