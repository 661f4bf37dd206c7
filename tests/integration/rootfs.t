#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The root: devices and links (D-01 to D-08, E-01 to E-04), masks, read-only paths, propagation.
import os
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import mountinfo, oracle
from harness.lab import read, write
from harness.tap import Suite, check, contains, equal

suite = Suite()
NODES = {"null": "1 3", "zero": "1 5", "full": "1 7", "random": "1 8", "urandom": "1 9",
         "tty": "5 0"}


# devices and links


@suite.table("E-01", "the default devices are there, 0666, owned by root", {
    "/dev is a tmpfs": False, "/dev is the image's": True,
})
def default_devices(lab, bare):
    names = " ".join(f"/dev/{name}" for name in NODES)
    made = lab.bundle(shell=f"stat -c '%F %t %T %a %u %g' {names}")
    if bare:
        made.bare_dev()
    lines = lab.run(made).ok().out.splitlines()
    wanted = [f"character special file {number} 666 0 0" for number in NODES.values()]
    equal(lines, wanted, "nodes")


@suite.case("E-01", "the default devices work")
def devices_work(lab):
    made = lab.bundle(shell="echo x > /dev/null && head -c 4 /dev/zero | wc -c && "
                            "head -c 4 /dev/urandom | wc -c && ! echo x > /dev/full")
    equal(lab.run(made).out.split(), ["4", "4"], "output")


@suite.table("E-03 E-04", "the links of /dev", {"/dev is a tmpfs": False,
                                                "/dev is the image's": True})
def links(lab, bare):
    wanted = {"/dev/fd": "/proc/self/fd", "/dev/stdin": "/proc/self/fd/0",
              "/dev/stdout": "/proc/self/fd/1", "/dev/stderr": "/proc/self/fd/2",
              **({"/dev/core": "/proc/kcore"} if os.path.exists("/proc/kcore") else {})}
    made = lab.bundle(shell="for i in " + " ".join(wanted) + "; do readlink $i; done; "
                            "readlink /dev/ptmx || stat -c '%t %T' /dev/ptmx")
    if bare:
        made.bare_dev()
    lines = lab.run(made).ok().out.splitlines()
    equal(lines[:-1], list(wanted.values()), "links")
    check(lines[-1] in ("pts/ptmx", "/dev/pts/ptmx", "5 2"), f"ptmx: {lines[-1]}")


@suite.case("D-01 D-02 D-04 D-05", "linux.devices are made as asked")
def devices(lab):
    made = lab.bundle(shell="stat -c '%F %t %T %a %u %g' /dev/mem2 /dev/sub/x /opt/b /dev/pipe")
    made.linux["devices"] = [
        {"path": "/dev/mem2", "type": "c", "major": 1, "minor": 1, "fileMode": 0o640,
         "uid": 12, "gid": 34},
        {"path": "/dev/sub/x", "type": "u", "major": 10, "minor": 200},
        {"path": "/opt/b", "type": "b", "major": 7, "minor": 3, "fileMode": 0o600},
        {"path": "/dev/pipe", "type": "p", "fileMode": 0o622},
    ]
    lines = lab.run(made).ok().out.splitlines()
    equal(lines, ["character special file 1 1 640 12 34", "character special file a c8 666 0 0",
                  "block special file 7 3 600 0 0", "fifo 0 0 622 0 0"], "nodes")


@suite.case("D-04", "the caller's umask does not change a device's mode")
def device_umask(lab):
    made = lab.bundle(shell="stat -c %a /dev/null /dev/x")
    made.linux["devices"] = [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3,
                              "fileMode": 0o666}]
    lab.containers.append("u")
    result = lab.brig("run", "--bundle", made.write().path, "u",
                      preexec_fn=lambda: os.umask(0o077))
    equal(result.ok().out.split(), ["666", "666"], "modes")


@suite.case("D-06", "a node that is there already and matches is taken")
def device_same(lab):
    made = lab.bundle(shell="stat -c '%t %T' /dev/null /dev/mine")
    made.bare_dev()
    os.mknod(made.inside("/dev/null"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(made.inside("/dev/mine"), stat.S_IFCHR | 0o666, os.makedev(1, 9))
    made.linux["devices"] = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 9}]
    equal(lab.run(made).ok().out, "1 3\n1 9\n", "nodes")


@suite.table("D-06", "what is there and does not match is an error", {
    "other device": lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5)),
    "file": lambda path: write(path, "x"), "fifo": os.mkfifo, "folder": os.mkdir,
})
def device_other(lab, make):
    made = lab.bundle()
    made.bare_dev()
    make(made.inside("/dev/mine"))
    made.linux["devices"] = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 9}]
    lab.try_create(made).failed("linux.devices[0]", "/dev/mine")
    lab.expect_nothing_left("a refused device")


@suite.table("D-01 D-02 D-03", "a wrong device is refused", {
    "no path": {"type": "c", "major": 1, "minor": 1},
    "relative path": {"path": "dev/x", "type": "c", "major": 1, "minor": 1},
    "type a": {"path": "/dev/x", "type": "a", "major": 1, "minor": 1},
    "type cc": {"path": "/dev/x", "type": "cc", "major": 1, "minor": 1},
    "no major": {"path": "/dev/x", "type": "c", "minor": 1},
    "negative major": {"path": "/dev/x", "type": "c", "major": -5, "minor": 1},
    "mode": {"path": "/dev/x", "type": "c", "major": 1, "minor": 1, "fileMode": 0o200000},
})
def device_wrong(lab, entry):
    made = lab.bundle()
    made.linux["devices"] = [entry]
    lab.try_create(made).failed("linux.devices[0]")
    lab.expect_nothing_left("a refused device")


# masks and read-only paths


@suite.case("RF-02", "masked files are empty, masked folders are empty and read-only")
def masked(lab):
    made = lab.bundle(shell="cat /secret/file; ls /secret/dir; touch /secret/dir/x 2>&1; "
                            "echo x > /secret/file; wc -c < /proc/keys; ls /sys/firmware")
    made.file("/secret/file", "secret")
    made.file("/secret/dir/inner", "secret")
    made.linux["maskedPaths"] += ["/secret/file", "/secret/dir", "/absent"]
    out = lab.run(made).out
    check("secret\n" not in out and "inner" not in out, f"output: {out!r}")
    contains(out, "Read-only file system", "write into a masked folder")
    equal(read(made.inside("/secret/file")), "secret", "the image's file")


@suite.case("RF-02", "a masked file is the kernel's null device")
def masked_null(lab):
    made = lab.bundle(shell="stat -c '%F %t %T' /etc/passwd")
    made.linux["maskedPaths"] = ["/etc/passwd"]
    equal(lab.run(made).ok().out, "character special file 1 3\n", "the mask")


@suite.case("RF-02 R-16", "masked folders share one small file system")
def masked_one_superblock(lab):
    made = lab.bundle()
    folders = [f"/m{i}" for i in range(20)]
    for folder in folders:
        os.makedirs(made.inside(folder))
    made.linux["maskedPaths"] = folders
    text = lab.probe(made)["mountinfo"]
    devices = {mountinfo.at(text, folder)["device"] for folder in folders}
    equal(len(devices), 1, "superblocks")


@suite.table("RF-02 RF-03", "a path that is not absolute is refused", {
    "masked relative": ("maskedPaths", "proc/kcore"), "read-only relative": ("readonlyPaths",
                                                                            "etc"),
    "masked empty": ("maskedPaths", ""), "read-only empty": ("readonlyPaths", ""),
})
def paths_relative(lab, key, path):
    made = lab.bundle()
    made.linux[key] = ["/proc/acpi", path]
    lab.try_create(made).failed(f"linux.{key}[1]")


@suite.case("RF-03", "read-only paths cannot be written; missing ones are skipped")
def readonly(lab):
    made = lab.bundle(shell="touch /etc/x 2>&1; echo x >> /etc/passwd; touch /etc/sub/x 2>&1; "
                            "echo 1 > /proc/sys/kernel/pid_max; touch /root/fine && echo fine")
    os.makedirs(made.inside("/etc/sub"))
    made.mount("/etc/sub", "tmpfs", "tmpfs")
    made.linux["readonlyPaths"] += ["/etc", "/absent"]
    result = lab.run(made)
    equal((result.out + result.err).count("Read-only file system"), 4, "refused writes")
    contains(result.out, "fine", "a path that is not in the list")


@suite.case("RF-03 R-17", "a read-only path keeps the other flags of its mount")
def readonly_flags(lab):
    text = lab.probe(lab.bundle())["mountinfo"]
    check("ro" in mountinfo.flags(text, "/proc/sys"), "/proc/sys is read-only")
    made = lab.bundle()
    made.mount("/data", "tmpfs", "tmpfs", ["nosuid", "nodev", "noexec"])
    made.linux["readonlyPaths"] = ["/data"]
    flags = mountinfo.flags(lab.probe(made)["mountinfo"], "/data")
    check({"ro", "nosuid", "nodev", "noexec"} <= flags, f"flags: {flags}")


@suite.case("R-02", "a read-only root, with mounts that can be written")
def root_readonly(lab):
    made = lab.bundle(shell="touch /x 2>&1; touch /etc/x 2>&1; touch /dev/shm/x && "
                            "touch /dev/x && echo fine")
    made.set("root.readonly", True)
    result = lab.run(made)
    equal(result.out.count("Read-only file system"), 2, f"refused writes in {result.out!r}")
    contains(result.out, "fine", "mounts of their own")
    made.process["args"] = ["/bin/probe"]
    check("ro" in mountinfo.flags(lab.probe(made)["mountinfo"], "/"), "flags of /")


@suite.case("R-02", "a root that is not read-only keeps what is written")
def root_writable(lab):
    made = lab.bundle(shell="echo text > /new")
    lab.run(made).ok()
    equal(read(made.inside("/new")), "text\n", "the file")


# root.path


@suite.table("R-01 T-16", "root.path", {
    "relative": lambda made: "rootfs", "absolute": lambda made: made.rootfs,
    "slash at the end": lambda made: made.rootfs + "/",
    "symbolic link": lambda made: os.symlink("rootfs", f"{made.path}/link") or "link",
    "dots": lambda made: "./x/../rootfs" if os.mkdir(f"{made.path}/x") is None else "",
})
def root_path(lab, place):
    made = lab.bundle(shell="echo here")
    made.set("root.path", place(made))
    equal(lab.run(made).ok().out, "here\n", "output")


@suite.table("R-01 T-16", "a root.path that is no folder is refused", {
    "missing": (lambda path: None, "no such file or directory"),
    "file": (lambda path: write(path, ""), "not a directory"),
    "fifo": (os.mkfifo, "not a directory"),
})
def root_wrong(lab, make, part):
    made = lab.bundle()
    make(f"{made.path}/other")
    made.set("root.path", "other")
    lab.try_create(made, timeout=5).failed("root.path", part)
    lab.expect_nothing_left("a wrong root")


@suite.case("R-01", "a root that is a mount of its own, on shared propagation, stays unseen")
def root_shared(lab):
    made = lab.bundle(shell="mount -t tmpfs x /tmp && echo done")
    made.capabilities("CAP_SYS_ADMIN")
    subprocess.run(["mount", "--bind", made.path, made.path], check=True)
    subprocess.run(["mount", "--make-rshared", made.path], check=True)
    before = oracle.mounts()
    contains(lab.run(made).ok().out, "done", "mount inside")
    equal(oracle.mounts(), before, "the host's mounts")
    subprocess.run(["umount", "-l", made.path], check=True)


@suite.case("N-03 R-01", "the old root is gone: nothing of the host in the mount table")
def old_root_gone(lab):
    for options in ((), ("--no-pivot",)):
        text = lab.probe(lab.bundle(), *options)["mountinfo"]
        entries = mountinfo.parse(text)
        strange = [entry["target"] for entry in entries
                   if not entry["target"].startswith(("/proc", "/dev", "/sys"))
                   and entry["target"] != "/"]
        equal(strange, [], f"targets beside the config's {options}")
        equal(len([entry for entry in entries if entry["target"] == "/"]), 1, "roots")


@suite.case("R-24", "with --no-pivot the root cannot be left by ..")
def no_pivot(lab):
    made = lab.bundle(shell="cd /; cd ../../..; ls -d bin proc; ls /../../.. | head -1")
    contains(lab.run(made, "--no-pivot").ok().out, "bin\nproc\n", "listing")


# propagation


@suite.table("RF-01 T-104", "rootfsPropagation", {
    "private": ("private", [""]), "slave": ("slave", ["master:", ""]),
    "shared": ("shared", ["shared:"]), "unbindable": ("unbindable", ["unbindable"]),
    "rprivate": ("rprivate", [""]), "rslave": ("rslave", ["master:", ""]),
    "rshared": ("rshared", ["shared:"]),
})
def rootfs_propagation(lab, value, marks):
    made = lab.bundle()
    subprocess.run(["mount", "--bind", made.path, made.path], check=True)
    subprocess.run(["mount", "--make-rshared", made.path], check=True)
    made.set("linux.rootfsPropagation", value)
    peers = " ".join(mountinfo.at(lab.probe(made)["mountinfo"], "/")["peers"])
    check(any(mark in peers if mark else peers == "" for mark in marks),
          f"{value}: peers {peers!r}")
    subprocess.run(["umount", "-l", made.path], check=True)


@suite.case("RF-01", "an unknown propagation is refused")
def rootfs_propagation_unknown(lab):
    made = lab.bundle(linux__rootfsPropagation="sideways")
    lab.try_create(made).failed("linux.rootfsPropagation")


suite.main()
