#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# checkpoint and restore as containerd, podman, conmon and CRI-O call them, and go-runc could.
# CRIU=PROGRAM names another CRIU than that of tests/setup.
import os
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.callers import BARE_PATH, Conmon, Crio, Pipe, Podman, Replaced, Shim
from harness.console import ConsoleSocket, read_until
from harness.criu import CRIU, need_criu
from harness.lab import need, read, write
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
COUNT = "i=0; while true; do i=$((i+1)); echo $i; sleep 0.05; done"
FLOCK = {"x86_64": 73, "aarch64": 32}.get(os.uname().machine)  # the number of flock(2)
PORT = 27000


def with_criu(caller):
    """The caller has CRIU in its PATH."""
    need_criu()
    path = caller.environment.get("PATH", BARE_PATH)
    caller.environment = {**caller.environment, "PATH": f"{os.path.dirname(CRIU)}:{path}"}
    return caller


def locked(lab):
    """COUNT that has locked a file; the lock is that of the shell's open file."""
    need(FLOCK, "the number of flock(2)")
    return lab.bundle(shell=f"exec 9>/tmp/lock; syscalls {FLOCK}:9:2 >/dev/null; {COUNT}")


def started(caller):
    return with_criu(caller).started()


def numbers(pipe, count):
    """What COUNT has said so far, as many as count or more."""
    eventually(lambda: pipe.text().count("\n") >= count, f"{count} numbers", 10)
    return [int(word) for word in pipe.text().rsplit("\n", 1)[0].split()]


def restored(caller, *words, **how):
    """restore with pipes and a pid file of its own; gives the pid."""
    caller.out, caller.err = Pipe(), Pipe()
    with Replaced(caller.pid_file):
        result = caller.give_streams("restore", *words, caller.id, timeout=30, **how)
        check(result.status == 0, f"{result} {caller.err.text()!r}")
    equal(caller.err.text(), "", "standard error of restore")
    return caller.pid()


def goes_on(before, after, what):
    """No number is lost or doubled."""
    equal(before + after, list(range(1, len(before) + len(after) + 1)), what)


@suite.case("CALL-20 X-02.checkpoint", "containerd: checkpoint in go-runc's words, dump.log in the work folder")
def shim_checkpoint(lab):
    shim = started(Shim(lab, locked(lab)))
    numbers(shim.out, 2)
    image, work = f"{lab.path}/image", f"{lab.path}/work"
    words = ("checkpoint", "--image-path", image, "--work-path", work, "--tcp-established",
             "--ext-unix-sk", "--shell-job")
    shim.call(*words, shim.id, timeout=30).failed("criu", status=1)  # the lock is in the way
    contains(read(f"{work}/dump.log"), "lock", "dump.log")
    contains(shim.last_error(), "criu", "log")
    equal(shim.state()["status"], "running", "status after a failure")
    words += ("--file-locks", "--empty-ns", "network")
    shim.silent(*words, "--leave-running", shim.id, timeout=30)
    seen = len(numbers(shim.out, 1))
    numbers(shim.out, seen + 2)
    os.unlink(f"{work}/dump.log")
    shim.silent(*words, shim.id, timeout=30)
    for name in ("inventory.img", "descriptors.json"):
        check(os.path.exists(f"{image}/{name}"), f"{name} in the image")
    check(os.path.exists(f"{work}/dump.log"), "dump.log")
    equal(lab.exit_of(shim.pid()), -signal.SIGKILL, "end of the process")
    shim.call("delete", shim.id).failed("does not exist", status=1)


@suite.table("CALL-22 X-02.checkpoint", "containerd: restore, and the shim sees the end of what runs on", {
    "plain": (), "--no-pivot": ("--no-pivot",)})
def shim_restore(lab, *options):
    shim = started(Shim(lab, lab.bundle(shell=f"trap 'exit 6' TERM; {COUNT}")))
    numbers(shim.out, 2)
    places = ("--image-path", f"{lab.path}/image", "--work-path", f"{lab.path}/work")
    shim.silent("checkpoint", *places, shim.id, timeout=30)
    before = numbers(shim.out, 2)
    pid = restored(shim, *places, "--detach", "--pid-file", shim.pid_file, *options, "-no-subreaper",
                   "--bundle", shim.made.path)
    goes_on(before, numbers(shim.out, 2), "numbers")
    equal(oracle.processes()[pid][0], os.getpid(), "parent")
    equal((shim.state()["status"], shim.state()["pid"]), ("running", pid), "state")
    shim.silent("kill", shim.id, "15")
    equal(lab.exit_of(pid), 6, "exit status")
    shim.out.wait_end()
    shim.silent("delete", shim.id)


@suite.case("CALL-22 TRAP-03", "containerd: restore with a terminal; captured output ends")
def shim_restore_terminal(lab):
    made = lab.bundle(shell="stty -echo; while read x; do n=$((n+1)); echo $n:$x; done",
                      process__terminal=True)
    shim = with_criu(Shim(lab, made))
    console = ConsoleSocket(f"{lab.path}/first")
    shim.silent("create", "--bundle", made.path, "--pid-file", shim.pid_file, "--console-socket",
                console.path, shim.id)
    master = console.accept()
    shim.silent("start", shim.id)
    os.write(master, b"one\n")
    read_until(master, "1:one")
    places = ("--image-path", f"{lab.path}/image", "--work-path", f"{lab.path}/work")
    shim.silent("checkpoint", *places, shim.id, timeout=30)
    console.close()
    console = ConsoleSocket(f"{lab.path}/second")
    shim.silent("restore", *places, "--detach", "--pid-file", shim.pid_file, "--console-socket",
                console.path, "-no-subreaper", "--bundle", made.path, shim.id, timeout=30)
    master = console.accept()
    os.write(master, b"two\n")
    read_until(master, "2:two")
    shim.silent("delete", "--force", shim.id)
    console.close()


def loopback():
    """The sandbox's."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def feature(name):
    return subprocess.run([CRIU, "check", "--feature", name], capture_output=True,
                          check=False).returncode == 0


class PageServer:
    """CRIU's own."""

    def __init__(self, lab):
        loopback()
        self.folder = f"{lab.path}/pages"
        os.mkdir(self.folder)
        self.call = lab.popen([CRIU, "page-server", "--images-dir", self.folder, "--address",
                               "127.0.0.1", "--port", str(PORT)])
        eventually(listening, "the page server")


def listening():
    return any(line.split()[1].endswith(f":{PORT:04X}") and line.split()[3] == "0A"
               for line in read("/proc/net/tcp").splitlines()[1:])


@suite.case("CALL-21", "go-runc: checkpoint to a page server, with a mode for cgroups")
def page_server(lab):
    need_criu()
    shim = started(Shim(lab, lab.bundle(shell=COUNT)))
    numbers(shim.out, 2)
    server = PageServer(lab)
    places = ("--image-path", f"{lab.path}/image", "--work-path", f"{lab.path}/work")
    shim.silent("checkpoint", *places, "--page-server", f"127.0.0.1:{PORT}", "--manage-cgroups-mode",
                "soft", shim.id, timeout=30)
    server.call.wait().ok()
    before = numbers(shim.out, 2)
    pages = [name for name in os.listdir(server.folder) if name.startswith("page")]
    check(pages, "pages at the server")
    check(not [name for name in os.listdir(f"{lab.path}/image") if name.startswith("pages-")],
          "no pages in the image")
    for name in pages:
        os.rename(f"{server.folder}/{name}", f"{lab.path}/image/{name}")
    restored(shim, *places, "--detach", "--pid-file", shim.pid_file, "-no-subreaper", "--bundle",
             shim.made.path)
    goes_on(before, numbers(shim.out, 2), "numbers")


@suite.case("CALL-21", "go-runc: checkpoint --lazy-pages tells its descriptor 3 when pages can be asked for")
def lazy_pages(lab):
    need_criu()
    need(feature("uffd"), "the kernel has no userfaultfd")
    loopback()
    shim = started(Shim(lab, lab.bundle(shell=COUNT)))
    numbers(shim.out, 2)
    places = ("--image-path", f"{lab.path}/image", "--work-path", f"{lab.path}/work")
    status = Pipe()
    call = shim.spawn("checkpoint", *places, "--page-server", f"127.0.0.1:{PORT}", "--lazy-pages",
                      "--status-fd", "3", shim.id, close_fds=False,
                      preexec_fn=lambda: os.dup2(status.writer, 3))
    status.shut()
    eventually(lambda: status.text() or call.process.poll() is not None, "word of pages", 20)
    equal(status.text(), "\0", f"word on descriptor 3: {call.err()}")
    check(call.process.poll() is None, "it waits for who asks")
    # Nobody does: CRIU's side of a migration is not what is tried here.
    socket.create_connection(("127.0.0.1", PORT)).close()
    call.wait(20)
    lab.brig("delete", "--force", shim.id).ok()


@suite.case("CALL-42", "podman: checkpoint with --leave-running twice, its own log file kept")
def podman_checkpoint(lab):
    conmon = started(Conmon(lab, locked(lab)))
    numbers(conmon.out, 2)
    podman = with_criu(Podman(lab, conmon.made))
    image, work = f"{lab.path}/checkpoint", conmon.made.path
    inode = os.stat(write(f"{work}/dump.log", "")).st_ino  # podman has labelled it
    podman.silent("checkpoint", "--image-path", image, "--work-path", work, "--leave-running",
                  "--leave-running", "--tcp-established", "--file-locks", conmon.id, timeout=30)
    equal(conmon.state()["status"], "running", "status")
    stat = os.stat(f"{work}/dump.log")
    check(stat.st_ino == inode and stat.st_size > 0, "the log file that was there")
    seen = len(numbers(conmon.out, 1))
    numbers(conmon.out, seen + 2)
    podman.silent("delete", "--force", conmon.id)


@suite.case("CALL-42", "podman: --pre-dump, then --parent-path ../pre-checkpoint")
def podman_pre_dump(lab):
    conmon = started(Conmon(lab, lab.bundle(shell=COUNT)))
    numbers(conmon.out, 2)
    podman = with_criu(Podman(lab, conmon.made))
    work = conmon.made.path
    first = podman.call("checkpoint", "--image-path", f"{lab.path}/pre-checkpoint", "--work-path", work,
                        "--pre-dump", conmon.id, timeout=30)
    if "cannot track changes of memory" in first.err:
        podman.silent("delete", "--force", conmon.id)
        need(False, "the kernel has no CONFIG_MEM_SOFT_DIRTY")
    first.ok()
    podman.silent("checkpoint", "--image-path", f"{lab.path}/checkpoint", "--work-path", work,
                  "--leave-running", "--leave-running", "--parent-path", "../pre-checkpoint", conmon.id,
                  timeout=30)
    check(os.path.lexists(f"{lab.path}/checkpoint/parent"), "the image knows its parent")


@suite.case("CALL-34", "conmon: restore with podman's options, its own log file kept")
def conmon_restore(lab):
    conmon = started(Conmon(lab, locked(lab)))
    numbers(conmon.out, 2)
    image, work = f"{lab.path}/checkpoint", conmon.made.path
    conmon.silent("checkpoint", "--image-path", image, "--work-path", work, "--file-locks", conmon.id,
                  timeout=30)
    before = numbers(conmon.out, 2)
    inode = os.stat(write(f"{work}/restore.log", "")).st_ino
    pid = restored(conmon, "--bundle", work, "--pid-file", conmon.pid_file, "--no-pivot",
                   "--no-new-keyring", "--detach", "--image-path", image, "--work-path", work,
                   "--tcp-established", "--tcp-close", "--file-locks")
    goes_on(before, numbers(conmon.out, 2), "numbers")
    equal(oracle.processes()[pid][0], os.getpid(), "parent")
    stat = os.stat(f"{work}/restore.log")
    check(stat.st_ino == inode and stat.st_size > 0, "the log file that was there")
    equal(os.getpgid(pid), pid, "process group")
    conmon.silent("kill", conmon.id, "9")
    equal(lab.exit_of(pid), -9, "exit that conmon sees")


@suite.case("CALL-34", "conmon: restore with a console socket")
def conmon_restore_terminal(lab):
    made = lab.bundle(shell="stty -echo; while read x; do echo got $x; done", process__terminal=True)
    conmon = with_criu(Conmon(lab, made))
    console = ConsoleSocket(f"{lab.path}/first")
    conmon.silent("create", "--bundle", made.path, "--pid-file", conmon.pid_file, "--console-socket",
                  console.path, conmon.id)
    master = console.accept()
    conmon.silent("start", conmon.id)
    os.write(master, b"one\n")
    read_until(master, "got one")
    places = ("--image-path", f"{lab.path}/checkpoint", "--work-path", made.path)
    conmon.silent("checkpoint", *places, conmon.id, timeout=30)
    console.close()
    console = ConsoleSocket(f"{lab.path}/second")
    conmon.silent("restore", "--bundle", made.path, "--pid-file", conmon.pid_file, "--detach", *places,
                  "--console-socket", console.path, conmon.id, timeout=30)
    master = console.accept()
    os.write(master, b"two\n")
    read_until(master, "got two")
    conmon.silent("delete", "--force", conmon.id)
    console.close()


@suite.case("CALL-51", "checkpoint of CRI-O, with --file-locks, which leaves it running or ends it; its help")
def crio_checkpoint(lab):
    crio = started(Crio(lab, locked(lab)))
    equal(crio.call("checkpoint", "--help", joined=True).status, 0, "the probe")
    numbers(crio.out, 2)
    for options in (("--leave-running",), ()):
        image = f"{lab.path}/image{len(options)}"
        crio.silent("checkpoint", "--file-locks", "--image-path", image, "--work-path",
                    f"{lab.path}/work", *options, crio.id, timeout=30)
        check(os.path.exists(f"{image}/inventory.img"), "what CRI-O looks for")
        if options:
            equal(crio.state()["status"], "running", "status")
    crio.call("state", crio.id).failed("does not exist", status=1)
    equal(lab.exit_of(crio.pid()), -9, "end of the process")


suite.main()
