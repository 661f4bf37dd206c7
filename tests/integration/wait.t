#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# wait: the end of containers that are not brig's children, and how they ended.
import fcntl
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.lab import need, read
from harness.tap import Suite, check, equal, eventually

suite = Suite()
IN_POLL = ("7", "271", "73")  # poll, and ppoll of x86-64 and arm64


def remembers():
    """Whether a pidfd tells the exit status of a process that has been reaped."""
    release = [int(part) for part in os.uname().release.split("-")[0].split(".")[:2]]
    return release >= [6, 15]


def waiting(lab, *ids):
    call = lab.spawn("wait", *ids)
    eventually(lambda: read(f"/proc/{call.pid}/syscall").split()[0] in IN_POLL, "a wait that waits")
    return call


def ends(lab, shell, **settings):
    """A running container that ends as `shell` says once the other value is called."""
    made = lab.bundle(shell=f"while [ ! -e /end ]; do sleep 0.01; done; {shell}", **settings)
    container = lab.start(made)
    return container, lambda: open(f"{made.path}/rootfs/end", "w", encoding="ascii").close()


@suite.table("wait", "a process that another reaps", {
    "ends by itself": ("exit 0", "0\n"), "fails": ("exit 42", "42\n"),
    "is killed": ("kill -9 $$; sleep 1", "137\n")})
def reaped(lab, shell, wanted):
    need(remembers(), "needs Linux 6.15")
    # Without a pid namespace, where a process that kills itself does end.
    container, end = ends(lab, shell, linux__namespaces=[{"type": "mount"}, {"type": "uts"}])
    pid = container.pid
    call = waiting(lab, container.id)
    call.signal(signal.SIGSTOP)  # so that it looks only after the reaper
    end()
    lab.exit_of(pid)
    call.signal(signal.SIGCONT)
    equal(call.wait().ok().out, wanted, "output")
    equal(call.err(), "", "standard error")


@suite.case("wait", "a zombie tells its status, whether wait came before or after its end")
def zombie(lab):
    container, end = ends(lab, "exit 7")
    lab.reaping = False
    call = waiting(lab, container.id)
    end()
    equal(call.wait().ok().out, "7\n", "of the one that waited")
    equal(container.status(), "stopped", "status")
    equal(lab.brig("wait", container.id).ok().out, "7\n", "of the one that came later")
    lab.reaping = True


@suite.case("wait", "a container that ended and was reaped before: at once, and unknown")
def too_late(lab):
    container = lab.start(lab.bundle(shell="exit 7"))
    container.wait_stopped()
    lab.reap()
    equal(lab.brig("wait", container.id).ok().out, "unknown\n", "output")


@suite.case("wait", "where the kernel remembers nothing, what was reaped is unknown")
def no_memory(lab):
    container, end = ends(lab, "exit 7")
    pid = container.pid
    traced = lab.popen(["strace", "-D", "-qq", "-o", "/dev/null", "-e", "trace=ioctl", "-e",
                        "inject=ioctl:error=ENOTTY", *lab.words("wait", container.id)])
    eventually(lambda: read(f"/proc/{traced.pid}/syscall").split()[0] in IN_POLL, "a wait")
    traced.signal(signal.SIGSTOP)
    eventually(lambda: read(f"/proc/{traced.pid}/stat").split()[2] in "Tt", "a stopped wait")
    end()
    lab.exit_of(pid)
    traced.signal(signal.SIGCONT)
    equal(traced.wait().ok().out, "unknown\n", "output")


@suite.case("wait", "a created container is waited for, through its start and its end")
def created(lab):
    made = lab.bundle(shell="exit 5")
    container = lab.create(made)
    call = waiting(lab, container.id)
    lab.reaping = False
    container.start()
    equal(call.wait().ok().out, "5\n", "output")
    lab.reaping = True


@suite.case("wait", "a container that is deleted meanwhile")
def deleted(lab):
    need(remembers(), "needs Linux 6.15")
    container = lab.create(lab.bundle(shell="true"))
    call = waiting(lab, container.id)
    container.delete().ok()
    equal(call.wait().ok().out, "137\n", "output")


@suite.case("wait", "several containers, in the order asked for, whichever ends first")
def several(lab):
    pairs = [ends(lab, f"exit {status}") for status in (1, 2, 3)]
    lab.reaping = False
    call = waiting(lab, *(container.id for container, _ in pairs))
    for container, end in reversed(pairs):
        end()
        eventually(lambda it=container: it.status() == "stopped", "the end")
    equal(call.wait().ok().out, "1\n2\n3\n", "output")
    lab.reaping = True


@suite.case("wait", "run --keep notes the status in the state")
def kept(lab):
    made = lab.bundle(shell="exit 9")
    identity = lab.name()
    equal(lab.run(made, "--keep", identity=identity).status, 9, "status of run")
    equal(lab.brig("wait", identity).ok().out, "9\n", "output")
    equal(lab.state(identity)["status"], "stopped", "status")


@suite.case("wait", "run --keep warns if the state is locked for so long that the status cannot be noted")
def not_kept(lab):
    made = lab.bundle(["/bin/sleep", "1000"])
    identity, log = lab.name(), f"{lab.path}/log"
    call = lab.spawn("run", "--keep", "--bundle", made.write().path, identity,
                     globals_=("--log", log, "--log-level", "warning"))
    lab.containers.append(identity)
    eventually(lambda: lab.brig("state", identity).status == 0 and
               lab.state(identity)["status"] == "running", "it runs")
    folder = os.open(f"{lab.root}/{identity}", os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    os.kill(lab.state(identity)["pid"], signal.SIGKILL)
    equal(call.wait(20).status, 137, "status of run")
    os.close(folder)
    with open(log, encoding="utf-8") as file:
        check("the exit status is not kept: another operation" in file.read(), "a warning")


@suite.table("wait", "a signal ends the wait, not the container", {
    "INT": (signal.SIGINT,), "TERM": (signal.SIGTERM,)})
def interrupted(lab, number):
    container = lab.sleeper()
    call = waiting(lab, container.id)
    call.signal(number)
    equal(call.wait().status, -number, "how it ended")
    equal(container.status(), "running", "status")


@suite.case("wait", "an id that does not exist is an error before any wait")
def missing(lab):
    container = lab.sleeper()
    result = lab.brig("wait", container.id, "none").failed(status=1)
    equal((result.out, result.err), ("", "brig: wait: none: container does not exist\n"), "output")
    lab.brig("wait").failed("missing operand", status=1)


@suite.case("wait", "an end of output is an error with its reason")
def no_output(lab):
    container = lab.start(lab.bundle(shell="true"))
    container.wait_stopped()
    with open("/dev/full", "w", encoding="ascii") as full:
        result = lab.popen(lab.words("wait", container.id), stdout=full).wait()
    result.failed("no space left on device", status=1)


suite.main()
