# SPDX-License-Identifier: Apache-2.0
"""The cgroups of a container as the host sees them, in the words of v1 whatever the hierarchy, and a
view of a hybrid machine as one of v2."""
import contextlib
import ctypes
import math
import os
import platform
import struct
import subprocess

from . import oracle, sandbox
from .lab import need, read, write

# For one call of the runtime: a mount namespace in which only the v2 hierarchy is mounted.
VIEW = ('umount -R "$0" && mount -t cgroup2 cgroup2 "$0" && exec "$@"')
UNLIMITED = "9223372036854771712"  # of v1: in whole pages


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


V1 = hierarchies()  # empty on a host of v2 alone


def tops():
    """The folders of all hierarchies."""
    return sorted({*V1.values(), unified()} - {None})


def whole_disk():
    """The numbers "MAJOR:MINOR" of a block device that I/O limits can be set for, or ""."""
    names = sorted(os.listdir("/sys/block")) if os.path.isdir("/sys/block") else []
    for name in ("loop0", *names):
        if os.path.exists(f"/sys/block/{name}/dev"):
            return read(f"/sys/block/{name}/dev").strip()
    return ""


DISK_NUMBER = whole_disk()
DISK = dict(zip(("major", "minor"), map(int, filter(None, DISK_NUMBER.split(":")))))

# v2's name of a controller of v1; "": it is part of every group.
ON_V2 = {"blkio": "io", "cpuacct": "cpu", "devices": "", "freezer": "", "name=systemd": ""}


def need_v1(*controllers):
    """For what v1 alone has."""
    for controller in controllers:
        need(controller in V1, f"no v1 hierarchy of {controller}")


def need_controllers(*controllers):
    """Skips where the host has not all of these; v1's names."""
    if V1:
        need_v1(*controllers)
    for controller in () if V1 else controllers:
        name = ON_V2.get(controller, controller)
        need(not name or name in read(f"{unified()}/cgroup.controllers").split(),
             f"no controller {name} on v2")


def groups_of(pid):
    """{controller: path} of a process; "" is v2."""
    found = {}
    for line in read(f"/proc/{pid}/cgroup").splitlines():
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            found[name] = path
    return found


def managed_path(pid):
    """The path of its group, in the hierarchies that brig works with."""
    return groups_of(pid)["pids" if "pids" in V1 else ""]


def top_of(controller):
    return V1[controller] if controller and V1 else unified()


def folder(container, controller):
    return top_of(controller) + groups_of(container.pid)[controller if V1 else ""]


@contextlib.contextmanager
def new_group(controller):
    """A group beneath the top one, with all controllers on v2."""
    if not V1:
        hand_on()
    probe = f"{top_of(controller)}/lab-probe"
    os.mkdir(probe)
    try:
        yield probe
    finally:
        os.rmdir(probe)


def hand_on(group=""):
    """Every controller of a group of v2 to those beneath it."""
    place = f"{unified()}{group}"
    for name in read(f"{place}/cgroup.controllers").split():
        write(f"{place}/cgroup.subtree_control", f"+{name}")


# Files of v1, and what v2 has instead: its file, and how that is told in v1's words. `read` reads any
# file of the group.


def _bytes(file):
    return lambda read_file: read_file(file).replace("max", UNLIMITED)


def _with_swap(read_file):
    memory, swap = read_file("memory.max"), read_file("memory.swap.max")
    if swap == "max":
        return UNLIMITED
    return f"{swap} of swap alone" if memory == "max" else str(int(memory) + int(swap))


def _word(file, index):
    def shown(read_file):
        word = read_file(file).split()[index]
        return "-1" if word == "max" else word
    return shown


def _rate(key):
    def shown(read_file):
        lines = []
        for line in read_file("io.max").splitlines():
            device, *limits = line.split()
            rate = dict(limit.split("=") for limit in limits)[key]
            lines += [f"{device} {rate}"] if rate != "max" else []
        return "\n".join(lines)
    return shown


def _named(file, names):
    """Lines of "NAME NUMBER" by other names, {v1's: (v2's, factor)}."""
    def shown(read_file):
        found = dict(line.split() for line in read_file(file).splitlines())
        return "\n".join(f"{old} {int(found[new]) * factor}"
                         for old, (new, factor) in names.items() if new in found)
    return shown


def _cpu_usage(read_file):
    return str(int(dict(line.split() for line in read_file("cpu.stat").splitlines())
                   ["usage_usec"]) * 1000)


def _io_weight(read_file):
    try:
        return f"weight {weight_of_blkio(int(read_file('io.bfq.weight').split()[1]))}"
    except FileNotFoundError:
        return f"weight {read_file('io.weight').split()[1]}"


def _io_bytes(read_file):
    lines = []
    for line in read_file("io.stat").splitlines():
        device, *counts = line.split()
        found = dict(count.split("=") for count in counts)
        lines += [f"{device} {kind} {found[key]}\n" for kind, key in
                  (("Read", "rbytes"), ("Write", "wbytes")) if key in found]
    return "".join(lines)


V2_FILES = {
    "memory.limit_in_bytes": ("memory.max", _bytes("memory.max")),
    "memory.memsw.limit_in_bytes": ("memory.swap.max", _with_swap),
    "memory.soft_limit_in_bytes": ("memory.low", _bytes("memory.low")),
    "memory.max_usage_in_bytes": ("memory.peak", _bytes("memory.peak")),
    "memory.usage_in_bytes": ("memory.current", _bytes("memory.current")),
    "memory.oom_control": ("memory.events", _named("memory.events", {"oom_kill": ("oom_kill", 1)})),
    "cpu.shares": ("cpu.weight", lambda read_file: f"weight {read_file('cpu.weight')}"),
    "cpu.cfs_quota_us": ("cpu.max", _word("cpu.max", 0)),
    "cpu.cfs_period_us": ("cpu.max", _word("cpu.max", 1)),
    "cpu.cfs_burst_us": ("cpu.max.burst", _word("cpu.max.burst", 0)),
    "cpu.stat": ("cpu.stat", _named("cpu.stat", {
        "nr_periods": ("nr_periods", 1), "nr_throttled": ("nr_throttled", 1),
        "throttled_time": ("throttled_usec", 1000)})),
    "cpuacct.usage": ("cpu.stat", _cpu_usage),
    "blkio.bfq.weight": ("io.weight", _io_weight),
    "blkio.throttle.read_bps_device": ("io.max", _rate("rbps")),
    "blkio.throttle.write_bps_device": ("io.max", _rate("wbps")),
    "blkio.throttle.read_iops_device": ("io.max", _rate("riops")),
    "blkio.throttle.write_iops_device": ("io.max", _rate("wiops")),
    "blkio.throttle.io_service_bytes": ("io.stat", _io_bytes),
}


def weight_of_shares(shares):
    """cpu.weight, by the formula of 2025 (VEC-shares)."""
    log = math.log2(min(max(shares, 2), 262144))
    return math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34) - 1e-9)


def weight_of_blkio(weight):
    """io.weight; both are 100 at first (VEC-ioweight)."""
    return 100 if weight == 100 else 1 + (weight - 10) * 9999 // 990


def as_told(file, text):
    """What value() gives where v1 would have this text."""
    if not V1 and file == "cpu.shares":
        return f"weight {weight_of_shares(int(text))}"
    if not V1 and file == "blkio.bfq.weight":
        return f"weight {weight_of_blkio(int(text))}"
    return str(text)


def offers(group, file):
    """Whether a group has the file, or what v2 has instead."""
    if not V1 and file == "devices.list":
        return True
    return os.path.exists(f"{group}/{V2_FILES[file][0] if not V1 and file in V2_FILES else file}")


def in_group(group, file):
    """What a file of a group has, in v1's words; the device rules of v2 are the programs there."""
    def read_file(name):
        return read(f"{group}/{name}").strip()
    if not V1 and file == "devices.list":
        return str(device_programs(group))
    if not V1 and file in V2_FILES:
        return V2_FILES[file][1](read_file)
    return read_file(file)


def value(container, controller, file):
    """The same of the container's group; with the controller "" it is a file of v2's own."""
    if not controller:
        return read(f"{folder(container, '')}/{file}").strip()
    return in_group(folder(container, controller), file)


def freeze(group, frozen):
    """A group of the freezer, or of v2."""
    if V1:
        write(f"{group}/freezer.state", "FROZEN" if frozen else "THAWED")
    else:
        write(f"{group}/cgroup.freeze", str(int(frozen)))


# bpf(2)

BPF_CALL = {"x86_64": 321, "aarch64": 280}.get(platform.machine())
BPF_PROG_DETACH, BPF_PROG_QUERY, BPF_CGROUP_DEVICE = 9, 16, 6


def device_programs(group):
    """The ids of the BPF programs that judge devices in this very group."""
    ids = (ctypes.c_uint32 * 64)()
    descriptor = os.open(group, os.O_RDONLY | os.O_DIRECTORY)
    # target_fd, attach_type, query_flags, attach_flags, prog_ids, prog_cnt
    query = ctypes.create_string_buffer(struct.pack("IIIIQI", descriptor, BPF_CGROUP_DEVICE, 0, 0,
                                                    ctypes.addressof(ids), len(ids)), 128)
    try:
        if sandbox.libc.syscall(BPF_CALL, BPF_PROG_QUERY, query, len(query)):
            code = ctypes.get_errno()
            raise OSError(code, f"BPF_PROG_QUERY: {os.strerror(code)}")
    finally:
        os.close(descriptor)
    return list(ids[:struct.unpack_from("I", query, 24)[0]])


@contextlib.contextmanager
def place_without(*controllers):
    """A cgroupsPath on v2 where there are none of these, None if any will do: in the end beneath a
    group that has a process of its own."""
    top = unified()
    if not set(controllers) & set(read(f"{top}/cgroup.controllers").split()):
        yield None
        return
    os.mkdir(f"{top}/lab")
    with subprocess.Popen(["sleep", "1000"]) as squatter:
        write(f"{top}/lab/cgroup.procs", str(squatter.pid))
        try:
            yield "/lab/in"
        finally:
            squatter.kill()
            squatter.wait()
            with contextlib.suppress(OSError):  # of a case that failed; the oracle tells
                os.rmdir(f"{top}/lab")


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
