#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# NOTIFY_SOCKET: a service manager that runs brig learns that the container is ready (engines 3.6).
import json
import os
import select
import shutil
import signal
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import sandbox
from harness.closing import ClosingFile
from harness.inject import settle_tracer
from harness.lab import need, read, write
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()


class Manager:
    """The socket of a service manager: what came, and from whom."""

    def __init__(self, lab, name=None):
        self.name = name or f"{lab.path}/manager"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind("\0" + name[1:] if name else self.name)
        self.socket.setblocking(False)
        self.messages, self.senders = [], []
        self.env = {"NOTIFY_SOCKET": self.name, "PATH": os.environ["PATH"]}

    def poll(self):
        while select.select([self.socket], [], [], 0)[0]:
            text, control, _, _ = self.socket.recvmsg(4096, 4096)
            self.messages.append(text.decode())
            for level, kind, data in control:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                    self.senders.append(struct.unpack("3i", data)[0])
                elif (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    for number in struct.unpack(f"{len(data) // 4}i", data):
                        os.close(number)
        return self.messages

    def wait(self, count):
        eventually(lambda: len(self.poll()) >= count, f"{count} messages, not {self.messages}")
        return self.messages


def service(lab, *words, after="", **settings):
    """A bundle whose program sends these messages and then runs `after`."""
    sent = " ".join(f"'{word}'" for word in words)
    made = lab.bundle(shell=f"/bin/notify {sent} && {after or 'sleep 1000'}", **settings)
    shutil.copy(os.path.join(sandbox.PAYLOAD, "notify"), f"{made.path}/rootfs/bin/notify")
    return made


@suite.case("3.6", "create and start: start returns once the container is ready, and names its process")
def start(lab):
    manager = Manager(lab)
    container = lab.create(service(lab, "STATUS=begins", "-", "READY=1", after="cat /proc/mounts; sleep 1000"),
                           env=manager.env, stdin=(pipe := os.pipe())[0])
    call = lab.spawn("start", container.id, env=manager.env)
    eventually(lambda: container.status() == "running", "a running container")
    time.sleep(0.1)
    check(call.process.poll() is None, "start did not wait")
    equal(manager.poll(), [], "messages before it is ready")
    os.write(pipe[1], b"\n")
    eventually(lambda: manager.poll() and call.process.poll() is not None, "the end of start")
    equal(call.wait().ok().out, "", "output")
    equal(manager.wait(3), ["READY=1\n", f"MAINPID={container.pid}\n", "BARRIER=1"], "messages")
    equal(set(manager.senders), {call.pid}, "senders")
    container.wait_out("/run/notify")
    line = next(line for line in container.out().splitlines() if " /run/notify " in line)
    check({"ro", "nosuid", "nodev", "noexec"} <= set(line.split()[3].split(",")), line)
    for end in pipe:
        os.close(end)


@suite.case("3.6", "run in the foreground: brig stays the main process, and passes only READY on")
def foreground(lab):
    manager = Manager(lab)
    made = service(lab, "STATUS=x", "MAINPID=1", "FDSTORE=1", "-", "X=1\nREADY=1\nMAINPID=1", "-",
                   after="exit 7")
    made.write()
    identity = lab.name()
    lab.containers.append(identity)
    reader, writer = os.pipe()
    call = lab.spawn("run", "--bundle", made.path, identity, env=manager.env, stdin=reader)
    eventually(lambda: lab.brig("state", identity).status == 0, "a container")
    os.write(writer, b"\n")
    equal(manager.wait(2), ["READY=1\n", f"MAINPID={call.pid}\n"], "messages")
    equal(set(manager.senders), {call.pid}, "senders")
    os.write(writer, b"\n")
    equal(call.wait().status, 7, "status")
    equal(len(manager.poll()), 2, "messages")
    os.close(reader)
    os.close(writer)
    lab.gone(identity)


@suite.case("3.6", "run --detach waits as start does, and so does a manager in the abstract namespace")
def detached(lab):
    manager = Manager(lab, f"@brig-test-{os.getpid()}-{lab.serial}")
    made = service(lab, "READY=1")
    made.write()
    identity = lab.name()
    lab.containers.append(identity)
    call = lab.spawn("run", "--detach", "--bundle", made.path, identity, env=manager.env)
    eventually(lambda: len(manager.poll()) == 3 and call.process.poll() is not None, "the end of run")
    equal(call.wait().status, 0, "status")
    equal(manager.messages[1], f"MAINPID={lab.state(identity)['pid']}\n", "main process")


@suite.case("3.6", "a container that ends without a word ends the wait; one that is ready and ends is told")
def ends(lab):
    for words, wanted in (((), 0), (("READY=1",), 3)):
        manager = Manager(lab, f"@brig-test-{os.getpid()}-{lab.name()}")
        container = lab.create(service(lab, *words, after="exit 0"), env=manager.env)
        call = lab.spawn("start", container.id, env=manager.env)
        eventually(lambda it=call, mine=manager: mine.poll() is not None and it.process.poll() is not None,
                   "the end of start")
        call.wait().ok()
        equal(len(manager.poll()), wanted, f"messages {manager.messages}")
        container.delete().ok()
        check(not os.path.exists(f"{lab.root}/{container.id}"), "the state folder is left")


@suite.case("3.6 T-48", "what others go on to send does not keep the wait from ending with the container's process")
def flood(lab):
    manager = Manager(lab)
    need(shutil.which("strace"), "strace")
    # A long queue and a slow reader: it never finds that there is nothing more.
    limit = "/proc/sys/net/unix/max_dgram_qlen"
    usual = read(limit)
    write(limit, "100000")
    made = service(lab, "STATUS=begins", after="/bin/notify '*' STATUS=x & " * 8 + "read line")
    made.without_namespace("pid")
    reader, writer = os.pipe()
    container = lab.create(made, env=manager.env, stdin=reader)
    call = lab.popen(["strace", "-D", "-qq", "-o", f"{lab.path}/trace", "-e", "trace=recvmsg", "-e",
                      "inject=recvmsg:delay_exit=500", *lab.words("start", container.id)], env=manager.env)
    eventually(lambda: container.status() == "running", "a running container")
    write(limit, usual)
    time.sleep(0.2)
    check(call.process.poll() is None, "start did not wait")
    os.write(writer, b"\n")
    equal(call.wait(10).status, 0, "status")
    settle_tracer(lab)
    equal(manager.poll(), [], "messages")
    for end in (reader, writer):
        os.close(end)
    container.delete("--force").ok()


@suite.case("3.6", "meanwhile the container is everybody's, and a signal ends the wait alone")
def unlocked(lab):
    manager = Manager(lab)
    made = service(lab, after="sleep 1000")
    for words in (["start"], ["run", "--detach", "--bundle", made.path]):
        if words[0] == "start":
            identity = lab.create(made, env=manager.env).id
        else:
            identity = lab.name()
            lab.containers.append(identity)
        call = lab.spawn(*words, identity, env=manager.env)
        eventually(lambda who=identity: '"running"' in lab.brig("state", who).out, "a running container")
        lab.brig("pause", identity).ok()
        lab.brig("resume", identity).ok()
        check(call.process.poll() is None, "the wait has ended")
        call.signal(signal.SIGTERM)
        equal(call.wait().status, -signal.SIGTERM, "how it ended")
        equal(lab.state(identity)["status"], "running", "status")
        lab.brig("delete", "--force", identity).ok()


@suite.table("3.6 T-48", "descriptors that come with a message are never brig's, which could hang as it closes them", {
    "detached": ("--detach",), "in the foreground": ()})
def descriptors(lab, *options):
    need(os.path.exists("/dev/fuse"), "FUSE")
    manager = Manager(lab)
    with ClosingFile(f"{lab.path}/file") as file:
        made = service(lab, "+/file", "STATUS=x", "READY=1", after="exec sleep 1000")
        made.mount("/file", "bind", file.path, ["bind"])
        made.write()
        identity = lab.name()
        lab.containers.append(identity)
        call = lab.spawn("run", *options, "--bundle", made.path, identity, env=manager.env)
        equal(manager.wait(2)[0], "READY=1\n", "message")
        check(len(file.opened) == 1, f"opened by {file.opened}")
        if not options:
            call.signal(signal.SIGKILL)  # nor as it ends
        call.wait()
        eventually(lambda: file.opened[0] in file.closed, "a close by the sender")
        check(call.pid not in file.closed, f"brig is {call.pid}, closed by {file.closed}")
        lab.brig("delete", "--force", identity).ok()


@suite.table("2.14 3.6", "a checkpoint is refused before anything is made, and the container goes on", {
    "checkpoint": (), "pre-dump": ("--pre-dump",)})
def checkpoint(lab, *options):
    manager = Manager(lab)
    container = lab.create(service(lab, "READY=1"), env=manager.env)
    call = lab.spawn("start", container.id, env=manager.env)
    manager.wait(3)
    call.wait().ok()
    image = f"{lab.path}/image"
    lab.brig("checkpoint", *options, "--image-path", image, container.id,
             globals_=("--criu", "/no/such/criu")).failed("container with NOTIFY_SOCKET", status=1)
    check(not os.path.exists(image), "an image folder")
    equal(container.status(), "running", "status")


@suite.case("3.6", "without the variable there is nothing of it, and start does not wait")
def stripped(lab):
    manager = Manager(lab)
    for first, second in (({}, {}), ({}, manager.env), ({"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": ""})):
        made = lab.bundle(shell="env; ls /run; sleep 1000")
        container = lab.create(made, env=first)
        lab.brig("start", container.id, env=second).ok()
        container.wait_out("PATH=")
        check("NOTIFY" not in container.out() and "notify" not in container.out(), container.out())
        check(not os.path.exists(f"{lab.root}/{container.id}/notify"), "a folder")
    # Offered at create, but start has nobody to tell.
    container = lab.create(service(lab, after="true"), env=manager.env)
    lab.brig("start", container.id, env={}).ok()
    equal(manager.poll(), [], "messages")


@suite.case("3.6", "exec gets nothing of it, and the container's own variable gives way")
def variable(lab):
    manager = Manager(lab)
    made = service(lab, "READY=1", after="env; sleep 1000")
    made.process["env"].append("NOTIFY_SOCKET=/elsewhere")
    container = lab.create(made, env=manager.env)
    lab.spawn("start", container.id, env=manager.env)
    container.wait_out("NOTIFY_SOCKET=")
    equal([line for line in container.out().splitlines() if line.startswith("NOTIFY")],
          ["NOTIFY_SOCKET=/run/notify/notify.sock"], "variable")
    manager.wait(3)
    equal(json.loads(read(f"{lab.root}/{container.id}/config.json"))["process"]["env"].count(
        "NOTIFY_SOCKET=/run/notify/notify.sock"), 0, "the kept config is as it was given")
    out = container.exec("/bin/env", env=manager.env).ok().out
    check("/run/notify" not in out, out)


@suite.case("3.6", "the container's users may be any, in a user namespace, too")
def users(lab):
    manager = Manager(lab)
    made = service(lab, "READY=1")
    maps = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    made.set("linux.uidMappings", maps)
    made.set("linux.gidMappings", maps)
    made.config["linux"]["namespaces"].append({"type": "user"})
    made.process["user"] = {"uid": 1000, "gid": 1000}
    os.chmod(lab.path, 0o755)
    os.chown(f"{made.path}/rootfs/run", 100000, 100000)
    container = lab.create(made, env=manager.env)
    lab.spawn("start", container.id, env=manager.env)
    equal(manager.wait(2)[0], "READY=1\n", "message")


@suite.table("3.6 T-48", "a manager that does not read holds nothing up for long", {
    "detached": ("--detach",), "in the foreground": ()})
def deaf_manager(lab, *options):
    manager = Manager(lab)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.setblocking(False)
        try:
            while True:
                other.sendto(b"STATUS=full", manager.name)
        except BlockingIOError:
            pass
    made = service(lab, "READY=1", after="trap 'exit 7' TERM; touch /dev/ready; sleep 1000 & wait")
    made.write()
    identity, log = lab.name(), f"{lab.path}/log"
    lab.containers.append(identity)
    call = lab.spawn("run", *options, "--bundle", made.path, identity, env=manager.env,
                     globals_=("--log", log, "--log-level", "warning"))
    eventually(lambda: lab.brig("exec", identity, "ls", "/dev/ready").status == 0, "READY sent")
    if not options:
        call.signal(signal.SIGTERM)
    equal(call.wait(20).status, 0 if options else 7, "status")
    contains(read(log), "sendmsg: resource temporarily unavailable", "log")


@suite.case("3.6", "a manager that is gone fails nothing")
def no_manager(lab):
    env = {"NOTIFY_SOCKET": f"{lab.path}/none", "PATH": os.environ["PATH"]}
    container = lab.create(service(lab, "READY=1"), env=env)
    log = f"{lab.path}/log"
    lab.brig("start", container.id, env=env, globals_=["--log", log, "--log-level", "warning"]).ok()
    contains(read(log), "level=warning", "log")
    equal(container.status(), "running", "status")


suite.main()
