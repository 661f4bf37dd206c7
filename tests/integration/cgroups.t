#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# cgroups: CG-01 to CG-08 and linux.resources on v1: the files' values, and that they bite.
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.lab import need, read, write
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
ROOT = oracle.CGROUPS


def hierarchies():
    """{controller: folder} of the v1 hierarchies."""
    found = {}
    with open("/proc/self/mounts", encoding="ascii", errors="replace") as file:
        for line in file:
            _, folder, kind, options = line.split()[:4]
            if kind == "cgroup":
                for option in options.split(","):
                    found[option] = folder
    return found


V1 = hierarchies()


def need_v1(controller):
    need(controller in V1, f"no v1 hierarchy of {controller}")


def groups_of(pid):
    """{controller: path} of a process in the v1 hierarchies."""
    found = {}
    for line in read(f"/proc/{pid}/cgroup").splitlines():
        number, names, path = line.split(":", 2)
        for name in names.split(","):
            if number != "0":
                found[name] = path
    return found


def value(container, controller, file):
    return read(f"{V1[controller]}{groups_of(container.pid)[controller]}/{file}").strip()


# place


@suite.table("CG-01 CG-02 CG-03 CG-06", "cgroupsPath", {
    "absolute": ("/lab/one", "/lab/one"), "absent": (None, None), "relative": ("lab/two", None),
    "nested": ("/lab/a/b/c", "/lab/a/b/c"), "double slashes": ("/lab//x", "/lab/x"),
})
def place(lab, path, wanted):
    need_v1("pids")
    made = lab.bundle(SLEEP)
    if path:
        made.set("linux.cgroupsPath", path)
    container = lab.start(made)
    groups = groups_of(container.pid)
    for controller in ("pids", "memory", "cpu", "cpuset", "freezer", "devices", "blkio"):
        if controller not in V1:
            continue
        if wanted:
            equal(groups[controller], wanted, controller)
        else:
            check(groups[controller] != "/", f"{controller}: a group of its own")
            check(container.id in groups[controller] or "two" in groups[controller],
                  f"{controller}: {groups[controller]}")
    container.delete("--force").ok()
    left = [folder for folder in oracle.cgroups() - lab.before.cgroups
            if os.path.basename(folder) not in ("lab", "a", "b")]
    equal(left, [], "groups after delete")
    remove_lab()


def remove_lab():
    for folder in sorted(oracle.cgroups(), reverse=True):
        if f"{ROOT}/" in folder and "/lab" in folder:
            os.rmdir(folder)


@suite.table("CG-01 R-33 T-61", "a cgroupsPath that leads out is refused", {
    "up": "/../../x", "up relative": "../x", "newline": "/a\nb", "inner up": "/a/../../b",
})
def place_refused(lab, path):
    made = lab.bundle(linux__cgroupsPath=path)
    lab.try_create(made).failed("linux.cgroupsPath")
    lab.expect_nothing_left("a refused cgroupsPath")


@suite.case("CG-05 R-33 T-61", "a group that holds other processes is refused and not harmed")
def place_taken(lab):
    container = lab.sleeper(linux__cgroupsPath="/lab/taken")
    second = lab.bundle(SLEEP, linux__cgroupsPath="/lab/taken")
    lab.try_create(second).failed("cgroup is not empty")
    equal(container.status(), "running", "the first container")
    container.delete("--force").ok()
    remove_lab()


@suite.case("CG-05 trap-33", "an existing empty group is taken")
def place_empty(lab):
    need_v1("pids")
    for folder in set(V1.values()):
        os.makedirs(f"{folder}/lab/empty")
        for name in ("cpuset.cpus", "cpuset.mems"):
            if os.path.exists(f"{folder}/{name}"):
                for group in ("lab", "lab/empty"):
                    write(f"{folder}/{group}/{name}", read(f"{folder}/{name}"))
    lab.run(lab.bundle(["/bin/true"], linux__cgroupsPath="/lab/empty")).ok()
    for folder in set(V1.values()):
        if os.path.isdir(f"{folder}/lab/empty"):
            os.rmdir(f"{folder}/lab/empty")
    remove_lab()


@suite.case("CG-08", "groups that the container made below its own are removed too")
def inner_groups(lab):
    need_v1("pids")
    container = lab.sleeper()
    path = groups_of(container.pid)["pids"]
    os.makedirs(f"{V1['pids']}{path}/inner/deep")
    container.delete("--force").ok()
    lab.expect_nothing_left("inner groups")


@suite.case("CG-08", "processes that moved to an inner group are ended by delete --force")
def inner_processes(lab):
    need_v1("pids")
    made = lab.bundle(shell="setsid sleep 500 & echo up; wait")
    made.without_namespace("pid")
    container = lab.start(made)
    container.wait_out("up")
    path = groups_of(container.pid)["pids"]
    pids = read(f"{V1['pids']}{path}/cgroup.procs").split()
    inner = f"{V1['pids']}{path}/inner"
    os.mkdir(inner)
    write(f"{inner}/cgroup.procs", [pid for pid in pids if int(pid) != container.pid][0])
    container.delete("--force").ok()
    lab.expect_nothing_left("inner processes")


@suite.case("3.1 CG-03", "--cgroup-manager=disabled makes no group")
def disabled(lab):
    lab.containers.append("free")
    made = lab.bundle(SLEEP).write()
    lab.brig("create", "--bundle", made.path, "free", globals_=("--cgroup-manager=disabled",)).ok()
    equal(oracle.cgroups() - lab.before.cgroups, set(), "new groups")
    lab.brig("delete", "--force", "free").ok()


# limits in the files


FILES = {
    "memory.limit": ({"memory": {"limit": 64 << 20}}, "memory", "memory.limit_in_bytes",
                     str(64 << 20)),
    "memory.reservation": ({"memory": {"reservation": 32 << 20}}, "memory",
                           "memory.soft_limit_in_bytes", str(32 << 20)),
    "memory.swap": ({"memory": {"limit": 64 << 20, "swap": 96 << 20}}, "memory",
                    "memory.memsw.limit_in_bytes", str(96 << 20)),
    "memory.swappiness": ({"memory": {"swappiness": 0}}, "memory", "memory.swappiness", "0"),
    "memory.kernelTCP": ({"memory": {"kernelTCP": 16 << 20}}, "memory",
                         "memory.kmem.tcp.limit_in_bytes", str(16 << 20)),
    "cpu.shares": ({"cpu": {"shares": 512}}, "cpu", "cpu.shares", "512"),
    "cpu.quota": ({"cpu": {"quota": 50000}}, "cpu", "cpu.cfs_quota_us", "50000"),
    "cpu.period": ({"cpu": {"period": 50000}}, "cpu", "cpu.cfs_period_us", "50000"),
    "cpu.burst": ({"cpu": {"quota": 50000, "burst": 20000}}, "cpu", "cpu.cfs_burst_us", "20000"),
    "cpu.idle": ({"cpu": {"idle": 1}}, "cpu", "cpu.idle", "1"),
    "cpu.cpus": ({"cpu": {"cpus": "0"}}, "cpuset", "cpuset.cpus", "0"),
    "cpu.mems": ({"cpu": {"mems": "0"}}, "cpuset", "cpuset.mems", "0"),
    "pids.limit": ({"pids": {"limit": 33}}, "pids", "pids.max", "33"),
    "pids.limit -1": ({"pids": {"limit": -1}}, "pids", "pids.max", "max"),
    "throttleReadBpsDevice": ({"blockIO": {"throttleReadBpsDevice":
                                           [{"major": 7, "minor": 0, "rate": 1048576}]}},
                              "blkio", "blkio.throttle.read_bps_device", "7:0 1048576"),
    "throttleWriteIOPSDevice": ({"blockIO": {"throttleWriteIOPSDevice":
                                             [{"major": 7, "minor": 0, "rate": 100}]}},
                                "blkio", "blkio.throttle.write_iops_device", "7:0 100"),
}


@suite.table("15 CG-06", "resource in its file", FILES)
def in_file(lab, resources, controller, file, wanted):
    need_v1(controller)
    need(os.path.exists(f"{V1[controller]}/{file}") or file.startswith(("cpu.cfs", "cpu.idle")) or
         "blkio" in file, f"this kernel has no {file}")
    if "blkio" in file:
        need(os.path.exists("/sys/block/loop0"), "no block device 7:0")
    probe = f"{V1[controller]}/lab-probe"
    os.mkdir(probe)
    exists = os.path.exists(f"{probe}/{file}")
    os.rmdir(probe)
    need(exists, f"this kernel has no {file}")
    container = lab.start(lab.bundle(SLEEP, linux__resources=resources))
    equal(value(container, controller, file), wanted, file)


@suite.table("15", "a resource that makes no sense is refused", {
    "swap without limit": ({"memory": {"swap": 96 << 20}}, "linux.resources.memory"),
    "swap below limit": ({"memory": {"limit": 96 << 20, "swap": 64 << 20}},
                         "linux.resources.memory"),
    "swappiness": ({"memory": {"swappiness": 101}}, "linux.resources.memory.swappiness"),
    "cpus": ({"cpu": {"cpus": "0-99999"}}, "linux.resources.cpu.cpus"),
    "cpus text": ({"cpu": {"cpus": "first"}}, "linux.resources.cpu.cpus"),
    "blkio weight": ({"blockIO": {"weight": 9}}, "linux.resources.blockIO.weight"),
    "hugepage name": ({"hugepageLimits": [{"pageSize": "64kB", "limit": 0}]},
                      "linux.resources.hugepageLimits[0].pageSize"),
    "device type": ({"devices": [{"allow": True, "type": "x"}]}, "linux.resources.devices[0]"),
    "device access": ({"devices": [{"allow": True, "access": "rx"}]},
                      "linux.resources.devices[0].access"),
    "unified on v1": ({"unified": {"memory.max": "1"}}, "linux.resources.unified"),
    "burst above quota": ({"cpu": {"quota": 10000, "burst": 20000}}, "linux.resources.cpu"),
})
def refused(lab, resources, part):
    lab.try_create(lab.bundle(linux__resources=resources)).failed(part)
    lab.expect_nothing_left("a refused resource")


# limits that bite


@suite.case("15.2 T-64", "a program beyond its memory limit is killed")
def memory_bites(lab):
    made = lab.bundle(shell="yes | tr '\\n' x | head -c 200000000 | tail -c 199999999 > /dev/null")
    made.process["args"] = ["/bin/sh", "-c", "a=x; while :; do a=$a$a; done"]
    made.set("linux.resources", {"memory": {"limit": 16 << 20, "swap": 16 << 20}})
    equal(lab.run(made).status, 137, "exit status")
    lab.expect_nothing_left("an OOM kill")


@suite.case("15.5", "forks beyond pids.limit fail")
def pids_bite(lab):
    made = lab.bundle(shell="for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; echo no limit",
                      linux__resources={"pids": {"limit": 5}})
    result = lab.run(made)
    check("no limit" not in result.out, "output")
    contains(result.err, "can't fork", "the shell's complaint")


@suite.case("15.3", "the cpu quota slows the program down")
def cpu_bites(lab):
    made = lab.bundle(shell="while :; do :; done",
                      linux__resources={"cpu": {"quota": 10000, "period": 100000}})
    container = lab.start(made)
    need_v1("cpu")
    eventually(lambda: "nr_throttled 0" not in value(container, "cpu", "cpu.stat") and
               "nr_throttled" in value(container, "cpu", "cpu.stat"), "throttled periods")


@suite.case("15.3", "cpus of the cpuset are the only ones")
def cpuset_bites(lab):
    report = lab.probe(lab.bundle(linux__resources={"cpu": {"cpus": "0"}}))
    equal(report["cpus"], 1, "cpus")


@suite.case("Budget T-64", "a container starts within 512 KiB of memory")
def tiny_memory(lab):
    made = lab.bundle(["/bin/probe"], linux__resources={"memory": {"limit": 4 << 20}})
    lab.run(made).ok()
    made = lab.bundle(["/bin/true"], linux__resources={"memory": {"limit": 512 << 10}})
    result = lab.run(made)
    equal(result.status, 0, f"exit status of {result}")


@suite.table("T-64", "a limit that no program can live with ends cleanly", {
    "memory": {"memory": {"limit": 4096}}, "memory 0": {"memory": {"limit": 0}},
    "pids 1": {"pids": {"limit": 1}},
})
def too_little(lab, resources):
    result = lab.run(lab.bundle(shell="sleep 0.01; true", linux__resources=resources))
    check(result.status is not None, "ended")
    lab.expect_nothing_left("a hopeless limit")


DEVICES = "for i in '10 200' '7 0' '1 3' '5 0'; do set -- $i; rm -f /tmp/n; " \
          "mknod /tmp/n {kind} $1 $2 2>/dev/null && (: < /tmp/n) 2>/dev/null && echo open $i; done"


def opened(lab, rules, kind="c"):
    made = lab.bundle(shell=DEVICES.replace("{kind}", kind))
    made.capabilities("CAP_MKNOD", "CAP_SYS_RAWIO")
    if rules is not None:
        made.set("linux.resources.devices", rules)
    return {line[5:] for line in lab.run(made).out.splitlines() if line.startswith("open")}


@suite.table("RD-01 RD-02 R-35 T-62", "device rules: only what is allowed can be opened", {
    "none": (None, {"7 0"}, set()), "empty list": ([], {"7 0"}, set()),
    "deny all": ([{"allow": False}], {"7 0"}, {"1 3"}),
    "deny all, allow one": ([{"allow": False, "access": "rwm"},
                             {"allow": True, "type": "c", "major": 7, "minor": 0,
                              "access": "rwm"}], set(), {"7 0", "1 3"}),
    "later rule wins": ([{"allow": True, "type": "c", "major": 7, "minor": 0, "access": "rwm"},
                         {"allow": False, "access": "rwm"}], {"7 0"}, {"1 3"}),
    "mknod only": ([{"allow": False}, {"allow": True, "type": "c", "major": 7, "minor": 0,
                                       "access": "m"}], {"7 0"}, {"1 3"}),
    "other major": ([{"allow": False}, {"allow": True, "type": "c", "major": 10,
                                        "access": "rwm"}], {"7 0"}, {"1 3"}),
    "allow all": ([{"allow": True, "access": "rwm"}], set(), {"7 0", "1 3"}),
})
def device_rules(lab, rules, refused_nodes, open_nodes):
    need_v1("devices")
    got = opened(lab, rules)
    check(not got & refused_nodes, f"opened {got}, refused must be {refused_nodes}")
    check(open_nodes <= got, f"opened {got}, wanted {open_nodes}")


@suite.case("RD-02", "the default devices work under deny all")
def device_defaults(lab):
    made = lab.bundle(shell="echo x > /dev/null && head -c 1 /dev/zero | wc -c && "
                            "head -c 1 /dev/urandom | wc -c")
    made.set("linux.resources.devices", [{"allow": False, "access": "rwm"}])
    equal(lab.run(made).ok().out.split(), ["1", "1"], "output")


# pause on the host


@suite.case("X-02 T-65", "a container whose group is frozen by others is deleted")
def frozen_by_others(lab):
    need_v1("freezer")
    container = lab.sleeper()
    path = groups_of(container.pid)["freezer"]
    write(f"{V1['freezer']}{path}/freezer.state", "FROZEN")
    container.delete("--force").ok()
    lab.expect_nothing_left("a frozen container")


@suite.case("CG-05", "a frozen group is refused")
def frozen_group(lab):
    need_v1("freezer")
    folder = f"{V1['freezer']}/frozen"
    os.mkdir(folder)
    write(f"{folder}/freezer.state", "FROZEN")
    lab.try_create(lab.bundle(SLEEP, linux__cgroupsPath="/frozen"), timeout=5).failed("frozen")
    if os.path.isdir(folder):
        write(f"{folder}/freezer.state", "THAWED")
        os.rmdir(folder)


suite.main()
