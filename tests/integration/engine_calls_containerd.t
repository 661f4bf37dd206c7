#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The calls of containerd's shim, in go-runc's words and order, and what it relies on after each.
import array
import json
import os
import shutil
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import inject, oracle
from harness.callers import Pipe, Replaced, Shim
from harness.cgroups import as_told, need_controllers, value
from harness.console import ConsoleSocket, read_all, read_until
from harness.lab import Container, need, read, write
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
USER = {"uid": 1000, "gid": 1000}
WORD = "trap 'exit 5' TERM; trap 'exit 37' 37; echo up; while :; do sleep 0.01; done"


@suite.case("CALL-02 TRAP-06", "create: the pipes are the program's, the pid file is whole, silence")
def create(lab):
    shim = Shim(lab, lab.bundle(shell="echo out; echo err >&2; read x; exit 3"))
    reader, writer = os.pipe()
    pid = shim.create(stdin=reader)
    os.close(reader)
    equal(oracle.processes()[pid][0], os.getpid(), "parent of init")
    contains(read(f"/proc/{pid}/cgroup"), shim.id, "cgroup of init")
    equal(shim.state()["status"], "created", "status")
    shim.silent("start", shim.id)
    shim.out.wait_for("out\n")
    shim.err.wait_for("err\n")
    os.close(writer)
    equal((shim.out.wait_end(), shim.err.wait_end()), ("out\n", "err\n"), "streams until their end")
    equal(lab.exit_of(pid), 3, "exit status")
    shim.silent("delete", shim.id)
    equal(shim.entries(), [], "log")


@suite.case("CALL-02 TRAP-16", "create without output: /dev/null, open for reading only, stays the host's")
def create_null(lab):
    made = lab.bundle(shell="exec 2>/log; readlink /proc/$$/fd/1; sleep 1000", process__user=USER)
    made.file("/log", mode=0o666)
    shim = Shim(lab, made)
    before = os.stat("/dev/null")
    with Replaced(shim.pid_file), open("/dev/null", "rb") as nothing:
        shim.spawn("create", "--bundle", made.path, "--pid-file", shim.pid_file, shim.id,
                   stdout=nothing, stderr=nothing).wait().ok()
    shim.silent("start", shim.id)
    equal(shim.state()["status"], "running", "status")
    after = os.stat("/dev/null")
    equal((after.st_uid, after.st_gid, after.st_mode), (before.st_uid, before.st_gid, before.st_mode),
          "/dev/null")


@suite.case("CALL-03 TRAP-03 TRAP-13 TRAP-14",
            "create with a terminal: output ends with the call, the master is there after it")
def create_terminal(lab):
    made = lab.bundle(shell="tty; read x; echo got $x; sleep 1000", process__terminal=True)
    shim = Shim(lab, made)
    console = ConsoleSocket(f"{lab.path}/pty.sock")
    with Replaced(shim.pid_file):
        shim.silent("create", "--bundle", made.path, "--pid-file", shim.pid_file,
                    "--console-socket", console.path, shim.id)
    master = console.accept()
    check(0 < len(console.payload) < 4096, f"payload {console.payload!r}")
    check(os.path.samestat(os.fstat(master), os.stat(f"/proc/{shim.pid()}/root/dev/pts/ptmx")),
          "the master, of the container's own devpts")
    shim.silent("start", shim.id)
    read_until(master, "/dev/")
    os.write(master, b"word\n")
    read_until(master, "got word")
    console.close()


@suite.case("CALL-04", "create --no-new-keyring shares the caller's keyring")
def create_keyring(lab):
    def keyring(*options):
        shim = Shim(lab, lab.bundle())
        shim.create(*options)
        shim.silent("start", shim.id)
        return json.loads(shim.out.wait_end(), strict=False)["keyring"]
    own, other = keyring(), keyring()
    shared = keyring("--no-pivot", "--no-new-keyring")
    check(len({own, other, shared}) == 3, f"keyrings {own} {other} {shared}")
    equal(keyring("--no-pivot", "--no-new-keyring"), shared, "the caller's keyring, twice")


@suite.case("CALL-04 TRAP-44", "create --no-pivot works where pivot_root cannot, as on an initramfs")
def create_no_pivot(lab):
    need(shutil.which("strace"), "no strace")
    made = lab.bundle(shell="ls -d /bin; ls /boot").write()
    for options in ((), ("--no-pivot",)):
        lab.containers.append("ram")
        words = lab.words("create", "--bundle", made.path, *options, "ram")
        result = inject.traced(lab, "pivot_root", "error=EINVAL", words).wait()
        if not options:
            result.failed("pivot_root", "invalid argument", status=1)
            inject.settle_tracer(lab)
    result.ok()
    lab.brig("start", "ram").ok()
    Container(lab, "ram", None).wait_stopped()
    contains(result.call.out(), "/bin\n", "what it sees")
    contains(result.call.err(), "/boot: No such file", "what it does not see")
    inject.settle_tracer(lab)


@suite.case("CALL-05", "create --pidfd-socket, --preserve-fds and --detach")
def create_pidfd(lab):
    made = lab.bundle(shell="cat <&3; cat <&4; exec probe")
    shim = Shim(lab, made)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(f"{lab.path}/pidfd.sock")
    listener.listen(1)
    listener.settimeout(5)

    def place():
        for number, text in ((3, "three "), (4, "four "), (5, "five ")):
            file = os.open(write(f"{lab.path}/f{number}", text), os.O_RDONLY)
            os.dup2(file, 20 + number)
            os.close(file)
        for number in (3, 4, 5):
            os.dup2(20 + number, number)
            os.close(20 + number)
    pid = shim.create("--pidfd-socket", f"{lab.path}/pidfd.sock", "--preserve-fds", "2", "--detach",
                      close_fds=False, preexec_fn=place)
    connection, _ = listener.accept()
    payload, control, flags, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4))
    equal((payload, len(control), flags & socket.MSG_CTRUNC), (b"standard", 1, 0), "message")
    descriptors = array.array("i")
    descriptors.frombytes(control[0][2])
    contains(read(f"/proc/self/fdinfo/{descriptors[0]}"), f"Pid:\t{pid}\n", "pidfd")
    shim.silent("start", shim.id)
    said = shim.out.wait_end()
    check(said.startswith("three four {"), f"what lies behind 3 and 4: {said[:40]!r}")
    equal(set(json.loads(said[said.index("{"):], strict=False)["fds"]), {"0", "1", "2", "3", "4"},
          "descriptors")
    for descriptor in descriptors:
        os.close(descriptor)
    connection.close()
    listener.close()


@suite.case("CALL-06 TRAP-18", "start comes back after execve, and fails when that does")
def start(lab):
    shim = Shim(lab, lab.bundle(SLEEP))
    pid = shim.create()
    shim.silent("start", shim.id)
    equal(read(f"/proc/{pid}/cmdline"), "/bin/sleep\x001000\x00", "program when start is over")
    made = lab.bundle(["/own"])
    made.file("/own", "#!/bin/sh\n", mode=0o755)
    shim = Shim(lab, made)
    shim.create()
    os.unlink(made.inside("/own"))
    shim.call("start", shim.id).failed("no such file or directory", status=1)
    contains(shim.last_error(), "no such file or directory", "log")
    shim.silent("delete", shim.id)


@suite.case("CALL-06 TRAP-17", "start does not hang when init is dead")
def start_dead(lab):
    shim = Shim(lab, lab.bundle(SLEEP))
    pid = shim.create()
    os.kill(pid, signal.SIGKILL)
    equal(lab.exit_of(pid), -9, "exit of init")
    shim.call("start", shim.id, timeout=3).failed("container that has stopped", status=1)
    shim.silent("delete", shim.id)


def exec_detached(lab, shim, args=None):
    """Gives the pipe of what the process says, and its pid."""
    out = Pipe()
    path = shim.process_file(args)
    pid_file = f"{shim.made.path}/{lab.name('exec')}.pid"
    with Replaced(pid_file):
        shim.spawn("exec", "--process", path, "--detach", "--pid-file", pid_file, shim.id,
                   stdout=out.writer, stderr=out.writer).wait().ok()
    out.shut()
    os.unlink(path)
    return out, int(read(pid_file))


@suite.table("CALL-07 TRAP-01", "exec --detach: the process is the shim's child, its end is seen", {
    "own pid namespace": False, "a pod's": True})
def exec_process(lab, joined):
    made = lab.bundle(SLEEP)
    if joined:
        pod = Shim(lab, lab.bundle(SLEEP)).started()
        made.namespace("pid", f"/proc/{pod.pid()}/ns/pid")
    shim = Shim(lab, made).started()
    _, pid = exec_detached(lab, shim, ["/bin/sh", "-c", "sleep 0.1; exit 3"])
    equal(oracle.processes()[pid][0], os.getpid(), "parent")
    equal(lab.exit_of(pid), 3, "exit status that the shim sees")
    out, _ = exec_detached(lab, shim)
    report = json.loads(out.wait_end(), strict=False)
    equal((report["ppid"], report["pdeathsig"], report["sid"]), (0, 0, report["pid"]), "inside")
    if joined:
        pod.silent("delete", "--force", pod.id)


@suite.case("CALL-08 TRAP-03 TRAP-11", "exec with a terminal: controlling, and captured output ends")
def exec_terminal(lab):
    shim = Shim(lab, lab.bundle(SLEEP)).started()
    console = ConsoleSocket(f"{lab.path}/pty.sock")
    shim.silent("exec", "--process", shim.process_file(terminal=True), "--console-socket",
                console.path, "--detach", "--pid-file", f"{lab.path}/exec.pid", shim.id)
    report = json.loads(read_all(console.accept()), strict=False)
    console.close()
    equal(lab.exit_of(int(read(f"{lab.path}/exec.pid"))), 0, "exit status")
    equal((report["controlling_tty"], report["tty_pgrp"], report["sid"]),
          (1, report["pid"], report["pid"]), "terminal, its group and session")
    equal(report["tty"], "/dev/pts/0", "name of the terminal")
    equal(set(report["fds"]), {"0", "1", "2"}, "descriptors")


@suite.case("CALL-09", "exec in a container that is only created")
def exec_created(lab):
    shim = Shim(lab, lab.bundle(SLEEP))
    pid = shim.create()
    out, _ = exec_detached(lab, shim)
    report = json.loads(out.wait_end(), strict=False)
    for name, link in report["namespaces"].items():
        equal(os.readlink(f"/proc/{pid}/ns/{name}"), link, name)
    equal(shim.state()["status"], "created", "status")
    shim.silent("start", shim.id)
    equal(read(f"/proc/{pid}/comm"), "sleep\n", "program")


@suite.table("CALL-10", "kill by number", {"15": ("15", 5), "37": ("37", 37), "9": ("9", -9)})
def kill(lab, number, wanted):
    shim = Shim(lab, lab.bundle(shell=WORD)).started()
    shim.out.wait_for("up")
    shim.silent("kill", shim.id, number)
    equal(lab.exit_of(shim.pid()), wanted, "exit that the shim sees")


@suite.case("CALL-11 TRAP-22 TRAP-36", "kill after death: the shim finds its words in output and log")
def kill_dead(lab):
    lab.reaping = False
    shim = Shim(lab, lab.bundle(["/bin/true"])).started()
    shim.out.wait_end()
    eventually(lambda: oracle.processes()[shim.pid()][1] == "Z", "a zombie")
    for reap in (False, True):  # a zombie is as dead
        lab.reaping = reap
        if reap:
            lab.exit_of(shim.pid())
        for number in ("15", "9"):
            result = shim.call("kill", shim.id, number).failed("container not running", status=1)
            contains(shim.last_error(), "container not running", "log")
            check("does not exist" not in result.err, result.err)
    shim.silent("delete", shim.id)


@suite.case("CALL-12 TRAP-23", "kill --all after init's death in a pod's pid namespace")
def kill_all(lab):
    pod = Shim(lab, lab.bundle(SLEEP)).started()
    made = lab.bundle(shell="sleep 998 & sleep 999 & echo up; exit 0")
    made.namespace("pid", f"/proc/{pod.pid()}/ns/pid")
    shim = Shim(lab, made).started()
    shim.out.wait_for("up")
    equal(lab.exit_of(shim.pid()), 0, "end of init")
    left = json.loads(shim.call("ps", "--format", "json", shim.id).ok().out)
    equal(len(left), 2, "processes that are left")
    shim.silent("kill", "--all", shim.id, "9")
    eventually(lambda: all(oracle.processes().get(pid, (0, "Z"))[1] in "ZX" for pid in left),
               "their end")
    equal(pod.state()["status"], "running", "the pod")
    shim.silent("kill", "--all", shim.id, "9")
    shim.silent("delete", shim.id)
    pod.silent("delete", "--force", pod.id)


@suite.case("CALL-13 TRAP-20 TRAP-21", "delete of what has stopped, of what never ran, of nothing")
def delete(lab):
    shim = Shim(lab, lab.bundle(["/bin/true"])).started()
    lab.exit_of(shim.pid())
    shim.silent("delete", shim.id)
    shim.call("delete", shim.id).failed("container does not exist", status=1)
    contains(shim.last_error(), "does not exist", "log")
    shim = Shim(lab, lab.bundle(SLEEP))
    pid = shim.create()
    shim.silent("delete", shim.id)
    equal(lab.exit_of(pid), -9, "end of init")


@suite.case("CALL-14 TRAP-24 TRAP-25", "the shim's last act: delete --force without bundle, log and folder")
def stop(lab):
    shim = Shim(lab, lab.bundle(shell="sleep 999 & exec sleep 998")).started()
    gone = f"{lab.path}/gone"
    os.mkdir(gone)
    os.unlink(f"{shim.made.path}/config.json")
    words = [*lab.words("delete", "--force", shim.id,
                        globals_=("--log", f"{gone}/log.json", "--log-format", "json"))]
    result = lab.popen(["/bin/sh", "-c", 'rmdir "$0" && exec "$@"', gone, *words], cwd=gone,
                       env={}).wait().ok()
    equal((result.out, result.err), ("", ""), "output")
    equal(lab.exit_of(shim.pid()), -9, "end of init")
    lab.expect_nothing_left("the shim's delete")


@suite.case("CALL-15 TRAP-35", "ps --format json: numbers of the host, and no word beside them")
def ps_json(lab):
    shim = Shim(lab, lab.bundle(shell="sleep 999 & sleep 998 & echo up; wait")).started()
    shim.out.wait_for("up")
    pids = json.loads(shim.call("ps", "--format", "json", shim.id, joined=True).ok().out)
    equal(len(pids), 3, "processes")
    namespace = os.readlink(f"/proc/{shim.pid()}/ns/pid")
    equal({os.readlink(f"/proc/{pid}/ns/pid") for pid in pids}, {namespace}, "pid namespace")


@suite.case("CALL-16", "ps --format table ID -ef: ps's own lines, of the container only")
def ps_table(lab):
    need(shutil.which("ps"), "no ps on the host")
    shim = Shim(lab, lab.bundle(shell="sleep 998 & echo up; wait")).started()
    shim.out.wait_for("up")
    lines = shim.call("ps", "--format", "table", shim.id, "-ef").ok().out.splitlines()
    column = lines[0].split().index("PID")
    pids = json.loads(shim.call("ps", "--format", "json", shim.id).ok().out)
    equal({int(line.split()[column]) for line in lines[1:]}, set(pids), "processes")


@suite.case("CALL-17", "pause and resume, and a resume after death is a clean error")
def pause(lab):
    shim = Shim(lab, lab.bundle(shell="while :; do echo x; sleep 0.01; done")).started()
    shim.out.wait_for("x")
    shim.silent("pause", shim.id)
    equal(shim.state()["status"], "paused", "status")
    seen = len(shim.out.text())
    time.sleep(0.1)
    equal(len(shim.out.text()), seen, "output while paused")
    shim.silent("kill", shim.id, "9")
    lab.exit_of(shim.pid())
    shim.call("resume", shim.id).failed("container not", status=1)
    shim.silent("delete", shim.id)
    other = Shim(lab, lab.bundle(SLEEP)).started()
    other.silent("pause", other.id)
    other.silent("resume", other.id)
    equal(other.state()["status"], "running", "status")


CRI = {
    "devices": [{"allow": False, "access": "rwm"}],
    "memory": {"limit": 64 << 20, "swap": 64 << 20},
    "cpu": {"shares": 204, "quota": 20000, "period": 100000},
    "pids": {"limit": 100},
    "unified": {},
}


@suite.table("CALL-18 TRAP-51", "update with the whole resources of the config: devices stay", {
    "joined": ("--resources=-",)})
def update(lab, *words):
    update_by(lab, words)


@suite.table("CALL-19 TRAP-51", "update in the words of an older go-runc: devices stay", {
    "apart": ("--resources", "-")})
def update_older(lab, *words):
    update_by(lab, words)


def update_by(lab, words):
    need_controllers("memory", "cpu", "pids", "devices")
    shim = Shim(lab, lab.bundle(SLEEP, linux__resources=CRI)).started()
    container = Container(lab, shim.id, None)
    devices = value(container, "devices", "devices.list")
    sent = {**CRI, "memory": {"limit": 32 << 20, "swap": 32 << 20}, "cpu": {"shares": 512},
            "pids": {"limit": 50}, "hugepageLimits": [], "network": {}, "blockIO": {}}
    with open(write(f"{lab.path}/resources", json.dumps(sent)), encoding="utf-8") as file:
        shim.silent("update", *words, shim.id, stdin=file)
    equal(value(container, "devices", "devices.list"), devices, "device rules")
    for controller, name, wanted in (("memory", "memory.limit_in_bytes", 32 << 20),
                                     ("cpu", "cpu.shares", 512), ("pids", "pids.max", 50),
                                     ("cpu", "cpu.cfs_quota_us", 20000)):
        equal(value(container, controller, name), as_told(name, str(wanted)), name)
    path = shim.process_file(["/bin/sh", "-c", ": > /dev/null && cat /dev/zero | head -c 1"])
    out = Pipe()
    shim.spawn("exec", "--process", path, shim.id, stdout=out.writer).wait().ok()
    out.shut()
    equal(out.wait_end(), "\0", "the default devices")


@suite.case("CALL-23", "features without a word of its own, for the shim's -info")
def features(lab):
    shim = Shim(lab, lab.bundle(SLEEP))
    shim.globals_, shim.own_root, shim.environment = (), False, {}
    result = shim.call("features").ok()
    equal(result.err, "", "standard error")
    document = json.loads(result.out)
    check("user" in document["linux"]["namespaces"], "namespaces")
    check("rro" in document["mountOptions"], "mount options")
    equal(document["linux"]["mountExtensions"]["idmap"]["enabled"], True, "idmapped mounts")
    Shim(lab, shim.made).started()  # what it speaks of is what runs containers


suite.main()
