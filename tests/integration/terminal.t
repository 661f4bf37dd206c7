#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Terminals: P-01, P-02, E-02; the console socket of create, a person's terminal around run.
import json
import os
import pty
import signal
import sys
import termios

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.console import (ConsoleSocket, get_size, read_all, read_until, set_size,
                             take_terminal)
from harness.lab import read
from harness.tap import Suite, check, contains, equal

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


class Person:
    """A terminal with a call of the runtime in its foreground."""

    def __init__(self, lab, *words, size=(33, 111), **how):
        self.master, slave = pty.openpty()
        set_size(self.master, *size)
        self.before = termios.tcgetattr(slave)
        self.call = lab.spawn(*words, stdin=slave, stdout=slave, stderr=slave,
                              preexec_fn=take_terminal, **how)
        self.slave = slave

    def end(self):
        text = ""
        status = self.call.process.wait(10)
        after = termios.tcgetattr(self.slave)
        os.close(self.slave)
        text = read_all(self.master)
        os.close(self.master)
        return status, text, after


def terminal_bundle(lab, shell, **settings):
    return lab.bundle(shell=shell, process__terminal=True, **settings)


def run_words(lab, made, identity="tty"):
    lab.containers.append(identity)
    return ("run", "--bundle", made.write().path, identity)


@suite.case("P-01 3.2 X-02", "create sends the master over the console socket, once, one message")
def console(lab):
    console_socket = ConsoleSocket(f"{lab.path}/console")
    made = terminal_bundle(lab, "tty; test -t 0 && test -t 1 && test -t 2 && echo all; "
                                "read x; echo got $x; sleep 1000")
    container = lab.create(made, "--console-socket", "console")
    master = console_socket.accept()
    check(0 < len(console_socket.payload) < 4096, "payload bytes")
    container.start()
    text = read_until(master, "all")
    check("/dev/pts/0" in text or "/dev/console" in text, f"name of the terminal: {text!r}")
    os.write(master, b"hello\n")
    read_until(master, "got hello")
    equal((container.out(), container.err()), ("", ""), "output of create")
    console_socket.close()


@suite.case("P-01", "the terminal is the controlling one of a new session, owned by the user")
def controlling(lab):
    console_socket = ConsoleSocket(f"{lab.path}/console")
    made = lab.bundle(process__terminal=True, process__user={"uid": 1000, "gid": 1000})
    lab.start(made, "--console-socket", f"{lab.path}/console")
    report = json.loads(read_all(console_socket.accept()), strict=False)
    console_socket.close()
    equal(report["controlling_tty"], 1, "/dev/tty opens")
    equal((report["sid"], report["tty_pgrp"]), (1, 1), "session and foreground group")
    for number in "012":
        equal(report["fds"][number]["rdev"][0], 136, f"major of {number}")
        equal(report["fds"][number]["uid"], 1000, f"owner of {number}")
    equal(set(report["fds"]), {"0", "1", "2"}, "descriptors")


@suite.case("E-02 T-22", "/dev/console is the container's terminal")
def dev_console(lab):
    console_socket = ConsoleSocket(f"{lab.path}/console")
    made = terminal_bundle(lab, "echo text > /dev/console; stat -L -c '%t %F' /dev/console")
    lab.start(made, "--console-socket", "console")
    text = read_all(console_socket.accept())
    console_socket.close()
    contains(text, "text", "what was written to the console")
    contains(text, "88 character special file", "a pty (136)")


@suite.case("TRAP-55 P-02", "consoleSize is set before the master is sent")
def size(lab):
    console_socket = ConsoleSocket(f"{lab.path}/console")
    made = terminal_bundle(lab, "stty size", process__consoleSize={"height": 41, "width": 137})
    container = lab.create(made, "--console-socket", "console")
    master = console_socket.accept()
    equal(get_size(master), (41, 137), "size of the master")
    container.start()
    contains(read_all(master), "41 137", "size inside")
    console_socket.close()


@suite.table("P-02", "consoleSize without terminal is ignored", {
    "false": (False, 41), "absent": (None, 41), "more than a terminal has": (False, 2**32)})
def size_ignored(lab, terminal, height):
    made = lab.bundle(process__consoleSize={"height": height, "width": 137})
    if terminal is None:
        del made.process["terminal"]
    equal(lab.probe(made)["winsize"], [0, 0], "size")


@suite.table("P-02", "consoleSize at its borders", {
    "0 and 0": (0, 0), "65535": (65535, 65535), "one of them 0": (5, 0), "1": (1, 1)})
def size_borders(lab, height, width):
    console_socket = ConsoleSocket(f"{lab.path}/console")
    made = terminal_bundle(lab, "sleep 1000",
                           process__consoleSize={"height": height, "width": width})
    lab.create(made, "--console-socket", "console")
    equal(get_size(console_socket.accept()), (height, width), "size of the master")
    console_socket.close()


@suite.table("P-02", "a consoleSize that no terminal can have is refused", {
    "65536 lines": ({"height": 65536, "width": 1}, "height"),
    "65536 columns": ({"height": 1, "width": 65536}, "width"),
    "-1": ({"height": -1, "width": 1}, "height"), "no width": ({"height": 1}, "width"),
})
def size_refused(lab, value, member):
    console_socket = ConsoleSocket(f"{lab.path}/console")
    made = terminal_bundle(lab, "sleep 1000", process__consoleSize=value)
    lab.try_create(made, "--console-socket", "console").failed(f"process.consoleSize.{member}",
                                                               status=1)
    console_socket.close()
    lab.expect_nothing_left("a refused size")


@suite.table("P-01", "terminal is false unless asked for", {"false": False, "absent": None})
def no_terminal(lab, value):
    made = lab.bundle()
    del made.process["terminal"]
    if value is not None:
        made.process["terminal"] = value
    report = lab.probe(made)
    equal((report["tty"], report["controlling_tty"]), (None, 0), "terminal")
    container = lab.sleeper()
    equal(read(f"/proc/{container.pid}/stat").rsplit(")", 1)[1].split()[4], "0", "tty_nr")
    check(not os.path.exists(f"/proc/{container.pid}/root/dev/console"), "no /dev/console")


@suite.case("P-01", "a terminal without a devpts in the container is an error")
def no_devpts(lab):
    console_socket = ConsoleSocket(f"{lab.path}/console")
    made = terminal_bundle(lab, "sleep 1000")
    made.config["mounts"] = [entry for entry in made.mounts if entry["destination"] != "/dev/pts"]
    lab.try_create(made, "--console-socket", "console").failed("process.terminal", "dev/pts",
                                                               status=1)
    console_socket.close()
    lab.expect_nothing_left("a refused terminal")


@suite.case("P-01", "the pty is the container's own, of its devpts, the host's has none more")
def own_pty(lab):
    console_socket = ConsoleSocket(f"{lab.path}/console")
    before = os.listdir("/dev/pts")
    container = lab.create(terminal_bundle(lab, "sleep 1000"), "--console-socket", "console")
    master = console_socket.accept()
    equal(os.listdir("/dev/pts"), before, "terminals of the host")
    equal(sorted(os.listdir(f"/proc/{container.pid}/root/dev/pts")), ["0", "ptmx"], "inside")
    check(os.fstat(master).st_dev != os.stat("/dev/pts/ptmx").st_dev, "of another file system")
    console_socket.close()


@suite.case("P-01 TRAP-03", "with a terminal nobody holds the caller's pipes after create")
def pipes_free(lab):
    console_socket = ConsoleSocket(f"{lab.path}/console")
    made = terminal_bundle(lab, "sleep 1000")
    reader, writer = os.pipe()
    lab.containers.append("free")
    lab.brig("create", "--bundle", made.write().path, "--console-socket", "console", "free",
             stdout=writer, stderr=writer).ok()
    os.close(writer)
    equal(os.read(reader, 100), b"", "end of file after create")
    os.close(reader)
    console_socket.accept()
    console_socket.close()


@suite.case("P-01", "a container with a user namespace has a terminal too")
def userns(lab):
    console_socket = ConsoleSocket(f"{lab.path}/console")
    made = terminal_bundle(lab, "test -t 0 && echo yes; echo x > /dev/console && echo fine")
    made.namespace("user")
    made.linux["uidMappings"] = made.linux["gidMappings"] = [
        {"containerID": 0, "hostID": 100000, "size": 65536}]
    os.chmod(lab.path, 0o755)
    for name in ("", "bin", "proc", "dev", "sys", "tmp", "etc", "root", "run"):
        os.chown(made.inside(name), 100000, 100000)
    lab.start(made, "--console-socket", "console")
    text = read_all(console_socket.accept())
    console_socket.close()
    check("yes" in text and "fine" in text, f"output {text!r}")


@suite.table("P-01 2.1", "terminal and console socket must go together", {
    "terminal without socket": (True, False), "socket without terminal": (False, True),
})
def together(lab, terminal, with_socket):
    made = lab.bundle(SLEEP, process__terminal=terminal)
    console_socket = ConsoleSocket(f"{lab.path}/console")
    options = ("--console-socket", "console") if with_socket else ()
    lab.try_create(made, *options).failed("console socket")
    console_socket.close()
    lab.expect_nothing_left("a refused terminal")


@suite.table("T-48", "a console socket that is none is refused at once", {
    "absent": lambda path: None, "file": lambda path: open(path, "w").close(), "fifo": os.mkfifo,
    "folder": os.mkdir,
})
def no_socket(lab, make):
    make(f"{lab.path}/console")
    made = terminal_bundle(lab, "sleep 1000")
    lab.try_create(made, "--console-socket", "console", timeout=5).failed("console")
    lab.expect_nothing_left("a refused console socket")


@suite.case("3.2 T-48", "a console socket with a path of 300 letters works")
def long_path(lab):
    folder = lab.path
    for part in range(3):
        folder += f"/{'x' * 90}{part}"
    os.makedirs(folder)
    here = os.open(folder, os.O_PATH)
    console_socket = ConsoleSocket(f"/proc/self/fd/{here}/s")
    made = terminal_bundle(lab, "echo up")
    lab.start(made, "--console-socket", f"{folder}/s")
    contains(read_all(console_socket.accept()), "up", "output")
    console_socket.close()
    os.close(here)


# run in a person's terminal


@suite.case("2.3 3.2", "run in a terminal relays both ways and gives the status")
def run_tty(lab):
    made = terminal_bundle(lab, "test -t 0 && echo tty; read x; echo got $x; exit 5")
    person = Person(lab, *run_words(lab, made))
    read_until(person.master, "tty")
    os.write(person.master, b"word\n")
    status, text, _ = person.end()
    equal(status, 5, "exit status")
    contains(text, "got word", "output")
    lab.expect_nothing_left("run in a terminal")


@suite.case("2.3", "the inner terminal has the size of the outer one, and follows it")
def run_size(lab):
    made = terminal_bundle(lab, "stty size; trap 'stty size' WINCH; echo up; "
                                "while :; do sleep 0.01; done")
    person = Person(lab, *run_words(lab, made), size=(44, 123))
    contains(read_until(person.master, "up"), "44 123", "first size")
    set_size(person.master, 20, 60)
    person.call.signal(signal.SIGWINCH)
    read_until(person.master, "20 60")
    lab.brig("kill", "tty", "KILL").ok()
    person.end()


@suite.case("2.3", "the outer terminal is raw while the program runs and restored after it")
def run_raw(lab):
    made = terminal_bundle(lab, "echo up; read x")
    person = Person(lab, *run_words(lab, made))
    read_until(person.master, "up")
    flags = termios.tcgetattr(person.slave)[3]
    check(not flags & termios.ICANON and not flags & termios.ECHO, "raw while running")
    os.write(person.master, b"\n")
    _, _, after = person.end()
    equal(after, person.before, "modes after the end")


@suite.case("2.3", "the outer terminal is restored when create fails, too")
def run_raw_failed(lab):
    made = lab.bundle(["/bin/absent"], process__terminal=True)
    person = Person(lab, *run_words(lab, made))
    status, text, after = person.end()
    equal(status, 1, "exit status")
    contains(text, "no such file or directory", "reason")
    equal(after, person.before, "modes after the end")


@suite.case("2.3", "Ctrl-C goes to the program")
def run_interrupt(lab):
    made = terminal_bundle(lab, "trap 'echo caught; exit 4' INT; echo up; "
                                "while :; do sleep 0.01; done")
    person = Person(lab, *run_words(lab, made))
    read_until(person.master, "up")
    os.write(person.master, b"\x03")
    status, text, _ = person.end()
    equal(status, 4, "exit status")
    contains(text, "caught", "output")


@suite.case("2.3", "a flood of output arrives whole")
def run_flood(lab):
    made = terminal_bundle(lab, "seq 1 20000; echo end")
    person = Person(lab, *run_words(lab, made))
    text = ""
    while "end" not in text:
        text += read_until(person.master, "\n")
    status, _, _ = person.end()
    numbers = [int(word) for word in text.split() if word.isdigit()]
    equal((status, numbers), (0, list(range(1, 20001))), "numbers")


@suite.case("2.3", "exec -t in a terminal")
def exec_tty(lab):
    container = lab.sleeper()
    person = Person(lab, "exec", "-t", container.id, "/bin/sh", "-c",
                    "test -t 1 && stty size; read x; exit 8", size=(22, 88))
    read_until(person.master, "22 88")
    os.write(person.master, b"\n")
    status, _, after = person.end()
    equal(status, 8, "exit status")
    equal(after, person.before, "modes after the end")


@suite.case("T-98", "the program cannot push input into the caller's terminal")
def tiocsti(lab):
    made = terminal_bundle(lab, "readlink /proc/self/fd/0; cat /proc/self/stat | cut -d' ' -f7; "
                                "ls -l /proc/self/fd")
    person = Person(lab, *run_words(lab, made))
    outer = os.ttyname(person.slave)
    status, text, _ = person.end()
    equal(status, 0, "exit status")
    check(outer != "/dev/pts/0" or "/dev/pts/0" in text, "a terminal of its own")
    check("deleted" not in text, "no link to the outer one")


suite.main()
