#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# kill --regex and delete --regex: one call for many containers.
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.lab import write
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()


def sleepers(lab, *ids):
    for identity in ids:
        made = lab.bundle(["/bin/sleep", "1000"])
        lab.create(made, identity=identity).start()


def statuses(lab):
    listed = json.loads(lab.brig("list", "--format", "json").ok().out) or []
    return {state["id"]: state["status"] for state in listed}


@suite.table("1.2 2.6", "kill --regex reaches what matches and nothing else", {
    "a part": ("-r", "eb", {"web-1", "web-2", "xweb"}),
    "tied to the begin": ("--regex", "^web", {"web-1", "web-2"}),
    "tied to both ends": ("-r", "^web-1$", {"web-1"}),
    "extended": ("-r", "^(web-[13]|db)$", {"web-1", "db"}),
    "a dot is any character": ("-r", "^web.2$", {"web-2"}),
    "nothing": ("-r", "^none", set())})
def kills(lab, flag, pattern, wanted):
    sleepers(lab, "web-1", "web-2", "xweb", "db")
    done = lab.brig("kill", flag, pattern, "KILL").ok()
    equal(done.out + done.err, "", "output")

    def stopped():
        lab.reap()
        return {name for name, status in statuses(lab).items() if status == "stopped"}
    eventually(lambda: stopped() == wanted, f"the end of {wanted}")


@suite.case("2.7", "delete --regex --force removes what matches, of whatever status")
def deletes(lab):
    sleepers(lab, "job-1", "job-2", "other")
    lab.create(lab.bundle(["/bin/sleep", "1000"]), identity="job-3")
    lab.brig("pause", "job-2").ok()
    lab.brig("delete", "--force", "--regex", "^job-").ok()
    equal(statuses(lab), {"other": "running"}, "left")


@suite.case("2.7", "one that fails is told of, the others are removed, and the exit status is 1")
def goes_on(lab):
    sleepers(lab, "b")
    for identity in ("a", "c"):
        lab.create(lab.bundle(["/bin/true"]), identity=identity)
    log = f"{lab.path}/log"
    failed = lab.brig("delete", "--regex", "^[abc]$", globals_=["--log", log]).failed(status=1)
    equal(failed.err, "brig: delete b: cannot delete container b that is not stopped: running\n",
          "standard error")
    with open(log, encoding="utf-8") as file:
        contains(file.read(), "delete b: cannot delete", "log")
    equal(statuses(lab), {"b": "running"}, "left")


@suite.case("2.6", "kill --regex of a stopped container is told of, and reaches the others")
def stopped_one(lab):
    sleepers(lab, "a", "c")
    ended = lab.create(lab.bundle(["/bin/true"]), identity="b").start()
    ended.wait_stopped()
    lab.brig("kill", "--regex", ".", "KILL").failed("brig: kill b: container not running\n", status=1)
    eventually(lambda: lab.reap() or set(statuses(lab).values()) == {"stopped"}, "the end of all")


@suite.case("2.7", "with --all and a signal number, as without --regex")
def with_others(lab):
    sleepers(lab, "a", "b")
    lab.brig("kill", "-a", "-r", "^[ab]$", "9").ok()
    eventually(lambda: lab.reap() or set(statuses(lab).values()) == {"stopped"}, "the end of all")
    lab.brig("kill", "--all", "--regex", "^[ab]$", "9").ok()


@suite.case("R-36", "what another runtime keeps below the same root is not touched")
def foreign(lab):
    for name, file in (("runc-one", "state.json"), ("crun-one", "status"), ("empty", None)):
        os.mkdir(f"{lab.root}/{name}")
        if file:
            write(f"{lab.root}/{name}/{file}", "{}")
            write(f"{lab.root}/{name}/config.json", "{}")
    lab.create(lab.bundle(["/bin/true"]), identity="own")
    lab.brig("delete", "--force", "--regex", ".").ok()
    equal(sorted(os.listdir(lab.root)), ["crun-one", "empty", "runc-one"], "left")
    equal(sorted(os.listdir(f"{lab.root}/crun-one")), ["config.json", "status"], "its files")
    for name in ("runc-one", "crun-one"):
        for file in os.listdir(f"{lab.root}/{name}"):
            os.unlink(f"{lab.root}/{name}/{file}")
    for name in os.listdir(lab.root):
        os.rmdir(f"{lab.root}/{name}")


@suite.case("2.7", "several calls at once: each container goes once, and none of them fails")
def race(lab):
    names = [f"r-{number}" for number in range(6)]
    for name in names:
        lab.create(lab.bundle(["/bin/true"]), identity=name)
    calls = [lab.spawn("delete", "--regex", "^r-") for _ in range(4)]
    for call in calls:
        equal(call.wait().ok().err, "", "standard error")
    equal(statuses(lab), {}, "left")


@suite.case("2.6 2.7", "a pattern that is none, and without a state root")
def bad(lab):
    for verb in ("kill", "delete"):
        failed = lab.brig(verb, "--regex", "a(b").failed('regcomp("a(b"): ', status=1)
        equal(failed.err.count("\n"), 1, "lines")
        lab.brig(verb, "--regex", "").failed("must not be empty", status=1)
    lab.brig("kill", "--regex", "a", "NOSIGNAL").failed("unknown signal", status=1)
    lab.brig("--root", f"{lab.path}/none", "delete", "--regex", ".", root=False).ok()
    check(not os.path.exists(f"{lab.path}/none"), "a state root was made")
    lab.brig("delete", "a(b").failed("invalid container ID format", status=1)


suite.main()
