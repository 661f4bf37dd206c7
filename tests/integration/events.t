#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# events: what a container uses, once and in a stream, and OOM kills (engines 2.12).
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.cgroups import V1, need_controllers, see_only_v2, unified, value
from harness.lab import read, write
from harness.tap import Suite, check, equal, eventually

suite = Suite()
MIB = 1 << 20
SPIN = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; echo up; sleep 1000"


def stats(lab, container):
    """The data of the one line that events --stats gives."""
    out = lab.brig("events", "--stats", container.id).ok().out
    equal(out.count("\n"), 1, "lines")
    event = json.loads(out)
    equal((event["type"], event["id"]), ("stats", container.id), "the event")
    return event["data"]


def listens(call):
    """Waits until a stream waits: poll(2), by its number on x86-64 and arm64's ppoll."""
    eventually(lambda: read(f"/proc/{call.pid}/syscall").split()[0] in ("7", "271", "73"),
               "a stream that waits")


def lines(call):
    return [json.loads(line) for line in call.out().splitlines() if line.endswith("}")]


@suite.case("X-02.events 2.12", "events --stats gives one line in go-runc's words")
def words(lab):
    data = stats(lab, lab.sleeper())
    for path in ("cpu.usage.total", "cpu.usage.kernel", "cpu.usage.user", "cpu.throttling.periods",
                 "cpu.throttling.throttledPeriods", "cpu.throttling.throttledTime",
                 "cpuset.cpu_exclusive", "cpuset.sched_relax_domain_level", "memory.cache",
                 "memory.usage.limit", "memory.usage.usage", "memory.usage.max",
                 "memory.usage.failcnt", "memory.swap.limit", "memory.kernel.usage",
                 "memory.kernelTCP.usage", "pids.current", "pids.limit", "blkio", "hugetlb",
                 "network_interfaces"):
        place = data
        for name in path.split("."):
            check(name in place, f"{path} in {data}")
            place = place[name]


@suite.case("X-02.events", "the figures are those of the cgroup's files")
def figures(lab):
    need_controllers("memory", "pids", "cpu", "cpuset")
    container = lab.start(lab.bundle(shell=SPIN, linux__resources={
        "memory": {"limit": 64 * MIB, "swap": 96 * MIB}, "pids": {"limit": 33},
        "cpu": {"quota": 10000, "period": 100000, "cpus": "0"}}))
    container.wait_out("up", 20)
    data = stats(lab, container)
    memory = data["memory"]
    equal(memory["usage"]["limit"], 64 * MIB, "memory limit")
    equal(memory["swap"]["limit"], 96 * MIB, "limit of memory and swap")
    check(0 < memory["usage"]["usage"] <= memory["usage"]["max"] <= 64 * MIB, memory["usage"])
    raw = dict(line.split() for line in value(container, "memory", "memory.stat").splitlines())
    equal(sorted(memory["raw"]), sorted(raw), "names of memory.stat")
    if V1:
        equal(memory["raw"]["hierarchical_memory_limit"], 64 * MIB, "a figure of memory.stat")
    else:
        check(memory["raw"]["anon"] > 0, "a figure of memory.stat")
    equal(data["pids"], {"current": int(value(container, "pids", "pids.current")), "limit": 33},
          "pids")
    equal(data["cpuset"]["cpus"], [0], "cpus")
    throttling = data["cpu"]["throttling"]
    check(throttling["periods"] >= throttling["throttledPeriods"] > 0, throttling)
    check(throttling["throttledTime"] > 10**6, throttling)
    if "cpuacct" in V1 or not V1:
        total = int(value(container, "cpuacct", "cpuacct.usage"))
        check(10**6 < data["cpu"]["usage"]["total"] <= total, "cpu time in nanoseconds")
    if "cpuacct" in V1:
        equal(len(data["cpu"]["usage"]["percpu"]), os.cpu_count(), "cpus that are counted")
    equal([device["Name"] for device in data["network_interfaces"]], ["lo"], "network devices")


@suite.case("X-02.events", "no pids limit is 0, as go-runc has it")
def no_limit(lab):
    need_controllers("pids")
    equal(stats(lab, lab.sleeper())["pids"]["limit"], 0, "limit")


@suite.case("X-02.events", "the figures on v2, with pressure where the kernel counts it")
def on_v2(lab):
    see_only_v2(lab)
    container = lab.start(lab.bundle(shell=SPIN))
    container.wait_out("up", 20)
    data = stats(lab, container)
    check(data["cpu"]["usage"]["total"] > 10**6, "cpu time in nanoseconds")
    usage = data["cpu"]["usage"]
    check(abs(usage["kernel"] + usage["user"] - usage["total"]) < 10**7, usage)
    if os.path.exists(f"{unified()}/cpu.pressure"):
        for place in ("cpu", "memory", "blkio"):
            equal(sorted(data[place]["psi"]["some"]), ["avg10", "avg300", "avg60", "total"], place)
            check(isinstance(data[place]["psi"]["full"]["avg10"], float), "a number")


@suite.case("X-02.events 2.12", "a stream has a line for each interval and ends with the container")
def stream(lab):
    container = lab.sleeper()
    begin = time.monotonic()
    call = lab.spawn("events", "--interval=100ms", container.id)
    eventually(lambda: len(lines(call)) >= 3, "three lines")
    check(time.monotonic() - begin >= 0.3, "the interval")
    equal({line["type"] for line in lines(call)}, {"stats"}, "types")
    container.kill("KILL").ok()
    equal(call.wait().status, 0, "status at the end")


@suite.case("X-02.events", "created and paused containers are told of, too")
def states(lab):
    container = lab.create(lab.bundle(["/bin/sleep", "1000"]))
    stats(lab, container)
    container.start()
    need_controllers("freezer")
    lab.brig("pause", container.id).ok()
    stats(lab, container)
    lab.brig("resume", container.id).ok()


@suite.case("X-02.events 2.12", "an OOM kill is told, that of the container's process, too")
def oom(lab):
    need_controllers("memory")
    made = lab.bundle(shell="while [ ! -e /tmp/go ]; do sleep 0.05; done; "
                      "(a=x; while :; do a=$a$a; done); echo survived; "
                      "while [ ! -e /tmp/on ]; do sleep 0.05; done; a=x; while :; do a=$a$a; done")
    made.set("linux.resources", {"memory": {"limit": 16 * MIB, "swap": 16 * MIB}})
    container = lab.start(made)
    pid = container.pid
    call = lab.spawn("events", "--interval=1h", container.id)
    event = {"type": "oom", "id": container.id}
    listens(call)
    equal(lines(call), [], "at first")
    write(f"/proc/{pid}/root/tmp/go", "")
    container.wait_out("survived", 10)
    eventually(lambda: event in lines(call), "the first")
    before = len(lines(call))
    write(f"/proc/{pid}/root/tmp/on", "")
    equal(lab.exit_of(pid, 10), -9, "the end")
    equal(call.wait().status, 0, "status")
    check(len(lines(call)) > before, "the last kill")
    equal([line for line in lines(call) if line != event], [], "other events")


@suite.case("X-02.events O-07", "who does not run is an error that callers know")
def not_running(lab):
    container = lab.start(lab.bundle(["/bin/true"]))
    container.wait_stopped()
    for options in (["--stats"], []):
        lab.brig("events", *options, container.id).failed(
            f"container with id {container.id} is not running", status=1)
    lab.brig("events", "--stats", "nobody").failed("does not exist", status=1)


@suite.table("X-02.events", "intervals", {
    "seconds": ("1h1m1.5s", True), "short": ("200000us", True), "zero": ("0s", False), "no unit": ("5", False),
    "negative": ("-5s", False), "text": ("soon", False), "empty": ("", False),
    "unknown unit": ("5d", False), "a point": (".s", False), "two units": ("1ss", False),
    "endless": ("999999h" * 99, False), "too long": ("9999999999999h", False)})
def intervals(lab, text, is_good):
    container = lab.sleeper()
    if is_good:
        call = lab.spawn("events", f"--interval={text}", container.id)
        listens(call)
        container.kill("KILL").ok()
        equal(call.wait().status, 0, "status")
    else:
        lab.brig("events", f"--interval={text}", container.id).failed("--interval", "no time")


@suite.case("X-02.events", "a reader that goes away ends the stream")
def broken_pipe(lab):
    container = lab.sleeper()
    call = lab.popen(["sh", "-c", '"$@" | head -n 1', "sh",
                      *lab.words("events", "--interval=50ms", container.id)])
    call.wait(5)
    equal(len(lines(call)), 1, "lines")
    equal(container.status(), "running", "the container")


@suite.case("X-02.events 3.1", "a container without cgroups has no figures, but a line")
def disabled(lab):
    lab.containers.append("free")
    made = lab.bundle(["/bin/sleep", "1000"]).write()
    lab.brig("create", "--bundle", made.path, "free", globals_=("--cgroup-manager=disabled",)).ok()
    data = json.loads(lab.brig("events", "--stats", "free").ok().out)["data"]
    equal(data["memory"]["usage"]["usage"], 0, "usage")


suite.main()
