#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Many in a row and many at once: nothing grows, nothing is mixed up, nothing is left.
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.lab import read
from harness.tap import Suite, check, equal

suite = Suite()
ROW = int(os.environ.get("SERIES", "1000"))
AT_ONCE = 50


def call(lab, *words):
    """A call without what the harness keeps of each: status and output."""
    done = subprocess.run(lab.words(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    return done.returncode, done.stdout


def number_bundle(lab):
    """A container that tells its hostname and ends with status 7."""
    return lab.bundle(shell="hostname; exit 7", hostname="of-all").write().path


@suite.case("TRAP-30 LC-13", "a thousand runs in a row, half of them by the same name")
def runs(lab):
    path = number_bundle(lab)
    wrong = []
    for number in range(ROW):
        result = call(lab, "run", "--bundle", path, "same" if number % 2 else f"run-{number}")
        if result != (7, b"of-all\n"):
            wrong.append((number, result))
        if number % 100 == 99:
            equal(lab.leaks(), [], f"left after {number + 1} runs")
    equal(wrong, [], "runs that were not as the others")


@suite.case("TRAP-02", "three hundred execs in a row in one container")
def execs(lab):
    container = lab.sleeper()
    before = len(oracle.processes())
    wrong = [number for number in range(300)
             if call(lab, "exec", container.id, "/bin/sh", "-c", f"exit {number % 200}")[0] != number % 200]
    equal(wrong, [], "execs with a wrong exit status")
    equal(len(oracle.processes()), before, "processes")


@suite.case("LC-13", "fifty creates, starts, kills and deletes, each kind at once")
def at_once(lab):
    path = lab.bundle(["/bin/sleep", "1000"]).write().path
    names = [f"of-many-{number}" for number in range(AT_ONCE)]
    lab.containers.extend(names)

    def each(verb, *words):
        # Files: a container holds the standard error of its create for as long as it lives.
        errors = [lab.outs()[1] for _ in names]
        calls = []
        for name, error in zip(names, errors):
            with open(error, "wb") as file:
                calls.append(subprocess.Popen(lab.words(verb, *(name if word == "ID" else word for word in words)),
                                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=file))
        equal([(done.wait(), read(error)) for done, error in zip(calls, errors)], [(0, "")] * AT_ONCE,
              f"status and standard error of each {verb}")

    each("create", "--bundle", path, "ID")
    each("start", "ID")
    pids = {lab.state(name)["pid"] for name in names}
    equal(len(pids), AT_ONCE, "different processes")
    equal([name for name in names if lab.state(name)["status"] != "running"], [], "what does not run")
    each("kill", "ID", "KILL")
    each("delete", "--force", "ID")
    check(not any(os.path.exists(f"/proc/{pid}/root/bin") for pid in pids), "all have ended")


suite.main()
