#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Mounts under a seccomp filter around brig that does not know the kernel's younger mount calls.
import ctypes
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import mountinfo, oracle
from harness.lab import write
from harness.mounting import mounted
from harness.sandbox import libc
from harness.tap import Suite, check, contains, equal

suite = Suite()
ENOSYS = 38
CALLS = {"open_tree": 428, "move_mount": 429, "fsopen": 430, "mount_setattr": 442}


def hide(*names):
    """For preexec_fn: the named calls give ENOSYS from now on, as older profiles of engines do."""
    numbers = [CALLS[name] for name in names]

    def code(operation, value, yes=0, no=0):
        return struct.pack("HBBI", operation, yes, no, value)
    load, equals, give = 0x20, 0x15, 0x06
    last = len(numbers)
    program = code(load, 0)
    for index, number in enumerate(numbers):
        program += code(equals, number, yes=last - index)
    program += code(give, 0x7fff0000) + code(give, 0x00050000 | ENOSYS)
    buffer = ctypes.create_string_buffer(program, len(program))
    filter_ = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(buffer))

    def apply():
        PR_SET_SECCOMP, FILTER = 22, 2
        if libc.prctl(PR_SET_SECCOMP, FILTER, ctypes.c_char_p(filter_), 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_SECCOMP)")
    apply.kept = buffer
    return apply


def run(lab, made, *hidden, verb="run"):
    identity = lab.name()
    lab.containers.append(identity)
    return lab.brig(verb, "--bundle", made.write().path, identity, preexec_fn=hide(*hidden))


@suite.case("MO-ro MO-nosuid MO-rw MO-private", "without mount_setattr binds get their flags by "
            "mount(2)")
def binds(lab):
    with mounted(f"{lab.path}/source", "nodev,noexec,noatime") as source, \
            mounted(f"{source}/sub"):
        before = oracle.mounts()
        made = lab.bundle(shell="cat /proc/self/mountinfo; touch /ro/x 2>&1; touch /plain/x")
        made.mount("/ro", "bind", source, ["bind", "ro", "nosuid"])
        made.mount("/plain", "bind", source, ["bind"])
        made.mount("/exec", "bind", source, ["rbind", "exec", "strictatime", "rprivate"])
        made.mount("/new", "tmpfs", "tmpfs", ["ro", "nosuid"])
        out = run(lab, made, "mount_setattr").ok().out
        contains(out, "Read-only file system", "a write to /ro")
        out = out[:out.index("touch")]
        equal(mountinfo.flags(out, "/ro"), {"ro", "nosuid", "nodev", "noexec", "noatime"}, "/ro")
        equal(mountinfo.flags(out, "/plain"), {"rw", "nodev", "noexec", "noatime"}, "/plain")
        equal(mountinfo.flags(out, "/exec"), {"rw", "nodev"}, "/exec")
        equal(mountinfo.flags(out, "/exec/sub"), {"rw", "relatime"}, "/exec/sub")
        equal(mountinfo.flags(out, "/new"), {"ro", "nosuid", "relatime"}, "/new")
        equal(oracle.mounts(), before, "the host's mounts")


@suite.case("R-02 RF-02 RF-03 M-09", "without mount_setattr the root, masks, read-only paths and "
            "cgroup mounts are what they should be")
def defaults(lab):
    made = lab.bundle(shell="cat /proc/self/mountinfo; touch /x 2>&1; "
                            "touch /dev/shm/x && echo fine; echo 1 > /proc/sys/kernel/pid_max; cat /etc/secret")
    made.file("/etc/secret", "secret\n")
    made.set("root.readonly", True)
    made.linux["maskedPaths"].append("/etc/secret")
    made.mount("/sys/fs/cgroup", "cgroup", "cgroup", ["ro", "nosuid", "noexec", "nodev"])
    result = run(lab, made, "mount_setattr")
    contains(result.out, "fine", "a tmpfs")
    equal((result.out + result.err).count("Read-only file system"), 2, "refused writes")
    check("secret\n" not in result.out, "the mask")
    for entry in mountinfo.parse(result.out[:result.out.index("touch")]):
        if entry["target"].startswith("/sys/fs/cgroup"):
            check({"ro", "nosuid", "noexec", "nodev"} <= set(entry["options"]), f"{entry}")
        equal([peer for peer in entry["peers"] if peer.startswith("shared")], [], "peers")


@suite.case("RF-01 M-07", "without mount_setattr nothing of the container's reaches the host")
def private(lab):
    with mounted(f"{lab.path}/top", shared=True) as top:
        made = lab.bundle(shell="mount -t tmpfs x /tmp && mount -t tmpfs x /mnt && echo done")
        made.capabilities("CAP_SYS_ADMIN")
        os.system(f"cp -a {made.rootfs} {top}/rootfs")
        made.set("root.path", f"{top}/rootfs")
        os.mkdir(f"{top}/data")
        made.mount("/mnt", "bind", f"{top}/data", ["rbind"])
        before = oracle.mounts()
        container_out = run(lab, made, "mount_setattr").ok().out
        contains(container_out, "done", "mounts inside")
        equal(oracle.mounts(), before, "the host's mounts")


@suite.table("MO-rro MO-ridmap M-06", "what needs mount_setattr is an error without it", {
    "rro": ["rbind", "rro"], "rnosuid": ["rbind", "rnosuid"], "idmap": ["bind", "idmap"],
})
def recursive(lab, options):
    made = lab.bundle()
    write(f"{lab.path}/file", "")
    entry = made.mount("/mnt", "bind", lab.path, options)
    if "idmap" in options:
        entry["uidMappings"] = entry["gidMappings"] = [{"containerID": 0, "hostID": 5, "size": 1}]
    run(lab, made, "mount_setattr", verb="create").failed("mounts[6]", "mount_setattr",
                                                          "function not implemented")
    lab.expect_nothing_left("a refused option")


@suite.table("M-05", "without the new mount calls at all the error says so", {
    name: name for name in CALLS if name != "mount_setattr"
})
def no_new_calls(lab, name):
    made = lab.bundle()
    made.mount("/mnt", "bind", lab.path, ["bind"])
    run(lab, made, name, verb="create").failed(name, "function not implemented")
    lab.expect_nothing_left("a create without the new mount calls")


suite.main()
