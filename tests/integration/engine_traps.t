#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Traps that engines set a runtime, first part: processes, descriptors, sockets and blocking
# (TRAP-01 to TRAP-19). Those of a single verb are shown in that verb's own tests.
import array
import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle, sandbox
from harness.console import ConsoleSocket
from harness.lab import read, write
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
TIOCGPTN = 0x80045430  # only a master knows the number of its pty


def map_users(lab, made):
    made.namespace("user")
    made.linux["uidMappings"] = made.linux["gidMappings"] = [
        {"containerID": 0, "hostID": 100000, "size": 65536}]
    os.chmod(lab.path, 0o755)
    for folder, names, _ in os.walk(made.rootfs):
        for place in (folder, *(f"{folder}/{name}" for name in names)):
            os.lchown(place, 100000, 100000)


def join_pod(lab, made):
    pod = lab.sleeper()
    made.namespace("pid", f"/proc/{pod.pid}/ns/pid")
    # Who is root in another user namespace only may mount no proc of these processes.
    made.mounts[0].update(type="bind", source="/proc", options=["rbind"])


def join_users(lab, made):
    other = lab.bundle(SLEEP)
    map_users(lab, other)
    pod = lab.start(other)
    map_users(lab, made)
    del made.linux["uidMappings"], made.linux["gidMappings"]
    for kind in ("user", "pid"):
        made.namespace(kind, f"/proc/{pod.pid}/ns/{kind}")


def add_hooks(lab, made):
    made.config["hooks"] = {kind: [{"path": "/bin/sh", "args": ["sh", "-c", "true; true"]}]
                            for kind in ("prestart", "createRuntime", "createContainer",
                                         "startContainer", "poststart")}


# The process tree


SHAPES = {
    "plain": (), "a user namespace": (map_users,), "a pod": (join_pod,), "hooks": (add_hooks,),
    "a time namespace": (lambda lab, made: made.namespace("time"),),
    "a user namespace in a pod": (join_pod, map_users), "users of a pod": (join_users,),
    "no pid namespace": (lambda lab, made: made.without_namespace("pid"),),
}


@suite.table("TRAP-01 TRAP-02", "the engine gets the ends of init and exec, and of nobody else",
             {name: (shape,) for name, shape in SHAPES.items()})
def only_own_children(lab, shape):
    made = lab.bundle(SLEEP)
    for change in shape:
        change(lab, made)
    container = lab.start(made)
    pids = [container.pid]
    for command in (["/bin/sleep", "1000"], ["/bin/sh", "-c", "exit 7"]):
        container.exec(*command, options=("-d", "--pid-file", "pid")).ok()
        pids.append(int(read(f"{lab.path}/pid")))
    equal(lab.exit_of(pids[2]), 7, "exit of a short exec")
    equal([oracle.processes()[pid][0] for pid in pids[:2]], [os.getpid()] * 2, "parents")
    equal(lab.exits, {pids[2]: 7}, "children that came to us and ended")
    for pid in reversed(pids[:2]):
        os.kill(pid, signal.SIGKILL)
        equal(lab.exit_of(pid), -signal.SIGKILL, "exit")
    equal(set(lab.exits), set(pids), "all children that came to us")
    container.delete().ok()
    for left in lab.containers[:-1]:
        lab.brig("delete", "--force", left).ok()


FAILURES = {
    "no program": lambda made: made.process.update(args=["/absent"]),
    "a mount": lambda made: made.mount("/x", "bind", "/absent", ["bind"]),
    "a hook inside": lambda made: made.config.update(
        hooks={"createContainer": [{"path": "/bin/sh", "args": ["sh", "-c", "sleep 9 & exit 1"]}]}),
    "a limit": lambda made: made.set("linux.resources", {"cpu": {"cpus": "5000"}}),
}


@suite.table("TRAP-02 TRAP-04", "a call that fails hands no process to the engine", FAILURES)
def failed_calls(lab, spoil):
    container = lab.sleeper()
    made = lab.bundle(SLEEP)
    spoil(made)
    for words in (("create", "--bundle", made.write().path, "f"), ("run", "--bundle", made.path, "f"),
                  ("exec", container.id, "/absent"), ("exec", "-d", container.id, "/absent"),
                  ("exec", "-d", "--cwd", "/absent", container.id, "/bin/true")):
        lab.brig(*words).failed()
        equal(set(oracle.processes()) - set(lab.before.processes), {container.pid},
              f"processes after {words[0]}")
    equal(lab.exits, {}, "children that came to us")


@suite.table("TRAP-12", "who made it may be killed by its own parent's death, the program is not", {
    "root": {"uid": 0, "gid": 0}, "a user": {"uid": 1000, "gid": 1000}})
def parent_death(lab, user):
    made = lab.bundle(SLEEP, process__user=user)
    identity = lab.name()
    lab.containers.append(identity)

    def call(*words):
        # containerd's shim sets the signal for the runtime; its thread may end right after.
        lab.popen(["sh", "-c", '"$@" || exit; kill -9 $$', "sh", "setpriv", "--pdeathsig", "KILL",
                   *lab.words(*words)]).process.wait()
    call("create", "--bundle", made.write().path, identity)
    equal(lab.state(identity)["status"], "created", "status")
    call("start", identity)
    call("exec", "-d", "--pid-file", f"{lab.path}/pid", identity, *SLEEP)
    equal(lab.state(identity)["status"], "running", "status")
    listed = json.loads(lab.brig("ps", "-f", "json", identity).ok().out)
    equal(sorted(listed), sorted([lab.state(identity)["pid"], int(read(f"{lab.path}/pid"))]),
          "processes")


@suite.case("TRAP-10 TRAP-11", "created, running or of exec: own session, no signal kept from it")
def own_session(lab):
    def spoil():
        os.setsid()
        for number in (signal.SIGPIPE, signal.SIGHUP, signal.SIGTERM, 40):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGCHLD, 50})
    made = lab.bundle(SLEEP)
    container = lab.create(made, preexec_fn=spoil)
    for step in ("created", "running", "exec"):
        pid = container.pid
        if step == "running":
            lab.brig("start", container.id, preexec_fn=spoil).ok()
        if step == "exec":
            lab.brig("exec", "-d", "--pid-file", "pid", container.id, *SLEEP, preexec_fn=spoil).ok()
            pid = int(read(f"{lab.path}/pid"))
        fields = read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()
        equal(fields[2:4], [str(pid)] * 2, f"process group and session, {step}")
        status = dict(line.split(":\t") for line in read(f"/proc/{pid}/status").splitlines()
                      if line.startswith("Sig"))
        if step != "created":
            equal((int(status["SigBlk"], 16), int(status["SigIgn"], 16)), (0, 0), f"masks, {step}")
    report = json.loads(lab.brig("exec", container.id, "/bin/probe", preexec_fn=spoil).ok().out,
                        strict=False)
    equal((report["signals_ignored"], report["signals_blocked"]), ([], []), "seen from inside")


@suite.case("TRAP-11", "conmon's kill of its own process group leaves the container alone")
def group_kill(lab):
    made = lab.bundle(SLEEP)
    identity = lab.name()
    lab.containers.append(identity)
    script = '"$0" --root "$1" run -d --bundle "$2" "$3" && "$0" --root "$1" exec -d "$3" ' \
             'sleep 999 && kill -9 -$$'
    call = lab.popen(["sh", "-c", script, sandbox.brig(), lab.root, made.write().path, identity],
                     start_new_session=True)
    equal(call.process.wait(10), -signal.SIGKILL, "the group's leader")
    equal(lab.state(identity)["status"], "running", "status")
    equal(len(json.loads(lab.brig("ps", "-f", "json", identity).ok().out)), 2, "processes")


# The caller's streams


def after_call(lab, *words, **how):
    """What the caller's one pipe for both streams gave up to its end, which must have come."""
    reader, writer = os.pipe()
    lab.brig(*words, stdout=writer, stderr=writer, **how).ok()
    os.close(writer)
    text = b""
    while True:
        ready, _, _ = select.select([reader], [], [], 0.5)
        check(ready, f"{words[0]}: somebody still holds the caller's pipe")
        if not (part := os.read(reader, 4096)):
            break
        text += part
    os.close(reader)
    return text.decode()


@suite.case("TRAP-03 TRAP-19", "with a terminal no call but the program's own keeps the caller's pipe")
def pipes_end(lab):
    made = lab.bundle(SLEEP, process__terminal=True)
    daemon = {"path": "/bin/sh", "args": ["sh", "-c", "echo said; setsid sleep 5 & exit 0"]}
    made.config["hooks"] = {"createRuntime": [daemon], "poststart": [daemon], "poststop": [daemon]}
    sockets = [ConsoleSocket(f"{lab.path}/{name}") for name in ("init", "exec")]
    identity = lab.name()
    lab.containers.append(identity)
    resources = write(f"{lab.path}/resources", '{"pids": {"limit": 50}}')
    for words in (("create", "--console-socket", "init", "--bundle", made.write().path, identity),
                  ("start", identity),
                  ("exec", "-t", "-d", "--console-socket", "exec", identity, *SLEEP),
                  ("update", "--resources", resources, identity), ("pause", identity),
                  ("resume", identity), ("kill", identity, "9"),
                  ("delete", "--force", identity)):
        equal(after_call(lab, *words), "", f"what {words[0]} printed")
    for console in sockets:
        console.accept()
        console.close()
    eventually(lambda: not lab.leaks(), "the daemons' end", 15)


# Descriptors


@suite.case("TRAP-09", "podman's --preserve-fd=9,40: 38 preserved, two of them open, nothing else")
def far_descriptors(lab):
    def place():
        source = os.open("/dev/zero", os.O_RDONLY)
        for number in (9, 40, 41):
            os.dup2(source, number)
        os.close(source)
    container = lab.sleeper()
    for words in (("run", "--preserve-fds", "38", "--bundle", lab.bundle().write().path, "p"),
                  ("exec", "--preserve-fds", "38", container.id, "/bin/probe")):
        report = json.loads(lab.brig(*words, close_fds=False, preexec_fn=place).ok().out,
                            strict=False)
        equal(set(report["fds"]), {"0", "1", "2", "9", "40"}, f"descriptors of {words[0]}")
    lab.containers.append("p")


@suite.case("TRAP-09", "podman's sockets are counted twice, the variables come once")
def counted_twice(lab):
    made = lab.bundle()
    made.process["env"] += ["LISTEN_PID=1", "LISTEN_FDS=2", "LISTEN_FDNAMES=web:admin"]
    lab.containers.append("s")
    words = lab.words("run", "--preserve-fds", "2", "--bundle", made.write().path, "s")
    script = 'LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=web:admin exec "$@" 3</dev/zero 4</dev/zero'
    report = json.loads(lab.popen(["sh", "-c", script, "sh", *words]).wait().ok().out, strict=False)
    equal(set(report["fds"]), {"0", "1", "2", "3", "4"}, "descriptors")
    equal(sorted(entry for entry in report["env"] if entry.startswith("LISTEN_")),
          ["LISTEN_FDNAMES=web:admin", "LISTEN_FDS=2", "LISTEN_PID=1"], "variables")


# Sockets


@suite.case("TRAP-13", "conmon: the console socket is closed and gone after the first connection")
def one_connection(lab):
    path = f"{lab.path}/attach"
    container = lab.sleeper()
    made = lab.bundle(SLEEP, process__terminal=True)
    lab.containers.append("t")
    for words in (("create", "--bundle", made.write().path, "t"),
                  ("exec", "-d", "-t", container.id, *SLEEP)):
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen(5)
        listener.settimeout(5)
        taken = []

        def serve():
            connection, _ = listener.accept()
            os.unlink(path)
            listener.close()
            taken.append(connection)
        thread = threading.Thread(target=serve)
        thread.start()
        lab.brig(words[0], "--console-socket", path, *words[1:]).ok()
        thread.join()
        taken[0].close()


@suite.case("TRAP-13", "containerd: accepts once the runtime has ended, and finds one connection")
def late_accept(lab):
    console = ConsoleSocket(f"{lab.path}/attach")
    lab.create(lab.bundle(SLEEP, process__terminal=True), "--console-socket", "attach")
    console.accept()
    console.listener.settimeout(0)
    try:
        console.listener.accept()
        check(False, "a second connection")
    except BlockingIOError:
        pass
    console.close()


@suite.case("TRAP-14", "go-runc: one message, room for one descriptor in it, and it is the master")
def master_only(lab):
    container = lab.sleeper()
    made = lab.bundle(SLEEP, process__terminal=True)
    lab.containers.append("t")
    for words in (("create", "--bundle", made.write().path, "t"),
                  ("exec", "-d", "-t", container.id, *SLEEP)):
        path = f"{lab.path}/{words[0]}"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen(1)
        lab.brig(words[0], "--console-socket", path, *words[1:]).ok()
        connection, _ = listener.accept()
        payload, control, flags, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4))
        check(0 < len(payload) < 4096, f"payload {payload}")
        equal((len(control), len(control[0][2]), flags & socket.MSG_CTRUNC), (1, 4, 0), "control")
        master = array.array("i", control[0][2])[0]
        equal(struct.unpack("I", fcntl.ioctl(master, TIOCGPTN, b"\0" * 4))[0], 0, "number of the pty")
        os.close(master)
        connection.close()
        listener.close()


@suite.case("TRAP-15", "private sockets and files beside the caller, and a container of other users")
def early_paths(lab):
    place = f"{lab.path}/private"
    os.mkdir(place, 0o700)
    made = lab.bundle(SLEEP, process__terminal=True)
    map_users(lab, made)
    lab.containers.append("t")
    write(f"{place}/process.json", json.dumps({**made.process, "args": SLEEP}))
    consoles = []
    for words in (("create", "--bundle", made.write().path, "t"),
                  ("exec", "-d", "--process", "process.json", "t")):
        consoles.append(ConsoleSocket(f"{place}/console"))
        lab.brig(words[0], "--console-socket", "console", "--pid-file", f"pid-{words[0]}",
                 *words[1:], cwd=place, globals_=("--log", "log")).ok()
        consoles[-1].accept()
        os.unlink(f"{place}/console")
    equal({int(read(f"{place}/pid-{verb}")) for verb in ("create", "exec")},
          set(json.loads(lab.brig("ps", "-f", "json", "t").ok().out)), "pids")
    lab.brig("start", "nobody", cwd=place, globals_=("--log", "log")).failed("does not exist")
    contains(read(f"{place}/log"), "does not exist", "the log")
    for console in consoles:
        console.close()


@suite.case("TRAP-16", "what cannot be given to the user is no error: read-only, sockets, foreign ids")
def foreign_streams(lab):
    plain = lab.bundle(["/bin/true"], process__user={"uid": 1000, "gid": 1000}).write()
    mapped = lab.bundle(["/bin/true"], process__user={"uid": 1000, "gid": 1000})
    map_users(lab, mapped)
    os.mkdir(f"{lab.path}/volume")
    write(f"{lab.path}/volume/file", "")
    sandbox.libc.mount(f"{lab.path}/volume".encode(), f"{lab.path}/volume".encode(), None, 4096, None)
    file = os.open(f"{lab.path}/volume/file", os.O_RDWR)
    sandbox.libc.mount(None, f"{lab.path}/volume".encode(), None, 4096 | 32 | 1, None)
    left, right = socket.socketpair()
    for made in (plain, mapped.write()):
        for stream in (file, right.fileno()):
            lab.containers.append("s")
            lab.brig("run", "--bundle", made.path, "s", stdin=stream, stdout=stream).ok()
    os.close(file)
    left.close()
    right.close()
    sandbox.libc.umount2(f"{lab.path}/volume".encode(), 2)


@suite.case("TRAP-16", "the caller's own terminal, handed on as a stream, keeps its owner and mode")
def callers_terminal(lab):
    made = lab.bundle(["/bin/true"], process__user={"uid": 1000, "gid": 1000})
    master, slave = pty.openpty()
    before = os.fstat(slave)
    container = lab.sleeper()
    for words in (("run", "--bundle", made.write().path, "s"),
                  ("exec", "--user", "1000", container.id, "/bin/true")):
        lab.containers.append("s")
        lab.brig(*words, stdin=slave, stdout=slave, stderr=slave).ok()
        after = os.fstat(slave)
        equal((after.st_uid, after.st_gid, after.st_mode),
              (before.st_uid, before.st_gid, before.st_mode), f"the host's terminal after {words[0]}")
    os.close(master)
    os.close(slave)


suite.main()
