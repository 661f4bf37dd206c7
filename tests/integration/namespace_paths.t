#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Namespaces that are joined by path: N-04, N-05, N-07, N-11.
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.lab import read, write
from harness.namespaces import FILES, MAP, bind, hold, of, own, path_of, unbind, userns
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


@suite.table("N-04", "join by path", {kind: kind for kind in ("network", "ipc", "uts", "cgroup")})
def join(lab, kind):
    first = lab.bundle(SLEEP)
    first.namespace(kind)
    container = lab.start(first)
    made = lab.bundle()
    made.namespace(kind, path_of(container.pid, kind))
    del made.config["hostname"]
    equal(lab.probe(made)["namespaces"][FILES[kind]], of(container.pid, kind), "namespace")
    container.delete("--force").ok()


@suite.case("N-04 N-12 T-01", "join a time namespace: its clocks, and those of exec")
def join_time(lab):
    first = lab.bundle(SLEEP)
    first.namespace("time")
    first.linux["timeOffsets"] = {"boottime": {"secs": 100000}}
    container = lab.start(first)
    made = lab.bundle()
    made.namespace("time", path_of(container.pid, "time"))
    report = lab.probe(made)
    equal(report["namespaces"]["time"], of(container.pid, "time"), "namespace")
    check(report["boottime"] > 100000, f"boottime {report['boottime']}")
    check(float(container.exec("cat", "/proc/uptime").ok().out.split()[0]) > 100000, "of exec")
    container.delete("--force").ok()


@suite.table("N-04", "join a namespace that is bind-mounted on a file", {
    kind: kind for kind in ("pid", "network", "ipc", "uts", "cgroup", "time", "user")})
def join_bound(lab, kind):
    first = userns(lab.bundle(SLEEP))
    for name in ("cgroup", "time"):
        first.namespace(name)
    container = lab.start(first)
    wanted = of(container.pid, kind)
    place = bind(lab, path_of(container.pid, kind), kind)
    if kind not in ("pid", "user"):  # a pid namespace ends with its init, what file ever holds it
        container.delete("--force").ok()
    made = lab.bundle()
    if kind == "user":
        userns(made)
        del made.linux["uidMappings"], made.linux["gidMappings"]
    made.namespace(kind, place)
    del made.config["hostname"]
    try:
        equal(lab.probe(made)["namespaces"][FILES[kind]], wanted, "namespace")
    finally:
        unbind(place)
    container.delete("--force")


@suite.case("N-04 N-05", "a pid namespace that has ended takes no process any more")
def dead_pid(lab):
    container = lab.sleeper()
    place = bind(lab, path_of(container.pid, "pid"), "pid")
    container.delete("--force").ok()
    made = lab.bundle()
    made.namespace("pid", place)
    try:
        lab.try_create(made).failed("linux.namespaces", "pid namespace")
    finally:
        unbind(place)
    lab.expect_nothing_left("a create in an ended namespace")


@suite.case("N-04", "join by a descriptor that the caller holds")
def join_descriptor(lab):
    held = os.open(path_of(hold(lab, "--uts", kind="uts"), "uts"), os.O_RDONLY)
    made = lab.bundle(hostname="held")
    made.namespace("uts", f"/proc/self/fd/{held}")
    wanted = os.readlink(f"/proc/self/fd/{held}")
    report = lab.popen([*lab.words("run", "--bundle", made.write().path, lab.name())],
                       pass_fds=[held]).wait().ok().out
    os.close(held)
    contains(report, wanted, "namespace")


@suite.case("TRAP-01 N-04 N-05", "in a joined pid namespace init is no PID 1, its parent is outside")
def join_pid(lab):
    first = lab.sleeper()
    made = lab.bundle(shell="echo $$; echo up; sleep 1000")
    made.namespace("pid", f"/proc/{first.pid}/ns/pid")
    second = lab.start(made)
    second.wait_out("up")
    number = int(second.out().split()[0])
    check(number > 1, f"pid inside {number}")
    pid = second.pid
    equal(os.readlink(f"/proc/{pid}/ns/pid"), os.readlink(f"/proc/{first.pid}/ns/pid"), "pidns")
    equal(oracle.processes()[pid][0], os.getpid(), "parent")
    os.kill(pid, 9)
    equal(lab.exit_of(pid), -9, "exit seen by the subreaper")
    equal(first.status(), "running", "the pod's first container")
    second.delete("--force").ok()
    first.delete("--force").ok()


@suite.case("N-04 N-05", "containers of one pod see each other's processes")
def pod(lab):
    pause = lab.sleeper()
    made = lab.bundle(shell="ps; hostname")
    for kind in ("pid", "network", "ipc", "uts"):
        made.namespace(kind, f"/proc/{pause.pid}/ns/{FILES[kind]}")
    del made.config["hostname"]
    out = lab.run(made).ok().out
    contains(out, "sleep 1000", "the pause process")
    contains(out, "brig", "its hostname")
    pause.delete("--force").ok()


@suite.case("N-04", "join a mount namespace")
def join_mount(lab):
    made = lab.bundle()
    holder = lab.popen(["unshare", "-m", "sleep", "100"])
    eventually(lambda: os.readlink(f"/proc/{holder.pid}/ns/mnt") != own("mount"), "a namespace")
    made.namespace("mount", f"/proc/{holder.pid}/ns/mnt")
    equal(lab.probe(made)["namespaces"]["mnt"], os.readlink(f"/proc/{holder.pid}/ns/mnt"),
          "mount namespace")


@suite.case("N-05", "in a joined pid namespace kill and delete end the whole container, no other")
def kill_joined(lab):
    first = lab.sleeper()
    made = lab.bundle(shell="sleep 2000 & setsid sleep 3000 & echo up; sleep 1000")
    made.namespace("pid", path_of(first.pid, "pid"))
    second = lab.start(made)
    second.wait_out("up")
    pid = second.pid
    second.kill("KILL").ok()
    second.wait_stopped()
    equal(lab.exit_of(pid), -9, "exit of init")
    second.delete().ok()
    left = [name for _, state, name in oracle.processes().values() if state != "Z"]
    equal(left.count("sleep"), 1, f"sleepers in {left}")
    equal(first.status(), "running", "the other container")
    first.delete("--force").ok()


@suite.case("N-04 N-05", "pid_for_children is a path to a pid namespace, too")
def for_children(lab):
    holder = hold(lab, "--pid", "--fork", "--kill-child", "--mount-proc", kind="mount")
    made = lab.bundle()
    path = f"/proc/{holder}/ns/pid_for_children"
    made.namespace("pid", path)
    report = lab.probe(made)
    equal(report["namespaces"]["pid"], os.readlink(path), "namespace")
    check(report["pid"] > 1, f"pid {report['pid']}")


@suite.case("N-04 N-09", "join a user namespace and a mount namespace that it owns")
def join_user_mount(lab):
    pid = hold(lab, "--user", "--mount", kind="mount")
    for name in ("uid_map", "gid_map"):
        write(f"/proc/{pid}/{name}", "0 0 65536")
    made = lab.bundle()
    for kind in ("user", "mount"):
        made.namespace(kind, path_of(pid, kind))
    report = lab.probe(made)
    for kind in ("user", "mount"):
        equal(report["namespaces"][FILES[kind]], of(pid, kind), kind)


@suite.case("N-03 N-04", "the runtime's own mount namespace by path is refused")
def join_own_mount(lab):
    made = lab.bundle(["/bin/true"])
    made.namespace("mount", "/proc/self/ns/mnt")
    before = read("/proc/self/mountinfo")
    lab.run(made).failed("linux.namespaces[4].path", "own mount namespace", status=1)
    equal(read("/proc/self/mountinfo"), before, "the runtime's mounts")


@suite.table("N-04", "join a user namespace with the others it owns", {
    "network, ipc": ("user", "network", "ipc"), "pid, uts": ("user", "pid", "uts")})
def join_user(lab, *kinds):
    made = userns(lab.bundle(SLEEP))
    first = lab.start(made)
    second = userns(lab.bundle())
    for key in ("uidMappings", "gidMappings"):
        del second.linux[key]
    for kind in kinds:
        second.namespace(kind, f"/proc/{first.pid}/ns/{FILES[kind]}")
    report = lab.probe(second)
    for kind in kinds:
        equal(report["namespaces"][FILES[kind]],
              os.readlink(f"/proc/{first.pid}/ns/{FILES[kind]}"), kind)
    equal(report["uids"], [0] * 4, "uids")
    first.delete("--force").ok()


# Namespaces of other user namespaces.


@suite.table("N-04 N-09", "a new user namespace beside namespaces that it does not own", {
    "network": ("network",), "ipc, uts": ("ipc", "uts"), "cgroup, time": ("cgroup", "time"),
    "pid": ("pid",), "pid, network": ("pid", "network")})
def not_owned(lab, *kinds):
    first = lab.bundle(SLEEP)
    for kind in ("cgroup", "time"):
        first.namespace(kind)
    container = lab.start(first)
    made = userns(lab.bundle(SLEEP))
    del made.config["hostname"]
    if "pid" in kinds or "network" in kinds or "ipc" in kinds:
        # What a user namespace does not own it cannot mount.
        kind = {"/proc": "pid", "/sys": "network", "/dev/mqueue": "ipc"}
        made.config["mounts"] = [one for one in made.mounts
                                 if kind.get(one["destination"]) not in kinds]
    for kind in kinds:
        made.namespace(kind, path_of(container.pid, kind))
    second = lab.start(made)
    for kind in FILES:
        equal(of(second.pid, kind) == of(container.pid, kind), kind in (*kinds, *(
            name for name in ("cgroup", "time") if of(container.pid, name) == own(name))), kind)
    contains(read(f"/proc/{second.pid}/status"), "Uid:\t100000\t100000", "ids on the host")
    second.exec("true").ok()
    second.delete("--force").ok()
    container.delete("--force").ok()


@suite.case("N-04 N-09", "a joined user namespace beside one that it owns and one that it does not")
def partly_owned(lab):
    first = lab.start(userns(lab.bundle(SLEEP)))
    other = hold(lab, "--net", kind="network")
    made = userns(lab.bundle(SLEEP))
    del made.linux["uidMappings"], made.linux["gidMappings"]
    made.config["mounts"] = [one for one in made.mounts if one["destination"] != "/sys"]
    made.namespace("user", path_of(first.pid, "user"))
    made.namespace("ipc", path_of(first.pid, "ipc"))
    made.namespace("network", path_of(other, "network"))
    second = lab.start(made)
    for kind, holder in (("user", first.pid), ("ipc", first.pid), ("network", other)):
        equal(of(second.pid, kind), of(holder, kind), kind)
    second.delete("--force").ok()
    first.delete("--force").ok()


@suite.case("N-07", "a message queue file system of an ipc namespace that is not owned is an error")
def mqueue_not_owned(lab):
    first = lab.sleeper()
    made = userns(lab.bundle(SLEEP))
    made.namespace("ipc", path_of(first.pid, "ipc"))
    number = [one["destination"] for one in made.mounts].index("/dev/mqueue")
    lab.try_create(made).failed(f"mounts[{number}] (/dev/mqueue)", "operation not permitted")
    first.delete("--force").ok()
    lab.expect_nothing_left("a refused mount")


@suite.case("N-07 N-04", "queues and segments of a joined ipc namespace are shared")
def ipc_shared(lab):
    first = lab.sleeper()
    first.exec("touch", "/dev/mqueue/ours").ok()
    made = lab.bundle(shell="ls /dev/mqueue")
    made.namespace("ipc", path_of(first.pid, "ipc"))
    equal(lab.run(made).ok().out.split(), ["ours"], "queues")
    first.delete("--force").ok()


# Mappings beside a joined user namespace. Decision: they say what is expected there, so they must
# be what it has, in whatever order; engines that give none mean "as it is".


SWAPPED = [{"containerID": 1000, "hostID": 200000, "size": 5},
           {"containerID": 0, "hostID": 100000, "size": 1000}]


@suite.table("N-11", "mappings beside a joined user namespace", {
    "none": (None, None, True), "its own": (SWAPPED[::-1], MAP, True),
    "in another order": (SWAPPED, MAP, True), "another host id": (MAP, MAP, False),
    "another size": ([SWAPPED[1], {**SWAPPED[0], "size": 6}], MAP, False),
    "one too few": (SWAPPED[1:], MAP, False), "one map alone": (SWAPPED, None, True),
    "another gid map": (SWAPPED, SWAPPED, False),
})
def joined_maps(lab, uids, gids, works):
    first = lab.start(userns(lab.bundle(SLEEP), SWAPPED, MAP))
    made = userns(lab.bundle(["/bin/true"]))
    for key, mapping in (("uidMappings", uids), ("gidMappings", gids)):
        made.linux[key] = mapping
        if mapping is None:
            del made.linux[key]
    made.namespace("user", path_of(first.pid, "user"))
    if works:
        lab.run(made).ok()
    else:
        result = lab.try_create(made)
        result.failed("linux.gidMappings" if uids == SWAPPED else "linux.uidMappings",
                      "not the mapping")
    first.delete("--force").ok()
    lab.expect_nothing_left("a joined user namespace")


@suite.case("N-11 N-04", "the runtime's own user namespace by path is refused")
def own_user(lab):
    made = lab.bundle()
    made.namespace("user", "/proc/self/ns/user")
    lab.try_create(made).failed("linux.namespaces[5].path", "the runtime's own user namespace")
    lab.expect_nothing_left("a refused namespace")


@suite.case("N-11 N-09", "a joined user namespace without root is refused with the reason")
def rootless_user(lab):
    pid = hold(lab, "--user", kind="user")
    for name in ("uid_map", "gid_map"):
        write(f"/proc/{pid}/{name}", "5 100000 10")
    made = lab.bundle(SLEEP)
    made.namespace("user", path_of(pid, "user"))
    lab.try_create(made).failed("maps no root", "invalid argument")
    lab.expect_nothing_left("a refused namespace")


# What is refused.


@suite.table("N-04 T-66", "a namespace of another type is refused", {
    f"{other} as {kind}": (kind, other) for kind, other in zip(
        FILES, (*list(FILES)[1:], list(FILES)[0]))})
def wrong_type(lab, kind, other):
    made = lab.bundle()
    made.namespace(kind, path_of(os.getpid(), other))
    lab.try_create(made).failed("].path", f"is not a {kind} namespace")
    lab.expect_nothing_left("a refused namespace")


@suite.table("N-04 T-66", "a path that is no such namespace is refused", {
    "absent": ("/proc/1/ns/absent", "no such file or directory"),
    "file": ("/etc/passwd", None), "folder": ("/proc", None), "other type": ("/proc/1/ns/uts",
                                                                           None),
    "device": ("/dev/null", None),
})
def join_wrong(lab, path, part):
    made = lab.bundle()
    made.namespace("ipc", path)
    lab.try_create(made, timeout=5).failed("linux.namespaces[4]", *([part] if part else []))
    lab.expect_nothing_left("a refused namespace")


@suite.case("N-04 T-66", "a FIFO as namespace path does not hang")
def join_fifo(lab):
    os.mkfifo(f"{lab.path}/fifo")
    made = lab.bundle()
    made.namespace("ipc", f"{lab.path}/fifo")
    lab.try_create(made, timeout=5).failed("linux.namespaces[4]")


suite.main()
