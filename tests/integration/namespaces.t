#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# New namespaces: N-01 to N-03, N-05 to N-08, N-12, names of the host, time offsets; each seen from
# inside and from the host.
import ctypes
import errno
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle, sandbox
from harness.lab import read
from harness.namespaces import FILES, MAP, hold, of, own, path_of, userns
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


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


@suite.table("C-06 N-03", "without namespaces the program is in the runtime's", {
    "no linux": lambda made: made.config.pop("linux"),
    "linux without namespaces": lambda made: made.set("linux", {}),
    "no namespace in the list": lambda made: made.set("linux", {"namespaces": []}),
})
def none_at_all(lab, edit):
    made = lab.bundle(SLEEP)
    edit(made)
    del made.config["hostname"], made.config["mounts"]
    container = lab.start(made)
    for kind in FILES:
        equal(of(container.pid, kind), own(kind), kind)
    # It has a root all the same, and what a container is due.
    equal(sorted(os.listdir(f"/proc/{container.pid}/root")), sorted(os.listdir(made.rootfs)),
          "its root")
    contains(container.exec("ls", "/dev").ok().out, "null", "devices")
    container.delete("--force").ok()


@suite.case("N-01 T-93", "a limit of namespaces is named as such")
def limited(lab):
    made = lab.bundle(SLEEP).write()
    # In a user namespace of its own the runtime has limits of its own.
    script = 'echo 0 > /proc/sys/user/max_ipc_namespaces; exec "$@"'
    lab.popen(["unshare", "--user", "--mount", "--map-root-user", "sh", "-c", script, "sh",
               *lab.words("create", "--bundle", made.path, lab.name(),
                          globals_=["--cgroup-manager", "disabled"])]).wait().failed(
                              "linux.namespaces", "no space left", "max_*_namespaces")
    lab.expect_nothing_left("a refused namespace")


@suite.case("N-01", "a kernel without a type of namespace is named as such")
def not_built(lab):
    made = lab.bundle(SLEEP)
    made.namespace("time")
    # A process' folder in /proc is what tells which types there are; here it has none.
    script = 'mount -t tmpfs none /proc/$$/ns && exec "$@"'
    lab.popen(["unshare", "--mount", "sh", "-c", script, "sh", *lab.words(
        "create", "--bundle", made.write().path, lab.name())]).wait().failed(
            "linux.namespaces", "this kernel has no time namespaces")
    lab.expect_nothing_left("a refused namespace")


@suite.case("N-05", "the program is process 1, the host's number is what is reported")
def pid_namespace(lab):
    made = lab.bundle(shell="echo $$; sleep 500 & sleep 1000")
    container = lab.start(made, "--pid-file", f"{lab.path}/pid")
    container.wait_out("1")
    pid = container.pid
    equal(int(read(f"{lab.path}/pid")), pid, "pid file")
    equal(read(f"/proc/{pid}/status").split("NSpid:")[1].split()[:2], [str(pid), "1"], "NSpid")
    eventually(lambda: "sleep" in container.exec("ps").ok().out, "the program's child")
    # The kernel ends the whole namespace with its process 1.
    os.kill(pid, 9)
    container.wait_stopped()
    check(not [name for _, state, name in oracle.processes().values()
               if name == "sleep" and state != "Z"], "the program's child is left")
    container.delete().ok()


@suite.case("N-05 N-03", "in the host's pid namespace a container is ended as a whole, too")
def host_pid(lab):
    made = lab.bundle(shell="sleep 2000 & setsid sleep 3000 & echo up; sleep 1000")
    made.without_namespace("pid")
    made.config["mounts"] = [one for one in made.mounts if one["destination"] != "/proc"]
    made.mount("/proc", "bind", "/proc", ["rbind"])
    container = lab.start(made)
    container.wait_out("up")
    equal(read(f"/proc/{container.pid}/status").split("NSpid:")[1].split()[:1],
          [str(container.pid)], "NSpid")
    container.kill("KILL").ok()
    container.wait_stopped()
    container.delete().ok()
    lab.expect_nothing_left("a container in the host's pid namespace")


# Decision: net.ipv4.ping_group_range stays as the kernel makes it. Engines that want pings without
# capabilities send a sysctl, as podman does; a runtime's own default would outdo theirs.


@suite.table("N-06", "ping_group_range is the engine's to set", {
    "absent": ({}, ["1", "0"]), "set": ({"net.ipv4.ping_group_range": "0 7"}, ["0", "7"])})
def ping(lab, sysctl, wanted):
    made = lab.bundle(shell="cat /proc/sys/net/ipv4/ping_group_range", linux__sysctl=sysctl)
    equal(lab.run(made).ok().out.split(), wanted, "range inside")


@suite.case("N-06", "a program without a network has no device of the host")
def network_alone(lab):
    subprocess.run(["ip", "link", "add", "nsbr0", "type", "bridge"], check=True)
    try:
        made = lab.bundle(shell="ip -o link show; ls /sys/class/net")
        out = lab.run(made).ok().out
        check("nsbr0" not in out, out)
        made = lab.bundle(shell="ip -o link show")
        made.without_namespace("network")
        made.config["mounts"] = [one for one in made.mounts if one["destination"] != "/sys"]
        contains(lab.run(made).ok().out, "nsbr0", "devices in the host's network namespace")
    finally:
        subprocess.run(["ip", "link", "del", "nsbr0"], check=True)


@suite.case("N-07", "an ipc namespace has its own queues, segments and limits")
def ipc(lab):
    libc = sandbox.libc
    segment = libc.shmget(0x6272, 4096, 0o1600)
    check(segment >= 0, "shmget")
    try:
        made = lab.bundle(shell="ls /dev/mqueue; touch /dev/mqueue/ours; cat /proc/sysvipc/shm; "
                                "cat /proc/sys/kernel/msgmni; sleep 1000",
                          linux__sysctl={"kernel.msgmni": "77"})
        container = lab.start(made)
        container.wait_out("77")
        equal(len(container.out().splitlines()), 2, f"a heading and a limit: {container.out()}")
        check(read("/proc/sys/kernel/msgmni").strip() != "77", "the host's limit")
        librt = ctypes.CDLL("librt.so.1", use_errno=True)
        equal((librt.mq_open(b"/ours", os.O_RDONLY), ctypes.get_errno()), (-1, errno.ENOENT),
              "the container's queue on the host")
        container.delete("--force").ok()
        made = lab.bundle(shell="cat /proc/sysvipc/shm")
        made.without_namespace("ipc")
        made.config["mounts"] = [one for one in made.mounts
                                 if one["destination"] != "/dev/mqueue"]
        equal(len(lab.run(made).ok().out.splitlines()), 2, "segments in the host's ipc namespace")
    finally:
        libc.shmctl(segment, 0, None)


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
    lines = [line for line in lab.probe(made)["cgroup"].splitlines()
             if ":pids:" in line or line.startswith("0::")]
    equal(lines and lines[0].split(":")[2], "/", "path inside")


@suite.case("TRAP-50 N-08", "every hierarchy starts at the container's group, for exec too")
def cgroup_everywhere(lab):
    made = lab.bundle(SLEEP)
    made.namespace("cgroup")
    container = lab.start(made)
    check("/" + container.id in read(f"/proc/{container.pid}/cgroup"), "a group of its own")
    lines = container.exec("cat", "/proc/self/cgroup").ok().out.splitlines()
    check(lines and all(line.endswith(":/") for line in lines), f"paths inside: {lines}")
    container.delete("--force").ok()
    made.without_namespace("cgroup")
    made.process["args"] = ["/bin/cat", "/proc/self/cgroup"]
    identity = lab.name()
    contains(lab.run(made, identity=identity).ok().out, identity, "the whole path without one")


@suite.table("N-01 N-02 U-01", "what does not fit together is refused", {
    "unknown type": (lambda made: made.namespace("net"), "linux.namespaces[5]"),
    "mnt": (lambda made: made.namespace("mnt"), "linux.namespaces[5]"),
    "no type": (lambda made: made.linux["namespaces"].append({}), "linux.namespaces[5]"),
    "new and joined": (lambda made: made.linux["namespaces"].append(
        {"type": "ipc", "path": "/proc/1/ns/ipc"}), "linux.namespaces[5]"),
    "no type, first": (lambda made: made.linux.update(namespaces=[{}]), "namespaces[0].type"),
    "type of another case": (lambda made: made.namespace("PID"), "linux.namespaces[5]"),
    "maskedPaths without mount": (lambda made: made.without_namespace("mount"), "maskedPaths"),
    "readonlyPaths without mount": (lambda made: made.without_namespace("mount"),
                                    "readonlyPaths"),
    "domainname without uts": (lambda made: (
        made.without_namespace("uts"), made.config.pop("hostname"),
        made.set("domainname", "d")), "domainname"),
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


@suite.table("U-01 U-02", "names are set in the container and not on the host", {
    "both": ("web", "example.org"), "dots": ("web.example.org", "a.b"),
    "long": ("h" * 64, "d" * 64),
    "UTF-8": ("h\u00e4", "d\u00f6"), "blank": ("a b", "c d")})
def names(lab, host, domain):
    before = os.uname().nodename, read("/proc/sys/kernel/domainname")
    made = lab.bundle(SLEEP, hostname=host, domainname=domain)
    container = lab.start(made)
    equal(container.exec("cat", "/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname").ok()
          .out, f"{host}\n{domain}\n", "names inside")
    equal((os.uname().nodename, read("/proc/sys/kernel/domainname")), before, "the host's names")
    container.delete("--force").ok()


@suite.case("U-01 U-02", "absent names are those of the runtime's namespace")
def no_names(lab):
    made = lab.bundle()
    del made.config["hostname"]
    report = lab.probe(made)
    equal((report["hostname"], report["domainname"] + "\n"),
          (os.uname().nodename, read("/proc/sys/kernel/domainname")), "names")


@suite.case("U-01 U-02", "names are set in a namespace that is joined, too")
def joined_names(lab):
    holder = hold(lab, "--uts", kind="uts")
    made = lab.bundle(SLEEP, hostname="joined", domainname="there")
    made.namespace("uts", path_of(holder, "uts"))
    container = lab.start(made)
    seen = subprocess.run(["nsenter", f"--uts={path_of(holder, 'uts')}", "cat",
                           "/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname"],
                          capture_output=True, text=True, check=True).stdout
    equal(seen, "joined\nthere\n", "names that its other processes see")
    container.delete("--force").ok()


@suite.case("U-01", "a hostname of 64 bytes fits")
def hostname_long(lab):
    equal(lab.probe(lab.bundle(hostname="h" * 64))["hostname"], "h" * 64, "hostname")


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


@suite.table("T-01 T-02", "offsets as the kernel has them", {
    "both parts": ({"monotonic": {"secs": 5000, "nanosecs": 7}}, "5000 7", "0 0"),
    "seconds alone": ({"boottime": {"secs": 86400}}, "0 0", "86400 0"),
    "nanoseconds alone": ({"boottime": {"nanosecs": 999999999}}, "0 0", "0 999999999"),
    "nothing of it": ({"boottime": {}}, "0 0", "0 0"), "no clock": ({}, "0 0", "0 0"),
    "back": ({"boottime": {"secs": -1}, "monotonic": {"secs": -2, "nanosecs": 5}}, "-2 5", "-1 0"),
})
def offsets_exact(lab, offsets, monotonic, boottime):
    made = lab.bundle()
    made.namespace("time")
    made.linux["timeOffsets"] = offsets
    lines = dict(line.split(None, 1) for line in lab.probe(made)["timens_offsets"].splitlines())
    equal([lines[name].split() for name in ("monotonic", "boottime")],
          [monotonic.split(), boottime.split()], "offsets")


@suite.case("T-01", "a container's processes all have its offsets, and hooks have the host's clock")
def offsets_everywhere(lab):
    made = lab.bundle(SLEEP)
    made.namespace("time")
    made.linux["timeOffsets"] = {"boottime": {"secs": 500000}}
    made.config["hooks"] = {"createRuntime": [{
        "path": "/bin/sh", "args": ["sh", "-c", f"cat /proc/uptime > {lab.path}/uptime"]}]}
    container = lab.start(made)
    check(float(container.exec("cat", "/proc/uptime").ok().out.split()[0]) > 500000, "of exec")
    check(float(read(f"{lab.path}/uptime").split()[0]) < 500000, "of the hook")
    equal(os.readlink("/proc/self/ns/time"), os.readlink("/proc/self/ns/time_for_children"),
          "the caller's")
    container.delete("--force").ok()


@suite.table("T-03", "offsets need a new time namespace", {
    "none": None, "one by path": "/proc/self/ns/time"})
def offsets_unfit(lab, path):
    made = lab.bundle(SLEEP)
    if path:
        made.namespace("time", path)
    made.linux["timeOffsets"] = {"boottime": {"secs": 1}}
    lab.try_create(made).failed("linux.timeOffsets", "needs a new time namespace")
    lab.expect_nothing_left("refused offsets")


@suite.table("T-01 T-02", "a wrong offset is refused", {
    "clock": {"realtime": {"secs": 1}}, "nanoseconds": {"boottime": {"nanosecs": 1000000000}},
    "negative clock": {"boottime": {"secs": -(1 << 40)}},
    "too far": {"boottime": {"secs": 1 << 62}}, "64 bits": {"boottime": {"secs": 1 << 63}},
    "by number": {"7": {"secs": 1}}, "negative nanoseconds": {"boottime": {"nanosecs": -1}},
    "text": {"boottime": {"secs": "1"}},
})
def time_wrong(lab, offsets):
    made = lab.bundle()
    made.namespace("time")
    made.linux["timeOffsets"] = offsets
    lab.try_create(made).failed("linux.timeOffsets")
    lab.expect_nothing_left("a refused offset")


suite.main()
