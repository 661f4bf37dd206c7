#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# exec into containers whose own processes change things under our feet (T-23, T-44 to T-47), and
# cgroups that they make (T-60).
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.cgroups import need_controllers, folder
from harness.console import ConsoleSocket, read_all
from harness.lab import read, write
from harness.tap import Suite, check, contains, equal, patient

suite = Suite()
POWER = ("CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_MKNOD", "CAP_DAC_OVERRIDE", "CAP_KILL",
         "CAP_SYS_CHROOT")


def hostile(lab, script, *mounts, capabilities=POWER):
    """A running container that has done its script."""
    made = lab.bundle(shell=f"{script}\necho up; while true; do sleep 1000; done")
    made.capabilities(*capabilities)
    made.set("linux.maskedPaths", [])
    made.set("linux.readonlyPaths", [])
    made.set("linux.resources", {"devices": [{"allow": True, "access": "rwm", "type": "c"}]})
    for mount in mounts:
        made.mount(*mount)
    container = lab.start(made)
    container.wait_out("up")
    container.made = made
    return container


# terminals

PTMX = {
    "ptmx is a file": "rm /dev/ptmx; echo secret > /dev/ptmx",
    "ptmx is a link": "rm /dev/ptmx; ln -s /canary/marker /dev/ptmx",
    "ptmx is a fifo": "rm /dev/ptmx; mknod /dev/ptmx p",
    "ptmx is gone": "rm /dev/ptmx",
    "pts/ptmx is covered by a file": "mount --bind /canary/marker /dev/pts/ptmx",
    "pts/ptmx is covered by another device": "mount --bind /dev/null /dev/pts/ptmx",
    "pts is a tmpfs with a fifo": "mount -t tmpfs x /dev/pts; mknod /dev/pts/ptmx p",
    "pts is a tmpfs with a device of our own":
        "mount -t tmpfs x /dev/pts; mknod /dev/pts/ptmx c 5 2",
    "pts is a tmpfs with the zero device": "mount -t tmpfs x /dev/pts; mknod /dev/pts/ptmx c 1 5",
    "pts is another devpts": "mount -t devpts -o newinstance,ptmxmode=0666 x /dev/pts",
    "pts is gone": "umount -l /dev/pts",
    "pts is read-only": "mount -o remount,ro /dev/pts",
    "dev is a link": "umount -l /dev/pts; umount -l /dev/shm /dev/mqueue; umount -l /dev; "
                     "mount -t tmpfs x /dev; ln -s /canary /dev/pts",
}


@suite.table("T-23 T-22 R-14", "exec -t where /dev/pts is not what it was", PTMX)
def terminal(lab, script):
    canary = oracle.Canary(f"{lab.path}/outside")
    container = hostile(lab, script, ("/canary", "bind", f"{lab.path}/outside", ["rbind"]))
    console = ConsoleSocket(f"{lab.path}/console")
    result = lab.brig("exec", "-t", "-d", "--console-socket", console.path, container.id,
                      "/bin/tty", timeout=10)
    if result.status == 0:
        master = console.accept()
        check(os.major(os.fstat(master).st_rdev) in (5, 128), "the engine gets a pty master")
        text = read_all(master)
        check(text.startswith("/dev/") or "not a tty" in text, f"it says {text!r}")
    else:
        result.failed(status=255)
    console.close()
    equal(canary.changes(), [], "the canary")
    equal(container.exec("/bin/echo", "here").ok().out, "here\n", "exec without a terminal")


# standard streams

NULLS = {
    "a file": "rm /dev/null; echo > /dev/null", "a link": "rm /dev/null; ln -s /canary/marker /dev/null",
    "a fifo": "rm /dev/null; mknod /dev/null p", "gone": "rm /dev/null",
    "another device": "rm /dev/null; mknod /dev/null c 1 5",
    "covered": "mount --bind /canary/marker /dev/null",
}


@suite.table("T-6 T-47 R-15", "exec where /dev/null is another thing", NULLS)
def null(lab, script):
    canary = oracle.Canary(f"{lab.path}/outside")
    container = hostile(lab, f"umount /dev/null 2>/dev/null; {script}",
                        ("/canary", "bind", f"{lab.path}/outside", ["rbind"]))
    for outs in (None, (None, None)):
        result = container.exec("/bin/echo", "stray", timeout=5, outs=outs)
        check(result.status in (0, 255), f"a clean end of {result}")
        if outs is None and result.status == 0:
            equal(result.out, "stray\n", "output")
    equal(canary.changes(), [], "the canary")


# /proc and the identity of the process

PROCS = {
    "fake attributes": "mount -t tmpfs x /proc; mkdir -p /proc/self/attr /proc/sys /proc/thread-self/"
                       "attr; echo > /proc/self/attr/exec; echo > /proc/self/setgroups",
    "the host's words": "mount --bind /canary /proc",
    "self is a link": "mount -t tmpfs x /proc; ln -s /canary /proc/self; ln -s /canary /proc/1",
    "fifos": "mount -t tmpfs x /proc; mkdir /proc/self; for i in fd exe cwd oom_score_adj; do "
             "mknod /proc/self/$i p; done",
    "its own, hidden": "mount -t proc -o hidepid=2,subset=pid x /proc",
}


@suite.table("T-47 T-29 R-9", "exec where /proc is covered", PROCS)
def covered(lab, script):
    canary = oracle.Canary(f"{lab.path}/outside")
    container = hostile(lab, script, ("/canary", "bind", f"{lab.path}/outside", ["rbind"]))
    process = lab.process_file(
        args=["/bin/sh", "-c", "id -u; id -g; pwd"], user={"uid": 1000, "gid": 1001},
        cwd="/tmp", oomScoreAdj=500, noNewPrivileges=True,
        rlimits=[{"type": "RLIMIT_NOFILE", "soft": 20, "hard": 20}])
    result = lab.brig("exec", "--process", process, container.id, timeout=5).ok()
    equal(result.out, "1000\n1001\n/tmp\n", "user and folder")
    equal(canary.changes(), [], "the canary")


@suite.table("T-15 R-43", "exec where /etc/passwd is another thing", {
    "a fifo": "rm /etc/passwd; mknod /etc/passwd p", "a folder": "rm /etc/passwd; mkdir /etc/passwd",
    "a link to zero": "rm /etc/passwd; ln -s /dev/zero /etc/passwd",
    "a link to a log": "rm /etc/passwd; ln -s /proc/kmsg /etc/passwd",
    "sparse": "truncate -s 1T /etc/passwd || dd if=/dev/zero of=/etc/passwd bs=1 seek=1099511627776 "
              "count=0"})
def passwd(lab, script):
    container = hostile(lab, script)
    process = lab.process_file(args=["/bin/env"], user={"uid": 1000, "gid": 1000}, env=["A=b"])
    result = lab.brig("exec", "--process", process, container.id, timeout=5).ok()
    contains(result.out, "HOME=/\n", "environment")


# namespaces

LEFT = {
    "mount": "-m", "mount, uts, ipc and network": "-m -u -i -n", "user": "-U -r",
    "user and mount": "-U -r -m",
}


@suite.table("T-44 T-46", "exec into a container whose init has gone to other namespaces", LEFT)
def left(lab, options):
    made = lab.bundle(["/bin/busybox", "unshare", *options.split(), "sh", "-c",
                       "hostname evil; mount -t tmpfs x /tmp; echo up; sleep 1000"])
    made.capabilities(*POWER, "CAP_SETUID", "CAP_SETGID", "CAP_SETFCAP")
    container = lab.start(made)
    container.wait_out("up")
    result = container.exec("/bin/sh", "-c", "grep CapBnd /proc/self/status; ls /; pwd",
                            options=("--cap", "CAP_KILL"), timeout=5)
    check(result.status in (0, 1, 255), f"a clean end of {result}")
    if result.status == 255:
        return
    wanted = sum(1 << number for number in (1, 5, 6, 7, 18, 19, 21, 27, 31))
    bounding = int(result.out.split()[1], 16)
    equal(bounding & ~wanted, 0, f"no capability beyond the config's: {bounding:x}")
    check("boot" not in result.out.split(), f"the host's root: {result.out!r}")


@suite.case("T-44", "exec into a container whose init has changed its root")
def chrooted(lab):
    made = lab.bundle(shell="mkdir -p /cell/bin; cp /bin/busybox /cell/bin/; mount --bind /cell /cell; "
                            "echo up; exec chroot /cell /bin/busybox sleep 1000")
    made.capabilities(*POWER)
    container = lab.start(made)
    container.wait_out("up")
    result = container.exec("/bin/ls", "/", timeout=5).ok()
    contains(result.out, "cell", "the container's root, not what init has made of its own")
    check("boot" not in result.out.split(), "not the host's")


# resources

@suite.case("T-46", "exec when the image has no program any more")
def emptied(lab):
    container = hostile(lab, "cp /bin/busybox /tmp/busybox")
    container.exec("/tmp/busybox", "rm", "-rf", "/bin").ok()
    result = container.exec("/bin/true", timeout=5)
    check(result.status == 255 and "no such file" in result.err, f"{result}")
    container.delete("--force").ok()


# cgroups that the container makes

NAMES = ["-rf", "--help", " ", "a b", "\\", "*", "..x", "cgroup.x", "\u001b[2J", "x" * 255,
         "\udcff\udcfe", "%n%s", "a:b", "$(id)"]


@suite.table("T-60 T-65 R-33", "groups with hostile names below the container's own", {
    "many names": NAMES, "sixty deep": ["/".join(f"d{n}" for n in range(60))],
    "three hundred": [f"g{number}" for number in range(300)]})
def names(lab, made_names):
    need_controllers("freezer", "pids")
    made = lab.bundle(["/bin/sleep", "1000"])
    made.without_namespace("pid")
    container = lab.start(made)
    strays = []
    for controller in ("freezer", "pids"):
        top = folder(container, controller)
        for name in made_names:
            os.makedirs(f"{top}/{name}", exist_ok=True)
            if controller == "freezer" and len(strays) < 20:
                strays.append(lab.popen(["sleep", "500"]).pid)
                write(f"{top}/{name}/cgroup.procs", str(strays[-1]))
    listed = lab.brig("ps", "-f", "json", container.id).ok().out
    for pid in [container.pid, *strays]:
        contains(listed, str(pid), "ps")
    lab.brig("pause", container.id).ok()
    equal(container.status(), "paused", "status")
    lab.brig("resume", container.id).ok()
    lab.brig("events", "--stats", container.id).ok()
    container.exec("/bin/true").ok()
    begin = container.delete("--force").ok().seconds
    check(begin < patient(5), f"it took {begin} s")
    lab.reap()
    for pid in strays:
        check(not os.path.exists(f"/proc/{pid}") or " Z " in read(f"/proc/{pid}/stat"),
              f"{pid} is dead")


suite.main()
