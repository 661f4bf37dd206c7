#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Terminals (T-98, T-48, T-22): input pushed into the caller's, console sockets of hostile kinds, and
# what an image or a config could write to a person's screen.
import fcntl
import json
import os
import pty
import shlex
import socket
import struct
import sys
import termios

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.console import ConsoleSocket, take_terminal
from harness.lab import need, read
from harness.sandbox import PAYLOAD
from harness.tap import Suite, check, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


# input into the caller's terminal


def attacker(lab, terminal):
    made = lab.bundle(["/bin/inject"])
    with open(f"{PAYLOAD}/inject", "rb") as source, open(made.inside("/bin/inject"), "wb") as file:
        file.write(source.read())
    os.chmod(made.inside("/bin/inject"), 0o755)
    made.process["terminal"] = terminal
    return made


def waiting_input(slave):
    """How many bytes a reader of the terminal would get."""
    modes = termios.tcgetattr(slave)
    modes[3] &= ~termios.ICANON
    termios.tcsetattr(slave, termios.TCSANOW, modes)
    return struct.unpack("i", fcntl.ioctl(slave, termios.FIONREAD, b"\0\0\0\0"))[0]


@suite.table("T-98 R-14", "a program cannot push input into the terminal of", {
    "run": ("run", False), "run with a terminal": ("run", True),
    "run -d": ("run -d", False), "create and start": ("create", False),
    "exec": ("exec", False), "exec -t": ("exec", True), "exec -d": ("exec -d", False)})
def pushed(lab, verb, terminal):
    need_tiocsti()
    made = attacker(lab, terminal and verb == "run")
    made.process["args"] = ["/bin/inject"] if "exec" not in verb else SLEEP
    lab.containers.append("c")
    outer, slave = pty.openpty()
    how = {"stdin": slave, "stdout": slave, "stderr": slave, "preexec_fn": take_terminal}
    if verb.startswith("exec"):
        lab.brig("run", "-d", "--bundle", made.write().path, "c").ok()
        words = [*verb.split(), *(["-t"] if terminal else []), "c", "/bin/inject"]
    else:
        words = [*verb.split(), "--bundle", made.write().path, "c"]
    # As at a shell, which leads the session and outlives the call: else the terminal would be free.
    lines = [lab.words(*words)] + ([lab.words("start", "c")] if verb == "create" else [])
    shell = lab.popen(["sh", "-c", " && ".join(shlex.join(line) for line in lines) + "; sleep 1000"],
                      **how)
    told = made.inside("/told")
    eventually(lambda: os.path.exists(told) and "done" in read(told), "the attack")
    left = waiting_input(slave)
    shell.process.kill()
    os.close(outer)
    os.close(slave)
    equal(left, 0, f"bytes pushed; it says {read(told)!r}")
    if not terminal:
        equal(read(told).splitlines(), ["done Success"], "what succeeded")


def need_tiocsti():
    path = "/proc/sys/dev/tty/legacy_tiocsti"
    need(not os.path.exists(path) or read(path).strip() == "1", "this kernel has TIOCSTI off")


# console sockets


class Listener:
    """An engine's end that misbehaves."""

    def __init__(self, path, kind=socket.SOCK_STREAM, backlog=1):
        self.socket = socket.socket(socket.AF_UNIX, kind)
        self.socket.bind(path)
        self.others = []
        if kind != socket.SOCK_DGRAM:
            self.socket.listen(backlog)

    def fill(self, path):
        """Takes every place in the queue."""
        while True:
            other = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            other.setblocking(False)
            self.others.append(other)
            try:
                other.connect(path)
            except BlockingIOError:
                return

    def close(self):
        for other in [self.socket, *self.others]:
            other.close()


def queue_full(path):
    listener = Listener(path, backlog=0)
    listener.fill(path)
    return listener


def stale(path):
    Listener(path).close()
    return None


@suite.table("T-48 R-14", "a console socket whose peer does not play along", {
    "queue is full": queue_full, "nobody listens any more": stale,
    "of datagrams": lambda path: Listener(path, socket.SOCK_DGRAM),
    "of packets": lambda path: Listener(path, socket.SOCK_SEQPACKET),
    "a link to nothing": lambda path: os.symlink(path + "-absent", path),
    "a loop": lambda path: os.symlink(path, path), "a device": lambda path: os.symlink(
        "/dev/zero", path)})
def refused_socket(lab, make):
    path = f"{lab.path}/console"
    listener = make(path)
    made = attacker(lab, True)
    result = lab.try_create(made, "--console-socket", path, timeout=30)
    if listener:
        listener.close()
    result.failed("console")
    lab.expect_nothing_left("a console socket")
    if result.seconds > 5:
        return  # exec waits as long
    container = lab.sleeper()
    listener = make(f"{lab.path}/console-exec")
    result = lab.brig("exec", "-t", "-d", "--console-socket", f"{lab.path}/console-exec",
                      container.id, "/bin/true", timeout=30)
    if listener:
        listener.close()
    result.failed("console", status=255)
    equal(container.status(), "running", "the container")


@suite.case("T-48 R-14", "a peer that accepts, says much and goes away hangs nobody")
def talkative(lab):
    path = f"{lab.path}/console"
    listener = Listener(path)
    made = lab.bundle(SLEEP)
    made.process["terminal"] = True
    lab.containers.append("c")
    call = lab.spawn("create", "--bundle", made.write().path, "--console-socket", path, "c")
    peer, _ = listener.socket.accept()
    peer.setblocking(False)
    try:
        peer.send(b"x" * (1 << 20))
    except (BlockingIOError, BrokenPipeError, ConnectionResetError):
        pass
    peer.close()
    result = call.wait(10)
    listener.close()
    if result.status == 0:
        equal(lab.state("c")["status"], "created", "status")
    else:
        check(result.err.strip(), "a reason")
        lab.expect_nothing_left("a peer that went away")


@suite.case("T-22 R-14", "a terminal that the program makes exclusive or hangs up harms no exec")
def exclusive(lab):
    console = ConsoleSocket(f"{lab.path}/console")
    made = lab.bundle(shell="stty -opost -icanon -isig; setsid true; exec 0<&- 1>&- 2>&-; "
                            "sleep 1000")
    made.process["terminal"] = True
    container = lab.start(made, "--console-socket", console.path)
    console.accept()
    equal(container.exec("/bin/echo", "here").ok().out, "here\n", "exec")
    second = ConsoleSocket(f"{lab.path}/second")
    lab.brig("exec", "-t", "-d", "--console-socket", second.path, container.id, "/bin/tty").ok()
    second.accept()
    second.close()
    console.close()
    container.delete("--force").ok()


# what a person's screen gets to see

EVIL = "\u001b]0;owned\u0007\u001b[2J\rbrig: all is well\n\u009b31m\u202eevil"


def clean(text):
    return all(letter >= " " and not "\u007f" <= letter <= "\u009f" or letter == "\n"
               for letter in text) and text.count("\n") == 1


SETTINGS = {
    "process.args": [EVIL], "process.cwd": EVIL, "root.path": EVIL, "hostname": EVIL * 9,
    "process.user": {"uid": 1 << 40, EVIL: 1}, "linux.cgroupsPath": "/" + EVIL,
    "linux.sysctl": {EVIL: "1"}, "linux.seccomp": {"defaultAction": EVIL},
    "linux.namespaces": [{"type": "mount"}, {"type": "network", "path": "/" + EVIL}],
    "mounts": [{"destination": "/" + EVIL, "type": EVIL, "source": EVIL, "options": [EVIL]}],
    "hooks": {"prestart": [{"path": "/" + EVIL}]}, "process.rlimits": [{"type": EVIL}],
    "process.capabilities": {"bounding": [EVIL]}, "process.apparmorProfile": EVIL,
}


@suite.table("T-95 R-39", "an error has no escape sequence, and is one line", {
    name: name for name in SETTINGS})
def screen(lab, name):
    made = lab.bundle(SLEEP)
    made.set(name, SETTINGS[name])
    log = f"{lab.path}/log.json"
    result = lab.try_create(made, "--pid-file", f"{lab.path}/pid")
    if result.status == 0:
        return
    result.failed()
    check(clean(result.err), f"{result.err!r}")
    lab.containers.append("second")
    lab.brig("create", "--bundle", made.path, "second",
             globals_=("--log", log, "--log-format", "json")).failed()
    text = read(log)
    check(clean(text.replace("\u009b", "")), f"{text!r}")  # fine in JSON
    check(json.loads(text)["level"] == "error", text)


@suite.case("T-95 R-39", "nor have list, state and ps of a container with such names")
def shown(lab):
    folder = f"{lab.path}/\u001b[31mevil\nname"
    made = lab.bundle(["/bin/sleep", "1000"])
    made.config["annotations"] = {EVIL: EVIL}
    os.rename(made.path, folder)
    made.path, made.rootfs = folder, f"{folder}/rootfs"
    os.symlink("busybox", made.inside("/bin/\u001b[31msleep"))
    made.process["args"] = ["/bin/\u001b[31msleep", "1000"]
    container = lab.create(made).start()
    for words in (("list",), ("list", "-q"), ("state", container.id), ("list", "-f", "json")):
        out = lab.brig(*words).ok().out
        check("\u001b" not in out, f"{words}: {out!r}")
    equal(lab.state(container.id)["annotations"], {EVIL: EVIL}, "annotations")
    equal(lab.state(container.id)["bundle"], folder, "bundle")
    check(len(lab.brig("list").ok().out.strip().splitlines()) == 2, "a line per container")


suite.main()
