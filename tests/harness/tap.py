# SPDX-License-Identifier: Apache-2.0
"""Cases, checks and the TAP that they print; one process per test program."""
import os
import sys
import time
import traceback

from . import sandbox


# How many times slower than a common one this machine is, such as an emulated one: all limits are longer by that.
SLOWNESS = float(os.environ.get("BRIG_TEST_SLOWNESS", "1"))

# Beneath the title of a case in which no program was to run: tests/spec/report reads it.
ONLY_REFUSES = "only refuses"


class Failure(AssertionError):
    """A check did not hold."""


class Skip(Exception):
    """This case cannot be judged on this machine; the text says why."""


def check(condition, text):
    if not condition:
        raise Failure(text)


def equal(actual, wanted, what):
    if actual != wanted:
        raise Failure(f"{what}: wanted {wanted!r}, got {actual!r}")


def contains(text, part, what):
    if part not in text:
        raise Failure(f"{what}: no {part!r} in {text!r}")


def patient(seconds):
    """A limit that is fit for this machine."""
    return seconds * SLOWNESS


def eventually(probe, what, seconds=5.0):
    """Waits until probe() is true; a machine under load may be slow, so be generous."""
    seconds = patient(seconds)
    deadline = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {seconds} s")
        time.sleep(0.005)


class Suite:
    """The cases of one test program. A case is a function that takes a Lab.
    hierarchies: see sandbox.enter."""

    def __init__(self, hierarchies=()):
        self.cases = []
        self.hierarchies = hierarchies

    def case(self, ids, name, **options):
        """Adds a case. ids: rules it proves, blank separated. options go to the Lab."""
        def add(function):
            self.cases.append((f"{ids} {name}", function, options))
            return function
        return add

    def table(self, ids, name, rows, **options):
        """Adds one case per row {row name: arguments}."""
        def add(function):
            for row, arguments in rows.items():
                def call(lab, arguments=arguments):
                    if isinstance(arguments, tuple):
                        return function(lab, *arguments)
                    return function(lab, arguments)
                self.cases.append((f"{ids} {name}: {row}", call, options))
            return function
        return add

    def main(self):
        """Runs the cases whose name holds every word of the command line, or with "this|that" one
        part of it; ends the process."""
        sandbox.enter(self.hierarchies)
        from .lab import Lab
        sys.stdout.reconfigure(line_buffering=True)
        words = sys.argv[1:]
        chosen = [case for case in self.cases
                  if all(any(part in case[0] for part in word.split("|")) for word in words)]
        print(f"1..{len(chosen)}")
        failed = 0
        for number, (name, function, options) in enumerate(chosen, 1):
            name = name.replace("#", "no.").replace("\n", " ")
            start = time.monotonic()
            verdict, notes = self._run_one(Lab, function, options)
            seconds = time.monotonic() - start
            failed += verdict == "not ok"
            skip = f" # SKIP {notes}" if verdict == "skip" else ""
            print(f"{'ok' if verdict == 'skip' else verdict} {number} - {name}{skip}")
            if verdict != "skip":
                for line in notes.splitlines():
                    print(f"#   {line}")
            if seconds > 5 and os.environ.get("BRIG_TEST_TIMES"):
                print(f"#   took {seconds:.1f} s")
        sys.stdout.flush()
        os._exit(1 if failed else 0)

    @staticmethod
    def _run_one(lab_class, function, options):
        lab = lab_class(**options)
        verdict, notes = "ok", ""
        try:
            notes = function(lab) or ""
            lab.expect_clean()
            if lab.only_refuses():
                notes = f"{ONLY_REFUSES}\n{notes}"
        except Skip as skip:
            verdict, notes = "skip", str(skip)
        except Failure as failure:
            verdict, notes = "not ok", str(failure)
        except Exception:  # a broken test is a failed test, and the next one still runs
            verdict, notes = "not ok", traceback.format_exc()
        if verdict == "not ok":
            notes += "\n" + lab.story()
        try:
            lab.close()
        except Exception:
            verdict, notes = "not ok", notes + "\nclean-up: " + traceback.format_exc()
        return verdict, notes
