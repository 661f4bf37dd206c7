#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The calls of podman itself: no --root, next to no environment, its own standard streams.
import fcntl
import json
import os
import pty
import shutil
import signal
import socket
import sys
import termios

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.callers import BARE_PATH, Conmon, Pipe, Podman, UserNamespace, use_root
from harness.cgroups import need_controllers, value
from harness.lab import Container, read, write
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
LOOP = "trap 'echo got; exit 5' TERM; trap 'exit 37' 37; echo up; while :; do sleep 0.01; done"


def created(lab, made):
    """A container that conmon made, as podman has it then: gives podman and the pipes' owner."""
    conmon = Conmon(lab, made)
    conmon.create()
    podman = Podman(lab, made)
    lab.containers.remove(podman.id)
    podman.id, podman.pid_file = conmon.id, conmon.pid_file
    return podman, conmon


def started(lab, made):
    podman, conmon = created(lab, made)
    podman.silent("start", podman.id)
    return podman, conmon


@suite.case("CALL-37 TRAP-16 TRAP-26", "start: podman's own terminal is as it was, and nobody keeps it")
def start(lab):
    podman, conmon = created(lab, lab.bundle(shell="echo up; exec sleep 1000",
                                             process__user={"uid": 1000, "gid": 1000}))
    podman.environment = {"XDG_RUNTIME_DIR": "", "PATH": BARE_PATH}
    master, slave = pty.openpty()

    def looks():
        st = os.fstat(slave)
        return (st.st_uid, st.st_gid, st.st_mode, termios.tcgetattr(slave),
                fcntl.fcntl(slave, fcntl.F_GETFL), termios.tcgetwinsize(slave))
    before = looks()
    podman.spawn("start", podman.id, stdin=slave, stdout=slave, stderr=slave).wait().ok()
    equal(looks(), before, "podman's terminal")
    os.close(slave)
    try:
        left = os.read(master, 100)
    except OSError:  # EIO: nobody has it open
        left = b""
    equal(left, b"", "what was written to the terminal")
    os.close(master)
    conmon.out.wait_for("up")


@suite.table("CALL-38 TRAP-26", "kill by number, silent, with next to no environment", {
    "empty": {"XDG_RUNTIME_DIR": ""}, "none at all": {}, "root's own": {
        "XDG_RUNTIME_DIR": "/run/user/0"}})
def kill(lab, environment):
    podman, _ = started(lab, lab.bundle(shell=LOOP))
    podman.environment = environment
    for number, ends in (("0", False), ("37", True)):
        podman.silent("kill", podman.id, number)
        if ends:
            equal(lab.exit_of(podman.pid()), 37, "exit that conmon sees")
    podman.call("kill", podman.id, "9").failed("container not running", status=1)
    podman.silent("delete", "--force", podman.id)


@suite.case("CALL-38 TRAP-23", "kill --all where the host's pid namespace is shared")
def kill_all(lab):
    made = lab.bundle(shell="sleep 998 & sleep 999 & echo up; wait")
    made.without_namespace("pid")
    podman, conmon = started(lab, made)
    conmon.out.wait_for("up")
    pids = json.loads(podman.call("ps", "--format", "json", podman.id).ok().out)
    equal(len(pids), 3, "processes")
    podman.silent("kill", "--all", podman.id, "9")
    eventually(lambda: lab.reap() or not oracle.processes().keys() & set(pids), "their end")
    podman.silent("kill", "--all", podman.id, "9")
    podman.silent("delete", "--force", podman.id)


@suite.case("CALL-39 TRAP-20", "delete --force of what runs, of what is gone, of what never was")
def delete(lab):
    podman, _ = started(lab, lab.bundle(SLEEP))
    for _ in range(2):
        podman.silent("delete", "--force", podman.id)
    equal(lab.exit_of(podman.pid()), -9, "end of init")
    podman.silent("delete", "--force", "never-was")
    check(not os.path.exists(f"{lab.root}/{podman.id}"), "state")


@suite.table("CALL-39 TRAP-60", "delete --force of what is half made", {
    "an empty folder": {}, "broken JSON": {"container.json": "{"},
    "nothing in the state": {"container.json": ""}, "a config and no state": {"config.json": "{}"},
})
def delete_partial(lab, files):
    podman, _ = started(lab, lab.bundle(SLEEP))
    os.mkdir(f"{lab.root}/half")
    for name, text in files.items():
        write(f"{lab.root}/half/{name}", text)
    podman.silent("delete", "--force", "half")
    check(not os.path.exists(f"{lab.root}/half"), "the folder")
    equal(podman.state()["status"], "running", "the other container")


@suite.table("CALL-39 TRAP-31", "delete does not touch what another runtime keeps in the root", {
    "runc": ("state.json", "exec.fifo"), "crun": ("config.json", "status", "exec.fifo")})
def delete_foreign(lab, *names):
    podman, _ = started(lab, lab.bundle(SLEEP))
    os.mkdir(f"{lab.root}/other")
    for name in names:
        write(f"{lab.root}/other/{name}", '{"id": "other"}')
    before = oracle.tree(f"{lab.root}/other")
    podman.silent("delete", "--force", "other")
    podman.call("delete", "other").failed("does not exist", status=1)
    equal(oracle.tree(f"{lab.root}/other"), before, "its files")
    shutil.rmtree(f"{lab.root}/other")


@suite.case("CALL-39 TRAP-60", "delete --force after a create that was killed in the middle")
def delete_killed(lab):
    made = lab.bundle(SLEEP)
    made.config["hooks"] = {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "1000"]}]}
    conmon = Conmon(lab, made)
    call = conmon.spawn("create", "--bundle", made.path, "--pid-file", conmon.pid_file, conmon.id)
    eventually(lambda: any(name == "sleep" for _, _, name in oracle.processes().values()), "a hook")
    call.signal(signal.SIGKILL)
    call.process.wait()
    conmon.silent("delete", "--force", conmon.id)
    for pid, (_, _, name) in oracle.processes().items():
        if name == "sleep":
            os.kill(pid, signal.SIGKILL)
    lab.expect_nothing_left("a create that was killed")
    made.config.pop("hooks")
    made.write()
    conmon.create()  # the same id again, as podman tries it


@suite.case("CALL-37 CALL-38 TRAP-26", "rootless: whatever the variables, every call finds the same root")
def rootless(lab):
    run = f"{lab.path}/user"
    os.mkdir(run, 0o700)
    made = lab.bundle(shell=LOOP)
    made.linux["cgroupsPath"] = ""
    made.write()
    podman = Podman(lab, made, {"XDG_RUNTIME_DIR": run})
    use_root(lab, f"{run}/brig")
    UserNamespace(lab)
    bare = podman.environment
    podman.environment = {**bare, "PATH": BARE_PATH, "USER": "root", "HOME": "/root", "TMPDIR": "/no"}
    podman.create()
    podman.environment = {**bare, "PATH": BARE_PATH}
    podman.silent("start", podman.id)
    podman.out.wait_for("up")
    podman.environment = bare
    podman.silent("kill", podman.id, "37")
    equal(lab.exit_of(podman.pid()), 37, "exit that conmon sees")
    podman.silent("delete", "--force", podman.id)
    equal([name for name in os.listdir(lab.root) if not name.startswith(".")], [], "state")


@suite.case("CALL-40 TRAP-26", "pause and resume")
def pause(lab):
    podman, conmon = started(lab, lab.bundle(shell="while :; do echo x; sleep 0.01; done"))
    conmon.out.wait_for("x")
    podman.silent("pause", podman.id)
    seen = len(conmon.out.text())
    equal(podman.state()["status"], "paused", "status")
    equal(len(conmon.out.text()), seen, "output while paused")
    podman.silent("resume", podman.id)
    eventually(lambda: len(conmon.out.text()) > seen, "output after resume")


@suite.case("CALL-41", "update --resources=FILE, and the file goes at once")
def update(lab):
    need_controllers("pids")
    need_controllers("memory")
    podman, _ = started(lab, lab.bundle(SLEEP))
    path = write(f"{lab.path}/podman1234", json.dumps(
        {"memory": {"limit": 32 << 20}, "pids": {"limit": 77}, "cpu": {}, "blockIO": {}}))
    podman.silent("update", f"--resources={path}", podman.id)
    os.unlink(path)
    container = Container(lab, podman.id, None)
    equal(value(container, "pids", "pids.max"), "77", "pids")
    equal(value(container, "memory", "memory.limit_in_bytes"), str(32 << 20), "memory")


@suite.case("CALL-43 TRAP-40", "--version, checkpoint --help, and the words for a missing argument")
def probes(lab):
    podman, _ = started(lab, lab.bundle(SLEEP))
    text = podman.call("--version").ok().out.rstrip("\n")
    check(text.startswith("brig version ") and not text.endswith("\n"), text)
    equal(podman.call("checkpoint", "--help").ok().err, "", "standard error of the help")
    result = podman.call("restore", "--lsm-mount-context", joined=True)
    contains(result.out, "requires an argument", "both streams, as podman 5 looks for it")
    contains(result.out, "flag needs an argument", "both streams, as podman 4.3 looks for it")
    check(result.status != 0, "a failure")
    equal(podman.state()["status"], "running", "the container that had no part in it")


@suite.case("X-07", "podman's annotations where there is no systemd: groups kept, properties without effect")
def annotations(lab):
    sent = {"run.oci.keep_original_groups": "1", "org.systemd.property.KillSignal": "15",
            "org.systemd.property.TimeoutStopUSec": "uint64 10000000",
            "run.oci.mount_context_type": "rootcontext", "io.container.manager": "libpod"}
    made = lab.bundle(shell="id -G; exec sleep 1000", annotations=sent)
    conmon = Conmon(lab, made)
    groups = {"preexec_fn": lambda: os.setgroups([0, 4242, 4243])}
    conmon.create(**groups)
    conmon.silent("start", conmon.id)
    conmon.out.wait_for("\n")
    equal(conmon.out.text(), "0 4242 4243\n", "groups of init")
    out = Pipe()
    conmon.spawn("exec", "--process", conmon.process_file(["/bin/id", "-G"]), "--pid-file",
                 f"{lab.path}/exec.pid", "--detach", conmon.id, stdout=out.writer, **groups).wait().ok()
    out.shut()
    equal(out.wait_end(), "0 4242 4243\n", "groups of exec")
    equal(conmon.state()["annotations"], sent, "annotations in the state")


NOTIFY = """
import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
s.close()
print(sorted(e for e in os.environ if e.startswith(("LISTEN", "NOTIFY"))),
      os.environ["LISTEN_PID"], os.environ["LISTEN_FDS"],
      sorted(int(n) for n in os.listdir("/proc/self/fd"))[:-1])
"""


@suite.case("CALL-44 TRAP-09", "a notify socket that is mounted, and LISTEN_FDS beside --preserve-fds")
def notify(lab):
    made = lab.bundle(["/usr/bin/python3", "-c", NOTIFY])
    for folder in filter(os.path.isdir, ("/usr", "/lib", "/lib64")):
        made.mount(folder, "bind", folder, ["rbind", "ro"])
    os.makedirs(f"{made.path}/notify")
    made.mount("/run/notify", "bind", f"{made.path}/notify", ["bind", "private"])
    made.process["env"] += ["NOTIFY_SOCKET=/run/notify/notify.sock", "LISTEN_PID=1", "LISTEN_FDS=2",
                            "LISTEN_FDNAMES=a:b"]
    here = os.open(f"{made.path}/notify", os.O_PATH)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(f"/proc/self/fd/{here}/notify.sock")
    listener.settimeout(5)
    conmon = Conmon(lab, made)
    plain = lab.words
    lab.words = lambda *words, **how: [  # conmon writes the runtime's own pid
        "sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=a:b exec "$@" 3</dev/zero 4</dev/null',
        "sh", *plain(*words, **how)]
    conmon.create("--preserve-fds", "2")
    lab.words = plain
    conmon.silent("start", conmon.id)
    equal(listener.recv(100), b"READY=1", "what conmon's socket gets")
    equal(conmon.out.wait_end(),
          "['LISTEN_FDNAMES', 'LISTEN_FDS', 'LISTEN_PID', 'NOTIFY_SOCKET'] 1 2 [0, 1, 2, 3, 4]\n",
          "variables and descriptors")
    equal(conmon.err.wait_end(), "", "standard error")
    os.close(here)
    listener.close()


suite.main()
