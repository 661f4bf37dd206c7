#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# process.execCPUAffinity, and the CPUs of a process that asks for none, from inside and from the
# host.
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.lab import kernel_is, need, read
from harness.tap import Suite, check, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


def allowed(status):
    return [line.split("\t")[1] for line in status.splitlines()
            if line.startswith("Cpus_allowed_list")][0]


def need_two_cpus():
    need({0, 1} <= os.sched_getaffinity(0), "needs CPUs 0 and 1")


@suite.table("P-17 P-18", "execCPUAffinity of a process file, and of the container", {
    "final": ({"final": "1"}, "1"),
    "initial and final": ({"initial": "0", "final": "1"}, "1"),
    "an empty initial": ({"initial": "", "final": "0"}, "0"),
    "a range and blanks": ({"final": " 0-0 , 1 "}, "0-1"),
    "CPUs that are not there beside one that is": ({"final": "1,200-255"}, "1"),
})
def affinity(lab, asked, wanted):
    need_two_cpus()
    container = lab.sleeper()
    equal(allowed(lab.probe_exec(container, execCPUAffinity=asked)["status"]), wanted, "exec")
    container = lab.sleeper(process__execCPUAffinity=asked)
    report = lab.probe_exec(container)
    equal(allowed(report["status"]), wanted, "exec, by the container's configuration")
    own = lab.probe_exec(container, execCPUAffinity={"final": "0-1"})
    equal(allowed(own["status"]), "0-1", "a process file of its own")


@suite.case("P-17", "execCPUAffinity is not for init")
def affinity_init(lab):
    need_two_cpus()
    made = lab.bundle(process__execCPUAffinity={"initial": "0", "final": "0"})
    equal(allowed(lab.probe(made)["status"]), allowed(read("/proc/self/status")), "init")


@suite.case("P-17", "initial counts before the container's cgroup is entered, final after")
def affinity_order(lab):
    need_two_cpus()
    container = lab.sleeper()
    lab.brig("pause", container.id).ok()
    file = lab.process_file(execCPUAffinity={"initial": "0", "final": "1"})
    call = lab.spawn("exec", "--ignore-paused", "--process", file, container.id)

    def child():
        # Enters the frozen cgroup and stays there.
        children = read(f"/proc/{call.pid}/task/{call.pid}/children").split()
        return [pid for pid in children
                if container.id in read(f"/proc/{pid}/cgroup")]
    pid = eventually(child, "a child in the frozen cgroup")[0]
    equal(allowed(read(f"/proc/{call.pid}/status")), "0", "the runtime's CPUs")
    equal(allowed(read(f"/proc/{pid}/status")), "0", "the frozen process' CPUs")
    lab.brig("resume", container.id).ok()
    report = json.loads(call.wait().ok().out, strict=False)
    equal(allowed(report["status"]), "1", "CPUs in the end")


@suite.case("P-17 P-18", "with initial alone the kernel decides the final CPUs")
def affinity_initial_alone(lab):
    need_two_cpus()
    need(kernel_is((6, 2)), "before Linux 6.2 a cpuset forgets what a process has asked for")
    container = lab.sleeper()
    report = lab.probe_exec(container, execCPUAffinity={"initial": "1", "final": ""})
    equal(allowed(report["status"]), "1", "CPUs")


@suite.case("TRAP-49 P-18 engines 1.1", "with neither, all CPUs of the cgroup, whatever the caller has")
def affinity_reset(lab):
    need_two_cpus()
    pinned = {"preexec_fn": lambda: os.sched_setaffinity(0, {1})}
    made = lab.bundle()
    everything = allowed(read("/proc/self/status"))
    equal(allowed(lab.probe(made, **pinned)["status"]), everything, "init")
    container = lab.sleeper(process__execCPUAffinity={})
    report = json.loads(container.exec("/bin/probe", **pinned).ok().out, strict=False)
    equal(allowed(report["status"]), everything, "exec")
    small = lab.start(lab.bundle(SLEEP, linux__resources={"cpu": {"cpus": "0", "mems": "0"}}))
    report = json.loads(small.exec("/bin/probe", **pinned).ok().out, strict=False)
    equal(allowed(report["status"]), "0", "exec in a cpuset")


@suite.case("P-17 P-18", "CPUs of which none may be used are an error that names them")
def affinity_nowhere(lab):
    need_two_cpus()
    container = lab.start(lab.bundle(SLEEP, linux__resources={"cpu": {"cpus": "0", "mems": "0"}}))
    for place, cpus in (("initial", "8000"), ("final", "1"), ("final", "8191")):
        file = lab.process_file(execCPUAffinity={place: cpus})
        lab.brig("exec", "--process", file, "--pid-file", "pid", container.id).failed(
            f'process.execCPUAffinity.{place}: sched_setaffinity("{cpus}"): invalid argument',
            "none of these cpus", status=255)
        check(not os.path.exists(f"{lab.path}/pid"), "no pid file")
    equal(container.status(), "running", "the container")
    equal(len(json.loads(lab.brig("ps", "-f", "json", container.id).ok().out)), 1, "processes")


@suite.table("P-17 P-18", "a wrong CPU list is refused with its path", {
    "a word": "all", "no end": "0-", "no begin": "-1", "falling": "1-0", "an empty part": "0,,1",
    "a comma at the end": "0,", "a blank in a range": "0 - 1", "a sign": "+1", "hex": "0x1",
    "beyond the maximum": "8192", "a range beyond": "0-4294967295", "overflow": "99999999999",
    "a blank": " ", "stride": "0-3:2",
})
def affinity_refused(lab, cpus):
    container = lab.sleeper()
    for place in ("initial", "final"):
        made = lab.bundle(process__execCPUAffinity={place: cpus})
        lab.try_create(made).failed(f"process.execCPUAffinity.{place}", "not a list of cpus",
                                    status=1)
        file = lab.process_file(execCPUAffinity={place: cpus})
        lab.brig("exec", "--process", file, container.id).failed(
            f"execCPUAffinity.{place}", "not a list of cpus", status=255)


suite.main()
