# SPDX-License-Identifier: Apache-2.0
"""The cgroups of a container as the host sees them, and a view of a hybrid machine as one of v2."""
import contextlib
import os

from . import oracle
from .lab import need, read, write

# For one call of the runtime: a mount namespace in which only the v2 hierarchy is mounted.
VIEW = ('umount -R "$0" && mount -t cgroup2 cgroup2 "$0" && exec "$@"')


def hierarchies():
    """{controller: folder} of the v1 hierarchies."""
    found = {}
    for line in read("/proc/self/mounts").splitlines():
        _, folder, kind, options = line.split()[:4]
        if kind == "cgroup":
            for option in options.split(","):
                found[option] = folder
    return found


def unified():
    """The folder of the v2 hierarchy, or None."""
    for line in read("/proc/self/mounts").splitlines():
        _, folder, kind = line.split()[:3]
        if kind == "cgroup2":
            return folder
    return None


V1 = hierarchies()


def need_v1(controller):
    need(controller in V1, f"no v1 hierarchy of {controller}")


def groups_of(pid):
    """{controller: path} of a process; "" is v2."""
    found = {}
    for line in read(f"/proc/{pid}/cgroup").splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            found[name] = path
    return found


def folder(container, controller):
    root = V1[controller] if controller else unified()
    return root + groups_of(container.pid)[controller]


def value(container, controller, file):
    return read(f"{folder(container, controller)}/{file}").strip()


@contextlib.contextmanager
def room_on_v2():
    """Everybody out of the top group, which then can hand controllers on."""
    top = unified()
    leaf = f"{top}/everybody"
    os.mkdir(leaf)
    _move(top, leaf)
    try:
        yield
    finally:
        for name in read(f"{top}/cgroup.subtree_control").split():
            write(f"{top}/cgroup.subtree_control", f"-{name}")
        _move(leaf, top)
        os.rmdir(leaf)


def _move(source, target):
    for pid in read(f"{source}/cgroup.procs").split():
        try:
            write(f"{target}/cgroup.procs", pid)
        except ProcessLookupError:
            pass


def see_only_v2(lab):
    """All calls of the runtime in this case find a host of v2."""
    need(unified(), "no v2 hierarchy")
    words = lab.words
    lab.words = lambda *rest, **how: ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                                      VIEW, oracle.CGROUPS, *words(*rest, **how)]
