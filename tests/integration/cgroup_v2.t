#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# What only a host of cgroup v2 alone can show: values as its files have them, controllers on the way
# down, births in a cgroup, the kernel's own kill and freezer, device programs, and brig within a
# container. The values and limits that v1 has, too, are shown by the other programs.
import contextlib
import json
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import device_bpf, inject, oracle, sandbox
from harness.cgroups import (DISK, DISK_NUMBER, V1, device_programs, folder, groups_of,
                             need_controllers, place_without, value, weight_of_shares)
from harness.lab import need, read, write
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
MIB = 1 << 20
ROOT = oracle.CGROUPS


def need_v2(*controllers):
    need(not V1, "a host with v1 hierarchies")
    need_controllers(*controllers)


def remove_lab():
    for group in sorted(oracle.cgroups(), reverse=True):
        if f"{ROOT}/lab" in group:
            os.rmdir(group)


def traced(lab, calls, *words, **how):
    """What strace shows of a call of the runtime."""
    need(shutil.which("strace"), "no strace")
    trace = f"{lab.path}/{lab.name('trace')}"
    lab.popen(["strace", "-D", "-qq", "-y", "-s", "256", "-o", trace, "-e", f"trace={calls}",
               *lab.words(*words)], **how).wait(60).ok()
    inject.settle_tracer(lab)
    return read(trace)


# values

SHARES = [1, 2, 3, 4, 8, 10, 16, 50, 100, 128, 204, 256, 500, 512, 1000, 1023, 1024, 1025, 2000,
          4096, 10000, 10240, 65536, 100000, 131072, 262143, 262144, 300000]


@suite.case("VEC-shares RES-cpu.shares", "cpu.weight by the formula that maps 1024 to 100")
def shares(lab):
    need_v2("cpu")
    container = lab.sleeper()
    for number in SHARES:
        lab.brig("update", f"--cpu-share={number}", container.id).ok()
        equal(value(container, "", "cpu.weight"), str(weight_of_shares(number)), f"{number} shares")
    known = {2: 1, 10: 4, 100: 17, 512: 59, 1024: 100, 2000: 170, 10240: 639, 262144: 10000}
    equal({number: weight_of_shares(number) for number in known}, known, "the table")


RAW = {
    "VEC-memory RES-memory.swap": [
        ("more than the limit", {"memory": {"limit": 64 * MIB, "swap": 96 * MIB}},
         {"memory.max": 64 * MIB, "memory.swap.max": 32 * MIB}),
        ("no swap", {"memory": {"limit": 64 * MIB, "swap": 64 * MIB}},
         {"memory.max": 64 * MIB, "memory.swap.max": 0}),
        ("any swap", {"memory": {"limit": 64 * MIB, "swap": -1}},
         {"memory.max": 64 * MIB, "memory.swap.max": "max"}),
        ("no limit", {"memory": {"limit": -1}}, {"memory.max": "max", "memory.swap.max": "max"}),
        ("not given", {"memory": {"limit": 64 * MIB}}, {"memory.swap.max": "max"}),
        ("a protection", {"memory": {"reservation": MIB}}, {"memory.low": MIB})],
    "VEC-cpumax RES-cpu.quota RES-cpu.period": [
        ("both", {"cpu": {"quota": 5000, "period": 10000}}, {"cpu.max": "5000 10000"}),
        ("quota", {"cpu": {"quota": 20000}}, {"cpu.max": "20000 100000"}),
        ("period", {"cpu": {"period": 50000}}, {"cpu.max": "max 50000"}),
        ("none", {"cpu": {"quota": -1, "period": 50000}}, {"cpu.max": "max 50000"}),
        ("burst", {"cpu": {"quota": 20000, "burst": 20000}}, {"cpu.max.burst": 20000})],
    "VEC-ioweight RES-blockIO.weight": [
        (str(weight), {"blockIO": {"weight": weight}},
         {"io.bfq.weight": f"default {weight}", "io.weight": f"default {scaled}"})
        for weight, scaled in ((10, 1), (11, 11), (50, 405), (500, 4950), (1000, 10000))],
    "VEC-iomax RES-blockIO.throttleReadBpsDevice": [
        ("one line for a disk", {"blockIO": {
            "throttleReadBpsDevice": [{**DISK, "rate": 1048576}],
            "throttleWriteBpsDevice": [{**DISK, "rate": 0}],
            "throttleReadIOPSDevice": [{**DISK, "rate": 7}],
            "throttleWriteIOPSDevice": [{**DISK, "rate": 9}]}},
         {"io.max": f"{DISK_NUMBER} rbps=1048576 wbps=max riops=7 wiops=9"})],
    "RES-hugepageLimits": [
        ("both limits of a size", {"hugepageLimits": [{"pageSize": "2MB", "limit": 4 * MIB}]},
         {"hugetlb.2MB.max": 4 * MIB, "hugetlb.2MB.rsvd.max": 4 * MIB})],
    "RES-pids DEC-07": [("none", {"pids": {"limit": 0}}, {"pids.max": 0})],
    "RES-unified": [
        ("lines of their own", {"unified": {
            "io.max": f"{DISK_NUMBER} rbps=1048576\n{DISK_NUMBER} wiops=5\n"}},
         {"io.max": f"{DISK_NUMBER} rbps=1048576 wbps=max riops=max wiops=5"}),
        ("last of all", {"memory": {"limit": 64 * MIB}, "unified": {
            "memory.max": str(32 * MIB), "memory.high": str(16 * MIB), "cpu.weight": "77"},
            "cpu": {"shares": 2}},
         {"memory.max": 32 * MIB, "memory.high": 16 * MIB, "cpu.weight": 77}),
        ("files that no key has", {"unified": {"memory.oom.group": "1", "cpu.weight.nice": "-3",
                                               "memory.min": "4096"}},
         {"memory.oom.group": 1, "cpu.weight.nice": -3, "memory.min": 4096})],
}


def raw(lab, resources, files):
    need_v2("memory", "cpu", "io", "pids", "hugetlb")
    need(DISK or "blockIO" not in str(resources), "no block device")
    container = lab.create(lab.bundle(SLEEP, linux__resources=resources))
    group = folder(container, "")
    if "io.bfq.weight" in files:  # which of them there is depends on a module
        files = {name: files[name] for name in files if os.path.exists(f"{group}/{name}")}
    found = {name: read(f"{group}/{name}").strip() for name in files}
    equal(found, {name: str(wanted) for name, wanted in files.items()}, "files")


for rules, rows in RAW.items():
    suite.table(rules, "as the files of v2 have it", {row: tuple(rest) for row, *rest in rows})(raw)


@suite.table("RES-rdma RES-unified CG-06", "a value that the kernel refuses names its place", {
    "rdma": ({"rdma": {"mlx5_0": {"hcaHandles": 3}}}, "linux.resources.rdma.mlx5_0"),
    "misc": ({"unified": {"misc.max": "nothing 5"}}, 'linux.resources.unified["misc.max"]'),
    "one line of two": ({"unified": {"io.max": f"{DISK_NUMBER} rbps=9\n99:99 rbps=9"}},
                        "no such device")})
def refused(lab, resources, reason):
    need_v2("rdma", "misc", "io")
    lab.try_create(lab.bundle(linux__resources=resources)).failed(reason)
    lab.expect_nothing_left("a refused value")


# controllers on the way down


@suite.case("CG-06 CG-01", "every controller is handed down the path, as runc and crun do")
def handed_down(lab):
    need_v2("memory", "pids")
    for name in read(f"{ROOT}/cgroup.subtree_control").split():
        write(f"{ROOT}/cgroup.subtree_control", f"-{name}")
    wanted = read(f"{ROOT}/cgroup.controllers")
    container = lab.start(lab.bundle(SLEEP, linux__cgroupsPath="/lab/a/b"))
    for group in ("", "/lab", "/lab/a"):
        equal(read(f"{ROOT}{group}/cgroup.subtree_control"), wanted, f"handed on by {group}/")
    equal(read(f"{ROOT}/lab/a/b/cgroup.subtree_control"), "", "handed on by its own")
    container.delete("--force").ok()
    remove_lab()


@suite.case("CG-02 CG-06", "a relative path counts from above the caller's group, whose processes leave no controllers")
def relative(lab):
    need_v2("pids")
    made = lab.bundle(SLEEP, linux__cgroupsPath="lab/one", linux__resources={"pids": {"limit": 17}})
    container = lab.start(made)
    equal(groups_of(container.pid)[""], os.path.dirname(groups_of("self")[""]).rstrip("/") + "/lab/one", "group")
    equal(value(container, "", "pids.max"), "17", "limit")
    container.delete("--force").ok()
    remove_lab()


@suite.case("CG-06", "a group with processes above is made no root of threads, and limits say why")
def populated_above(lab):
    need_v2("memory", "cpu")
    with place_without("cpu") as place:
        parent = os.path.dirname(place)
        container = lab.sleeper(linux__cgroupsPath=place)
        equal(groups_of(container.pid)[""], place, "its group")
        equal(read(f"{ROOT}{parent}/cgroup.type"), "domain\n", "what is above")
        equal(read(f"{ROOT}{parent}/cgroup.subtree_control"), "", "what it hands on")
        squatter = read(f"{ROOT}{parent}/cgroup.procs").strip()
        words = (f"needs the cpu controller, which {ROOT}{parent} does not hand on "
                 f"(cgroup.subtree_control): it has processes of its own (pids {squatter})")
        lab.brig("update", "--cpu-share=5", container.id).failed("linux.resources.cpu.shares", words)
        made = lab.bundle(linux__resources={"cpu": {"shares": 5}})
        made.set("linux.cgroupsPath", f"{parent}/other")
        lab.try_create(made).failed("linux.resources.cpu.shares", words)
        made = lab.bundle(linux__resources={"unified": {"cpu.weight": "5"}})
        made.set("linux.cgroupsPath", f"{parent}/other")
        lab.try_create(made).failed('linux.resources.unified["cpu.weight"]', words)
        container.delete("--force").ok()


@suite.table("CG-06", "below threads nobody can be born, and the error names the group", {
    "a root of threads": ("/lab", "/lab/in", "/lab is the root of threaded cgroups"),
    "deeper": ("/lab", "/lab/deep/in", "/lab is the root of threaded cgroups"),
    "below one": ("/lab", "/lab/threads/in", "/lab/threads is threaded"),
})
def threads(lab, top, place, reason):
    need_v2()
    os.makedirs(f"{ROOT}{top}/threads")
    write(f"{ROOT}{top}/threads/cgroup.type", "threaded")
    lab.try_create(lab.bundle(SLEEP, linux__cgroupsPath=place)).failed(
        "linux.cgroupsPath", "is no domain", f"{ROOT}{reason}")
    check(not os.path.exists(f"{ROOT}{place}"), "nothing is left")
    remove_lab()


@suite.case("CG-05 CG-08", "a threaded group that is there is entered, and every verb knows who is in it")
def threaded(lab):
    need_v2()
    os.makedirs(f"{ROOT}/lab/threads")
    write(f"{ROOT}/lab/threads/cgroup.type", "threaded")
    made = lab.bundle(shell="sleep 1000 & echo up; wait", linux__cgroupsPath="/lab/threads")
    made.without_namespace("pid")
    container = lab.start(made)
    container.wait_out("up")
    equal(groups_of(container.pid)[""], "/lab/threads", "its group")
    container.exec("/bin/true").ok()
    equal(len(json.loads(lab.brig("ps", "-f", "json", container.id).ok().out)), 2, "processes")
    lab.brig("pause", container.id).ok()
    lab.brig("resume", container.id).ok()
    lab.brig("update", "--pids-limit=5", container.id).ok()
    lab.brig("update", "--memory=64m", container.id).failed(
        "linux.resources.memory.limit", f"{ROOT}/lab does not hand on",
        "it is the root of threaded cgroups")
    container.delete("--force").ok()
    equal(read(f"{ROOT}/lab/threads/cgroup.threads"), "", "who is left")
    remove_lab()


# birth, freezer, kill


@suite.case("LC-02 CG-06 X-09", "init and exec are born in the cgroup, nobody is moved")
def born(lab):
    need_v2()
    made = lab.bundle(SLEEP).write()
    lab.containers.append("born")
    trace = traced(lab, "clone3,write", "create", "--bundle", made.path, "born")
    contains(trace, "CLONE_INTO_CGROUP", "clone3 of create")
    check("cgroup.procs" not in trace, "a move")
    lab.brig("start", "born").ok()
    trace = traced(lab, "clone3,write,open_tree", "exec", "born", "/bin/true")
    contains(trace, "CLONE_INTO_CGROUP", "clone3 of exec")
    check("cgroup.procs" not in trace, "a move")
    # Others see it at once: no folder of the host in its hands.
    contains(trace, 'open_tree', "a mount of its own")
    seen = lab.brig("exec", "born", "/bin/cat", "/proc/self/cgroup").ok().out
    equal(seen, f"0::{groups_of(lab.state('born')['pid'])['']}\n", "its group")


@suite.case("RES-pids DEC-07 X-09", "exec where the limit is reached comes in all the same")
def full(lab):
    need_v2("pids")
    container = lab.sleeper(linux__resources={"pids": {"limit": 1}})
    equal(container.exec("/bin/cat", "/proc/self/cgroup").ok().out,
          f"0::{groups_of(container.pid)['']}\n", "exec's group")
    lab.brig("update", "--pids-limit=0", container.id).ok()
    container.exec("/bin/true").ok()
    contains(container.exec("/bin/sh", "-c", "sleep 0 & wait").err, "fork", "a child of its own")


@suite.case("X-02", "pause waits by poll for the kernel's word, without a pause of its own")
def frozen(lab):
    need_v2()
    container = lab.sleeper()
    trace = traced(lab, "write,poll,ppoll,nanosleep,clock_nanosleep", "pause", container.id)
    contains(trace, 'cgroup.freeze>, "1', "the write")
    check("nanosleep" not in trace, f"sleeps: {trace}")
    equal(value(container, "", "cgroup.freeze"), "1", "the file")
    contains(value(container, "", "cgroup.events"), "frozen 1", "the events")
    trace = traced(lab, "write,nanosleep,clock_nanosleep", "resume", container.id)
    contains(trace, 'cgroup.freeze>, "0', "the write")
    check("nanosleep" not in trace, f"sleeps: {trace}")
    contains(value(container, "", "cgroup.events"), "frozen 0", "the events")


FORKS = "f() { while :; do sleep 0.01 & sleep 0; done; }; f & f & f & echo up; wait"


@suite.table("CG-08 T-65", "nested groups whose processes fork while they are killed go with the container", {
    "delete --force": ("delete", "--force"), "kill --all": ("kill", "--all")})
def forking(lab, verb, option):
    need_v2()
    made = lab.bundle(shell=FORKS)
    made.without_namespace("pid")
    container = lab.start(made)
    container.wait_out("up")
    group = folder(container, "")
    groups = [f"{group}/{name}" for name in ("a", "a/b", "a/b/c", "d")]
    for inner in groups:
        os.makedirs(inner)
    pids = [pid for pid in read(f"{group}/cgroup.procs").split() if int(pid) != container.pid]
    for pid, inner in zip(pids, groups):
        with contextlib.suppress(ProcessLookupError):
            write(f"{inner}/cgroup.procs", pid)
    words = (verb, option, container.id, *(("KILL",) if verb == "kill" else ()))
    trace = traced(lab, "write,kill,pidfd_send_signal", *words)
    contains(trace, 'cgroup.kill>, "1', "the kernel's kill")
    if verb == "kill":
        contains(read(f"{group}/cgroup.events"), "populated 0", "nobody is left")
        container.wait_stopped()
        container.delete().ok()
    check(not os.path.exists(group), "the groups are gone")


# device programs

DENY_ZERO = [{"allow": False, "access": "rwm"}]
LOOK = "mknod /tmp/n c 7 0; (: < /tmp/n) 2>/dev/null && echo open; :> /dev/null && echo null"


def filtered(lab, place=None, rules=DENY_ZERO):
    made = lab.bundle(SLEEP, linux__resources={"devices": rules})
    made.capabilities("CAP_MKNOD")
    if place:
        made.set("linux.cgroupsPath", place)
    return made


@suite.case("RD-04 RD-01", "one program, the same one after an update, judges the container's devices")
def one_program(lab):
    need_v2()
    container = lab.start(filtered(lab))
    programs = device_programs(folder(container, ""))
    equal(len(programs), 1, "programs")
    equal(container.exec("/bin/sh", "-c", LOOK).ok().out, "null\n", "devices")
    lab.brig("update", "--pids-limit=50", container.id).ok()
    equal(device_programs(folder(container, "")), programs, "after an update")


@suite.table("RD-04 CG-05", "a program that was there is replaced, in no moment is there none", {
    "beside others": (device_bpf.ALLOW_MULTI, 1, "BPF_F_REPLACE"),
    "two": (device_bpf.ALLOW_MULTI, 2, "BPF_PROG_DETACH"),
    "overridable": (device_bpf.ALLOW_OVERRIDE, 1, "BPF_F_ALLOW_OVERRIDE"),
    "alone": (0, 1, "BPF_PROG_ATTACH")})
def replaced(lab, flags, count, wanted):
    need_v2()
    group = f"{ROOT}/lab"
    os.mkdir(group)
    for _ in range(count):
        device_bpf.attach(group, device_bpf.load(True), flags)
    before = device_programs(group)
    equal(len(before), count, "programs before")
    made = filtered(lab, "/lab").write()
    lab.containers.append("one")
    trace = traced(lab, "bpf", "create", "--bundle", made.path, "one")
    contains(trace, wanted, "how")
    first = re.search(r"bpf\(BPF_PROG_(ATTACH|DETACH)", trace)
    equal(first and first[1], "ATTACH", "what comes first")
    after = device_programs(group)
    equal(len(after), 1, "programs after")
    check(after[0] not in before, "another program")
    lab.brig("start", "one").ok()
    equal(lab.brig("exec", "one", "/bin/sh", "-c", LOOK).ok().out, "null\n", "devices")
    lab.brig("delete", "--force", "one").ok()
    remove_lab()


@suite.case("RD-01", "a program above that judges, too, and one that lets itself be overridden")
def parents(lab):
    need_v2()
    for flags, allow, rules, wanted in (
            (device_bpf.ALLOW_MULTI, True, DENY_ZERO, "null\n"),
            (device_bpf.ALLOW_OVERRIDE, False, DENY_ZERO, "null\n"),
            (device_bpf.ALLOW_OVERRIDE, False, [{"allow": True, "access": "rwm"}], "open\nnull\n")):
        os.mkdir(f"{ROOT}/lab")
        device_bpf.attach(f"{ROOT}/lab", device_bpf.load(allow), flags)
        container = lab.start(filtered(lab, "/lab/in", rules))
        got = container.exec("/bin/sh", "-c", LOOK).ok().out
        # No such device behind the node on every machine: then it is not opened, but not refused either.
        check(got in (wanted, "null\n") if "open" in wanted else got == wanted, f"devices {got!r}")
        container.delete("--force").ok()
        remove_lab()


@suite.case("RD-01 R-35", "a program above that allows no other: refused, and the group is named")
def alone_above(lab):
    need_v2()
    os.mkdir(f"{ROOT}/lab")
    device_bpf.attach(f"{ROOT}/lab", device_bpf.load(True), 0)
    lab.try_create(filtered(lab, "/lab/deep/in")).failed(
        "linux.resources.devices", "operation not permitted",
        f"({ROOT}/lab has a device program that allows no other below)")
    remove_lab()


# pressure and OOM


@suite.case("X-02.events", "pressure is that of the container's own files")
def pressure(lab):
    need_v2("memory", "cpu", "io")
    container = lab.start(lab.bundle(shell="(while :; do :; done) & (while :; do :; done) & echo up; wait",
                                     linux__resources={"cpu": {"cpus": "0", "quota": 10000}}))
    container.wait_out("up")
    need(os.path.exists(f"{folder(container, '')}/cpu.pressure"), "no pressure figures")

    def total(text):
        return int(re.search(r"some .* total=(\d+)", text)[1])
    eventually(lambda: total(value(container, "", "cpu.pressure")) > 10**4, "pressure", 20)
    low = total(value(container, "", "cpu.pressure"))
    data = json.loads(lab.brig("events", "--stats", container.id).ok().out)["data"]
    high = total(value(container, "", "cpu.pressure"))
    check(low <= data["cpu"]["psi"]["some"]["total"] <= high, f"{data['cpu']['psi']}: {low}..{high}")
    for place in ("memory", "blkio"):
        check("total" in data[place]["psi"]["full"], f"{place} {data[place]['psi']}")


# brig within a container of brig


PRIVILEGED = ("CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP NET_ADMIN "
              "SYS_ADMIN SYS_CHROOT SYS_PTRACE MKNOD AUDIT_WRITE NET_BIND_SERVICE SETFCAP BPF")


def nested(lab, script):
    """A privileged container with the host's programs, brig and a bundle; shell words in it."""
    inner = lab.bundle(SLEEP).write()
    made = lab.bundle(["/bin/sh", "-c", script])
    made.process["noNewPrivileges"] = False
    made.capabilities(*(f"CAP_{name}" for name in PRIVILEGED.split()))
    made.linux["maskedPaths"], made.linux["readonlyPaths"] = [], []
    made.set("linux.resources.devices", [{"allow": True, "access": "rwm"}])
    made.namespace("cgroup")
    made.mount("/sys/fs/cgroup", "cgroup", "cgroup", ["rw", "nosuid", "noexec", "nodev"])
    for place in ("/usr", "/lib", "/lib64"):
        if os.path.isdir(place):
            made.mount(place, "bind", os.path.realpath(place), ["rbind", "ro"])
    made.mount("/bundle", "bind", inner.path, ["rbind"])
    made.file("/brig")
    made.mount("/brig", "bind", sandbox.brig(), ["bind", "ro"])
    made.mount("/run", "tmpfs", "tmpfs", ["mode=755"])
    return made


@suite.case("CG-06 CG-01", "brig in a container: its top has processes, and is told when a limit needs more")
def in_container(lab):
    need_v2("pids")
    made = nested(lab, "cd /bundle; /brig run -d in && "
                       "cat /proc/$(/brig ps -f json in | tr -d '[]\\n ')/cgroup; "
                       "/brig update --pids-limit 9 in; /brig delete --force in; "
                       "ls -d /sys/fs/cgroup/in; cat /sys/fs/cgroup/cgroup.type; "
                       "mkdir /sys/fs/cgroup/init; echo 1 > /sys/fs/cgroup/init/cgroup.procs; "
                       "echo $$ > /sys/fs/cgroup/init/cgroup.procs; "
                       "/brig run -d in && /brig update --pids-limit 9 in && "
                       "cat /sys/fs/cgroup/in/pids.max; /brig delete --force in; echo end")
    result = lab.run(made)
    equal(result.out.split(), ["0::/in", "domain", "9", "end"], f"output of {result}")
    contains(result.err, "needs the pids controller, which /sys/fs/cgroup does not hand on "
                         "(cgroup.subtree_control): it has processes of its own", "the reason")
    lab.expect_nothing_left("nested containers")


suite.main()
