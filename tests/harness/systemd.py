# SPDX-License-Identifier: Apache-2.0
"""Cases with the machine's own systemd: outside of the sandbox, in a slice of their own. To be imported before
harness.lab."""
import os
import shutil
import subprocess

os.environ.setdefault("SCRATCH", f"/tmp/brig-systemd-{os.getpid()}")

from . import oracle, sandbox
from .lab import read
from .tap import Suite, check

SLICE = "brigtest.slice"
TOP = "/sys/fs/cgroup"
WATCHED = ("brig", "manual")  # how the names of all units of the cases begin
DRIVER = ("--systemd-cgroup",)


def systemctl(*words, user=()):
    """What a systemctl call says; its failure is an answer, too."""
    return subprocess.run(["systemctl", "--no-pager", *user, *words], check=False, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True)


def show(unit, *names, user=()):
    """The properties of a unit as systemd has them now: {name: text}."""
    said = systemctl("show", unit, *(f"--property={name}" for name in names), user=user).stdout
    return dict(line.split("=", 1) for line in said.splitlines())


def units():
    """The names of all units of the cases that systemd has in mind."""
    said = systemctl("list-units", "--all", "--plain", "--no-legend", "--full",
                     *(f"{name}*" for name in WATCHED)).stdout
    return {line.split()[0] for line in said.splitlines()}


def made(lab, identity=None, **settings):
    """(a bundle that sleeps, its id, its unit) in the slice of the cases."""
    identity = identity or lab.name()
    bundle = lab.bundle(["/bin/sleep", "1000"], **{"linux__cgroupsPath": f"{SLICE}:brig:{identity}", **settings})
    return bundle, identity, f"brig-{identity}.scope"


def start(lab, **settings):
    bundle, identity, unit = made(lab, **settings)
    return lab.start(bundle, identity=identity, globals_=DRIVER), unit


def file(unit, name, slice_=SLICE):
    return read(f"{TOP}/{slice_}/{unit}/{name}").strip()


def watches_memory(pid):
    """Whether a process, such as `events`, holds a memory.events."""
    try:
        links = [os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")]
    except OSError:
        return False
    return any(link.endswith("/memory.events") for link in links)


def expect_no_unit(unit):
    check(unit not in units(), f"{unit} is still there: {show(unit, 'ActiveState', 'SubState')}")


def _cgroups():
    """The cgroups of the units of the cases; the machine's other ones come and go."""
    return {folder for folder, _, _ in os.walk(TOP)
            if any(part.startswith(WATCHED) for part in folder.split("/")) and folder != f"{TOP}/{SLICE}"}


def _descendants():
    """The processes below this one, to which all that is left comes home."""
    everyone = _all_processes()
    found = {os.getpid()}
    while True:
        more = {pid for pid, (parent, _, _) in everyone.items() if parent in found} - found
        if not more:
            return {pid: everyone[pid] for pid in found if pid in everyone}
        found |= more


_all_processes = oracle.processes


class SystemdSuite(Suite):
    """A suite that needs systemd as PID 1, and cgroup v2 alone."""

    def main(self):
        if os.environ.get(sandbox.MARK) == "1" or not os.path.isdir("/run/systemd/system"):
            sandbox.leave("systemd is not PID 1 here")
        if os.geteuid() != 0:
            sandbox.leave("needs root")
        if systemctl("show", "--property=Version").returncode != 0:
            sandbox.leave("systemd does not answer")
        if not os.path.exists(f"{TOP}/cgroup.controllers"):
            sandbox.leave("the controllers are on cgroup v1")
        sandbox.build_payload()
        os.environ[sandbox.MARK] = "1"
        oracle.processes, oracle.cgroups = _descendants, _cgroups
        os.makedirs(os.environ["SCRATCH"])
        child = os.fork()
        if child == 0:
            super().main()
        _, status = os.waitpid(child, 0)
        systemctl("stop", SLICE)
        shutil.rmtree(os.environ["SCRATCH"], ignore_errors=True)
        os._exit(os.waitstatus_to_exitcode(status))
