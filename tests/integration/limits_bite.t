#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Limits of linux.resources as the container feels them: each case goes beyond a limit and sees the
# kernel's refusal inside, and its count in the cgroup. Bounds of time are such that a slow machine
# cannot break them. The values in the files are shown by resources.t.
import contextlib
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.cgroups import V1, folder, in_group, need_controllers, value
from harness.lab import Container, need, read, write
from harness.loop import loop_device
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
MIB = 1 << 20
GROW = "a=x; while :; do a=$a$a; done"
SPIN = "while :; do :; done"


def counts(container, controller, file):
    """{name: number} of a file with a name and a number in each line."""
    lines = (line.split() for line in value(container, controller, file).splitlines())
    return {name: int(number) for name, number in lines}


# Memory


@suite.case("RES-memory.limit RES-memory.swap X-02.events",
            "beyond the limit: an OOM kill in the cgroup, an event, and the exit status of a SIGKILL")
def memory(lab):
    need_controllers("memory")
    made = lab.bundle(shell=f"while [ ! -e /tmp/go ]; do sleep 0.05; done; {GROW}",
                      linux__resources={"memory": {"limit": 16 * MIB, "swap": 16 * MIB}})
    lab.containers.append("big")
    call = lab.spawn("run", "--keep", "--bundle", made.write().path, "big")
    eventually(lambda: lab.brig("state", "big").status == 0 and
               lab.state("big")["status"] == "running", "running")
    place = folder(Container(lab, "big", None), "memory")
    events = lab.spawn("events", "--interval=1h", "big")
    eventually(lambda: read(f"/proc/{events.pid}/syscall").split()[0] in ("7", "271", "73"), "a wait")
    contains(in_group(place, "memory.oom_control"), "oom_kill 0", "kills before")
    write(made.inside("/tmp/go"), "")
    equal(call.wait(20).status, 137, "exit status")
    contains(in_group(place, "memory.oom_control"), "oom_kill 1", "kills")
    used = int(in_group(place, "memory.max_usage_in_bytes"))
    check(15 * MIB < used <= 16 * MIB, f"the most that was used: {used}")
    check(json.dumps({"type": "oom", "id": "big"}, separators=(",", ":")) in
          events.wait().out.replace(" ", ""), "the event")
    lab.brig("delete", "big").ok()


@suite.case("RES-memory.limit X-09", "an exec'd process beyond the container's limit is killed alone")
def memory_of_exec(lab):
    need_controllers("memory")
    container = lab.sleeper(linux__resources={"memory": {"limit": 16 * MIB, "swap": 16 * MIB}})
    equal(container.exec("/bin/sh", "-c", GROW).status, 137, "exit status of exec")
    equal(container.status(), "running", "init's status")
    contains(value(container, "memory", "memory.oom_control"), "oom_kill 1", "kills")


@suite.case("RES-memory.limit", "what is written to a tmpfs of the container counts")
def memory_of_tmpfs(lab):
    need_controllers("memory")
    made = lab.bundle(shell="dd if=/dev/zero of=/dev/shm/file bs=1M count=40; exit 9",
                      linux__resources={"memory": {"limit": 16 * MIB, "swap": 16 * MIB}})
    result = lab.run(made)
    check(result.status in (137, 9), f"an end: {result}")
    check("40+0 records out" not in result.err, f"what could be written: {result}")


# Processes


@suite.case("RES-pids", "fork fails at the limit, and the cgroup counts it")
def pids(lab):
    need_controllers("pids")
    shell = "for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; echo unlimited"
    container = lab.start(lab.bundle(shell=f"( {shell} ); exec sleep 1000",
                                     linux__resources={"pids": {"limit": 5}}))
    eventually(lambda: "fork" in container.err(), "the refusal inside")
    check("unlimited" not in container.out(), "more than the limit")
    check(int(value(container, "pids", "pids.events").split()[1]) > 0, "refused forks")
    listed = json.loads(lab.brig("ps", "-f", "json", container.id).ok().out)
    check(len(listed) <= 5, f"processes {listed}")


# CPUs


@suite.case("RES-cpu.quota RES-cpu.period", "no more time than the quota in any number of periods")
def quota(lab):
    need_controllers("cpu", "cpuacct")
    container = lab.start(lab.bundle(shell=f"({SPIN}) & {SPIN}", linux__resources={
        "cpu": {"quota": 10000, "period": 100000}}))
    eventually(lambda: counts(container, "cpu", "cpu.stat")["nr_throttled"] > 0, "throttled once")
    begin, used = time.monotonic(), int(value(container, "cpuacct", "cpuacct.usage"))
    periods = counts(container, "cpu", "cpu.stat")["nr_periods"]
    eventually(lambda: counts(container, "cpu", "cpu.stat")["nr_periods"] >= periods + 10,
               "ten periods", 20)
    used = int(value(container, "cpuacct", "cpuacct.usage")) - used
    seconds = time.monotonic() - begin
    after = counts(container, "cpu", "cpu.stat")
    check(after["nr_throttled"] > 1 and after["throttled_time"] > 10**8, f"{after}")
    # A period's rest, and a slice that each CPU may have taken before.
    check(used <= (seconds / 0.1 + 3) * 0.01 * 10**9, f"{used} ns in {seconds} s")


@suite.case("RES-cpu.shares", "two containers on one CPU share it by their weights")
def shares(lab):
    need_controllers("cpu", "cpuacct")
    containers = [lab.start(lab.bundle(shell=SPIN, linux__resources={
        "cpu": {"shares": weight, "cpus": "0"}})) for weight in (128, 1024)]

    def used():
        return [int(value(container, "cpuacct", "cpuacct.usage")) for container in containers]
    before = used()
    eventually(lambda: used()[0] - before[0] > 60 * 10**6, "60 ms of the light one", 60)
    light, heavy = (after - first for after, first in zip(used(), before))
    check(heavy > 3 * light, f"{heavy} ns beside {light} ns; wanted about eight times as much")


@suite.case("RES-cpu.cpus", "a program cannot leave its CPUs, nor see others as its own")
def cpuset(lab):
    need_controllers("cpuset", "cpuacct")
    need(os.cpu_count() > 1, "one CPU only")
    made = lab.bundle(shell="nproc; grep Cpus_allowed_list /proc/self/status; "
                            f"({SPIN}) & ({SPIN}) & exec sleep 1000",
                      linux__resources={"cpu": {"cpus": "1"}})
    container = lab.start(made)
    container.wait_out("list:\t1\n")
    equal(container.out().splitlines()[0], "1", "nproc")

    def pids():
        return json.loads(lab.brig("ps", "-f", "json", container.id).ok().out)
    eventually(lambda: len(pids()) == 3, "the two that spin, and init")
    for pid in pids():
        contains(read(f"/proc/{pid}/status"), "Cpus_allowed_list:\t1\n", "CPUs, from the host")
        try:
            os.sched_setaffinity(pid, {0})
            check(False, "moved to a CPU that is not the container's")
        except OSError:
            pass

    if not V1:  # v2 counts no time for each CPU, but the kernel tells the last one of a process
        eventually(lambda: int(value(container, "cpuacct", "cpuacct.usage")) > 10**8, "0.1 s", 20)
        equal({read(f"/proc/{pid}/stat").split()[38] for pid in pids()}, {"1"}, "their CPU")
        return

    def times():
        return list(map(int, value(container, "cpuacct", "cpuacct.usage_percpu").split()))
    eventually(lambda: times()[1] > 10**8, "0.1 s of the second CPU", 20)
    check(times()[0] < 10**7, f"time on the first: {times()}")


# Block devices


@contextlib.contextmanager
def disk(lab):
    """A block device of 4 MiB of its own: its node, major and minor."""
    backing = f"{lab.path}/disk"
    with open(backing, "wb") as file:
        file.truncate(4 * MIB)
    with loop_device(backing) as device:
        number = os.fstat(device.fileno()).st_rdev
        yield device.name, os.major(number), os.minor(number)


def with_disk(lab, major, minor, shell, access="rwm", **limits):
    made = lab.bundle(shell=shell)
    made.capabilities("CAP_MKNOD", "CAP_SYS_RAWIO", "CAP_SYS_ADMIN")
    made.linux["devices"] = [{"path": "/dev/disk", "type": "b", "major": major, "minor": minor}]
    rules = [{"allow": False, "access": "rwm"}]
    if access:
        rules.append({"allow": True, "type": "b", "major": major, "minor": minor, "access": access})
    made.set("linux.resources", {"devices": rules, **limits})
    return made


# Row: the limit, its rate, dd's words, bytes moved, the least seconds. A burst of what has not been
# used since the last slice of 0.1 s is free.
READ = "if=/dev/disk of=/dev/null iflag=direct"
WRITE = "if=/dev/zero of=/dev/disk oflag=direct"
THROTTLES = {
    "throttleReadBpsDevice": (MIB, f"{READ} bs=256k count=8", "Read", 2 * MIB, 1.5),
    "throttleWriteBpsDevice": (MIB, f"{WRITE} bs=256k count=8", "Write", 2 * MIB, 1.5),
    "throttleReadIOPSDevice": (20, f"{READ} bs=4k count=30", "Read", 30 * 4096, 1.0),
    "throttleWriteIOPSDevice": (20, f"{WRITE} bs=4k count=30", "Write", 30 * 4096, 1.0),
}


def throttled(lab, key, rate, words, kind, size, least):
    need_controllers("blkio")
    clock = "cut -d ' ' -f 1 /proc/uptime"
    timed = f"{clock} && dd {words} && {clock}"
    with disk(lab) as (_, major, minor):
        def move(limits):
            made = with_disk(lab, major, minor, f"{timed} && exec sleep 1000", **limits)
            container = lab.start(made)
            eventually(lambda: container.out().count("\n") == 2, "the end of dd", 30)
            begin, end = map(float, container.out().split())
            seconds = end - begin
            shown = value(container, "blkio", "blkio.throttle.io_service_bytes")
            container.delete("--force").ok()
            contains(shown, f"{major}:{minor} {kind} {size}\n", "bytes that the cgroup counted")
            return seconds
        limited = move({"blockIO": {key: [{"major": major, "minor": minor, "rate": rate}]}})
        check(limited >= least, f"{size} bytes took {limited} s only")
        free = move({})
    return f"{limited:.2f} s, without the limit {free:.2f} s"


for limit, (rate, *arguments) in THROTTLES.items():
    suite.table(f"RES-blockIO.{limit}", "I/O beyond the rate waits, and is counted",
                {limit: (limit, rate, *arguments)})(throttled)


# Every node may be made (RD-02's defaults), but not opened by another name than the rules have.
TRY = ("(dd if={0} of=/dev/null bs=4k count=1 2>/dev/null && echo read); "
       "(dd if=/dev/zero of={0} bs=4k count=1 conv=notrunc 2>/dev/null && echo written); ")


@suite.table("RD-01 RD-02", "a disk's node, though root has it, is good for what the rules allow", {
    "nothing": ("", []), "m": ("m", []), "r": ("r", ["read"]), "w": ("w", ["written"]),
    "rw": ("rw", ["read", "written"])})
def devices(lab, access, wanted):
    need_controllers("devices")
    with disk(lab) as (_, major, minor):
        script = (TRY.format("/dev/disk") + f"rm -f /tmp/own; mknod /tmp/own b {major} {minor}; " +
                  TRY.format("/tmp/own") + "true")
        made = with_disk(lab, major, minor, script, access)
        equal(lab.run(made).ok().out.split(), wanted * 2, "what could be done")
        made.process["args"] = SLEEP
        container = lab.start(made)
        equal(container.exec("/bin/sh", "-c", script).ok().out.split(), wanted * 2,
              "what exec could do")
        container.delete("--force").ok()


suite.main()
