#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Cgroups below a container's scope, by annotation: run.oci.systemd.subgroup, run.oci.delegate-cgroup. Engines 7.4.
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.systemd import SLICE, TOP, SystemdSuite, show, systemctl, units, watches_memory
from harness.lab import need, read, write
from harness.tap import check, contains, equal, eventually

suite = SystemdSuite()
DRIVER = ("--systemd-cgroup",)
SUBGROUP, DELEGATE = "run.oci.systemd.subgroup", "run.oci.delegate-cgroup"
BOTH = {SUBGROUP: "payload", DELEGATE: "inner"}
LIMIT = {"memory": {"limit": 64 << 20, "swap": 64 << 20}, "pids": {"limit": 40}}


def made(lab, annotations, identity=None, **settings):
    """(a bundle that sleeps, its id, its unit, the folder of the unit's cgroup)."""
    identity = identity or lab.name()
    bundle = lab.bundle(["/bin/sleep", "1000"], **{"linux__cgroupsPath": f"{SLICE}:brig:{identity}",
                                                   "annotations": dict(annotations), **settings})
    return bundle, identity, f"brig-{identity}.scope", f"{TOP}/{SLICE}/brig-{identity}.scope"


def start(lab, annotations, **settings):
    bundle, identity, unit, folder = made(lab, annotations, **settings)
    bundle.namespace("cgroup")
    bundle.mount("/sys/fs/cgroup", "cgroup", "cgroup", ["rw", "nosuid", "noexec", "nodev"])
    return lab.start(bundle, identity=identity, globals_=DRIVER), unit, folder


def file(folder, name):
    return read(f"{folder}/{name}").strip()


def sees(container, name):
    return container.exec("/bin/cat", f"/sys/fs/cgroup/{name}").ok().out.strip()


def path_of(process):
    return read(f"/proc/{process}/cgroup").strip()[len("0::"):]


def expect_nothing(unit, folder):
    check(unit not in units(), f"{unit} is still there: {show(unit, 'ActiveState', 'SubState')}")
    check(not os.path.exists(folder), f"{folder} is still there")


@suite.table("7.4", "no subgroup: the scope is the container's own cgroup", {
    "no annotation": {}, "empty": {SUBGROUP: ""}})
def none(lab, annotations):
    container, unit, folder = start(lab, annotations)
    equal(path_of(container.pid), f"/{SLICE}/{unit}", "the process's cgroup")
    equal(file(folder, "cgroup.subtree_control"), "", "what the scope hands on")
    container.delete("--force").ok()
    expect_nothing(unit, folder)


@suite.case("7.4 CG-05 RES-memory.limit RES-pids", "a subgroup: process, limits and what the container sees of them")
def subgroup(lab):
    container, unit, folder = start(lab, {SUBGROUP: "payload"}, linux__resources=LIMIT)
    own = f"{folder}/payload"
    equal(path_of(container.pid), f"/{SLICE}/{unit}/payload", "the process's cgroup")
    equal((file(folder, "cgroup.procs"), file(own, "cgroup.procs").split()), ("", [str(container.pid)]), "processes")
    for moment in ("at the start", "after a daemon-reload"):
        equal(show(unit, "MemoryMax", "TasksMax"), {"MemoryMax": str(64 << 20), "TasksMax": "40"},
              f"properties {moment}")
        for place in (folder, own):
            equal((file(place, "memory.max"), file(place, "pids.max")), (str(64 << 20), "40"), f"{place} {moment}")
        equal((sees(container, "memory.max"), sees(container, "pids.max")), (str(64 << 20), "40"), f"inside {moment}")
        systemctl("daemon-reload")
    check(container.exec("/bin/sh", "-c", "head -c1 /dev/kmsg").status != 0, "a device that no rule allows")
    container.exec("/bin/sh", "-c", "echo x >/dev/null").ok()
    container.delete("--force").ok()
    expect_nothing(unit, folder)


@suite.table("7.4 TRAP-24", "later calls honour it and need no flag", {
    "a subgroup": {SUBGROUP: "payload"}, "both": BOTH})
def later(lab, annotations):
    container, unit, folder = start(lab, annotations, linux__resources=LIMIT)
    own = f"{folder}/payload"
    group = own + ("/inner" if DELEGATE in annotations else "")
    lab.brig("exec", "--detach", container.id, "/bin/sleep", "500").ok()
    processes = file(group, "cgroup.procs").split()
    equal(len(processes), 2, "processes of the group")
    equal(sorted(json.loads(lab.brig("ps", "--format", "json", container.id).ok().out)),
          sorted(int(process) for process in processes), "ps")
    lab.brig("pause", container.id).ok()
    equal((container.status(), file(own, "cgroup.freeze")), ("paused", "1"), "paused")
    lab.brig("resume", container.id).ok()
    equal(json.loads(lab.brig("events", "--stats", container.id).ok().out)["data"]["pids"]["current"], 2, "statistics")
    lab.brig("update", "--pids-limit", "50", "--memory", str(80 << 20), "--memory-swap", str(80 << 20),
             container.id).ok()
    for moment in ("at once", "after a daemon-reload"):
        equal(show(unit, "MemoryMax", "TasksMax"), {"MemoryMax": str(80 << 20), "TasksMax": "50"},
              f"properties {moment}")
        equal((file(own, "memory.max"), file(folder, "pids.max"), sees(container, "pids.max")),
              (str(80 << 20), "50", "50"), f"files {moment}")
        systemctl("daemon-reload")
    os.makedirs(f"{own}/beside")
    if DELEGATE not in annotations:
        lab.brig("exec", "--detach", "--cgroup", "beside", container.id, "/bin/sleep", "500").ok()
        equal(len(file(f"{own}/beside", "cgroup.procs").split()), 1, "of exec --cgroup")
    container.kill("--all", "KILL").ok()
    container.wait_stopped()
    container.delete().ok()
    expect_nothing(unit, folder)


@suite.case("7.4 CG-05", "a delegated cgroup: below the root of the cgroup namespace, without limits, the container's")
def delegated(lab):
    container, unit, folder = start(lab, BOTH, linux__resources=LIMIT)
    inner = f"{folder}/payload/inner"
    equal(path_of(container.pid), f"/{SLICE}/{unit}/payload/inner", "the process's cgroup")
    equal(file(f"{folder}/payload", "cgroup.procs"), "", "processes beside it")
    equal((file(f"{folder}/payload", "pids.max"), file(inner, "pids.max"), file(inner, "memory.max")),
          ("40", "max", "max"), "limits")
    equal(container.exec("/bin/cat", "/proc/self/cgroup").ok().out, "0::/inner\n", "inside")
    equal(sees(container, "pids.max"), "40", "the limit inside")
    # What a manager inside does: its own processes aside, then controllers for groups of its own.
    move = ("cd /sys/fs/cgroup/inner && mkdir init work && "
            "for p in $(cat cgroup.procs); do echo $p >init/cgroup.procs; done; "
            "echo '+memory +pids' >cgroup.subtree_control && echo 9 >work/pids.max && cat work/pids.max")
    equal(container.exec("/bin/sh", "-c", move).ok().out, "9\n", "a group of the container's own")
    equal(container.exec("/bin/cat", "/proc/self/cgroup").ok().out, "0::/inner/init\n", "exec, when it hands on")
    container.delete("--force").ok()
    expect_nothing(unit, folder)


@suite.case("7.4 CG-05", "what a hook has left running goes along, however it forks and ends")
def restless(lab):
    bundle, identity, unit, folder = made(lab, BOTH)
    own, inner = f"{folder}/payload", f"{folder}/payload/inner"
    forks = "while true; do sleep 0.1 & sleep 2 & sleep 0.2; done"
    bundle.config["hooks"] = {"createContainer": [
        {"path": "/bin/sh", "args": ["sh", "-c", f"({forks}) </dev/null >/dev/null 2>&1 &"]}]}
    strace = shutil.which("strace")
    need(strace, "no strace")
    lab.containers.append(identity)
    # Slow enough that some have ended and others are born before it is their turn.
    subprocess.run([strace, "-qq", "-o", "/dev/null", "-P", f"{inner}/cgroup.procs", "-e", "trace=write", "-e",
                    "inject=write:delay_enter=100000", *lab.words("create", "--bundle", bundle.write().path, identity,
                                                                  globals_=DRIVER)],
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120, check=True)
    equal((file(own, "cgroup.procs"), file(inner, "cgroup.controllers")), ("", file(own, "cgroup.controllers")),
          "processes left behind, and controllers")
    check(len(file(inner, "cgroup.procs").split()) > 1, "the hook's processes")
    lab.brig("delete", "--force", identity).ok()
    expect_nothing(unit, folder)


@suite.case("7.4", "without a cgroup namespace the process is in it, too")
def host_namespace(lab):
    bundle, identity, unit, folder = made(lab, BOTH)
    container = lab.start(bundle, identity=identity, globals_=DRIVER)
    equal(path_of(container.pid), f"/{SLICE}/{unit}/payload/inner", "the process's cgroup")
    container.delete("--force").ok()
    expect_nothing(unit, folder)


@suite.case("7.4 CG-07", "the delegated cgroup is given to the container's root, and what holds its limits is not")
def owner(lab):
    bundle, identity, unit, folder = made(lab, BOTH, linux__resources=LIMIT)
    bundle.namespace("cgroup")
    bundle.namespace("user")
    bundle.linux["uidMappings"] = bundle.linux["gidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    bundle.mount("/sys/fs/cgroup", "cgroup", "cgroup", ["rw"])
    for place, _, names in os.walk(bundle.rootfs):
        os.chown(place, 100000, 100000)
        for name in names:
            if os.path.islink(f"{place}/{name}"):
                os.lchown(f"{place}/{name}", 100000, 100000)
    container = lab.start(bundle, identity=identity, globals_=DRIVER)
    owners = {name: os.stat(f"{folder}/{name}").st_uid for name in (
        "", "payload", "payload/cgroup.procs", "payload/pids.max", "payload/inner", "payload/inner/cgroup.procs",
        "payload/inner/cgroup.subtree_control", "payload/inner/memory.oom.group", "payload/inner/pids.max")}
    equal({name for name, uid in owners.items() if uid == 100000},
          {"payload/inner", "payload/inner/cgroup.procs", "payload/inner/cgroup.subtree_control",
           "payload/inner/memory.oom.group"}, "the container's")
    container.exec("/bin/mkdir", "/sys/fs/cgroup/inner/x").ok()
    container.exec("/bin/sh", "-c", "sleep 300 & echo $! >/sys/fs/cgroup/inner/x/cgroup.procs").ok()
    check(container.exec("/bin/mkdir", "/sys/fs/cgroup/y").status != 0, "a group beside it")
    check(container.exec("/bin/sh", "-c", "echo max >/sys/fs/cgroup/pids.max").status != 0, "a lifted limit")
    container.delete("--force").ok()
    expect_nothing(unit, folder)


@suite.table("7.4 R-33 G-05", "what cannot be is an error of its annotation, and leaves nothing", {
    "a slash": (SUBGROUP, {SUBGROUP: "a/b"}), "the group above": (SUBGROUP, {SUBGROUP: ".."}),
    "itself": (SUBGROUP, {SUBGROUP: "."}), "a line": (SUBGROUP, {SUBGROUP: "a\nb"}),
    "a file of the kernel's": (SUBGROUP, {SUBGROUP: "cgroup.procs"}), "too long": (SUBGROUP, {SUBGROUP: "a" * 300}),
    "delegated: nothing": (DELEGATE, {SUBGROUP: "a", DELEGATE: ""}),
    "delegated: the group above": (DELEGATE, {SUBGROUP: "a", DELEGATE: ".."}),
    "delegated: a slash": (DELEGATE, {SUBGROUP: "a", DELEGATE: "b/c"}),
    "delegated: a file of the kernel's": (DELEGATE, {SUBGROUP: "a", DELEGATE: "cgroup.procs"}),
    "delegated: without a subgroup": (DELEGATE, {DELEGATE: "a"}),
    "delegated: with an empty one": (DELEGATE, {DELEGATE: "a", SUBGROUP: ""})})
def refused(lab, named, annotations):
    bundle, identity, unit, folder = made(lab, annotations)
    lab.try_create(bundle, identity=identity, globals_=DRIVER).failed(f'annotations["{named}"]', status=1)
    lab.gone(identity)
    expect_nothing(unit, folder)


@suite.case("7.4 G-05", "nor are there subgroups in a slice, or without this driver")
def elsewhere(lab):
    unit = "brigtest-sub.slice"
    bundle, identity, _, _ = made(lab, {SUBGROUP: "a"}, linux__cgroupsPath=f"{SLICE}::{unit}")
    lab.try_create(bundle, identity=identity, globals_=DRIVER).failed(f'annotations["{SUBGROUP}"]', "slice", status=1)
    check(unit not in units(), "a slice")
    bundle, identity, _, _ = made(lab, BOTH, linux__cgroupsPath=f"/brigtest-{lab.name()}")
    lab.try_create(bundle, identity=identity).failed(f'annotations["{DELEGATE}"]', "systemd cgroup driver", status=1)
    lab.gone(identity)
    del bundle.config["annotations"][DELEGATE]
    container = lab.start(bundle, identity=identity)
    equal(path_of(container.pid), bundle.linux["cgroupsPath"], "the cgroup by files")


@suite.table("7.4 RES-pids", "a limit that leaves no room for the birth counts afterwards", {"one": 1, "none": 0})
def few_tasks(lab, limit):
    container, unit, folder = start(lab, BOTH, linux__resources__pids={"limit": limit})
    equal((file(f"{folder}/payload", "pids.max"), show(unit, "TasksMax")["TasksMax"]), (str(limit), "1"), "limits")
    equal(file(f"{folder}/payload/inner", "cgroup.procs").split(), [str(container.pid)], "processes")


@suite.case("7.4 CG-05", "delete of one that has ended leaves the next one's scope of that name alone")
def successor(lab):
    first, unit, folder = start(lab, BOTH)
    first.kill("KILL").ok()
    first.wait_stopped()
    eventually(lambda: unit not in units(), "the end of the scope")
    bundle, _, _, _ = made(lab, BOTH, identity=first.id)
    second = lab.start(bundle, globals_=DRIVER)
    equal(json.loads(lab.brig("ps", "--format", "json", first.id).ok().out or "null") or [], [], "ps of the first")
    first.delete("--force").ok()
    equal((second.status(), file(f"{folder}/payload/inner", "cgroup.procs").split()), ("running", [str(second.pid)]),
          "the second")


@suite.case("7.4 O-05", "a program that is killed for memory is told of, and nothing is left of its scope")
def out_of_memory(lab):
    bundle, identity, unit, folder = made(lab, BOTH, linux__resources={"memory": {"limit": 32 << 20, "swap": 32 << 20}})
    bundle.set("process.args", ["/bin/sh", "-c", "read x </tmp/go; (x=x; while :; do x=$x$x; done); sleep 3"])
    os.mkfifo(f"{bundle.path}/rootfs/tmp/go")
    container = lab.start(bundle, identity=identity, globals_=DRIVER)
    events = lab.spawn("events", identity)
    eventually(lambda: watches_memory(events.pid), "events watches")
    write(f"{bundle.path}/rootfs/tmp/go", "x\n")
    container.wait_stopped(30)
    contains(events.wait(30).out, '"oom"', "events")
    container.delete().ok()
    expect_nothing(unit, folder)


@suite.table("7.4 G-05 LC-02", "a create that is killed leaves what delete --force removes", {
    "before it knows the cgroup": "sendmsg:when=3", "before the cgroup is marked": "setxattr:when=1",
    "before the birth": "clone3:when=2"})
def killed(lab, where):
    call = where.split(":", maxsplit=1)[0]
    bundle, identity, unit, folder = made(lab, BOTH)
    strace = shutil.which("strace")
    need(strace, "no strace")
    lab.containers.append(identity)
    lab.popen([strace, "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:"
               + where.split(":", maxsplit=1)[1], *lab.words("create", "--bundle", bundle.write().path, identity,
                                                             globals_=DRIVER)]).wait(60)
    check(not lab.brig("start", identity).status == 0, "the create was not killed")
    lab.brig("delete", "--force", identity).ok()
    expect_nothing(unit, folder)
    lab.gone(identity)


suite.main()
