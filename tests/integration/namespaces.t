#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Namespaces: N-01 to N-12, id maps, time offsets, sysctl; each seen from inside and from the host.
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.lab import read
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
FILES = {"pid": "pid", "network": "net", "mount": "mnt", "ipc": "ipc", "uts": "uts",
         "user": "user", "cgroup": "cgroup", "time": "time"}
MAP = [{"containerID": 0, "hostID": 100000, "size": 65536}]


def own(kind):
    return os.readlink(f"/proc/self/ns/{FILES[kind]}")


def userns(made, uid_map=None, gid_map=None):
    """Turns a bundle into one with its own user namespace, and gives it its files."""
    made.namespace("user")
    made.linux["uidMappings"] = uid_map or MAP
    made.linux["gidMappings"] = gid_map or MAP
    for folder, names, files in os.walk(made.path):
        for name in [folder, *(os.path.join(folder, entry) for entry in names + files)]:
            if not os.path.islink(name) and os.lstat(name).st_nlink < 3:
                os.lchown(name, 100000, 100000)
    os.chmod(os.path.dirname(made.path), 0o755)
    return made


# new namespaces


@suite.case("N-01", "each listed namespace is new, each other one is the caller's")
def listed(lab):
    report = lab.probe(lab.bundle())
    for kind in ("pid", "network", "mount", "ipc", "uts"):
        check(report["namespaces"][FILES[kind]] != own(kind), f"{kind} is new")
    for kind in ("user", "cgroup", "time"):
        equal(report["namespaces"][FILES[kind]], own(kind), f"{kind} is the caller's")


@suite.table("N-01 N-03", "one namespace alone beside mount", {
    kind: kind for kind in ("pid", "network", "ipc", "uts", "cgroup", "time")})
def alone(lab, kind):
    made = lab.bundle()
    made.linux["namespaces"] = [{"type": "mount"}, {"type": kind}]
    del made.config["hostname"]
    made.config["mounts"] = [entry for entry in made.mounts
                             if entry["destination"] in ("/proc", "/dev", "/dev/pts")]
    report = lab.probe(made)
    for other, file in FILES.items():
        equal(report["namespaces"][file] != own(other), other in ("mount", kind), f"{other} is new")


@suite.case("N-01", "all eight at once")
def all_eight(lab):
    made = userns(lab.bundle())
    for kind in ("cgroup", "time"):
        made.namespace(kind)
    report = lab.probe(made)
    for kind, file in FILES.items():
        check(report["namespaces"][file] != own(kind), f"{kind} is new")


@suite.case("N-03", "no namespace but mount: still a container root")
def only_mount(lab):
    made = lab.bundle(shell="readlink /proc/self/ns/pid; ls /")
    made.linux["namespaces"] = [{"type": "mount"}]
    del made.config["hostname"]
    made.config["mounts"] = [entry for entry in made.mounts if entry["destination"] == "/dev"]
    made.mount("/proc", "bind", "/proc", ["rbind"])
    out = lab.run(made).ok().out
    contains(out, own("pid"), "pid namespace of the caller")
    check("boot" not in out.split(), "root of the host")


@suite.case("N-06", "a new network namespace has lo, up")
def loopback(lab):
    out = lab.run(lab.bundle(shell="ip -o link show; ip -o addr show lo")).ok().out
    contains(out, "LOOPBACK,UP", "flags of lo")
    contains(out, "127.0.0.1", "address of lo")
    equal(out.count("link/"), 1, "interfaces")


@suite.case("N-08", "a cgroup namespace starts at the container's own group")
def cgroup_namespace(lab):
    made = lab.bundle()
    made.namespace("cgroup")
    lines = [line for line in lab.probe(made)["cgroup"].splitlines() if ":pids:" in line]
    equal(lines and lines[0].split(":")[2], "/", "path inside")


@suite.table("N-01 N-02 U-01", "what does not fit together is refused", {
    "unknown type": (lambda made: made.namespace("net"), "linux.namespaces[5]"),
    "mnt": (lambda made: made.namespace("mnt"), "linux.namespaces[5]"),
    "no type": (lambda made: made.linux["namespaces"].append({}), "linux.namespaces[5]"),
    "twice": (lambda made: made.linux["namespaces"].append({"type": "pid"}),
              "linux.namespaces[5]"),
    "hostname without uts": (lambda made: made.without_namespace("uts"), "hostname"),
    "mappings without user": (lambda made: made.set("linux.uidMappings", MAP), "uidMappings"),
    "offsets without time": (lambda made: made.set("linux.timeOffsets",
                                                   {"boottime": {"secs": 1}}), "timeOffsets"),
    "sysctl without ipc": (lambda made: (made.without_namespace("ipc"),
                                         made.set("linux.sysctl", {"kernel.msgmax": "1"})),
                           "kernel.msgmax"),
    "relative path": (lambda made: made.namespace("ipc", "proc/self/ns/ipc"),
                      "linux.namespaces[4]"),
    "hostname too long": (lambda made: made.set("hostname", "h" * 65), "hostname"),
    "domainname too long": (lambda made: made.set("domainname", "d" * 65), "domainname"),
})
def unfit(lab, edit, part):
    made = lab.bundle()
    edit(made)
    lab.try_create(made).failed(part)
    lab.expect_nothing_left("a refused config")


@suite.case("U-01", "a hostname of 64 bytes fits")
def hostname_long(lab):
    equal(lab.probe(lab.bundle(hostname="h" * 64))["hostname"], "h" * 64, "hostname")


# joining


@suite.table("N-04", "join by path", {kind: kind for kind in ("network", "ipc", "uts", "cgroup")})
def join(lab, kind):
    first = lab.bundle(SLEEP)
    first.namespace(kind)
    container = lab.start(first)
    path = f"/proc/{container.pid}/ns/{FILES[kind]}"
    made = lab.bundle()
    made.namespace(kind, path)
    del made.config["hostname"]
    equal(lab.probe(made)["namespaces"][FILES[kind]], os.readlink(path), "namespace")
    container.delete("--force").ok()


@suite.case("N-04", "join a namespace that is bind-mounted on a file")
def join_bound(lab):
    container = lab.sleeper()
    link = os.readlink(f"/proc/{container.pid}/ns/uts")
    place = f"{lab.path}/uts"
    with open(place, "w", encoding="ascii"):
        pass
    subprocess.run(["mount", "--bind", f"/proc/{container.pid}/ns/uts", place], check=True)
    container.delete("--force").ok()
    made = lab.bundle(hostname="joined")
    made.namespace("uts", place)
    report = lab.probe(made)
    subprocess.run(["umount", place], check=True)
    equal((report["namespaces"]["uts"], report["hostname"]), (link, "joined"), "namespace, name")


@suite.case("N-04 N-05 trap-1", "in a joined pid namespace init is no PID 1, its parent is outside")
def join_pid(lab):
    first = lab.sleeper()
    made = lab.bundle(shell="echo $$; echo up; sleep 1000")
    made.namespace("pid", f"/proc/{first.pid}/ns/pid")
    second = lab.start(made)
    second.wait_out("up")
    number = int(second.out().split()[0])
    check(number > 1, f"pid inside {number}")
    pid = second.pid
    equal(os.readlink(f"/proc/{pid}/ns/pid"), os.readlink(f"/proc/{first.pid}/ns/pid"), "pidns")
    equal(oracle.processes()[pid][0], os.getpid(), "parent")
    os.kill(pid, 9)
    equal(lab.exit_of(pid), -9, "exit seen by the subreaper")
    equal(first.status(), "running", "the pod's first container")
    second.delete("--force").ok()
    first.delete("--force").ok()


@suite.case("N-04 N-05", "containers of one pod see each other's processes")
def pod(lab):
    pause = lab.sleeper()
    made = lab.bundle(shell="ps; hostname")
    for kind in ("pid", "network", "ipc", "uts"):
        made.namespace(kind, f"/proc/{pause.pid}/ns/{FILES[kind]}")
    del made.config["hostname"]
    out = lab.run(made).ok().out
    contains(out, "sleep 1000", "the pause process")
    contains(out, "brig", "its hostname")
    pause.delete("--force").ok()


@suite.case("N-04", "join a mount namespace")
def join_mount(lab):
    made = lab.bundle()
    holder = lab.popen(["unshare", "-m", "sleep", "100"])
    eventually(lambda: os.readlink(f"/proc/{holder.pid}/ns/mnt") != own("mount"), "a namespace")
    made.namespace("mount", f"/proc/{holder.pid}/ns/mnt")
    equal(lab.probe(made)["namespaces"]["mnt"], os.readlink(f"/proc/{holder.pid}/ns/mnt"),
          "mount namespace")


@suite.case("N-03 N-04", "the runtime's own mount namespace by path is refused")
def join_own_mount(lab):
    made = lab.bundle(["/bin/true"])
    made.namespace("mount", "/proc/self/ns/mnt")
    before = read("/proc/self/mountinfo")
    lab.run(made).failed("linux.namespaces[4].path", "own mount namespace", status=1)
    equal(read("/proc/self/mountinfo"), before, "the runtime's mounts")


@suite.table("N-04", "join a user namespace with the others it owns", {
    "network, ipc": ("user", "network", "ipc"), "pid, uts": ("user", "pid", "uts")})
def join_user(lab, *kinds):
    made = userns(lab.bundle(SLEEP))
    first = lab.start(made)
    second = userns(lab.bundle())
    for key in ("uidMappings", "gidMappings"):
        del second.linux[key]
    for kind in kinds:
        second.namespace(kind, f"/proc/{first.pid}/ns/{FILES[kind]}")
    report = lab.probe(second)
    for kind in kinds:
        equal(report["namespaces"][FILES[kind]],
              os.readlink(f"/proc/{first.pid}/ns/{FILES[kind]}"), kind)
    equal(report["uids"], [0] * 4, "uids")
    first.delete("--force").ok()


@suite.table("N-04 T-66", "a path that is no such namespace is refused", {
    "absent": ("/proc/1/ns/absent", "no such file or directory"),
    "file": ("/etc/passwd", None), "folder": ("/proc", None), "other type": ("/proc/1/ns/uts",
                                                                           None),
    "device": ("/dev/null", None),
})
def join_wrong(lab, path, part):
    made = lab.bundle()
    made.namespace("ipc", path)
    lab.try_create(made, timeout=5).failed("linux.namespaces[4]", *([part] if part else []))
    lab.expect_nothing_left("a refused namespace")


@suite.case("N-04 T-66", "a FIFO as namespace path does not hang")
def join_fifo(lab):
    os.mkfifo(f"{lab.path}/fifo")
    made = lab.bundle()
    made.namespace("ipc", f"{lab.path}/fifo")
    lab.try_create(made, timeout=5).failed("linux.namespaces[4]")


# user namespaces


@suite.case("N-09 N-10", "id maps are those of the config, as the kernel shows them")
def maps(lab):
    uids = [{"containerID": 0, "hostID": 100000, "size": 1000},
            {"containerID": 1000, "hostID": 200000, "size": 1}]
    made = userns(lab.bundle(), uids, MAP)
    report = lab.probe(made)
    equal([line.split() for line in report["uid_map"].splitlines()],
          [["0", "100000", "1000"], ["1000", "200000", "1"]], "uid_map")
    equal(report["gid_map"].split(), ["0", "100000", "65536"], "gid_map")
    equal((report["uids"], report["setgroups"].strip()), ([0] * 4, "allow"), "ids, setgroups")


@suite.case("N-09", "root inside is the mapped user outside")
def maps_outside(lab):
    container = lab.start(userns(lab.bundle(SLEEP)))
    contains(read(f"/proc/{container.pid}/status"), "Uid:\t100000\t100000", "ids on the host")
    container.delete("--force").ok()


@suite.case("N-09 P-19 P-21", "another user and groups inside a user namespace")
def maps_user(lab):
    made = userns(lab.bundle(process__user={"uid": 1000, "gid": 1001, "additionalGids": [7]}))
    report = lab.probe(made)
    equal((report["uids"], report["gids"], report["groups"]), ([1000] * 4, [1001] * 4, [7]), "ids")


@suite.case("N-09 D-08", "default devices work in a user namespace")
def userns_devices(lab):
    made = userns(lab.bundle(shell="echo x > /dev/null && head -c 4 /dev/zero | wc -c && "
                                   "stat -c '%t %T' /dev/null"))
    equal(lab.run(made).ok().out, "4\n1 3\n", "output")


@suite.case("N-09 P-09", "capabilities in a user namespace have no power outside")
def userns_capabilities(lab):
    made = userns(lab.bundle(shell="mknod /tmp/x c 1 3 2>&1; hostname inside && echo named"))
    made.capabilities("CAP_MKNOD", "CAP_SYS_ADMIN")
    out = lab.run(made).ok().out
    contains(out, "not permitted", "mknod")
    contains(out, "named", "sethostname in the own uts namespace")


@suite.table("N-10 T-67", "a wrong mapping is refused", {
    "size 0": [{"containerID": 0, "hostID": 0, "size": 0}],
    "wrap": [{"containerID": 4294967295, "hostID": 0, "size": 2}],
    "overlap": [{"containerID": 0, "hostID": 1000, "size": 10},
                {"containerID": 5, "hostID": 5000, "size": 10}],
    "341 lines": [{"containerID": i, "hostID": i, "size": 1} for i in range(341)],
    "empty": [],
})
def maps_wrong(lab, mapping):
    made = lab.bundle()
    made.namespace("user")
    made.linux["uidMappings"] = mapping
    made.linux["gidMappings"] = MAP
    lab.try_create(made).failed("linux.uidMappings")
    lab.expect_nothing_left("a refused mapping")


@suite.case("N-10", "340 lines of mapping are accepted")
def maps_many(lab):
    mapping = [{"containerID": i, "hostID": 1000 + 2 * i, "size": 1} for i in range(340)]
    report = lab.probe(userns(lab.bundle(), mapping))
    equal(len(report["uid_map"].splitlines()), 340, "lines")


@suite.case("P-19 T-54", "a user that is not mapped is refused by name")
def unmapped(lab):
    made = userns(lab.bundle(process__user={"uid": 70000, "gid": 0}))
    lab.try_create(made).failed("process.user")
    lab.expect_nothing_left("an unmapped user")


# time


@suite.case("T-01 N-12", "time offsets move the container's clocks and not the host's")
def time_offsets(lab):
    made = lab.bundle()
    made.namespace("time")
    made.linux["timeOffsets"] = {"boottime": {"secs": 100000},
                                 "monotonic": {"secs": 5000, "nanosecs": 7}}
    before = float(read("/proc/uptime").split()[0])
    report = lab.probe(made)
    check(99000 < report["boottime"] - before < 101000, f"boottime {report['boottime']}")
    check(4900 < report["monotonic"] - before < 5100, f"monotonic {report['monotonic']}")
    check(float(read("/proc/uptime").split()[0]) < before + 50, "the host's clock")


@suite.table("T-01 T-02", "a wrong offset is refused", {
    "clock": {"realtime": {"secs": 1}}, "nanoseconds": {"boottime": {"nanosecs": 1000000000}},
    "negative clock": {"boottime": {"secs": -(1 << 40)}},
})
def time_wrong(lab, offsets):
    made = lab.bundle()
    made.namespace("time")
    made.linux["timeOffsets"] = offsets
    lab.try_create(made).failed("linux.timeOffsets")
    lab.expect_nothing_left("a refused offset")


# sysctl


@suite.case("SY-01", "sysctls are set inside and not on the host")
def sysctl(lab):
    before = read("/proc/sys/net/ipv4/ip_forward"), read("/proc/sys/kernel/shm_rmid_forced")
    made = lab.bundle(shell="cd /proc/sys; cat net/ipv4/ip_forward kernel/shm_rmid_forced "
                            "fs/mqueue/msg_max net/ipv4/conf/lo/forwarding")
    made.linux["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.shm_rmid_forced": "1",
                            "fs.mqueue.msg_max": "5", "net/ipv4/conf/lo/forwarding": "0"}
    out = lab.run(made).ok().out.split()
    equal(out[1:], ["1", "5", "0"], "values")
    after = read("/proc/sys/net/ipv4/ip_forward"), read("/proc/sys/kernel/shm_rmid_forced")
    equal(after, before, "the host's values")


@suite.table("SY-02 T-33", "a sysctl that is not the container's own is refused", {
    "core_pattern": ("kernel.core_pattern", "|/bin/x"), "hostname": ("kernel.hostname", "x"),
    "absent": ("net.ipv4.absent", "1"), "up": ("net/../kernel/core_pattern", "x"),
    "dots": ("net..ipv4", "1"), "empty": ("", "1"), "slash first": ("/net.x", "1"),
    "newline": ("net.ipv4.ip_forward\nx", "1"), "vm": ("vm.swappiness", "1"),
    "equals": ("net.ipv4.ip_forward=1", "1"), "no namespace": ("user.max_user_namespaces", "1"),
    "bad value": ("net.ipv4.ip_forward", "no number"),
    "long value": ("net.ipv4.ip_forward", "1" * 5000),
})
def sysctl_refused(lab, name, value):
    made = lab.bundle(linux__sysctl={name: value})
    before = read("/proc/sys/kernel/core_pattern")
    lab.try_create(made).failed("linux.sysctl")
    equal(read("/proc/sys/kernel/core_pattern"), before, "the host's core_pattern")
    lab.expect_nothing_left("a refused sysctl")


@suite.table("U-01 U-02", "a name is not given to the host by a path to its uts namespace", {
    key: key for key in ("hostname", "domainname")})
def host_name(lab, key):
    before = os.uname()
    made = lab.bundle()
    made.config.pop("hostname", None)
    made.config[key] = "taken"
    made.namespace("uts", "/proc/self/ns/uts")
    lab.try_create(made).failed(f"{key}: would change the host")
    equal(os.uname(), before, "the host's names")
    lab.expect_nothing_left("a refused name")


@suite.table("SY-02 T-33", "net.* needs a network namespace of its own", {
    "absent": None, "the host's by path": "/proc/self/ns/net",
})
def sysctl_host_net(lab, path):
    made = lab.bundle(linux__sysctl={"net.ipv4.ip_forward": "1"})
    made.without_namespace("network")
    if path:
        made.namespace("network", path)
    lab.try_create(made).failed("linux.sysctl", "net.ipv4.ip_forward")


@suite.case("N-09", "a user namespace's bundle may lie below a folder of the host's root alone")
def closed_folder(lab):
    made = userns(lab.bundle(shell="cat /proc/self/mountinfo"))
    folder = os.path.dirname(made.path)
    os.chmod(folder, 0o700)
    try:
        mounts = lab.run(made).ok().out.splitlines()
    finally:
        os.chmod(folder, 0o755)
    equal([line.split()[4] for line in mounts].count("/"), 1, f"roots in {mounts}")


@suite.case("N-09 12", "nothing of a user namespace is left after many failed creates")
def failed_many(lab):
    made = userns(lab.bundle(["/bin/absent"])).write()
    for _ in range(5):
        lab.try_create(made).failed("no such file or directory")
    lab.expect_nothing_left("failed creates")


suite.main()
