# SPDX-License-Identifier: Apache-2.0
"""Runs a command on a pty, as a person at a terminal would, and prints what was to be seen.
usage: on_pty.py ROWSxCOLUMNS [STEP...] -- COMMAND...
A step is expect:TEXT, send:TEXT (with Python's escapes), size:ROWSxCOLUMNS or wait:SECONDS.
It ends with the command's exit status; 99 when a step fails."""
import os
import pty
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import console  # pylint: disable=wrong-import-position
from harness.tap import Failure  # pylint: disable=wrong-import-position


def size_of(text):
    rows, columns = text.split("x")
    return int(rows), int(columns)


class Person:
    """Does the steps, and remembers what was to be seen and how much of it was already waited for."""

    def __init__(self, master):
        self.master = master
        self.seen = ""
        self.position = 0

    def expect(self, text):
        if text not in self.seen[self.position:]:
            self.seen += console.read_until(self.master, text, 10)
        self.position = self.seen.index(text, self.position) + len(text)

    def take(self, step):
        kind, _, value = step.partition(":")
        if kind == "expect":
            self.expect(value)
        elif kind == "send":
            os.write(self.master, value.encode().decode("unicode_escape").encode("latin-1"))
        elif kind == "size":
            console.set_size(self.master, *size_of(value))
        elif kind == "wait":
            time.sleep(float(value))
        else:
            raise Failure(f"no such step: {step}")


def main(arguments):
    split = arguments.index("--")
    size, steps, command = arguments[0], arguments[1:split], arguments[split + 1:]
    master, slave = pty.openpty()
    console.set_size(slave, *size_of(size))
    person = Person(master)
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, close_fds=True,
                          preexec_fn=console.take_terminal) as process:
        os.close(slave)
        try:
            for step in steps:
                person.take(step)
            person.seen += console.read_all(master, 10)
        except Failure as failure:
            print(person.seen, failure)
            process.kill()
            return 99
        status = process.wait()
    print(person.seen.replace("\r", ""))
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
