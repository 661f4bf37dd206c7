#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Cgroups of callers that have no right over the machine, on cgroup v2: with a group of their own, as systemd
# delegates one to a user, and without. On a hybrid machine the runtime sees v2 alone.
import contextlib
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.cgroups import V1, groups_of, hand_on, room_on_v2, see_only_v2, unified
from harness.lab import need, read, write
from harness.rootless import CALLERS, FAKE, MAPPED, UID, USER, as_caller
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
EVERYBODY = {kind: kind for kind in CALLERS}
DELEGATED = ("", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads")
SLEEP = "echo up; sleep 1000 & exec sleep 1000"
GROW = "a=x; while :; do a=$a$a; done"
MIB = 1 << 20


@contextlib.contextmanager
def person(lab, kind, owned=True):
    """A group and, in its shell/, a caller. owned: the group is his, with all controllers."""
    need(unified(), "no v2 hierarchy")
    need(not V1 or kind in (USER, FAKE), "a host of v2 alone: what is mounted is this caller's own")
    caller = as_caller(lab, kind)
    if V1:
        see_only_v2(lab)
    place = f"{unified()}/person"
    with room_on_v2() if V1 else contextlib.nullcontext():
        hand_on()
        os.makedirs(f"{place}/shell")
        for file in DELEGATED if owned else ():
            os.chown(f"{place}{file}", UID, UID)
            os.chown(f"{place}/shell{file}", UID, UID)
        if owned:
            hand_on("/person")
        words = lab.words
        lab.words = lambda *rest, **how: ["sh", "-c", 'echo $$ > "$0" && exec "$@"',
                                          f"{place}/shell/cgroup.procs", *words(*rest, **how)]
        try:
            yield caller, place
        finally:
            for identity in lab.containers:
                lab.brig("delete", "--force", identity)
            with contextlib.suppress(OSError):  # of a case that failed; the oracle tells
                eventually(lambda: not read(f"{place}/shell/cgroup.procs"), "everybody's end")
                os.rmdir(f"{place}/shell")
                os.rmdir(place)


def need_controllers(*names):
    offered = read(f"{unified()}/cgroup.controllers").split() if unified() else []
    need(set(names) <= set(offered), f"no controllers {' '.join(names)} on v2")


def children(place):
    return sorted(name for name in os.listdir(place) if os.path.isdir(f"{place}/{name}"))


@suite.table("CG-03 X-12", "without a path it is beside the caller's own, and all verbs work", EVERYBODY)
def beside(lab, kind):
    with person(lab, kind) as (caller, place):
        container = lab.start(caller.fit(lab.bundle(shell=SLEEP)))
        container.wait_out("up")
        equal(groups_of(container.pid)[""], f"/person/{container.id}", "the group")
        equal(children(place), [container.id, "shell"], "groups")
        pids = json.loads(lab.brig("ps", "--format", "json", container.id).ok().out)
        equal(sorted(pids), sorted(map(int, read(f"{place}/{container.id}/cgroup.procs").split())), "ps")
        equal(len(pids), 2, f"processes: {pids}")
        lab.brig("pause", container.id).ok()
        contains(read(f"{place}/{container.id}/cgroup.events"), "frozen 1", "events")
        equal(container.status(), "paused", "status")
        lab.brig("resume", container.id).ok()
        equal(container.status(), "running", "status")
        outside = container.exec("/bin/sh", "-c", "cat /proc/self/cgroup").ok().out
        contains(outside, f"/person/{container.id}\n", "the group of exec")
        container.kill("--all", "TERM").ok()
        lab.brig("events", "--stats", container.id).ok()
        container.delete("--force").ok()
        equal(children(place), ["shell"], "groups afterwards")


LIMITS = {"memory": {"limit": 24 * MIB, "swap": 24 * MIB}, "pids": {"limit": 9},
          "cpu": {"quota": 30000, "period": 100000}}


@suite.table("RES-memory.limit RES-pids RES-cpu.quota X-12", "limits bite, and can be changed", {
    kind: kind for kind in (USER, FAKE, MAPPED)})
def limits(lab, kind):
    need_controllers("memory", "pids", "cpu")
    with person(lab, kind) as (caller, place):
        shell = "(for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & done); exec sleep 1000"
        container = lab.start(caller.fit(lab.bundle(shell=shell, linux__resources=LIMITS)))
        group = f"{place}/{container.id}"
        eventually(lambda: "can't fork" in container.err(), "the refusal of a fork")
        contains(read(f"{group}/pids.events"), "max 1", "the kernel's count")
        values = {"memory.max": str(24 * MIB), "memory.swap.max": "0", "pids.max": "9",
                  "cpu.max": "30000 100000"}
        equal({name: read(f"{group}/{name}").strip() for name in values}, values, "values")
        lab.brig("update", "--pids-limit", "30", "--memory", str(16 * MIB), "--memory-swap", str(16 * MIB),
                 container.id).ok()
        equal((read(f"{group}/pids.max"), read(f"{group}/memory.max")), ("30\n", f"{16 * MIB}\n"), "later")
        equal(container.exec("/bin/sh", "-c", GROW, timeout=30).status, 137, "exit status of a glutton")
        stats = json.loads(lab.brig("events", "--stats", container.id).ok().out)["data"]
        equal((stats["memory"]["usage"]["limit"], stats["pids"]["limit"]), (16 * MIB, 30), "stats")
        container.delete("--force").ok()


@suite.table("TRAP-56 X-12", "without a group of his own it stays where he is, and says what cannot be",
             EVERYBODY)
def outside(lab, kind):
    with person(lab, kind, owned=False) as (caller, place):
        made = caller.fit(lab.bundle(shell=SLEEP))
        container = lab.start(made)
        container.wait_out("up")
        equal(groups_of(container.pid)[""], "/person/shell", "the group")
        equal(json.loads(lab.brig("ps", "--format", "json", container.id).ok().out), [container.pid], "ps")
        lab.brig("pause", container.id).failed("cannot pause", "without cgroups")
        lab.brig("update", "--pids-limit", "5", container.id).failed("linux.resources.pids.limit",
                                                                     "without cgroups")
        container.exec("/bin/true").ok()
        container.kill("--all", "KILL").ok()
        container.wait_stopped()
        container.delete().ok()
        equal(children(place), ["shell"], "groups")
        made.set("linux.resources", {"pids": {"limit": 5}})
        made.write()
        lab.try_create(made).failed("linux.resources.pids.limit", "no cgroup of its own", "mkdir(",
                                    "permission denied")


@suite.table("CG-01 X-12", "an absolute path below his group is made, any other is refused", {
    kind: kind for kind in (USER, MAPPED)})
def absolute(lab, kind):
    with person(lab, kind) as (caller, place):
        made = caller.fit(lab.bundle(["/bin/sleep", "1000"], linux__cgroupsPath="/person/box/one"))
        container = lab.start(made)
        equal(groups_of(container.pid)[""], "/person/box/one", "the group")
        container.delete("--force").ok()
        os.rmdir(f"{place}/box")
        made.set("linux.cgroupsPath", "/elsewhere/one")
        made.write()
        lab.try_create(made).failed('mkdir("', "/elsewhere", "permission denied",
                                    "--cgroup-manager disabled")
        equal(children(place), ["shell"], "groups")


@suite.case("CG-06 X-12", "a controller that is not delegated: the error names it and who keeps it")
def kept_back(lab):
    need_controllers("pids")
    with person(lab, USER) as (caller, place):
        for group in (place, unified()):
            write(f"{group}/cgroup.subtree_control", "-pids")
        made = caller.fit(lab.bundle(linux__resources={"pids": {"limit": 5}}))
        lab.try_create(made).failed("linux.resources.pids.limit", "needs the pids controller",
                                    "does not hand on")
        equal(children(place), ["shell"], "groups")


@suite.table("RD-03 X-12", "device rules, which he has no right to set, stop nothing else", {
    kind: kind for kind in (USER, FAKE, MAPPED)})
def devices(lab, kind):
    with person(lab, kind) as (caller, _):
        made = lab.bundle(shell="echo x > /dev/null && echo fine", linux__resources={
            "devices": [{"allow": False, "access": "rwm"},
                        {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm"}]})
        equal(lab.run(caller.fit(made)).ok().out, "fine\n", "output")


@suite.table("CG-07 M-09 X-12", "a writable cgroup mount is the container's to divide; delete removes all", {
    kind: kind for kind in (USER, FAKE, MAPPED)})
def divided(lab, kind):
    with person(lab, kind) as (caller, place):
        made = lab.bundle(shell="mkdir /sys/fs/cgroup/part /sys/fs/cgroup/part/deep && "
                                "echo 1 > /sys/fs/cgroup/part/deep/cgroup.procs && cat /proc/self/cgroup; "
                                "echo up; exec sleep 1000")
        made.mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", "rw"])
        made.namespace("cgroup")
        container = lab.start(caller.fit(made))
        container.wait_out("up")
        contains(container.out(), "/part/deep", "the group inside")
        equal(groups_of(container.pid)[""], f"/person/{container.id}/part/deep", "the group outside")
        container.delete("--force").ok()
        equal(children(place), ["shell"], "groups afterwards")


@suite.table("M-09 R-34 X-12", "a cgroup mount in every form shows no more than the container's own", {
    f"{kind}, {'own' if own else 'shared'} namespace, {option}": (kind, own, option)
    for kind in (USER, FAKE, MAPPED) for own in (True, False) for option in ("ro", "rw")})
def mounted(lab, kind, own, option):
    with person(lab, kind) as (caller, place):
        made = lab.bundle(shell="cat /sys/fs/cgroup/cgroup.procs; mkdir /sys/fs/cgroup/new 2>&1; true")
        made.mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", option])
        if own:
            made.namespace("cgroup")
        out = lab.run(caller.fit(made)).ok().out
        equal(out.split()[0], "1", f"the only process there: {out}")
        check(option == "rw" or "Read-only" in out, f"whether it can be written: {out}")
        equal(children(place), ["shell"], "groups afterwards")


suite.main()
