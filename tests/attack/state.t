#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The state root, the state files and what the record names (T-79, T-84, T-85, T-95): edits by
# somebody who got at them, and two state roots that name the same things.
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.cgroups import V1, groups_of, need_v1, see_only_v2
from harness.lab import Lab, read
from harness.tap import Suite, check, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


# two state roots


def at(lab, root, *words, **how):
    """A call with another state root."""
    return lab.brig(*words, root=False, globals_=("--root", root), **how)


def remove_lab():
    for folder in sorted(oracle.cgroups(), reverse=True):
        if "/lab" in folder:
            os.rmdir(folder)


VIEWS = {"v1": lambda lab: need_v1("freezer"), "v2": see_only_v2}
PLACE = "/lab/shared"


def share(lab, view):
    """A stopped container, and one of another state root that runs in its cgroup."""
    VIEWS[view](lab)
    maker = lab.start(lab.bundle(["/bin/true"], linux__cgroupsPath=PLACE))
    maker.wait_stopped()
    other = f"{lab.path}/other"
    os.mkdir(other, 0o700)
    made = lab.bundle(SLEEP, linux__cgroupsPath=PLACE).write()
    at(lab, other, "run", "-d", "--bundle", made.path, "guest").ok()
    return maker, other


def state_of(lab, root):
    return json.loads(at(lab, root, "state", "guest").ok().out)


def folders():
    return [folder for folder in oracle.cgroups() if folder.endswith(PLACE)]


@suite.table("O-05 CG-05 trap-33", "delete of a stopped container leaves who entered its group since", {
    f"{view} {' '.join(options) or 'plain'}": (view, options)
    for view in VIEWS for options in ((), ("--force",))})
def shared_group(lab, view, options):
    maker, other = share(lab, view)
    pid = state_of(lab, other)["pid"]
    maker.kill("KILL").failed("container not running")
    maker.kill("--all", "KILL").failed("container not running")
    equal(lab.brig("ps", "--format", "json", maker.id).ok().out.strip(), "[]", "its processes")
    check(maker.delete(*options).ok().seconds < 5, "without waiting for the guest's end")
    lab.gone(maker.id)
    equal(state_of(lab, other)["status"], "running", "the guest")
    check(any(path == PLACE for path in groups_of(pid).values()), "the guest's group")
    at(lab, other, "pause", "guest").ok()
    equal(state_of(lab, other)["status"], "paused", "the guest")
    at(lab, other, "resume", "guest").ok()
    at(lab, other, "delete", "--force", "guest").ok()
    equal(folders(), [], "the group is gone with the last one")
    remove_lab()


@suite.table("O-05 CG-05", "the guest's delete leaves the group to its maker", {
    view: view for view in VIEWS})
def shared_group_guest(lab, view):
    maker, other = share(lab, view)
    at(lab, other, "delete", "--force", "guest").ok()
    check(folders(), "the group stays for its maker")
    again = lab.bundle(SLEEP, linux__cgroupsPath=PLACE).write()
    at(lab, other, "run", "-d", "--bundle", again.path, "guest").ok()
    at(lab, other, "kill", "guest", "KILL").ok()
    eventually(lambda: (lab.reap(), state_of(lab, other)["status"] == "stopped")[1], "its end")
    maker.delete().ok()
    equal(folders(), [], "an empty group is its maker's to remove")
    at(lab, other, "delete", "guest").ok()
    remove_lab()


@suite.case("O-05 CG-05", "an inner group of the guest stays, too")
def shared_inner(lab):
    maker, other = share(lab, "v1")
    inner = f"{V1['freezer']}{PLACE}/inner"
    os.mkdir(inner)
    maker.delete("--force").ok()
    check(os.path.isdir(inner), "the inner group")
    at(lab, other, "delete", "--force", "guest").ok()
    equal(folders(), [], "groups")
    remove_lab()


suite.main()
