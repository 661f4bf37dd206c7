#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# cgroups, devices, namespaces, procfs (T-28, T-60 to T-67): what config and image must not reach.
import os
import socket
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.lab import read, write
from harness.tap import Suite, check, contains, equal, patient

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
MAP = [{"containerID": 0, "hostID": 100000, "size": 65536}]


@suite.table("T-60 R-33", "exec --cgroup leads out of the container's group", {
    "sibling": "../{id}evil", "parent": "..", "root": "/../../", "inner up": "a/../../b",
    "long": "a/" * 2500, "newline": "a\nb", "absent": "absent", "controller": "pids:../x",
})
def exec_cgroup(lab, path):
    container = lab.sleeper()
    result = container.exec("/bin/cat", "/proc/self/cgroup",
                            options=("--cgroup", path.replace("{id}", container.id)))
    if result.status == 0:
        for line in result.out.splitlines():
            if not line.startswith("0:"):
                contains(line, container.id, "cgroup of the process")
                check("evil" not in line and ".." not in line, line)
    else:
        check(result.err.strip(), "a reason")


@suite.table("T-61", "cgroupsPath that is none", {
    "systemd form": "a.slice:b:c", "root": "/", "dots": "/./.", "long": "/" + "a" * 5000,
    "NUL": "/a\0b",
})
def cgroups_path(lab, path):
    made = lab.bundle(SLEEP, linux__cgroupsPath=path)
    before = {folder: read(f"{folder}/cgroup.procs") for folder in oracle.cgroups()
              if os.path.exists(f"{folder}/cgroup.procs") and folder.count("/") == 4}
    result = lab.try_create(made)
    if result.status == 0:
        lab.brig("delete", "--force", lab.containers[-1]).ok()
    else:
        check(result.err.strip(), "a reason")
    for folder in before:
        check(os.path.isdir(folder), f"{folder} is there")
    lab.expect_nothing_left("a strange cgroupsPath")


@suite.table("T-62 R-35", "devices without a word about them are denied", {
    "absent": None, "empty": [], "allow then deny": [
        {"allow": True, "type": "c", "major": 7, "minor": 0, "access": "rwm"},
        {"allow": False, "access": "rwm"}]})
def devices(lab, rules):
    made = lab.bundle(shell="for i in '7 0' '10 229' '1 1'; do rm -f /tmp/n; mknod /tmp/n c $i && "
                            "(: < /tmp/n) && echo OPEN $i; done; rm -f /tmp/n; "
                            "mknod /tmp/n b 254 0 && (: < /tmp/n) && echo OPEN disk; true")
    made.capabilities("CAP_MKNOD", "CAP_SYS_ADMIN", "CAP_SYS_RAWIO")
    if rules is not None:
        made.set("linux.resources.devices", rules)
    result = lab.run(made)
    check("OPEN" not in result.out, f"opened: {result.out!r}")


@suite.case("T-62 R-35", "the host's root gets no container without a device policy where cgroups "
            "are read-only, unless it asks for it")
def devices_of_read_only_cgroups(lab):
    made = lab.bundle(shell="mknod /tmp/n c 1 11 && (: < /tmp/n) && echo OPEN; rm -f /tmp/n; true")
    made.capabilities("CAP_MKNOD", "CAP_SYSLOG")
    made.linux.pop("cgroupsPath", None)
    script = ("for m in $(awk '$3 ~ /^cgroup/ {print $2}' /proc/self/mounts); do "
              "mount -o remount,bind,ro $m || exit 9; done; exec \"$@\"")
    call = lab.words("run", "--bundle", made.write().path, lab.name())
    outcome = lab.popen(["unshare", "--mount", "sh", "-c", script, "sh", *call]).wait()
    check("OPEN" not in outcome.out, "the host's log was opened")
    outcome.failed("read-only file system", "--cgroup-manager disabled", status=1)
    lab.expect_nothing_left("a refused cgroup")
    call = lab.words("run", "--bundle", made.path, lab.name(),
                     globals_=("--cgroup-manager", "disabled"))
    lab.popen(["unshare", "--mount", "sh", "-c", script, "sh", *call]).wait().ok()


@suite.case("T-62", "a device node that the image brings is denied too")
def image_device(lab):
    made = lab.bundle(shell="(: < /disk) && echo OPEN; true")
    os.mknod(made.inside("/disk"), 0o60666, os.makedev(254, 0))
    made.capabilities("CAP_SYS_ADMIN", "CAP_SYS_RAWIO", "CAP_DAC_OVERRIDE")
    check("OPEN" not in lab.run(made).out, "the host's disk was opened")


@suite.case("T-63", "a container cannot move itself to a parent group")
def cgroup_escape(lab):
    made = lab.bundle(shell="for f in /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/*/tasks "
                            "/sys/fs/cgroup/cgroup.procs; do (echo $$ > $f) 2>/dev/null && "
                            "echo MOVED $f; done; find /sys/fs/cgroup -name release_agent | wc -l")
    made.capabilities("CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE")
    made.mount("/sys/fs/cgroup", "cgroup", "cgroup", ["ro", "nosuid", "nodev", "noexec"])
    result = lab.run(made)
    check("MOVED" not in result.out, result.out)
    equal(result.out.split()[-1:], ["0"], "release agents in sight")


@suite.case("T-65", "a fork bomb of daemons without pid namespace ends in bounded time")
def bomb(lab):
    made = lab.bundle(shell="b() { setsid sh -c 'while :; do setsid sleep 60 & sleep 0.02; "
                            "done' & }; b; b; b; sleep 0.3; echo up; sleep 1000",
                      linux__resources={"pids": {"limit": 200}})
    made.without_namespace("pid")
    container = lab.start(made)
    container.wait_out("up")
    begin = time.monotonic()
    container.delete("--force").ok()
    check(time.monotonic() - begin < patient(8), "time")
    lab.expect_nothing_left("a bomb")


@suite.case("T-65", "kill --all KILL ends them as well")
def bomb_kill(lab):
    made = lab.bundle(shell="for i in 1 2 3 4 5 6; do setsid sleep 60 & done; echo up; sleep 1000")
    made.without_namespace("pid")
    container = lab.start(made)
    container.wait_out("up")
    lab.brig("kill", "--all", container.id, "KILL").ok()
    container.wait_stopped()
    container.delete().ok()
    lab.expect_nothing_left("kill --all")


@suite.table("T-66 N-04", "namespace paths that are none", {
    f"{kind} {place}": (kind, place) for kind in ("pid", "mount", "user", "network", "cgroup",
                                                  "time")
    for place in ("file", "fifo", "folder", "other type", "socket")})
def namespace_path(lab, kind, place):
    path = f"{lab.path}/ns"
    if place == "file":
        write(path, "")
    elif place == "fifo":
        os.mkfifo(path)
    elif place == "folder":
        os.mkdir(path)
    elif place == "socket":
        socket.socket(socket.AF_UNIX).bind(path)
    else:
        path = "/proc/self/ns/uts"
    made = lab.bundle(["/bin/true"])
    made.namespace(kind, path)
    lab.try_create(made, timeout=5).failed("linux.namespaces")
    lab.expect_nothing_left("a strange namespace")


@suite.case("T-66", "a path to a namespace that has ended is refused")
def dead_namespace(lab):
    container = lab.sleeper()
    path = f"/proc/{container.pid}/ns/ipc"
    container.delete("--force").ok()
    made = lab.bundle(["/bin/true"])
    made.namespace("ipc", path)
    lab.try_create(made).failed("linux.namespaces[4]")


@suite.case("T-67", "PATH is not asked for newuidmap or anything else")
def path_not_asked(lab):
    os.makedirs(f"{lab.path}/bin")
    for name in ("newuidmap", "newgidmap", "sh", "nsenter", "mount", "ip", "criu"):
        write(f"{lab.path}/bin/{name}", f"#!/bin/sh\necho > {lab.path}/called\n")
        os.chmod(f"{lab.path}/bin/{name}", 0o755)
    made = lab.bundle(["/bin/true"])
    made.namespace("user")
    made.linux["uidMappings"] = made.linux["gidMappings"] = MAP
    os.chmod(lab.path, 0o755)
    for name in ("", "proc", "dev", "sys"):
        os.chown(made.inside(name), 100000, 100000)
    lab.containers.append("p")
    lab.brig("run", "--bundle", made.write().path, "p", env={"PATH": f"{lab.path}/bin"})
    check(not os.path.exists(f"{lab.path}/called"), "a program of PATH ran")


@suite.case("T-28 R-9", "fake files of /proc in the image stay untouched")
def fake_proc(lab):
    made = lab.bundle(["/bin/true"])
    made.config["mounts"] = [entry for entry in made.mounts if entry["destination"] != "/proc"]
    made.linux["maskedPaths"] = made.linux["readonlyPaths"] = []
    for name in ("proc/self/attr/exec", "proc/self/attr/current", "proc/sys/net/ipv4/ip_forward",
                 "proc/self/setgroups", "proc/self/uid_map", "proc/self/oom_score_adj"):
        made.file(f"/{name}", "fake")
    made.linux["sysctl"] = {"net.ipv4.ip_forward": "1"}
    made.set("process.oomScoreAdj", 10)
    lab.run(made)
    for folder, _, files in os.walk(made.inside("/proc")):
        for name in files:
            equal(read(f"{folder}/{name}"), "fake", f"{folder}/{name}")


@suite.table("T-29 R-9", "the runtime's own /proc has files mounted over it", {
    name: name for name in ("self/attr", "self/fd", "sys", "self/setgroups", "self/mountinfo")})
def covered_proc(lab, name):
    made = lab.bundle(shell="cat /proc/sys/net/ipv4/ip_forward",
                      linux__sysctl={"net.ipv4.ip_forward": "0"}).write()
    place = f"/proc/{name}".replace("self", str(os.getpid()))
    cover = f"{lab.path}/cover"
    if os.path.isdir(place):
        os.makedirs(cover)
    else:
        write(cover, "cover")
    lab.containers.append("c")
    words = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" "$1" 2>/dev/null; shift; exec "$@"',
             cover, f"/proc/{name}" if name == "sys" else place,
             *lab.words("run", "--bundle", made.path, "c")]
    result = lab.popen(words).wait()
    check(result.status == 0 or result.err.strip(), f"a clean end of {result}")
    if result.status == 0:
        equal(result.out, "0\n", "the value inside")
    if os.path.isdir(cover):
        equal(os.listdir(cover), [], "files in the cover")
    else:
        equal(read(cover), "cover", "the cover")


@suite.case("T-96", "a root that is unmounted or moved while the container runs")
def root_moved(lab):
    made = lab.bundle(SLEEP)
    container = lab.start(made)
    os.rename(made.rootfs, made.rootfs + "-moved")
    equal(container.exec("/bin/echo", "here").ok().out, "here\n", "exec")
    equal(container.status(), "running", "status")
    container.delete("--force").ok()
    lab.expect_nothing_left("a moved root")


suite.main()
