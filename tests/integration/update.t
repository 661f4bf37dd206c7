#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# update: each limit of a container that is there, read from the host, and where that is cheap its
# bite; what is refused changes nothing; device rules are never touched (engines 2.11, trap 51, 52).
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.cgroups import (DISK, DISK_NUMBER, UNLIMITED, V1, as_told, folder, in_group,
                             need_controllers, need_v1, offers, place_without, room_on_v2, see_only_v2,
                             unified, value)
from harness.lab import need, read, write
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
MIB = 1 << 20
LIMITS = {"memory": {"limit": 64 * MIB, "swap": 128 * MIB}, "pids": {"limit": 50},
          "cpu": {"shares": 512, "quota": 50000, "period": 100000, "cpus": "0"},
          "blockIO": {"throttleReadBpsDevice": [{**DISK, "rate": 1048576}]}}
SHOWN = [("memory", "memory.limit_in_bytes"), ("memory", "memory.memsw.limit_in_bytes"),
         ("memory", "memory.soft_limit_in_bytes"), ("memory", "memory.swappiness"),
         ("pids", "pids.max"), ("cpu", "cpu.shares"), ("cpu", "cpu.cfs_quota_us"),
         ("cpu", "cpu.cfs_period_us"), ("cpu", "cpu.cfs_burst_us"), ("cpu", "cpu.idle"),
         ("cpuset", "cpuset.cpus"), ("cpuset", "cpuset.mems"), ("blkio", "blkio.bfq.weight"),
         ("blkio", "blkio.throttle.read_bps_device"), ("devices", "devices.list")]


def need_all():
    need_controllers("memory", "pids", "cpu", "cpuset", "blkio", "devices")
    need(DISK, "no block device")


def shown(container):
    """All limits of the container as the kernel has them."""
    groups = [(folder(container, controller), file) for controller, file in SHOWN]
    return {file: in_group(group, file) for group, file in groups if offers(group, file)}


def update(lab, container, resources, *options, **how):
    """update --resources=-, as containerd calls it."""
    text = resources if isinstance(resources, str) else json.dumps(resources)
    path = write(f"{lab.path}/{lab.name('resources')}.json", text)
    with open(path, encoding="utf-8") as stdin:
        return lab.brig("update", "--resources=-", *options, container.id, stdin=stdin, **how)


def kept(lab, container):
    """The resources in the state."""
    return json.loads(read(f"{lab.root}/{container.id}/container.json")).get("resources")


# Each value, as JSON and as option: (rule, row, JSON, options, controller, file, content).

VALUES = [
    ("memory.limit", "a limit", {"memory": {"limit": 32 * MIB}}, ["--memory=32m"],
     "memory", "memory.limit_in_bytes", str(32 * MIB)),
    ("memory.limit", "no limit", {"memory": {"limit": -1}}, ["--memory", "-1"],
     "memory", "memory.limit_in_bytes", UNLIMITED),
    ("memory.swap", "no limit takes that of swap along", {"memory": {"limit": -1}},
     ["--memory=-1"], "memory", "memory.memsw.limit_in_bytes", UNLIMITED),
    ("memory.limit", "0 is unset", {"memory": {"limit": 0}}, ["--memory=0"],
     "memory", "memory.limit_in_bytes", str(64 * MIB)),
    ("memory.swap", "a limit", {"memory": {"swap": 96 * MIB}}, ["--memory-swap=96M"],
     "memory", "memory.memsw.limit_in_bytes", str(96 * MIB)),
    ("memory.swap", "no limit", {"memory": {"swap": -1}}, ["--memory-swap=-1"],
     "memory", "memory.memsw.limit_in_bytes", UNLIMITED),
    ("memory.reservation", "a soft limit", {"memory": {"reservation": 16 * MIB}},
     ["--memory-reservation=16384kB"], "memory", "memory.soft_limit_in_bytes", str(16 * MIB)),
    ("cpu.shares", "a weight", {"cpu": {"shares": 700}}, ["--cpu-share=700"],
     "cpu", "cpu.shares", "700"),
    ("cpu.quota", "a quota", {"cpu": {"quota": 20000}}, ["--cpu-quota=20000"],
     "cpu", "cpu.cfs_quota_us", "20000"),
    ("cpu.quota", "no limit", {"cpu": {"quota": -1}}, ["--cpu-quota=-1"],
     "cpu", "cpu.cfs_quota_us", "-1"),
    ("cpu.period", "a quota keeps the period", {"cpu": {"quota": 20000}}, ["--cpu-quota=20000"],
     "cpu", "cpu.cfs_period_us", "100000"),
    ("cpu.period", "a period keeps the quota", {"cpu": {"period": 200000}},
     ["--cpu-period=200000"], "cpu", "cpu.cfs_quota_us", "50000"),
    ("cpu.quota cpu.period", "both smaller", {"cpu": {"quota": 5000, "period": 10000}},
     ["--cpu-quota=5000", "--cpu-period=10000"], "cpu", "cpu.cfs_quota_us", "5000"),
    ("cpu.burst", "up to the quota", {"cpu": {"burst": 50000}}, ["--cpu-burst=50000"],
     "cpu", "cpu.cfs_burst_us", "50000"),
    ("cpu.idle", "1", {"cpu": {"idle": 1}}, ["--cpu-idle=1"], "cpu", "cpu.idle", "1"),
    ("cpu.cpus", "a list", {"cpu": {"cpus": "0-1"}}, ["--cpuset-cpus=0-1"],
     "cpuset", "cpuset.cpus", "0-1"),
    ("cpu.mems", "a list", {"cpu": {"mems": "0"}}, ["--cpuset-mems=0"],
     "cpuset", "cpuset.mems", "0"),
    ("pids", "a limit", {"pids": {"limit": 7}}, ["--pids-limit=7"], "pids", "pids.max", "7"),
    ("pids", "no limit", {"pids": {"limit": -1}}, ["--pids-limit=-1"], "pids", "pids.max", "max"),
    ("pids DEC-07", "0 is a limit", {"pids": {"limit": 0}}, ["--pids-limit=0"],
     "pids", "pids.max", "0"),
    ("blockIO.weight", "a weight", {"blockIO": {"weight": 300}}, ["--blkio-weight=300"],
     "blkio", "blkio.bfq.weight", "300"),
    ("memory.kernel", "accepted without effect", {}, ["--kernel-memory=16m",
     "--kernel-memory-tcp=16m"], "memory", "memory.limit_in_bytes", str(64 * MIB)),
]


def changes_one(lab, resources, options, controller, file, wanted):
    need_all()
    need(os.cpu_count() > 1 or wanted != "0-1", "one CPU only")
    for form in ("json", "options"):
        container = lab.sleeper(linux__resources=LIMITS)
        need(offers(folder(container, controller), file), f"this kernel has no {file}")
        before = shown(container)
        if form == "json":
            update(lab, container, resources).ok()
        else:
            lab.brig("update", *options, container.id).ok()
        equal(value(container, controller, file), as_told(file, wanted), f"{file} by {form}")
        equal(shown(container)["devices.list"], before["devices.list"], "device rules")
        container.delete("--force").ok()


for rule, row, *arguments in VALUES:
    rules = " ".join(name if name.startswith("DEC-") else f"RES-{name}" for name in rule.split())
    suite.table(f"{rules} X-11", "update of a value", {row: tuple(arguments)})(changes_one)


@suite.case("X-02.update X-07 2.11", "resources from a file and from standard input, in all words")
def words(lab):
    need_controllers("pids")
    container = lab.sleeper(linux__resources=LIMITS)
    for limit, options in ((11, ["--resources"]), (12, ["-r"])):
        path = write(f"{lab.path}/limits.json", json.dumps({"pids": {"limit": limit}}))
        lab.brig("update", *options, path, container.id).ok()
        equal(value(container, "pids", "pids.max"), str(limit), "pids.max by file")
    for limit, options in ((13, ["--resources=-"]), (14, ["--resources", "-"]), (15, ["-r", "-"])):
        path = write(f"{lab.path}/limits.json", json.dumps({"pids": {"limit": limit}}))
        with open(path, encoding="utf-8") as stdin:
            lab.brig("update", *options, container.id, stdin=stdin).ok()
        equal(value(container, "pids", "pids.max"), str(limit), "pids.max by standard input")
    update(lab, container, {}, "--pids-limit=3").ok()
    equal(value(container, "pids", "pids.max"), "15", "options beside --resources")


@suite.table("RES-blockIO.throttleReadBpsDevice RES-blockIO.throttleWriteIOPSDevice",
             "update changes and takes away a rate", {
                 "read": ("throttleReadBpsDevice", "read_bps_device"),
                 "write": ("throttleWriteIOPSDevice", "write_iops_device")})
def rates(lab, key, file):
    need_all()
    container = lab.sleeper(linux__resources=LIMITS)
    for rate, wanted in ((4096, f"{DISK_NUMBER} 4096"), (8192, f"{DISK_NUMBER} 8192"), (0, "")):
        update(lab, container, {"blockIO": {key: [{**DISK, "rate": rate}]}}).ok()
        equal(value(container, "blkio", f"blkio.throttle.{file}"), wanted, "the rate")


# Orders.


@suite.case("X-11 TRAP-52 RES-memory.swap", "memory and swap grow and shrink together and alone")
def memory_orders(lab):
    need_controllers("memory")
    container = lab.sleeper(linux__resources={"memory": {"limit": 64 * MIB, "swap": 64 * MIB}})
    steps = [({"limit": 256, "swap": 256}, 256, 256), ({"limit": 32, "swap": 32}, 32, 32),
             ({"swap": 512}, 32, 512), ({"limit": 512}, 512, 512), ({"limit": 16}, 16, 512),
             ({"swap": 16}, 16, 16), ({"limit": 128, "swap": 129}, 128, 129),
             ({"limit": 8, "swap": 1024}, 8, 1024)]
    for change, limit, swap in steps:
        update(lab, container,
               {"memory": {name: number * MIB for name, number in change.items()}}).ok()
        equal(value(container, "memory", "memory.limit_in_bytes"), str(limit * MIB), change)
        equal(value(container, "memory", "memory.memsw.limit_in_bytes"), str(swap * MIB), change)


@suite.case("X-11 RES-cpu.idle RES-cpu.shares", "shares come back when a container is idle no more")
def idle(lab):
    need_controllers("cpu")
    container = lab.sleeper(linux__resources=LIMITS)
    need(offers(folder(container, "cpu"), "cpu.idle"), "this kernel has no cpu.idle")
    update(lab, container, {"cpu": {"idle": 1}}).ok()
    update(lab, container, {"cpu": {"shares": 2000}}).ok()  # for later: an idle group takes none
    equal(value(container, "cpu", "cpu.idle"), "1", "idle")
    update(lab, container, {"cpu": {"idle": 0}}).ok()
    equal(value(container, "cpu", "cpu.idle"), "0", "idle")
    equal(value(container, "cpu", "cpu.shares"), as_told("cpu.shares", "2000"), "shares")


@suite.case("RES-cpu.realtimeRuntime RES-cpu.realtimePeriod", "update of a real-time budget")
def realtime(lab):
    need_v1("cpu")
    container = lab.sleeper()
    need(offers(folder(container, "cpu"), "cpu.rt_runtime_us"), "this kernel has no real-time groups")
    words = ["update", "--cpu-rt-runtime=4000", "--cpu-rt-period=500000", container.id]
    lab.brig(*words).failed("linux.resources.cpu.realtimeRuntime", "has a cpu.rt_runtime_us of 0")
    equal(value(container, "cpu", "cpu.rt_period_us"), "1000000", "the period, undone")
    write(f"{V1['cpu']}/cpu.rt_runtime_us", "20000")  # of the sandbox's own group
    lab.brig(*words).ok()
    equal(value(container, "cpu", "cpu.rt_runtime_us"), "4000", "runtime")
    equal(value(container, "cpu", "cpu.rt_period_us"), "500000", "period")


# Limits that bite.


@suite.case("X-11 RES-pids", "an updated limit stops forks")
def pids_bite(lab):
    need_controllers("pids")
    container = lab.start(lab.bundle(shell="while [ ! -e /tmp/go ]; do sleep 0.05; done; "
                                     "for i in 1 2 3 4 5 6 7 8; do sleep 9 & done; echo no limit"))
    update(lab, container, {"pids": {"limit": 4}}).ok()
    write(f"/proc/{container.pid}/root/tmp/go", "")
    eventually(lambda: "fork" in container.err(), "the shell's complaint")
    check("no limit" not in container.out(), "output")


@suite.case("X-11 RES-memory.limit T-64", "a program beyond its new memory limit is killed")
def memory_bites(lab):
    need_controllers("memory")
    container = lab.start(lab.bundle(shell="while [ ! -e /tmp/go ]; do sleep 0.05; done; "
                                     "a=x; while :; do a=$a$a; done"))
    update(lab, container, {"memory": {"limit": 16 * MIB, "swap": 16 * MIB}}).ok()
    pid = container.pid
    write(f"/proc/{pid}/root/tmp/go", "")
    equal(lab.exit_of(pid), -9, "the end")


@suite.case("X-11 RES-cpu.cpus", "processes that run see the new cpuset")
def cpuset_bites(lab):
    need_controllers("cpuset")
    need(os.cpu_count() > 1, "one cpu only")
    container = lab.sleeper()
    before = read(f"/proc/{container.pid}/status")
    contains(before, "Cpus_allowed_list:\t0-", "cpus at first")
    update(lab, container, {"cpu": {"cpus": "1"}}).ok()
    contains(read(f"/proc/{container.pid}/status"), "Cpus_allowed_list:\t1\n", "cpus")


# checkBeforeUpdate.


@suite.table("RES-memory.checkBeforeUpdate X-11", "below the usage an update is refused", {
    "in the update": (False, True), "in config.json": (True, False), "v1 without it": (False, False),
})
def below_usage(lab, in_config, in_update):
    if not (in_config or in_update):
        need_v1("memory")  # v2 ends processes until the rest fits
    need_controllers("memory")
    memory = {"limit": 128 * MIB, "swap": 128 * MIB}  # nothing can be swapped out
    made = lab.bundle(shell="a=x; i=0; while [ $i -lt 24 ]; do a=$a$a; i=$((i+1)); done; echo up; "
                      "read x < /dev/zero", linux__resources={
                          "memory": {**memory, **({"checkBeforeUpdate": True} if in_config else {})}})
    container = lab.start(made)
    container.wait_out("up")
    before = shown(container)
    flag = {"checkBeforeUpdate": True} if in_update else {}
    update(lab, container, {"memory": {"limit": 4 * MIB, "swap": 4 * MIB, **flag},
                            "pids": {"limit": 9}, "cpu": {"cpus": "0"}}).failed(
        "linux.resources.memory.limit", "uses")
    equal(shown(container), before, "limits")
    equal(kept(lab, container), None, "the state")
    equal(container.status(), "running", "status")
    update(lab, container, {"memory": {"limit": 100 * MIB, "swap": 100 * MIB, **flag}}).ok()
    equal(value(container, "memory", "memory.limit_in_bytes"), str(100 * MIB), "a limit above it")


# Refused, and nothing changed.

REFUSED = [
    ("no JSON", "{", "1:"),
    ("no object", "[]", "expected an object"),
    ("a string for a number", '{"pids": {"limit": "7"}}', "1:20: pids.limit"),
    ("swap below limit", '{"memory": {"limit": 100000000, "swap": 4096}}', "1:41: memory.swap"),
    ("swap below the limit in force", '{"memory": {"swap": 4096}}', "1:21: memory.swap"),
    ("limit above the swap in force", '{"memory": {"limit": 200000000}}', "memory.swap"),
    ("burst above the quota in force", '{"cpu": {"burst": 60000}}', "1:19: cpu.burst"),
    ("quota below 1 ms", '{"cpu": {"quota": 5}}', "1:19: cpu.quota"),
    ("weight 9", '{"blockIO": {"weight": 9}}', "1:24: blockIO.weight"),
    ("cpus that are not there", '{"pids": {"limit": 9}, "cpu": {"cpus": "999"}}', "cpu.cpus"),
    ("idle 2", '{"cpu": {"idle": 2}}', "cpu.idle"),
    ("swappiness 101", '{"memory": {"swappiness": 101}}', "memory.swappiness"),
    ("unified", '{"pids": {"limit": 9}, "unified": {"memory.max": "1"}}',
     "linux.resources.unified"),
    ("no such controller", '{"pids": {"limit": 9}, "network": {"classID": 5}}',
     ("needs the net_cls controller", "is for cgroup v1")),
    ("no such device, after all else", json.dumps({
        "memory": {"limit": 32 * MIB, "swap": 32 * MIB, "reservation": MIB,
                   **({"swappiness": 7} if V1 else {})},
        "cpu": {"shares": 99, "quota": 10000, "period": 20000, "burst": 100, "idle": 1,
                "cpus": "0-1" if os.cpu_count() > 1 else "0"},
        "blockIO": {"weight": 70, "throttleReadBpsDevice": [
            {**DISK, "rate": 5}, {"major": 99, "minor": 99, "rate": 5}]}}),
     "blockIO.throttleReadBpsDevice[1]"),
]


@suite.table("X-02.update X-11 G-05", "bad input names its place, and nothing changes",
             {row: tuple(arguments) for row, *arguments in REFUSED})
def refused(lab, text, reason):
    need_all()
    need("net_cls" not in V1 or "classID" not in text, "this machine has net_cls")
    if reason == "linux.resources.unified":
        need_v1("memory")
    container = lab.sleeper(linux__resources=LIMITS)
    before = shown(container)
    update(lab, container, text).failed(reason)
    equal(shown(container), before, "limits")
    equal(kept(lab, container), None, "the state")


@suite.table("X-02.update", "bad options", {
    "memory": ("--memory=lots", "--memory: not a number of bytes"),
    "unit": ("--memory=5x", "--memory"), "too large": ("--memory=9999999999g", "--memory"),
    "negative with unit": ("--memory-swap=-1m", "--memory-swap"),
    "cpu": ("--cpu-quota=1.5", "--cpu-quota: not a number"),
    "negative": ("--cpu-share=-1", "--cpu-share"),
    "weight": ("--blkio-weight=70000", "--blkio-weight"),
    "least weight": ("--blkio-weight=9", "blockIO.weight"), "pids": ("--pids-limit=x", "--pids-limit"),
    "no file": ("--resources=/nowhere.json", "no such file"),
    "schema": ("--mem-bw-schema=L3:0=1", "linux.intelRdt.memBwSchema"),
    "no resctrl": ("--l3-cache-schema=L3:0=1", "linux.intelRdt.l3CacheSchema: the container was made "
                   "without"),
})
def bad_options(lab, option, reason):
    container = lab.sleeper()
    before = shown(container)
    lab.brig("update", option, container.id).failed(reason)
    equal(shown(container), before, "limits")


# Device rules.


@suite.case("RD-04 TRAP-51 X-02.update", "the full resources of containerd: device rules stay")
def devices(lab):
    need_controllers("devices")
    rules = [{"allow": False, "access": "rwm"},
             {"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rwm"}]
    container = lab.sleeper(linux__resources={**LIMITS, "devices": rules})
    before = value(container, "devices", "devices.list")
    for sent in ([{"allow": False, "access": "rwm"}], [{"allow": True, "access": "rwm"}], []):
        update(lab, container, {**LIMITS, "devices": sent, "hugepageLimits": [], "network": {},
                                "pids": {"limit": 77}, "unified": None}).ok()
        equal(value(container, "devices", "devices.list"), before, "device rules")
        container.exec("/bin/sh", "-c", ": > /dev/null").ok()
    equal(value(container, "pids", "pids.max"), "77", "the rest")


# States.


@suite.case("X-02.update O-07", "created, running and paused containers are updated")
def states(lab):
    need_controllers("pids")
    container = lab.create(lab.bundle(["/bin/sleep", "1000"]))
    for limit, step in ((5, lambda: None), (6, container.start),
                        (7, lambda: lab.brig("pause", container.id).ok())):
        step()
        update(lab, container, {"pids": {"limit": limit}}).ok()
        equal(value(container, "pids", "pids.max"), str(limit), container.status())
    equal(container.status(), "paused", "status")
    lab.brig("resume", container.id).ok()


@suite.case("X-02.update O-07", "a stopped container and an unknown one are errors engines know")
def not_there(lab):
    container = lab.start(lab.bundle(["/bin/true"]))
    container.wait_stopped()
    update(lab, container, {"pids": {"limit": 5}}).failed("container not running", status=1)
    lab.brig("update", "--pids-limit=5", "nobody").failed("does not exist", status=1)


@suite.case("X-02.update 3.1", "a container without cgroups cannot be limited")
def disabled(lab):
    lab.containers.append("free")
    made = lab.bundle(["/bin/sleep", "1000"]).write()
    lab.brig("create", "--bundle", made.path, "free", globals_=("--cgroup-manager=disabled",)).ok()
    lab.brig("update", "--pids-limit=5", "free").failed("linux.resources.pids.limit",
                                                        "without cgroups")


# The state.


@suite.case("X-02.update", "the state has what is in force, and later updates join it")
def state(lab):
    need_all()
    container = lab.sleeper(linux__resources=LIMITS)
    equal(kept(lab, container), None, "before")
    update(lab, container, {"memory": {"reservation": MIB}}).ok()
    update(lab, container, {"memory": {"limit": 32 * MIB},
                            "blockIO": {"throttleReadBpsDevice": [{**DISK, "rate": 7}]}}).ok()
    update(lab, container, {"pids": {"limit": 9}}).ok()
    wanted = {**LIMITS, "memory": {"limit": 32 * MIB, "swap": 128 * MIB, "reservation": MIB},
              "pids": {"limit": 9},
              "blockIO": {"throttleReadBpsDevice": [{**DISK, "rate": 7}]}}
    got = kept(lab, container)
    got.pop("devices", None)
    equal(got, wanted, "resources in the state")
    update(lab, container, {"memory": {"limit": -1}}).ok()
    equal(kept(lab, container)["memory"]["swap"], -1, "swap, that went along")


@suite.case("X-02.update", "two updates at once: each as a whole, both in the state")
def concurrent(lab):
    need_controllers("memory")
    container = lab.sleeper()
    for round_ in range(8):
        calls = [lab.spawn("update", f"--memory={size}m", f"--memory-swap={size}m", container.id)
                 for size in (32 + round_, 512 + round_, 64 + round_)]
        calls.append(lab.spawn("update", f"--pids-limit={100 + round_}", container.id))
        for call in calls:
            call.wait().ok()
        limit = value(container, "memory", "memory.limit_in_bytes")
        equal(value(container, "memory", "memory.memsw.limit_in_bytes"), limit, "both of one call")
        resources = kept(lab, container)
        equal(str(resources["memory"]["limit"]), limit, "the state")
        equal(resources["pids"]["limit"], 100 + round_, "the state")


# On v2, with the controllers that a hybrid machine has there.


@suite.case("X-11 RES-hugepageLimits RES-unified", "update on v2, undone as a whole")
def on_v2(lab):
    see_only_v2(lab)
    need("hugetlb" in read(f"{unified()}/cgroup.controllers"), "no hugetlb controller on v2")
    with room_on_v2():
        container = lab.sleeper(linux__resources={
            "hugepageLimits": [{"pageSize": "2MB", "limit": 4 * MIB}]})
        update(lab, container, {"hugepageLimits": [{"pageSize": "2MB", "limit": 8 * MIB}],
                                "unified": {"cgroup.max.depth": "3"}}).ok()
        equal(value(container, "", "hugetlb.2MB.max"), str(8 * MIB), "huge pages")
        equal(value(container, "", "cgroup.max.depth"), "3", "depth")
        update(lab, container, {"hugepageLimits": [{"pageSize": "2MB", "limit": 2 * MIB}],
                                "unified": {"cgroup.max.depth": "5", "cgroup.type": "nonsense"}}
               ).failed('linux.resources.unified["cgroup.type"]')
        equal(value(container, "", "hugetlb.2MB.max"), str(8 * MIB), "huge pages, undone")
        equal(value(container, "", "hugetlb.2MB.rsvd.max"), str(8 * MIB), "reserved, undone")
        equal(value(container, "", "cgroup.max.depth"), "3", "depth, undone")
        container.delete("--force").ok()


@suite.case("CG-06 X-02.update", "on v2 a missing controller is told before anything is written")
def lacking(lab):
    see_only_v2(lab)
    with place_without("memory") as place:
        container = lab.sleeper(**({"linux__cgroupsPath": place} if place else {}))
        change = {"memory": {"limit": MIB}, "unified": {"cgroup.max.depth": "5"}}
        update(lab, container, change).failed("linux.resources.memory.limit",
                                              "needs the memory controller")
        equal(value(container, "", "cgroup.max.depth"), "max", "depth")
        container.delete("--force").ok()


@suite.case("RD-04 T-62", "on v2 the device filter stays the same program")
def filter_on_v2(lab):
    see_only_v2(lab)
    made = lab.bundle(["/bin/sleep", "1000"], linux__resources={
        "devices": [{"allow": False, "access": "rwm"}]})
    made.capabilities("CAP_MKNOD")
    container = lab.start(made)
    update(lab, container, {"devices": [{"allow": True, "access": "rwm"}],
                            "unified": {"cgroup.max.depth": "3"}}).ok()
    result = container.exec("/bin/sh", "-c", "mknod /tmp/n c 7 0; (: < /tmp/n) 2>&1; :> /dev/null")
    contains(result.out + result.err, "not permitted", "an open of 7:0")


suite.main()
