#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# What each rule calls bad input: `create` and `run` refuse it, name its place in config.json and the
# reason, on standard error and in the log, and leave nothing behind.
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), HERE]
from bad_values import GONE, ROWS
from harness.lab import read
from harness.tap import Suite, check, contains, equal

suite = Suite()


def edit(made, path, value):
    """Sets or takes out a member; a path may also be a function that edits the bundle."""
    if callable(path):
        path(made)
    elif value is GONE:
        *parents, last = path.split(".")
        place = made.config
        for step in parents:
            place = place[int(step)] if isinstance(place, list) else place[step]
        del place[last]
    else:
        made.set(path, value)


def last_error(log):
    """The message of the log's last entry, as engines read it."""
    entry = json.loads(read(log).splitlines()[-1])
    equal(entry["level"], "error", "the entry's level")
    return entry["msg"]


def refused(lab, edits, place, reason):
    made = lab.bundle(["/bin/true"])
    for path, value in edits:
        edit(made, path, value)
    made.write()
    log = f"{lab.path}/log"
    for command in ("create", "run"):
        identity = lab.name()
        called = lab.brig(command, "--bundle", made.path, identity,
                          globals_=("--log", log, "--log-format", "json"))
        called.failed(f"brig: {command} {identity}: ", status=1)
        for said in (called.err, last_error(log)):
            contains(said, f"{place}: " if place else reason, "place")
            contains(said.partition(f"{place}: ")[2] if place else said, reason, "reason")
        check(not os.path.lexists(f"{lab.root}/{identity}"), "no state is left")
        lab.expect_nothing_left(f"{command} with bad input")


for ids, name, edits, place, reason in ROWS:
    def one(lab, edits=edits, place=place, reason=reason):
        refused(lab, edits, place, reason)
    suite.case(ids, f"bad input: {name}")(one)

suite.main()
