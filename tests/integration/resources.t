#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# linux.resources: each value in its file, read from the host, and where that is cheap its bite.
# v2 is seen on hybrid machines too, with the few controllers that it has there. Values that a new
# cgroup has by itself are shown by resource_writes.t.
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.cgroups import (DISK, DISK_NUMBER, UNLIMITED, V1, as_told, groups_of, need_controllers,
                             need_v1, new_group, offers, place_without, room_on_v2, see_only_v2, tops,
                             unified, value)
from harness.lab import need, read, write
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
MIB = 1 << 20


def throttle(*rates):
    return [{**DISK, "rate": rate} for rate in rates]


# Values in the files, by v1's names and as v1 tells them (harness/cgroups.py has what v2 has instead):
# (rule, row, resources, controller, file, content).

FILES = [
    ("memory.limit", "a limit", {"memory": {"limit": 64 * MIB}},
     "memory", "memory.limit_in_bytes", str(64 * MIB)),
    ("memory.limit", "unlimited", {"memory": {"limit": -1}},
     "memory", "memory.limit_in_bytes", UNLIMITED),
    ("memory.limit", "0 is unset", {"memory": {"limit": 0}},
     "memory", "memory.limit_in_bytes", UNLIMITED),
    ("memory.reservation", "a soft limit", {"memory": {"reservation": 32 * MIB}},
     "memory", "memory.soft_limit_in_bytes", str(32 * MIB)),
    ("memory.reservation", "unlimited", {"memory": {"reservation": -1}},
     "memory", "memory.soft_limit_in_bytes", UNLIMITED),
    ("memory.swap", "memory and swap", {"memory": {"limit": 64 * MIB, "swap": 96 * MIB}},
     "memory", "memory.memsw.limit_in_bytes", str(96 * MIB)),
    ("memory.swap", "no swap at all", {"memory": {"limit": 64 * MIB, "swap": 64 * MIB}},
     "memory", "memory.memsw.limit_in_bytes", str(64 * MIB)),
    ("memory.swap", "unlimited", {"memory": {"limit": 64 * MIB, "swap": -1}},
     "memory", "memory.memsw.limit_in_bytes", UNLIMITED),
    ("memory.swap DEC-08", "0 is unset", {"memory": {"limit": 64 * MIB, "swap": 0}},
     "memory", "memory.memsw.limit_in_bytes", UNLIMITED),
    ("memory.kernelTCP", "a limit", {"memory": {"kernelTCP": 16 * MIB}},
     "memory", "memory.kmem.tcp.limit_in_bytes", str(16 * MIB)),
    ("memory.swappiness", "least", {"memory": {"swappiness": 0}},
     "memory", "memory.swappiness", "0"),
    ("memory.swappiness", "most", {"memory": {"swappiness": 100}},
     "memory", "memory.swappiness", "100"),
    ("memory.disableOOMKiller", "true", {"memory": {"limit": 64 * MIB, "disableOOMKiller": True}},
     "memory", "memory.oom_control", "oom_kill_disable 1"),
    ("memory.disableOOMKiller", "false", {"memory": {"disableOOMKiller": False}},
     "memory", "memory.oom_control", "oom_kill_disable 0"),
    ("cpu.shares", "a weight", {"cpu": {"shares": 512}}, "cpu", "cpu.shares", "512"),
    ("cpu.shares", "0 is unset", {"cpu": {"shares": 0}}, "cpu", "cpu.shares", "1024"),
    ("cpu.shares", "1 is the least", {"cpu": {"shares": 1}}, "cpu", "cpu.shares", "2"),
    ("cpu.shares", "the most", {"cpu": {"shares": 262145}}, "cpu", "cpu.shares", "262144"),
    ("cpu.quota", "a limit", {"cpu": {"quota": 50000}}, "cpu", "cpu.cfs_quota_us", "50000"),
    ("cpu.quota", "unlimited", {"cpu": {"quota": -1}}, "cpu", "cpu.cfs_quota_us", "-1"),
    ("cpu.quota", "0 is unset", {"cpu": {"quota": 0}}, "cpu", "cpu.cfs_quota_us", "-1"),
    ("cpu.quota cpu.period", "both", {"cpu": {"quota": 5000, "period": 10000}},
     "cpu", "cpu.cfs_quota_us", "5000"),
    ("cpu.period", "alone", {"cpu": {"period": 50000}}, "cpu", "cpu.cfs_period_us", "50000"),
    ("cpu.burst", "up to the quota", {"cpu": {"quota": 50000, "burst": 50000}},
     "cpu", "cpu.cfs_burst_us", "50000"),
    ("cpu.idle", "1", {"cpu": {"idle": 1, "shares": 300}}, "cpu", "cpu.idle", "1"),
    ("cpu.idle", "0", {"cpu": {"idle": 0, "shares": 300}}, "cpu", "cpu.shares", "300"),
    ("cpu.cpus", "one", {"cpu": {"cpus": "0"}}, "cpuset", "cpuset.cpus", "0"),
    ("cpu.cpus", "empty is unset", {"cpu": {"cpus": "", "mems": ""}},
     "cpuset", "cpuset.mems", "0" if V1 else ""),
    ("blockIO.weight", "a weight", {"blockIO": {"weight": 300}},
     "blkio", "blkio.bfq.weight", "300"),
    ("blockIO.weight", "0 is unset", {"blockIO": {"weight": 0}},
     "blkio", "blkio.bfq.weight", "100"),
    ("blockIO.throttleReadBpsDevice", "a rate", {"blockIO": {"throttleReadBpsDevice":
     throttle(1048576)}}, "blkio", "blkio.throttle.read_bps_device", f"{DISK_NUMBER} 1048576"),
    ("blockIO.throttleWriteBpsDevice", "a rate", {"blockIO": {"throttleWriteBpsDevice":
     throttle(1048576)}}, "blkio", "blkio.throttle.write_bps_device", f"{DISK_NUMBER} 1048576"),
    ("blockIO.throttleReadIOPSDevice", "a rate", {"blockIO": {"throttleReadIOPSDevice":
     throttle(100)}}, "blkio", "blkio.throttle.read_iops_device", f"{DISK_NUMBER} 100"),
    ("blockIO.throttleWriteIOPSDevice", "a rate", {"blockIO": {"throttleWriteIOPSDevice":
     throttle(100)}}, "blkio", "blkio.throttle.write_iops_device", f"{DISK_NUMBER} 100"),
    ("blockIO.throttleReadBpsDevice", "0 takes the rule away", {"blockIO":
     {"throttleReadBpsDevice": throttle(1048576, 0)}},
     "blkio", "blkio.throttle.read_bps_device", ""),
    ("pids", "a limit", {"pids": {"limit": 33}}, "pids", "pids.max", "33"),
    ("pids", "-1 is no limit", {"pids": {"limit": -1}}, "pids", "pids.max", "max"),
    ("pids DEC-07", "0 is a limit", {"pids": {"limit": 0}}, "pids", "pids.max", "0"),
]


def need_file(controller, file):
    need_controllers(controller)
    with new_group(controller) as probe:
        need(offers(probe, file), f"this kernel has no {file}{'' if V1 else ' on v2'}")


def in_file(lab, resources, controller, file, wanted):
    if "disableOOMKiller" in str(resources):
        need_v1(controller)
    need_file(controller, file)
    if "throttle" in file:
        need(DISK, "no block device")
    container = lab.create(lab.bundle(SLEEP, linux__resources=resources))
    got = value(container, controller, file)
    equal(got.splitlines()[0] if file == "memory.oom_control" else got, as_told(file, wanted), file)


for rule, row, *arguments in FILES:
    rules = " ".join(name if name.startswith("DEC-") else f"RES-{name}" for name in rule.split())
    suite.table(rules, "in its file", {row: tuple(arguments)})(in_file)


@suite.case("RES-cpu.realtimeRuntime RES-cpu.realtimePeriod", "real-time budget out of the parent's")
def realtime(lab):
    need_v1("cpu")
    need_file("cpu", "cpu.rt_runtime_us")
    above = f"{V1['cpu']}/cpu.rt_runtime_us"
    made = lab.bundle(SLEEP, linux__resources={
        "cpu": {"realtimeRuntime": 4000, "realtimePeriod": 500000}})
    lab.try_create(made).failed("linux.resources.cpu.realtimeRuntime", "cpu.rt_runtime_us of 0")
    lab.expect_nothing_left("a refused budget")
    write(above, "20000")  # of the sandbox's own group, which ends with it
    container = lab.create(made)
    equal(value(container, "cpu", "cpu.rt_runtime_us"), "4000", "runtime")
    equal(value(container, "cpu", "cpu.rt_period_us"), "500000", "period")


@suite.case("RES-blockIO.weightDevice", "a device with BFQ gets its weight")
def weight_device(lab):
    need_v1("blkio")
    need_file("blkio", "blkio.bfq.weight_device")
    scheduler = "/sys/block/loop7/queue/scheduler"
    need(os.path.exists(scheduler) and "bfq" in read(scheduler), "no loop7 that can have BFQ")
    need(not os.path.exists("/sys/block/loop7/loop"), "loop7 is in use")
    before = read(scheduler).split("[")[1].split("]")[0]
    device = {"major": 7, "minor": 7, "weight": 50}
    made = lab.bundle(SLEEP, linux__resources={"blockIO": {"weightDevice": [device]}})
    try:
        write(scheduler, "bfq")
        contains(value(lab.create(made), "blkio", "blkio.bfq.weight_device"), "7:7 50", "the file")
    finally:
        write(scheduler, before)


@suite.case("RES-blockIO.weightDevice", "bad input: a device that is not there")
def no_weight_device(lab):
    need_file("blkio", "blkio.bfq.weight_device" if V1 else "io.weight")
    entries = [{"major": 99, "minor": 99, "weight": 50}]
    lab.try_create(lab.bundle(linux__resources={"blockIO": {"weightDevice": entries}})).failed(
        "linux.resources.blockIO.weightDevice[0].weight", "whole disk")
    lab.expect_nothing_left("a refused device")


# What the host has not, or what makes no sense.

MISSING = [
    ({"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]},
                           "hugepageLimits", "hugetlb"),
    ({"network": {"classID": 1}}, "network.classID", "net_cls"),
    ({"network": {"priorities": [{"name": "lo", "priority": 1}]}},
                               "network.priorities", "net_prio"),
    ({"rdma": {"mlx5_0": {"hcaHandles": 3}}}, "rdma", "rdma"),
]


def missing(lab, resources, key, controller):
    need(controller not in V1, f"this machine has {controller} on v1")
    need(V1, "no v1 hierarchy")
    made = lab.bundle(SLEEP, linux__resources=resources)
    lab.try_create(made).failed(f"linux.resources.{key}", f"needs the {controller} controller")
    lab.expect_nothing_left("a missing controller")


for arguments in MISSING:
    suite.table("CG-06", "without the controller an error names it",
                {f"{arguments[1]}, {arguments[2]}": arguments})(missing)


@suite.case("CG-06", "a network class of 0 needs no controller")
def no_class(lab):
    lab.create(lab.bundle(SLEEP, linux__resources={"network": {"classID": 0}}))


@suite.table("RES-unified", "unified is for v2", {"a file": {"memory.max": "1"}})
def unified_on_v1(lab, values):
    need_v1("memory")
    lab.try_create(lab.bundle(linux__resources={"unified": values})).failed(
        "linux.resources.unified", "v2")


REFUSED = [
    ("memory.swap VEC-memory", "without limit", {"memory": {"swap": 96 * MIB}}, "memory"),
    ("memory.swap VEC-memory", "below the limit",
     {"memory": {"limit": 64 * MIB, "swap": 32 * MIB}}, "memory.swap"),
    ("memory.swap", "with an unlimited limit", {"memory": {"limit": -1, "swap": MIB}},
     "memory.swap"),
    ("memory.limit", "below -1", {"memory": {"limit": -2}}, "memory.limit"),
    ("memory.limit", "no number", {"memory": {"limit": "64M"}}, "memory.limit"),
    ("memory.reservation", "below -1", {"memory": {"reservation": -2}}, "memory.reservation"),
    ("memory.kernelTCP", "below -1", {"memory": {"kernelTCP": -2}}, "memory.kernelTCP"),
    ("memory.swappiness", "101", {"memory": {"swappiness": 101}}, "memory.swappiness"),
    ("memory.disableOOMKiller", "no boolean", {"memory": {"disableOOMKiller": 1}},
     "memory.disableOOMKiller"),
    ("memory.useHierarchy", "no boolean", {"memory": {"useHierarchy": "yes"}},
     "memory.useHierarchy"),
    ("memory.checkBeforeUpdate", "no boolean", {"memory": {"checkBeforeUpdate": 1}},
     "memory.checkBeforeUpdate"),
    ("cpu.shares", "negative", {"cpu": {"shares": -1}}, "cpu.shares"),
    ("cpu.quota", "below 1 ms", {"cpu": {"quota": 999}}, "cpu.quota"),
    ("cpu.period", "below 1 ms", {"cpu": {"period": 999}}, "cpu.period"),
    ("cpu.period", "above 1 s", {"cpu": {"period": 1000001}}, "cpu.period"),
    ("cpu.burst", "above the quota", {"cpu": {"quota": 10000, "burst": 20000}}, "cpu"),
    ("cpu.realtimePeriod", "negative", {"cpu": {"realtimePeriod": -1}}, "cpu.realtimePeriod"),
    ("cpu.realtimeRuntime", "no number", {"cpu": {"realtimeRuntime": "1"}},
     "cpu.realtimeRuntime"),
    ("cpu.idle", "2", {"cpu": {"idle": 2}}, "cpu.idle"),
    ("cpu.cpus", "too many", {"cpu": {"cpus": "0-99999"}}, "cpu.cpus"),
    ("cpu.cpus", "text", {"cpu": {"cpus": "first"}}, "cpu.cpus"),
    ("cpu.cpus", "not there", {"cpu": {"cpus": "1000"}}, "cpu.cpus"),
    ("cpu.mems", "not there", {"cpu": {"mems": "63"}}, "cpu.mems"),
    ("blockIO.weight VEC-ioweight", "9", {"blockIO": {"weight": 9}}, "blockIO.weight"),
    ("blockIO.weight VEC-ioweight", "1", {"blockIO": {"weight": 1}}, "blockIO.weight"),
    ("blockIO.weight", "1001", {"blockIO": {"weight": 1001}}, "blockIO.weight"),
    ("blockIO.leafWeight", "5", {"blockIO": {"leafWeight": 5}}, "blockIO.leafWeight"),
    ("blockIO.weightDevice", "no weight", {"blockIO": {"weightDevice": [DISK]}},
     "blockIO.weightDevice[0]"),
    ("blockIO.weightDevice", "leaf 9",
     {"blockIO": {"weightDevice": [{**DISK, "weight": 10}, {**DISK, "leafWeight": 9}]}},
     "blockIO.weightDevice[1].leafWeight"),
    ("blockIO.weightDevice", "negative", {"blockIO": {"weightDevice":
     [{"major": -1, "minor": 0, "weight": 10}]}}, "blockIO.weightDevice[0].major"),
    ("blockIO.throttleWriteBpsDevice", "negative", {"blockIO": {"throttleWriteBpsDevice":
     [{"major": 7, "minor": -1, "rate": 1}]}}, "blockIO.throttleWriteBpsDevice[0].minor"),
    ("blockIO.throttleReadIOPSDevice", "no rate", {"blockIO": {"throttleReadIOPSDevice":
     [{**DISK, "rate": "fast"}]}}, "blockIO.throttleReadIOPSDevice[0].rate"),
    ("pids", "no number", {"pids": {"limit": "1"}}, "pids.limit"),
    ("hugepageLimits VEC-schema", "64kB", {"hugepageLimits": [{"pageSize": "64kB", "limit": 0}]},
     "hugepageLimits[0].pageSize"),
    ("hugepageLimits", "no limit", {"hugepageLimits": [{"pageSize": "2MB"}]},
     "hugepageLimits[0]"),
    ("network.classID", "too large", {"network": {"classID": 1 << 32}}, "network.classID"),
    ("network.priorities", "no name",
     {"network": {"priorities": [{"name": "", "priority": 1}]}}, "network.priorities[0].name"),
    ("rdma VEC-schema", "text", {"rdma": {"mlx5_0": {"hcaHandles": "x"}}},
     "rdma.mlx5_0.hcaHandles"),
    ("rdma", "neither", {"rdma": {"mlx5_0": {}}}, "rdma.mlx5_0"),
    ("unified", "a path", {"unified": {"../memory.max": "1"}}, "unified"),
    ("unified", "no key", {"unified": {"": "1"}}, "unified"),
]


def refused(lab, resources, key):
    made = lab.bundle(linux__resources=resources)
    lab.try_create(made).failed(f"linux.resources.{key}")
    lab.expect_nothing_left("a refused resource")


for rule, row, *arguments in REFUSED:
    rules = " ".join(name if name.startswith("VEC-") else f"RES-{name}" for name in rule.split())
    suite.table(rules, "bad input", {row: tuple(arguments)})(refused)


@suite.table("RES-blockIO.throttleReadBpsDevice RES-blockIO.throttleWriteIOPSDevice",
             "bad input: what is no whole disk cannot be throttled", {
                 "read": "throttleReadBpsDevice", "write": "throttleWriteIOPSDevice"})
def no_disk(lab, key):
    need_controllers("blkio")
    entries = [{"major": 99, "minor": 99, "rate": 5}]
    lab.try_create(lab.bundle(linux__resources={"blockIO": {key: entries}})).failed(
        f"linux.resources.blockIO.{key}[0]", "no such device", "whole disk")
    lab.expect_nothing_left("a refused disk")


@suite.case("RES-cpu.cpus", "cpus that the parent has not: the error tells which it has")
def cpus_of_parent(lab):
    need_controllers("cpuset")
    need(not os.path.exists("/sys/devices/system/cpu/cpu1000"), "a machine of that many")
    lab.try_create(lab.bundle(linux__resources={"cpu": {"cpus": "1000"}})).failed(
        "linux.resources.cpu.cpus", "has 0")


@suite.case("RES-blockIO.leafWeight", "bad input: a kernel without leaf weights says so")
def leaf_weight(lab):
    need_v1("blkio")
    with new_group("blkio") as probe:
        need(not offers(probe, "blkio.leaf_weight"), "this kernel has leaf weights")
    lab.try_create(lab.bundle(linux__resources={"blockIO": {"leafWeight": 50}})).failed(
        "linux.resources.blockIO.leafWeight", "blkio.leaf_weight")


# Limits that bite.


@suite.case("RES-memory.limit T-64", "a program beyond its memory limit is killed")
def memory_bites(lab):
    made = lab.bundle(shell="a=x; while :; do a=$a$a; done")
    made.set("linux.resources", {"memory": {"limit": 16 * MIB, "swap": 16 * MIB}})
    equal(lab.run(made).status, 137, "exit status")
    lab.expect_nothing_left("an OOM kill")


@suite.case("RES-memory.disableOOMKiller", "a program beyond its memory limit waits")
def no_oom_killer(lab):
    need_v1("memory")
    made = lab.bundle(shell="a=x; while :; do a=$a$a; done")
    made.set("linux.resources",
             {"memory": {"limit": 16 * MIB, "swap": 16 * MIB, "disableOOMKiller": True}})
    container = lab.start(made)
    eventually(lambda: "under_oom 1" in value(container, "memory", "memory.oom_control"),
               "out of memory")
    equal(container.status(), "running", "status")
    container.delete("--force").ok()


@suite.case("RES-pids", "forks beyond pids.limit fail")
def pids_bite(lab):
    made = lab.bundle(shell="for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; echo no limit",
                      linux__resources={"pids": {"limit": 5}})
    result = lab.run(made)
    check("no limit" not in result.out, "output")
    contains(result.err, "can't fork", "the shell's complaint")


@suite.case("RES-pids DEC-07", "with a limit of 0 the program runs and cannot fork")
def pids_zero(lab):
    made = lab.bundle(shell="echo up; sleep 1 & echo forked; wait", linux__resources={"pids": {"limit": 0}})
    result = lab.run(made)
    contains(result.out, "up", "output")
    check("forked" not in result.out, "output")


@suite.case("RES-cpu.quota RES-cpu.period", "the quota slows the program down")
def cpu_bites(lab):
    need_controllers("cpu")
    container = lab.start(lab.bundle(shell="while :; do :; done", linux__resources={
        "cpu": {"quota": 10000, "period": 100000}}))
    eventually(lambda: "nr_throttled" in value(container, "cpu", "cpu.stat") and
               "nr_throttled 0" not in value(container, "cpu", "cpu.stat"), "throttled periods")


@suite.case("RES-cpu.cpus", "cpus of the cpuset are the only ones")
def cpuset_bites(lab):
    equal(lab.probe(lab.bundle(linux__resources={"cpu": {"cpus": "0"}}))["cpus"], 1, "cpus")


@suite.case("RES-cpu.cpus CG-06", "groups on the way get cpus and nodes too")
def cpuset_parents(lab):
    need_v1("cpuset")
    container = lab.create(lab.bundle(SLEEP, linux__cgroupsPath="/lab/deep/in",
                                      linux__resources={"cpu": {"cpus": "0"}}))
    root = V1["cpuset"]
    for group in ("lab", "lab/deep"):
        for file in ("cpuset.cpus", "cpuset.mems"):
            equal(read(f"{root}/{group}/{file}"), read(f"{root}/{file}"), f"{group}/{file}")
    container.delete("--force").ok()
    for top in tops():
        for group in ("lab/deep", "lab"):
            if os.path.isdir(f"{top}/{group}"):
                os.rmdir(f"{top}/{group}")


@suite.case("Budget T-64", "a container starts within 512 KiB of memory")
def tiny_memory(lab):
    lab.run(lab.bundle(["/bin/probe"], linux__resources={"memory": {"limit": 4 * MIB}})).ok()
    made = lab.bundle(["/bin/true"], linux__resources={"memory": {"limit": 512 << 10}})
    lab.run(made).ok()


@suite.table("T-64", "a limit that no program can live with ends cleanly", {
    "memory": {"memory": {"limit": 4096}}, "memory 0": {"memory": {"limit": 0}},
    "pids 1": {"pids": {"limit": 1}},
})
def too_little(lab, resources):
    result = lab.run(lab.bundle(shell="sleep 0.01; true", linux__resources=resources))
    check(result.status is not None, "ended")
    lab.expect_nothing_left("a hopeless limit")


# On v2.

ON_V2 = {
    "memory.kernel": ({"memory": {"kernel": MIB}}, {"memory": {"kernel": -1}}, "memory.limit"),
    "memory.kernelTCP": ({"memory": {"kernelTCP": MIB}}, {"memory": {"kernelTCP": 0}},
                         "memory.limit"),
    "memory.swappiness": ({"memory": {"swappiness": 60}}, {"memory": {"swappiness": 0}},
                          "memory.swap"),
    "memory.disableOOMKiller": ({"memory": {"disableOOMKiller": True}},
                                {"memory": {"disableOOMKiller": False}}, "unified"),
    "memory.useHierarchy": ({"memory": {"useHierarchy": True}},
                            {"memory": {"useHierarchy": False}}, "always"),
    "cpu.realtimeRuntime": ({"cpu": {"realtimeRuntime": 1000}}, {"cpu": {"realtimeRuntime": 0}},
                            "v2"),
    "cpu.realtimePeriod": ({"cpu": {"realtimePeriod": 1000}}, {"cpu": {"realtimePeriod": 0}},
                           "v2"),
    "blockIO.leafWeight": ({"blockIO": {"leafWeight": 50}}, {"blockIO": {"leafWeight": 0}},
                           "weight"),
    "network.classID": ({"network": {"classID": 7}}, {"network": {"classID": 0}}, "nftables"),
    "network.priorities": ({"network": {"priorities": [{"name": "lo", "priority": 1}]}},
                           {"network": {"priorities": []}}, "nftables"),
}


def only_on_v1(lab, key, real, nothing, instead):
    see_only_v2(lab)
    lab.try_create(lab.bundle(linux__resources=real)).failed(f"linux.resources.{key}", "cgroup v1",
                                                             instead)
    lab.expect_nothing_left("a value of v1")
    lab.create(lab.bundle(SLEEP, linux__resources=nothing)).delete().ok()


for key, arguments in ON_V2.items():
    suite.table("DEC-06", "an error on v2 that names the replacement, unless it means "
                "nothing", {key: (key, *arguments)})(only_on_v1)


@suite.case("RES-unified", "values go to their files, one write for each line")
def unified_values(lab):
    see_only_v2(lab)
    container = lab.create(lab.bundle(SLEEP, linux__resources={
        "unified": {"cgroup.max.depth": "3", "cgroup.max.descendants": "9\n7\n"}}))
    place = unified() + groups_of(container.pid)[""]
    equal(read(f"{place}/cgroup.max.depth"), "3\n", "depth")
    equal(read(f"{place}/cgroup.max.descendants"), "7\n", "descendants, the last line")


@suite.table("RES-unified CG-06", "what cannot be written says why", {
    "controller": ({"memory.high": "1"}, "needs the memory controller"),
    "file": ({"cgroup.nonsense": "1"}, "no cgroup.nonsense"),
    "value": ({"cgroup.max.depth": "x"}, "invalid argument"),
    "empty": ({"cgroup.max.depth": ""}, "invalid argument"),
})
def unified_refused(lab, values, reason):
    see_only_v2(lab)
    key = next(iter(values))
    with place_without("memory") as place:
        made = lab.bundle(linux__resources={"unified": values})
        made.set("linux.cgroupsPath", place or "/lab")
        lab.try_create(made).failed("linux.resources.unified", key, reason)
    lab.expect_nothing_left("a refused file")


@suite.case("RES-hugepageLimits CG-06", "limits by size on v2, and the sizes that there are")
def hugepages(lab):
    see_only_v2(lab)
    need("hugetlb" in read(f"{unified()}/cgroup.controllers"), "no hugetlb controller on v2")
    with room_on_v2():
        container = lab.create(lab.bundle(SLEEP, linux__resources={
            "hugepageLimits": [{"pageSize": "2MB", "limit": 4 * MIB}]}))
        for file in ("hugetlb.2MB.max", "hugetlb.2MB.rsvd.max"):
            equal(value(container, "", file), str(4 * MIB), file)
        container.delete("--force").ok()
        made = lab.bundle(SLEEP, linux__resources={
            "hugepageLimits": [{"pageSize": "7GB", "limit": 0}]})
        lab.try_create(made).failed("linux.resources.hugepageLimits[0].pageSize", "it has: ", "2MB")


@suite.table("CG-06", "on v2 an error names the controller and where it is missing", {
    "memory": ({"memory": {"limit": MIB}}, "memory.limit", "memory"),
    "pids": ({"pids": {"limit": 9}}, "pids.limit", "pids"),
    "cpu": ({"cpu": {"shares": 9}}, "cpu.shares", "cpu"),
    "cpuset": ({"cpu": {"cpus": "0"}}, "cpu.cpus", "cpuset"),
    "io": ({"blockIO": {"weight": 20}}, "blockIO.weight", "io"),
    "hugetlb": ({"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]}, "hugepageLimits[0]", "hugetlb"),
    "rdma": ({"rdma": {"mlx5_0": {"hcaHandles": 3}}}, "rdma", "rdma"),
})
def missing_on_v2(lab, resources, key, controller):
    see_only_v2(lab)
    with place_without(controller) as place:
        why = (f"{unified()}/lab does not hand on (cgroup.subtree_control): it has processes of its "
               "own (pids ") if place else "this host does not have"
        made = lab.bundle(linux__resources=resources)
        made.set("linux.cgroupsPath", place or "/lab")
        lab.try_create(made).failed(f"linux.resources.{key}",
                                    f"needs the {controller} controller, which {why}")
    lab.expect_nothing_left("a missing controller")


suite.main()
