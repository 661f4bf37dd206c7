#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Hostile root file systems (T-1 to T-18): whatever the image holds, nothing outside is touched, no
# host file is shown, nothing hangs.
import os
import socket
import stat
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import mountinfo, oracle
from harness.lab import read, write
from harness.tap import Suite, check, contains, equal, patient

suite = Suite()


class Hostile:
    """A bundle, a canary outside of it, and the verdict."""

    def __init__(self, lab, **how):
        self.lab = lab
        self.canary = oracle.Canary(f"{lab.path}/outside")
        self.made = lab.bundle(**how)
        self.devices = oracle.host_devices()

    def link(self, path, target):
        place = self.made.inside(path)
        if os.path.isdir(place) and not os.path.islink(place):
            os.rmdir(place)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        os.symlink(target, place)

    def run(self, *options, timeout=5):
        result = self.lab.run(self.made, *options, timeout=timeout)
        check(result.status == 0 or result.err.strip(), f"a reason in {result}")
        check(result.status < 128, f"a clean end of {result}")
        self.unharmed()
        return result

    def unharmed(self):
        equal(self.canary.changes(), [], "the canary")
        equal(oracle.host_devices(), self.devices, "the host's devices")
        self.lab.expect_nothing_left("a hostile root")


def escapes(lab):
    """Link targets that lead out when they are followed on the host."""
    outside = f"{lab.path}/outside"
    return {"absolute": outside, "relative": "../../.." + outside, "up": "../../../../../..",
            "dangling": "/no/such/place", "loop": "loop", "proc": "/proc",
            "proc root": "/proc/self/root/" + outside, "proc 1": "/proc/1/root",
            "fd": "/proc/self/fd/3"}


KINDS = ("absolute", "relative", "up", "dangling", "loop", "proc", "proc root", "proc 1", "fd")


@suite.table("T-1", "/proc of the image is a link", {kind: kind for kind in KINDS})
def proc_link(lab, kind):
    hostile = Hostile(lab, args=["/bin/true"])
    target = escapes(lab)[kind]
    hostile.link("/proc", "proc" if kind == "loop" else target)
    result = lab.try_create(hostile.made, timeout=5)
    result.failed("mounts[0]", "/proc")
    hostile.unharmed()


@suite.table("T-2", "/sys and /sys/fs/cgroup of the image are links", {
    kind: kind for kind in KINDS})
def sys_link(lab, kind):
    hostile = Hostile(lab, shell="ls /sys > /dev/null; test ! -e /marker")
    hostile.link("/sys", "sys" if kind == "loop" else escapes(lab)[kind])
    hostile.made.mount("/sys/fs/cgroup", "cgroup", "cgroup", ["ro"])
    hostile.run()


@suite.table("T-3 R-12", "/dev of the image leads out, no mount on it", {
    "absolute": "absolute", "relative": "relative", "up": "up", "fd": "fd"})
def dev_link(lab, kind):
    hostile = Hostile(lab, shell="ls -l /dev/ > /dev/null")
    hostile.made.bare_dev()
    hostile.link("/dev", escapes(lab)[kind])
    hostile.run()


DEV_NAMES = ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "console", "pts", "shm",
             "mqueue", "fd", "stdin", "stdout", "stderr", "core")


@suite.table("T-4", "the names of /dev are links out", {
    f"{kind}, {place}": (kind, place) for kind in ("absolute", "relative")
    for place in ("the image's /dev", "a bound /dev")})
def dev_names(lab, kind, place):
    hostile = Hostile(lab, shell="echo x > /dev/null; head -c 1 /dev/zero | wc -c")
    outside = escapes(lab)[kind]
    if place == "a bound /dev":
        hostile.made.bare_dev()
        folder = f"{lab.path}/volume"
        os.makedirs(folder)
        hostile.made.mount("/dev", "bind", folder, ["rbind"])
    else:
        hostile.made.bare_dev()
        folder = hostile.made.inside("/dev")
    for name in DEV_NAMES:
        os.symlink(f"{outside}/{'sub' if name in ('pts', 'shm', 'mqueue') else 'marker'}",
                   f"{folder}/{name}")
    hostile.run()


@suite.case("T-4 R-12", "a /dev that the engine binds keeps its own ptmx and nodes")
def dev_bound(lab):
    hostile = Hostile(lab, args=["/bin/true"])
    hostile.made.bare_dev()
    folder = f"{lab.path}/volume"
    os.makedirs(f"{folder}/pts")
    for name, number in (("ptmx", (5, 2)), ("null", (1, 3)), ("zero", (1, 5)), ("full", (1, 7)),
                         ("random", (1, 8)), ("urandom", (1, 9)), ("tty", (5, 0))):
        os.mknod(f"{folder}/{name}", stat.S_IFCHR | 0o600, os.makedev(*number))
        os.chown(f"{folder}/{name}", 12, 34)
    hostile.made.mount("/dev", "bind", folder, ["rbind"])
    before = oracle.tree(folder)
    hostile.run()
    for name, value in before.items():
        equal(oracle.tree(folder).get(name), value, name)


@suite.case("T-4 R-12", "so does the host's own /dev, with a terminal")
def dev_host(lab):
    hostile = Hostile(lab, args=["/bin/true"])
    hostile.made.bare_dev()
    hostile.made.mount("/dev", "bind", "/dev", ["rbind", "rslave"])
    names = set(os.listdir("/dev"))
    hostile.run()
    equal(set(os.listdir("/dev")), names, "names in the host's /dev")


@suite.table("T-5 R-13", "the names of /dev are something else", {
    "file": lambda path: write(path, "x"), "fifo": os.mkfifo, "folder": os.mkdir,
    "socket": lambda path: socket.socket(socket.AF_UNIX).bind(path),
    "other device": lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 1)),
    "disk": lambda path: os.mknod(path, stat.S_IFBLK | 0o666, os.makedev(8, 0)),
})
def dev_other(lab, make):
    for name in ("null", "zero", "tty", "ptmx", "fd"):
        hostile = Hostile(lab, shell=f"stat -L -c '%F %t %T' /dev/{name}; echo x > /dev/null")
        hostile.made.bare_dev()
        make(hostile.made.inside(f"/dev/{name}"))
        result = hostile.run()
        if result.status == 0 and name == "null":
            contains(result.out, "special file 1 3", "the node that is used as null")
        subprocess.run(["rm", "-rf", f"{lab.path}/outside", hostile.made.path], check=True)


@suite.case("T-6", "a file at /dev/null does not get the program's output")
def null_file(lab):
    hostile = Hostile(lab, shell="echo text")
    hostile.made.bare_dev()
    write(hostile.made.inside("/dev/null"), "image")
    hostile.made.linux["maskedPaths"] = ["/etc/passwd"]
    result = hostile.run()
    if result.status == 0:
        equal(result.out, "text\n", "output")
    equal(read(hostile.made.inside("/dev/null")), "image", "the image's file")


@suite.table("T-7 R-16", "/dev/null is a link; masks still mask", {
    "file of /proc": "/proc/version", "canary": "canary", "absent": None})
def null_link(lab, target):
    hostile = Hostile(lab, shell="cat /secret; stat -c %t:%T /secret")
    hostile.made.bare_dev()
    hostile.made.file("/secret", "secret")
    hostile.made.linux["maskedPaths"] = ["/secret"]
    if target:
        hostile.link("/dev/null", f"{lab.path}/outside/marker" if target == "canary" else target)
    result = hostile.run()
    if result.status == 0:
        equal(result.out, "1:3\n", "the mask")
    check("secret" not in result.out.replace("/secret", ""), "the secret stays")


@suite.table("T-8 R-14", "/dev/console leads out while a terminal is set up", {
    "root writable": False, "root read-only": True})
def console_link(lab, readonly):
    hostile = Hostile(lab, shell="echo up")
    hostile.made.bare_dev()
    hostile.made.mount("/dev/pts", "devpts", "devpts", ["newinstance", "ptmxmode=0666"])
    hostile.made.set("root.readonly", readonly)
    hostile.made.set("process.terminal", True)
    hostile.link("/dev/console", f"{lab.path}/outside/pwn")
    from harness.console import ConsoleSocket
    console = ConsoleSocket(f"{lab.path}/console")
    lab.try_create(hostile.made, "--console-socket", console.path, identity="t")
    lab.brig("delete", "--force", "t").ok()
    console.close()
    check(not os.path.lexists(f"{lab.path}/outside/pwn"), "no file outside")
    hostile.unharmed()


TARGETS = {
    "absolute": lambda lab: f"{lab.path}/outside", "up": lambda lab: "../../../../.." + lab.path,
    "dangling": lambda lab: "/made/later", "root": lambda lab: "/proc/self/root/bin",
    "fd": lambda lab: "/proc/self/fd/5", "chain": lambda lab: "link0",
    "loop": lambda lab: "target",
}


@suite.table("T-9 R-2 R-7", "a mount's target or its parent is a link", {
    f"{kind}, {where}, {mount}": (kind, where, mount) for kind in TARGETS
    for where in ("target", "parent") for mount in ("tmpfs", "bind")})
def target_link(lab, kind, where, mount):
    hostile = Hostile(lab, shell="grep MARK /proc/self/mountinfo | wc -l; "
                                 "cat /marker 2>/dev/null; true")
    if kind == "chain":
        for number in range(45):
            hostile.link(f"/link{number}", f"link{number + 1}")
    hostile.link("/target", TARGETS[kind](lab))
    destination = "/target" if where == "target" else "/target/below/it"
    if mount == "tmpfs":
        hostile.made.mount(destination, "tmpfs", "MARK", ["size=4k"])
    else:
        os.makedirs(f"{lab.path}/volume")
        hostile.made.mount(destination, "bind", f"{lab.path}/volume", ["bind"])
    before = oracle.mounts()
    result = hostile.run()
    equal(oracle.mounts(), before, "the host's mounts")
    if result.status != 0:
        contains(result.err, "mounts[6]", "reason")
    check("canary" not in result.out, "no canary inside")


@suite.table("T-10", "a mount's target is of another kind", {
    "fifo for a file": (os.mkfifo, "file", True), "folder for a file": (os.mkdir, "file", False),
    "file for a folder": (lambda path: write(path, ""), "folder", False),
    "fifo for a folder": (os.mkfifo, "folder", False),
    "device for a file": (lambda path: os.mknod(path, stat.S_IFCHR, os.makedev(1, 1)), "file",
                          True),
    "socket for a file": (lambda path: socket.socket(socket.AF_UNIX).bind(path), "file", True),
    "closed folder": (lambda path: os.mkdir(path, 0), "folder", True),
})
def target_kind(lab, make, source, works):
    hostile = Hostile(lab, args=["/bin/true"])
    make(hostile.made.inside("/target"))
    place = f"{lab.path}/source"
    if source == "file":
        write(place, "text")
    else:
        os.mkdir(place)
    hostile.made.mount("/target", "bind", place, ["bind"])
    result = hostile.run()
    equal(result.status == 0, works, f"success of {result}")


@suite.case("T-11", "a destination cannot inject options or mounts")
def destination_injection(lab):
    hostile = Hostile(lab, args=["/bin/probe"])
    for name in ("/a,size=1g", "/b\\040x", "/c\nMARK", "/../../../d", "/e:f"):
        hostile.made.mount(name, "tmpfs", "MARK,size=1g", ["size=8k"])
    text = lab.probe(hostile.made)["mountinfo"]
    entries = [entry for entry in mountinfo.parse(text) if entry["source"].startswith("MARK")]
    equal(len(entries), 5, "mounts")
    check(all("size=8k" in entry["super"] for entry in entries), "size of each")
    hostile.unharmed()


@suite.table("T-12", "a device path leads out or below what is no folder", {
    "dots": "/dev/../../../../../../../{outside}/x", "linked folder": "/dev/sub/x",
    "root": "/x", "proc": "/proc/x", "sys": "/sys/x", "file": "/etc/passwd/x",
})
def device_path(lab, path):
    hostile = Hostile(lab, args=["/bin/true"])
    hostile.made.bare_dev()
    hostile.link("/dev/sub", f"{lab.path}/outside")
    hostile.made.linux["devices"] = [{"path": path.replace("{outside}", f"{lab.path}/outside"),
                                      "type": "c", "major": 1, "minor": 3}]
    hostile.run()


@suite.case("T-12 R-13", "the owner asked for a device never reaches the host's node")
def device_owner(lab):
    hostile = Hostile(lab, shell="stat -c '%u %g' /dev/null /dev/zero; exit 0")
    made = hostile.made
    made.namespace("user")
    made.linux["uidMappings"] = made.linux["gidMappings"] = [
        {"containerID": 0, "hostID": 0, "size": 65536}]
    made.linux["devices"] = [
        {"path": f"/dev/{name}", "type": "c", "major": 1, "minor": minor, "uid": 1000, "gid": 1001,
         "fileMode": 0o600} for name, minor in (("null", 3), ("zero", 5))]
    hostile.run()


@suite.table("T-13 R-24", "cwd leads out", {kind: kind for kind in
                                            ("absolute", "relative", "dangling", "up")})
def cwd_link(lab, kind):
    hostile = Hostile(lab, shell="pwd; ls")
    hostile.link("/w", escapes(lab)[kind])
    hostile.made.set("process.cwd", "/w/a/b")
    result = hostile.run()
    check("marker" not in result.out.split(), f"the canary's names in {result.out!r}")
    equal(os.path.exists(f"{lab.path}/outside/a"), False, "a folder outside")


@suite.table("T-14 R-16 R-17", "masked and read-only paths are links", {
    f"{key} {kind}": (key, kind) for key in ("maskedPaths", "readonlyPaths") for kind in KINDS})
def mask_link(lab, key, kind):
    hostile = Hostile(lab, args=["/bin/true"])
    hostile.link("/m", "m" if kind == "loop" else escapes(lab)[kind])
    hostile.made.linux[key] = ["/m", "/m", "/m/../../..", "/etc"]
    before = oracle.mounts()
    hostile.run()
    equal(oracle.mounts(), before, "the host's mounts")


@suite.case("T-14", "a thousand masked paths take bounded time and one superblock")
def mask_many(lab):
    hostile = Hostile(lab, args=["/bin/true"])
    for number in range(500):
        hostile.made.file(f"/f/{number}", "x")
        os.makedirs(hostile.made.inside(f"/d/{number}"))
    hostile.made.linux["maskedPaths"] = [f"/{kind}/{number}" for kind in "fd"
                                         for number in range(500)]
    begin = time.monotonic()
    hostile.run(timeout=20).ok()
    check(time.monotonic() - begin < patient(8), "time")


@suite.table("T-15 R-43", "a hostile passwd file gives HOME=/ and no hang", {
    "fifo": os.mkfifo, "folder": os.mkdir,
    "sparse": lambda path: os.truncate(write(path, ""), 10 << 30),
    "link to the kernel's log": lambda path: os.symlink("/proc/kmsg", path),
    "long line": lambda path: write(path, "root:" + "x" * (2 << 20)),
    "NUL": lambda path: write(path, "root:x:0\0:0::/evil:/bin/sh\n"),
    "overlong id": lambda path: write(path, "root:x:4294967296:0::/evil:/bin/sh\n"),
    "no fields": lambda path: write(path, ":::::\n::\n\n0\nroot:x:0\n"),
})
def passwd(lab, make):
    hostile = Hostile(lab, shell="echo $HOME")
    os.unlink(hostile.made.inside("/etc/passwd"))
    make(hostile.made.inside("/etc/passwd"))
    equal(hostile.run().ok().out, "/\n", "HOME")


@suite.case("T-16", "a root on a nosuid, noexec mount says why the program cannot run")
def root_noexec(lab):
    hostile = Hostile(lab, args=["/bin/true"])
    path = hostile.made.path
    subprocess.run(["mount", "--bind", path, path], check=True)
    subprocess.run(["mount", "-o", "remount,bind,noexec,nosuid", path], check=True)
    result = lab.run(hostile.made)
    subprocess.run(["umount", path], check=True)
    result.failed("permission denied")
    hostile.unharmed()


@suite.case("T-17", "strange names and deep folders in the image")
def strange_names(lab):
    hostile = Hostile(lab, args=["/bin/true"])
    base = hostile.made.inside("/dev").encode()
    hostile.made.bare_dev()
    for number in range(2000):
        os.mkdir(base + b"/\xff\xfe%d\n" % number)
    deep = hostile.made.inside("/deep")
    here = os.open(hostile.made.rootfs, os.O_RDONLY)
    os.makedirs(deep)
    current = os.open(deep, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=current)
        inner = os.open("d", os.O_RDONLY, dir_fd=current)
        os.close(current)
        current = inner
    os.close(current)
    os.close(here)
    hostile.made.linux["maskedPaths"] = ["/deep" + "/d" * 1500]
    hostile.run(timeout=10)
    subprocess.run(["rm", "-rf", deep], check=True)


@suite.table("T-18", "options of a mount cannot smuggle others", {
    "comma in a value": ["size=4k,mode=0777"], "propagation as data": ["size=4k", "shared"],
    "equals": ["size==4k"], "empty": [""], "newline": ["size=4k\nmode=0777"],
    "only equals": ["=x"], "NUL": ["size=4k\0"],
})
def option_smuggle(lab, options):
    hostile = Hostile(lab, args=["/bin/true"])
    hostile.made.mount("/mnt", "tmpfs", "tmpfs", options)
    hostile.run()


suite.main()
