#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Device nodes and the links of /dev: D-01 to D-08, E-01 to E-05.
import os
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import mountinfo, oracle
from harness.console import ConsoleSocket, read_until
from harness.lab import read, write
from harness.mounting import call, mounted
from harness.tap import Suite, check, contains, equal

suite = Suite()
NODES = {"null": "1 3", "zero": "1 5", "full": "1 7", "random": "1 8", "urandom": "1 9",
         "tty": "5 0"}


# the environment of /dev


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


@suite.case("E-01", "a folder of the host bound on /dev gets no device and no link")
def dev_bound(lab):
    folder = f"{lab.path}/dev"
    os.makedirs(folder)
    os.mknod(f"{folder}/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.chmod(f"{folder}/null", 0o666)
    before = oracle.tree(folder)
    made = lab.bundle(shell="ls /dev; stat -c '%t %T' /opt/zero")
    made.bare_dev()
    made.mount("/dev", "bind", folder, ["rbind"])
    made.linux["devices"] = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 9},
                             {"path": "/opt/zero", "type": "c", "major": 1, "minor": 5}]
    equal(lab.run(made).ok().out, "null\n1 5\n", "what is in /dev, and a device elsewhere")
    equal(oracle.tree(folder), before, "the host's folder")


@suite.case("E-02", "without a terminal there is no /dev/console; a terminal makes its place")
def console(lab):
    made = lab.bundle(shell="test -e /dev/console && echo there; tty < /dev/console; sleep 1000")
    made.bare_dev()
    made.mount("/dev/pts", "devpts", "devpts", ["newinstance", "ptmxmode=0666"])
    container = lab.start(made)
    container.delete("--force").ok()
    check(not os.path.exists(made.inside("/dev/console")), "no file in the image")
    made.process["terminal"] = True
    engine = ConsoleSocket(f"{lab.path}/console")
    container = lab.start(made, "--console-socket", engine.path)
    contains(read_until(engine.accept(), "/dev/console"), "there", "the console")
    entry = mountinfo.at(read(f"/proc/{container.pid}/mountinfo"), "/dev/console")
    equal((entry["type"], entry["root"]), ("devpts", "/0"), "the mount on /dev/console")
    engine.close()
    container.delete("--force").ok()
    equal(os.stat(made.inside("/dev/console")).st_size, 0, "an empty file as its place")


@suite.table("E-03", "what an image has at /dev/ptmx is replaced", {
    "file": lambda path: write(path, "image"),
    "wrong link": lambda path: os.symlink("/etc/passwd", path),
    "node": lambda path: os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3)),
    "right link": lambda path: os.symlink("pts/ptmx", path),
})
def ptmx(lab, make):
    made = lab.bundle(shell="readlink /dev/ptmx; : <> /dev/ptmx && echo opened")
    made.bare_dev()
    made.mount("/dev/pts", "devpts", "devpts", ["newinstance", "ptmxmode=0666"])
    make(made.inside("/dev/ptmx"))
    equal(lab.run(made).ok().out, "pts/ptmx\nopened\n", "output")
    contains(read(made.inside("/etc/passwd")), "root:", "what a wrong link led to")


@suite.case("E-04", "without a /proc there are no links into it")
def links_without_proc(lab):
    made = lab.bundle(shell="ls /dev")
    made.config["mounts"] = made.mounts[1:2]
    del made.linux["maskedPaths"], made.linux["readonlyPaths"]
    equal(lab.run(made).ok().out.split(), sorted([*NODES, "ptmx"]), "in /dev")


@suite.case("E-04", "what the image has under the links' names stays")
def links_kept(lab):
    made = lab.bundle(shell="cat /dev/fd /dev/stdin; readlink /dev/stdout")
    made.bare_dev()
    made.file("/dev/fd", "file\n")
    made.file("/dev/stdin", "also\n")
    equal(lab.run(made).ok().out, "file\nalso\n/proc/self/fd/1\n", "output")


@suite.case("E-04", "the links lead to what is open in the program")
def links_work(lab):
    made = lab.bundle(shell="echo out >> /dev/stdout; echo err >> /dev/stderr; "
                            "cat /dev/stdin; echo fd >> /dev/fd/1")
    reader, writer = os.pipe()
    os.write(writer, b"in\n")
    os.close(writer)
    result = lab.run(made, stdin=reader).ok()
    os.close(reader)
    equal((result.out, result.err), ("out\nin\nfd\n", "err\n"), "output")


@suite.case("E-05", "file systems that are not listed are not mounted: engines rely on their list")
def not_listed(lab):
    made = lab.bundle(shell="ls /proc /sys /dev | grep -v :; cat /proc/mounts")
    made.config["mounts"] = []
    del made.linux["maskedPaths"], made.linux["readonlyPaths"]
    out = lab.run(made).out.split()
    equal(out, sorted([*NODES, "ptmx"]), "in /proc, /sys and /dev")


# linux.devices


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


@suite.case("D-01", "a device anywhere: folders are made, links stay inside of the root")
def device_places(lab):
    made = lab.bundle(shell="stat -c '%t %T' /a/b/c/zero /real/null /zero")
    os.mkdir(made.inside("/real"))
    os.symlink("/real", made.inside("/link"))
    os.symlink("../../../../..", made.inside("/up"))
    made.linux["devices"] = [
        {"path": "/a/b/c/zero", "type": "c", "major": 1, "minor": 5},
        {"path": "/link/null", "type": "c", "major": 1, "minor": 3},
        {"path": "/up/zero", "type": "c", "major": 1, "minor": 5},
    ]
    outside = set(os.listdir("/"))
    equal(lab.run(made).ok().out, "1 5\n1 3\n1 5\n", "numbers")
    equal(stat.S_IMODE(os.stat(made.inside("/a/b")).st_mode), 0o755, "a folder that was made")
    equal(set(os.listdir("/")), outside, "the host's root")


@suite.case("D-01", "in the kernel's own /proc and /sys no device can be made")
def device_in_proc(lab):
    for place in ("/proc/x", "/sys/x"):
        made = lab.bundle()
        made.linux["devices"] = [{"path": place, "type": "c", "major": 1, "minor": 3}]
        lab.try_create(made).failed(f"linux.devices[0] ({place})")
    lab.expect_nothing_left("a refused device")


@suite.case("D-02", "the devices work: as what their type and numbers say")
def devices_are_real(lab):
    made = lab.bundle(shell="head -c 3 /opt/zero | od -An -c 2>/dev/null || head -c 3 /opt/zero | "
                            "tr '\\000' z; echo; (echo through > /opt/fifo &); cat /opt/fifo")
    made.linux["devices"] = [{"path": "/opt/zero", "type": "u", "major": 1, "minor": 5},
                             {"path": "/opt/fifo", "type": "p"}]
    out = lab.run(made).ok().out
    check("zzz" in out or "\\0  \\0  \\0" in out, f"zeroes: {out!r}")
    contains(out, "through", "what went through the FIFO")


@suite.case("D-03", "a FIFO needs no numbers and does not mind them")
def fifo_numbers(lab):
    made = lab.bundle(shell="stat -c '%F %t %T' /dev/one /dev/two")
    made.linux["devices"] = [{"path": "/dev/one", "type": "p"},
                             {"path": "/dev/two", "type": "p", "major": 7, "minor": 3}]
    equal(lab.run(made).ok().out, "fifo 0 0\nfifo 0 0\n", "nodes")


@suite.table("D-03", "numbers that are too large", {
    "major": (4096, 1), "minor": (1, 1 << 20), "64 bits": (1 << 40, 1),
})
def number_too_large(lab, major, minor):
    made = lab.bundle()
    made.linux["devices"] = [{"path": "/dev/x", "type": "c", "major": major, "minor": minor}]
    lab.try_create(made).failed("linux.devices[0]", "must be from 0 to")


@suite.case("D-03", "the largest numbers that there are")
def number_largest(lab):
    made = lab.bundle(shell="stat -c '%t %T' /dev/x")
    made.linux["devices"] = [{"path": "/dev/x", "type": "c", "major": 4095, "minor": (1 << 20) - 1}]
    equal(lab.run(made).ok().out, "fff fffff\n", "numbers")


@suite.table("D-04", "fileMode, of a device and of a FIFO", {
    "none given": (None, "666"), "0": (0, "0"), "0640": (0o640, "640"),
    "set-user-ID": (0o4755, "4755"), "set-group-ID": (0o2710, "2710"), "sticky": (0o1666, "1666"),
    "all": (0o7777, "7777"),
})
def device_mode(lab, mode, shown):
    made = lab.bundle(shell="stat -c %a /dev/x /dev/y /dev/z")
    made.linux["devices"] = [
        {"path": "/dev/x", "type": "c", "major": 1, "minor": 3},
        {"path": "/dev/y", "type": "p"},
        {"path": "/dev/z", "type": "c", "major": 1, "minor": 3, "uid": 7, "gid": 8}]
    for entry in made.linux["devices"]:
        if mode is not None:
            entry["fileMode"] = mode
    equal(lab.run(made).ok().out.split(), [shown] * 3, "modes; a new owner does not change it")


@suite.table("D-04", "the bits of the device's own type in fileMode do no harm, another's do", {
    "its own": ("c", 0o20640, True), "of a block device": ("c", 0o60640, False),
    "of a FIFO": ("p", 0o10640, True),
})
def device_format(lab, kind, mode, accepted):
    made = lab.bundle(shell="stat -c %a /dev/x")
    made.linux["devices"] = [{"path": "/dev/x", "type": kind, "major": 1, "minor": 3,
                              "fileMode": mode}]
    if accepted:
        equal(lab.run(made).ok().out, "640\n", "mode")
    else:
        lab.try_create(made).failed("linux.devices[0].fileMode")


@suite.case("D-06", "a node that is there keeps its mode and owner")
def device_same_kept(lab):
    made = lab.bundle(shell="stat -c '%a %u' /dev/mine /dev/fifo")
    made.bare_dev()
    os.mknod(made.inside("/dev/mine"), stat.S_IFCHR, os.makedev(1, 9))
    os.mkfifo(made.inside("/dev/fifo"))
    for name in ("mine", "fifo"):
        os.chmod(made.inside(f"/dev/{name}"), 0o640)
        os.chown(made.inside(f"/dev/{name}"), 77, 77)
    made.linux["devices"] = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 9},
                             {"path": "/dev/fifo", "type": "p", "uid": 1}]
    equal(lab.run(made).ok().out, "640 77\n640 77\n", "modes and owners")


@suite.case("D-07", "the same device twice is made twice, and told of in a warning")
def device_twice(lab):
    made = lab.bundle(shell="stat -c '%t %T' /dev/one /dev/two")
    made.linux["devices"] = [{"path": f"/dev/{name}", "type": "c", "major": 1, "minor": 9}
                             for name in ("one", "two")]
    lab.containers.append("twice")
    log = f"{lab.path}/log"
    result = lab.brig("run", "--bundle", made.write().path, "twice",
                      globals_=("--log", log, "--log-level", "warning"))
    equal(result.ok().out, "1 9\n1 9\n", "nodes")
    contains(read(log), "linux.devices[1]: the same device as", "log")


def with_users(made):
    made.bare_dev()
    os.chmod(made.inside("/dev"), 0o777)
    made.namespace("user")
    ids = [{"containerID": 0, "hostID": 100000, "size": 1000}]
    made.linux.update(uidMappings=ids, gidMappings=ids)
    return made


@suite.case("D-08 E-01", "in a user namespace the host's nodes are bound, FIFOs are made")
def users_bound(lab):
    made = with_users(lab.bundle(["/bin/sleep", "1000"]))
    made.mount("/dev", "tmpfs", "tmpfs", ["mode=755"])
    made.linux["devices"] = [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229,
                              "fileMode": 0o600, "uid": 5},
                             {"path": "/dev/pipe", "type": "p", "uid": 5, "gid": 6}]
    before = oracle.host_devices()
    container = lab.start(made)
    shown = container.exec("/bin/stat", "-c", "%t %T %u", "/dev/null", "/dev/pipe").ok().out
    equal(shown, "1 3 65534\n0 0 5\n", "a node of the host's root, a FIFO of the container's")
    table = read(f"/proc/{container.pid}/mountinfo")
    for name in (*NODES, "fuse"):
        entry = mountinfo.at(table, f"/dev/{name}")
        equal((entry["type"], entry["root"]), ("devtmpfs", f"/{name}"), f"the bind of {name}")
    container.exec("/bin/sh", "-c", "echo x > /dev/null; head -c 1 /dev/zero").ok()
    container.delete("--force").ok()
    equal(oracle.host_devices(), before, "the host's devices")


@suite.table("D-08 D-05", "in a user namespace: what the host does not have as it is asked for", {
    "absent": ({"path": "/dev/absent", "type": "c", "major": 1, "minor": 3},
               ("/dev/absent", "no such file or directory")),
    "other numbers": ({"path": "/dev/fuse", "type": "c", "major": 1, "minor": 3},
                      ("/dev/fuse is not the device 1:3",)),
    "other type": ({"path": "/dev/fuse", "type": "b", "major": 10, "minor": 229},
                   ("/dev/fuse is not the device",)),
    "a FIFO of nobody": ({"path": "/dev/pipe", "type": "p", "uid": 5000},
                         ("linux.devices[0] (/dev/pipe)", "invalid argument")),
})
def users_other(lab, entry, parts):
    made = with_users(lab.bundle())
    made.mount("/dev", "tmpfs", "tmpfs", ["mode=755"])
    made.linux["devices"] = [entry]
    lab.try_create(made).failed("linux.devices[0]", *parts)
    lab.expect_nothing_left("a refused device")


@suite.case("D-08", "without CAP_MKNOD, too, the host's nodes are bound")
def without_mknod(lab):
    made = lab.bundle(shell="stat -c '%t %T' /dev/null; grep -c devtmpfs /proc/self/mountinfo")
    made.linux["maskedPaths"] = []
    words = lab.words("run", "--bundle", made.write().path, lab.name())
    result = lab.popen(["setpriv", "--bounding-set=-mknod", "--inh-caps=-mknod", *words]).wait()
    equal(result.ok().out, f"1 3\n{len(NODES)}\n", "numbers; bound nodes")


@suite.case("D-08", "a host's node that is covered by something else is not handed out")
def host_covered(lab):
    write(f"{lab.path}/fake", "")
    made = with_users(lab.bundle())
    made.mount("/dev", "tmpfs", "tmpfs", ["mode=755"])
    words = lab.words("create", "--bundle", made.write().path, lab.name())
    lab.popen(["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /dev/zero && exec "$@"',
               f"{lab.path}/fake", *words]).wait().failed("/dev/zero is not the device 1:5")
    lab.expect_nothing_left("a covered device")


suite.main()
