#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# SCMP_ACT_NOTIFY: SC-05 to SC-07, by a supervisor that receives the listener and answers.
import contextlib
import errno
import os
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.lab import need, read
from harness.supervisor import Supervisor
from harness.tap import Suite, check, contains, equal, eventually, patient

suite = Suite()
NR = {"getuid": 102, "getgid": 104, "chdir": 80, "execve": 59, "sendmsg": 46, "recvmsg": 47}
PLACE = "linux.seccomp.listenerPath"


def profile(path, *names, default="SCMP_ACT_ALLOW", **more):
    rules = [{"names": list(names), "action": "SCMP_ACT_NOTIFY"}] if names else []
    listener = {"listenerPath": path} if path else {}
    return {"defaultAction": default, "syscalls": rules, **listener, **more}


def emulated(number, _pid, _arguments):
    """getuid is 4242, getgid fails with EXDEV, all else goes on."""
    return {NR["getuid"]: (4242, 0), NR["getgid"]: (0, errno.EXDEV)}.get(number)


def bundle(lab, filter_, *calls, nnp=True):
    need(os.uname().machine == "x86_64", "numbers of x86_64")
    made = lab.bundle(["/bin/syscalls", *(str(call) for call in calls)])
    made.set("linux.seccomp", filter_)
    made.set("process.noNewPrivileges", nnp)
    return made


def answers(out):
    return [tuple(int(word) for word in line.split()[1:]) for line in out.splitlines()]


WANTED = [(4242, 0), (-1, errno.EXDEV)]


def inner_pid(pid):
    """A process' number in its own pid namespace."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("NSpid:")).split()[-1])


@suite.table("SC-05 SC-07 SC-12", "run: the answer of the supervisor is the call's result", {
    "no_new_privs": True, "without no_new_privs": False})
def run_emulated(lab, nnp):
    path = f"{lab.path}/supervisor"
    made = bundle(lab, profile(path, "getuid", "getgid"), NR["getuid"], NR["getgid"], nnp=nnp)
    made.capabilities("CAP_KILL")
    with Supervisor(path, emulated) as supervisor:
        equal(answers(lab.run(made).ok().out), WANTED, "answers")
        equal(len(supervisor.states), 1, "states received")


@suite.case("SC-05 SC-06 SC-07", "the state has everything, in one message on one connection")
def process_state(lab):
    path = f"{lab.path}/supervisor"
    made = bundle(lab, profile(path, "getuid", listenerMetadata="a \"secret\""), NR["getuid"])
    made.config["annotations"] = {"org.example": "1"}
    inner = []
    with Supervisor(path, emulated, lambda state: inner.append(inner_pid(state["pid"]))) as seen:
        container = lab.create(made)
        pid = container.pid
        equal(seen.states, [], "states before start: there is no filter yet")
        container.start()
        container.wait_stopped()
    equal(seen.extra, [1], "descriptors in the first message")
    state = seen.states[0]
    equal(sorted(state), ["fds", "metadata", "ociVersion", "pid", "state"], "members")
    equal((state["fds"], state["metadata"], state["pid"], state["ociVersion"]),
          (["seccompFd"], "a \"secret\"", pid, made.config["ociVersion"]), "process state")
    equal(state["state"], {"ociVersion": made.config["ociVersion"], "id": container.id,
                           "status": "created", "pid": pid, "bundle": made.path,
                           "annotations": {"org.example": "1"}}, "state")
    equal(inner, [1], "the pid is the runtime's view of the container's init")
    equal(answers(container.out()), [(4242, 0)], "answers")


@suite.case("SC-06", "without metadata there is none; an empty one is passed on")
def metadata(lab):
    path = f"{lab.path}/supervisor"
    with Supervisor(path, emulated) as supervisor:
        for more in ({}, {"listenerMetadata": ""}):
            lab.run(bundle(lab, profile(path, "getuid", **more), NR["getuid"])).ok()
    equal([state.get("metadata") for state in supervisor.states], [None, ""], "metadata")


@suite.case("SC-05 SC-07", "exec: a listener and a state of its own")
def exec_notified(lab):
    path = f"{lab.path}/supervisor"
    made = lab.bundle(["/bin/sleep", "1000"], linux__seccomp=profile(path, "getuid"))
    with Supervisor(path, emulated) as supervisor:
        container = lab.start(made)
        out = container.exec("/bin/syscalls", str(NR["getuid"])).ok().out
        equal(answers(out), [(4242, 0)], "answers")
        container.kill("KILL")
        container.wait_stopped()
    first, second = supervisor.states
    equal(second["state"]["status"], "running", "status")
    equal(second["state"]["pid"], first["pid"], "pid of the container")
    check(second["pid"] != first["pid"], "the pid is the added process'")


# brig's own calls between the filter and execve are none of the supervisor's business, and would
# wait for a listener that has not left yet.
@suite.table("SC-01 SC-05 SC-12", "a profile that notifies of every call", {
    f"{how}, nnp {nnp}": (how, nnp) for how in ("run", "start", "exec") for nnp in (True, False)})
def notify_all(lab, how, nnp):
    path = f"{lab.path}/supervisor"
    filter_ = profile(path, default="SCMP_ACT_NOTIFY")
    made = bundle(lab, filter_, NR["getuid"], NR["getgid"], nnp=nnp)
    made.capabilities("CAP_KILL")
    with Supervisor(path, emulated) as supervisor:
        if how == "run":
            out = lab.run(made).ok().out
        elif how == "start":
            container = lab.start(made)
            container.wait_stopped()
            out = container.out()
        else:
            words = made.process["args"]
            made.process["args"] = ["/bin/sleep", "1000"]
            container = lab.start(made)
            out = container.exec(*words).ok().out
            container.kill("KILL")
            container.wait_stopped()
    equal(answers(out), WANTED, "answers")
    equal(supervisor.calls[0], NR["execve"], "the first call that is told of")


@suite.case("SC-05 SC-12", "calls that the supervisor denies are not those that brig needs")
def deny_handover(lab):
    path = f"{lab.path}/supervisor"
    filter_ = profile(path, "sendmsg", "recvmsg", "sendto", "recvfrom", "close", "capset", "prctl",
                      "exit_group", "futex", "getuid")
    denied = {46: (0, errno.EPERM), 47: (0, errno.EPERM), 126: (0, errno.EPERM)}
    for nnp in (True, False):
        made = bundle(lab, filter_, NR["getuid"], NR["sendmsg"], NR["recvmsg"], nnp=nnp)
        made.capabilities("CAP_KILL")
        with Supervisor(path, lambda number, *_: denied.get(number)):
            equal(answers(lab.run(made).ok().out), [(0, 0), (-1, 1), (-1, 1)], "answers")
        made.process["args"] = ["/bin/grep", "CapEff", "/proc/self/status"]
        with Supervisor(path, lambda number, *_: denied.get(number)):
            equal(lab.run(made).ok().out.split()[1], f"{1 << 5:016x}", "capabilities")


@suite.table("SC-05 SC-12", "a profile that forbids what handing over needs", {
    f"{action}, nnp {nnp}": (f"SCMP_ACT_{action}", nnp)
    for action in ("ERRNO", "KILL_PROCESS") for nnp in (True, False)})
def forbidden_handover(lab, action, nnp):
    path = f"{lab.path}/supervisor"
    filter_ = profile(path, "getuid", "getgid")
    filter_["syscalls"].append({
        "names": ["sendmsg", "recvmsg", "capset", "prctl", "close", "sendto", "read"],
        "action": action})
    made = bundle(lab, filter_, NR["getuid"], NR["getgid"], nnp=nnp)
    made.capabilities("CAP_KILL")
    with Supervisor(path, emulated):
        equal(answers(lab.run(made).ok().out), WANTED, "answers")


@suite.case("SC-05 SC-07", "in a user namespace, without no_new_privs")
def user_namespace(lab):
    path = f"{lab.path}/supervisor"
    made = bundle(lab, profile(path, default="SCMP_ACT_NOTIFY"), NR["getuid"], NR["getgid"],
                  nnp=False)
    made.namespace("user")
    made.linux["uidMappings"] = [{"containerID": 0, "hostID": 100000, "size": 1000}]
    made.linux["gidMappings"] = made.linux["uidMappings"]
    os.chmod(lab.path, 0o755)
    with Supervisor(path, emulated) as supervisor:
        container = lab.start(made)
        container.wait_stopped()
    equal(answers(container.out()), WANTED, "answers")
    equal(len(supervisor.states), 1, "states received")


@suite.case("SC-05 E-06", "the program has neither the listener nor brig's socket")
def descriptors(lab):
    path = f"{lab.path}/supervisor"
    made = bundle(lab, profile(path, "getuid"))
    made.process["args"] = ["/bin/sh", "-c", "ls /proc/self/fd"]
    with Supervisor(path):
        equal(lab.run(made).ok().out.split(), ["0", "1", "2", "3"], "descriptors (3 is ls's own)")


@suite.case("SC-05", "a slow supervisor is waited for")
def slow(lab):
    path = f"{lab.path}/supervisor"

    def answer(number, pid, arguments):
        time.sleep(0.7)
        return emulated(number, pid, arguments)
    made = bundle(lab, profile(path, "execve", "getuid"), NR["getuid"])
    with Supervisor(path, answer, lambda _: time.sleep(0.7)):
        result = lab.run(made).ok()
    equal(answers(result.out), [(4242, 0)], "answers")
    check(result.seconds > 2, f"only {result.seconds} s")


@suite.case("SC-05 T-48", "a path beyond 107 bytes is reached")
def long_path(lab):
    folder = f"{lab.path}/{'d' * 100}/{'e' * 100}"
    os.makedirs(folder)
    path = f"{folder}/{'s' * 100}"
    os.symlink(path, f"{lab.path}/link")
    for name in (path, f"{lab.path}/link"):
        with Supervisor(path, emulated):
            out = lab.run(bundle(lab, profile(name, "getuid"), NR["getuid"])).ok().out
            equal(answers(out), [(4242, 0)], "answers")


def marked(lab, filter_):
    """A container whose program would leave a mark."""
    made = lab.bundle(["/bin/touch", "/mark"], linux__seccomp=filter_)
    return made, made.inside("mark")


@suite.table("SC-05 T-48", "no supervisor: create refuses, and nothing is left", {
    "absent": lambda path: None,
    "a file": lambda path: os.close(os.open(path, os.O_CREAT)),
    "a fifo": os.mkfifo, "a folder": os.mkdir,
    "a dangling symlink": lambda path: os.symlink("nowhere", path),
})
def absent(lab, make):
    path = f"{lab.path}/supervisor"
    make(path)
    made, mark = marked(lab, profile(path, "getuid"))
    lab.try_create(made).failed(PLACE, path)
    lab.run(made).failed(PLACE, path)
    lab.expect_nothing_left("a refused container")
    check(not os.path.exists(mark), "the program ran")


def dead_socket(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as made:
        made.bind(path)


@suite.case("SC-05 T-48", "a socket that nobody serves: the program does not run, nothing is left")
def refused_connection(lab):
    path = f"{lab.path}/supervisor"
    dead_socket(path)
    made, mark = marked(lab, profile(path, "getuid"))
    lab.run(made).failed(PLACE, "connection refused")
    lab.expect_nothing_left("a failed run")
    container = lab.create(made)
    lab.brig("start", container.id).failed(PLACE, "connection refused")
    container.wait_stopped()
    container.delete().ok()
    lab.expect_nothing_left("a failed start")
    check(not os.path.exists(mark), "the program ran")


@suite.case("SC-05 T-48", "exec without supervisor fails, and the container lives on")
def refused_exec(lab):
    path = f"{lab.path}/supervisor"
    made = lab.bundle(["/bin/sleep", "1000"], linux__seccomp=profile(path, "getuid"))
    with Supervisor(path):
        container = lab.start(made)
    container.exec("/bin/touch", "/mark").failed(PLACE, status=255)
    dead_socket(path)
    container.exec("/bin/touch", "/mark").failed(PLACE, "connection refused", status=255)
    check(not os.path.exists(made.inside("mark")), "the program ran")
    equal(container.status(), "running", "status")
    equal(len(os.listdir(f"/proc/{container.pid}/task")), 1, "tasks")


@suite.case("SC-05 T-48", "a supervisor that closes at once: an error or ENOSYS, but no hang")
def closes(lab):
    path = f"{lab.path}/supervisor"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(path)
        listening.listen()
        made = bundle(lab, profile(path, "getuid"), NR["getuid"])
        running = lab.popen(lab.words("run", "--bundle", made.write().path, lab.name()))
        lab.containers.append(running.words[-1])
        listening.accept()[0].close()
        result = running.wait()
    if result.status == 0:
        equal(answers(result.out), [(-1, errno.ENOSYS)], "answers of a listener that is gone")
    else:
        result.failed(PLACE)
    lab.expect_nothing_left("the run")


@contextlib.contextmanager
def crowded(path):
    """A socket whose backlog is full, and that nobody accepts from."""
    waiting = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(path)
        listening.listen(0)
        while True:
            waiting.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            waiting[-1].setblocking(False)
            try:
                waiting[-1].connect(path)
            except BlockingIOError:
                break
        try:
            yield
        finally:
            for connection in waiting:
                connection.close()


@suite.case("SC-05 T-48", "a supervisor that takes no connection is given up after ten seconds")
def full_backlog(lab):
    path = f"{lab.path}/supervisor"
    with crowded(path):
        made, mark = marked(lab, profile(path, "getuid"))
        result = lab.run(made, timeout=40)
    result.failed(PLACE)
    check(9 < result.seconds < patient(30), f"{result.seconds} s")
    check(not os.path.exists(mark), "the program ran")


@suite.table("SC-05 SC-06", "what is wrong is refused before anything is made", {
    "notify without path": (profile(None, "getuid"), PLACE),
    "notify with an empty path": (profile("", "getuid", listenerPath=""), PLACE),
    "default notify without path": (profile(None, default="SCMP_ACT_NOTIFY"), PLACE),
    "relative path": (profile("run/supervisor", "getuid"), PLACE),
    "path with NUL": (profile("/run/a\0b", "getuid"), PLACE),
    "metadata without path": (profile(None, listenerMetadata="x"), "linux.seccomp.listenerMetadata"),
    "empty metadata without path": (profile(None, listenerMetadata=""),
                                    "linux.seccomp.listenerMetadata"),
    "errnoRet of a notify rule": (
        {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/s", "syscalls": [
            {"names": ["getuid"], "action": "SCMP_ACT_NOTIFY", "errnoRet": 1}]},
        "linux.seccomp.syscalls[0].errnoRet"),
})
def refused(lab, filter_, part):
    lab.try_create(lab.bundle(linux__seccomp=filter_)).failed(part)
    lab.expect_nothing_left("a refused profile")


@suite.case("SC-05", "a path is ignored without a rule that notifies")
def ignored(lab):
    made = bundle(lab, profile("/no/such/socket", listenerMetadata="x"), NR["getuid"])
    equal(answers(lab.run(made).ok().out), [(0, 0)], "answers")


@suite.table("SC-04 SC-05", "flags beside the listener", {
    flag: [f"SECCOMP_FILTER_FLAG_{flag}"] for flag in ("TSYNC", "LOG", "SPEC_ALLOW",
                                                       "WAIT_KILLABLE_RECV")} | {"none": []})
def flags(lab, names):
    path = f"{lab.path}/supervisor"
    with Supervisor(path, emulated):
        made = bundle(lab, profile(path, "getuid", flags=names), NR["getuid"])
        equal(answers(lab.run(made).ok().out), [(4242, 0)], "answers")


@suite.table("SC-04", "WAIT_KILLABLE_RECV: a signal does not take a call from the supervisor", {
    "with": (["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"], False), "without": ([], True)})
def wait_killable(lab, names, interrupted):
    path = f"{lab.path}/supervisor"
    made = bundle(lab, profile(path, "chdir", flags=names))
    made.process["args"] = ["/bin/sh", "-c", "trap 'echo caught' USR1; cd /tmp; echo here"]
    asked = []

    def answer(_number, pid, _arguments):
        asked.append(pid)
        if len(asked) == 1:
            os.kill(pid, signal.SIGUSR1)
            time.sleep(0.3)
    with Supervisor(path, answer):
        result = lab.run(made).ok()
    equal(sorted(result.out.split()), ["caught", "here"], "output")
    equal("Interrupted system call" in result.err, interrupted, "cd was interrupted")


@suite.case("SC-05 O-06", "a program that waits for its supervisor can be killed and deleted")
def kill_waiting(lab):
    path = f"{lab.path}/supervisor"
    with Supervisor(path, lambda *_: time.sleep(1)) as supervisor:
        container = lab.start(bundle(lab, profile(path, "getuid"), NR["getuid"]))
        eventually(lambda: supervisor.calls, "a notice")
        container.kill("KILL").ok()
        container.wait_stopped(3)
        container.delete().ok()


@suite.case("SC-05", "a supervisor may forbid the program itself")
def deny_execve(lab):
    path = f"{lab.path}/supervisor"
    made, mark = marked(lab, profile(path, default="SCMP_ACT_NOTIFY"))
    denied = {NR["execve"]: (0, errno.EACCES)}
    with Supervisor(path, lambda number, *_: denied.get(number)):
        lab.run(made).failed("permission denied")
        container = lab.create(made)
        lab.brig("start", container.id).failed("permission denied")
        container.wait_stopped()
        container.delete().ok()
    check(not os.path.exists(mark), "the program ran")


@suite.case("SC-05 T-48", "run ends by a signal while the supervisor thinks about execve")
def interrupted_run(lab):
    path = f"{lab.path}/supervisor"
    made, mark = marked(lab, profile(path, "execve"))
    with Supervisor(path, lambda *_: time.sleep(1.5) or (0, errno.EPERM)) as supervisor:
        running = lab.popen(lab.words("run", "--bundle", made.write().path, lab.name()))
        lab.containers.append(running.words[-1])
        eventually(lambda: supervisor.calls, "a notice")
        running.signal(signal.SIGTERM)
        check(running.wait(1).status != 0, "run failed")
        lab.expect_nothing_left("the run")
    check(not os.path.exists(mark), "the program ran")


@suite.case("SC-05 T-48", "a start that is killed takes the program along: nobody has its listener")
def killed_start(lab):
    path = f"{lab.path}/supervisor"
    made, mark = marked(lab, profile(path, default="SCMP_ACT_NOTIFY"))
    with crowded(path):
        container = lab.create(made)
        starting = lab.popen(lab.words("start", container.id))
        eventually(lambda: "Seccomp:\t2" in read(f"/proc/{container.pid}/status"), "the filter")
        starting.signal(signal.SIGKILL)
        starting.wait()
        container.wait_stopped()
    check(not os.path.exists(mark), "the program ran")
    container.delete().ok()


@suite.table("SC-05 SC-12", "an execve that fails is told by the loader's pass", {
    f"{how}, nnp {nnp}": (how, nnp) for how in ("run", "start") for nnp in (True, False)})
def failed_by_pass(lab, how, nnp):
    path = f"{lab.path}/supervisor"
    made = bundle(lab, profile(path, "sendmsg", "exit_group"), nnp=nnp)
    made.capabilities("CAP_KILL")
    made.process["args"] = ["/bin/bad"]
    made.file("/bin/bad", "#!/no/such\n", 0o755)
    with Supervisor(path, lambda *_: (0, errno.EPERM)) as supervisor:
        if how == "run":
            result = lab.run(made)
        else:
            container = lab.create(made)
            result = lab.brig("start", container.id)
            container.wait_stopped()
        result.failed("/no/such", "no such file or directory")
    equal(supervisor.calls, [], "calls that the supervisor was told of")


@suite.case("SC-05 X-12", "after execve has failed brig still says why")
def failed_exec(lab):
    path = f"{lab.path}/supervisor"
    made = lab.bundle(["/bin/script"], linux__seccomp=profile(path, default="SCMP_ACT_NOTIFY"))
    made.file("/bin/script", "#!/no/such/interpreter\n", 0o755)
    with Supervisor(path):
        contains(lab.run(made).failed().err, "/no/such/interpreter", "error")


suite.main()
