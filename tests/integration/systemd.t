#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Containers as units of the machine's systemd: names, limits, later calls, the end. CG-03, CG-04, engines 7.2.
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.systemd import SLICE, TOP, SystemdSuite, show, systemctl, units
from harness.lab import Lab, read
from harness.tap import check, contains, equal, eventually

suite = SystemdSuite()
DRIVER = ("--systemd-cgroup",)


def made(lab, identity=None, **settings):
    """(a bundle that sleeps, its id, its unit) in the slice of the cases."""
    identity = identity or lab.name()
    bundle = lab.bundle(["/bin/sleep", "1000"], **{"linux__cgroupsPath": f"{SLICE}:brig:{identity}", **settings})
    return bundle, identity, f"brig-{identity}.scope"


def start(lab, **settings):
    bundle, identity, unit = made(lab, **settings)
    return lab.start(bundle, identity=identity, globals_=DRIVER), unit


def file(unit, name, slice_=SLICE):
    return read(f"{TOP}/{slice_}/{unit}/{name}").strip()


def expect_no_unit(unit):
    check(unit not in units(), f"{unit} is still there: {show(unit, 'ActiveState', 'SubState')}")


@suite.case("CG-04 CG-05", "SLICE:PREFIX:NAME: the scope, its slice, its process, nothing after delete")
def scope(lab):
    container, unit = start(lab)
    equal(show(unit, "Slice", "Delegate", "ActiveState", "DefaultDependencies", "ControlGroup", "MemoryAccounting",
               "CPUAccounting", "IOAccounting", "TasksAccounting", "Transient"),
          {"Slice": SLICE, "Delegate": "yes", "ActiveState": "active", "DefaultDependencies": "no",
           "ControlGroup": f"/{SLICE}/{unit}", "MemoryAccounting": "yes", "CPUAccounting": "yes",
           "IOAccounting": "yes", "TasksAccounting": "yes", "Transient": "yes"}, "properties")
    contains(show(unit, "Description")["Description"], f"brig container {container.id}", "description")
    equal(file(unit, "cgroup.procs").split(), [str(container.pid)], "processes")
    equal(read(f"/proc/{container.pid}/cgroup").strip(), f"0::/{SLICE}/{unit}", "the process's own view")
    container.delete("--force").ok()
    expect_no_unit(unit)


@suite.case("CG-03", "without a path: brig-ID.scope in system.slice")
def absent(lab):
    identity = lab.name()
    container = lab.start(lab.bundle(["/bin/sleep", "1000"]), identity=identity, globals_=DRIVER)
    unit = f"brig-{identity}.scope"
    equal(show(unit, "Slice", "ControlGroup"), {"Slice": "system.slice", "ControlGroup": f"/system.slice/{unit}"},
          "properties")
    container.delete("--force").ok()
    expect_no_unit(unit)


@suite.table("CG-04", "what may be left out", {
    "no prefix": (f"{SLICE}::ID", "ID.scope", SLICE), "no slice": (":brig:ID", "brig-ID.scope", "system.slice"),
    "a slice below a slice": ("brigtest-a-b.slice:brig:ID", "brig-ID.scope",
                              "brigtest.slice/brigtest-a.slice/brigtest-a-b.slice")})
def shapes(lab, path, unit, folder):
    identity = "brig" + lab.name()
    bundle = lab.bundle(["/bin/sleep", "1000"], linux__cgroupsPath=path.replace("ID", identity))
    unit = unit.replace("ID", identity)
    container = lab.start(bundle, identity=identity, globals_=("--cgroup-manager", "systemd"))
    equal(file(unit, "cgroup.procs", folder).split(), [str(container.pid)], "processes")
    container.delete("--force").ok()
    expect_no_unit(unit)
    systemctl("stop", "brigtest-a.slice")


@suite.table("CG-04", "another shape is refused with the form that is wanted, and nothing is made", {
    "a path": "/a/b", "a name": "abc", "two parts": f"{SLICE}:a", "four parts": f"{SLICE}:a:b:c",
    "no slice": "a:b:c", "an empty part": "brigtest--a.slice:b:c", "no name": f"{SLICE}:brig:",
    "a slash": f"{SLICE}:brig:a/b", "dots": "../x.slice:brig:c"})
def refused(lab, path):
    bundle, identity, unit = made(lab, linux__cgroupsPath=path)
    lab.try_create(bundle, identity=identity, globals_=DRIVER).failed("linux.cgroupsPath", status=1)
    lab.gone(identity)
    expect_no_unit(unit)


@suite.case("TRAP-24", "state, exec, pause, ps, events, kill and delete need no flag")
def later(lab):
    container, unit = start(lab)
    record = json.loads(read(f"{lab.root}/{container.id}/container.json"))["cgroup"]
    equal((record["driver"], record["unit"]["name"]), ("systemd", unit), "the record")
    equal(container.status(), "running", "status")
    contains(container.exec("/bin/sh", "-c", "cat /proc/self/cgroup").ok().out, "0::", "exec")
    lab.brig("exec", "--detach", container.id, "/bin/sleep", "500").ok()
    equal(len(file(unit, "cgroup.procs").split()), 2, "processes of the scope")
    equal(len(json.loads(lab.brig("ps", "--format", "json", container.id).ok().out)), 2, "ps")
    lab.brig("pause", container.id).ok()
    equal((container.status(), file(unit, "cgroup.freeze")), ("paused", "1"), "paused")
    lab.brig("resume", container.id).ok()
    stats = json.loads(lab.brig("events", "--stats", container.id).ok().out)
    equal(stats["data"]["pids"]["current"], 2, "tasks in the statistics")
    container.kill("--all", "KILL").ok()
    container.wait_stopped()
    container.delete().ok()
    expect_no_unit(unit)


LIMITS = {"memory": {"limit": 100 << 20, "swap": 150 << 20, "reservation": 50 << 20},
          "cpu": {"shares": 512, "quota": 50000, "period": 200000, "cpus": "0", "mems": "0"},
          "pids": {"limit": 40}, "blockIO": {"weight": 500}, "unified": {"memory.high": str(90 << 20)}}
PROPERTIES = {"MemoryMax": str(100 << 20), "MemorySwapMax": str(50 << 20), "MemoryLow": str(50 << 20),
              "MemoryHigh": str(90 << 20), "CPUWeight": "59", "CPUQuotaPerSecUSec": "250ms",
              "CPUQuotaPeriodUSec": "200ms", "AllowedCPUs": "0", "AllowedMemoryNodes": "0", "TasksMax": "40",
              "IOWeight": "4950"}
FILES = {"memory.max": str(100 << 20), "memory.low": str(50 << 20), "memory.high": str(90 << 20),
         "cpu.weight": "59", "cpu.max": "50000 200000", "cpuset.cpus": "0", "cpuset.mems": "0", "pids.max": "40"}


def files(unit, names):
    return {name: file(unit, name) for name in names}


@suite.case("RES-memory.limit RES-cpu.shares RES-cpu.quota RES-cpu.cpus RES-pids RES-blockIO.weight RES-unified",
            "each limit is a property and in its file, and a daemon-reload keeps all")
def limits(lab):
    container, unit = start(lab, linux__resources=LIMITS)
    for moment in ("at the start", "after a daemon-reload"):
        equal(show(unit, *PROPERTIES), PROPERTIES, f"properties {moment}")
        equal(files(unit, FILES), FILES, f"files {moment}")
        equal(systemctl("daemon-reload").returncode, 0, "daemon-reload")
    container.exec("/bin/sh", "-c", "echo x >/dev/null").ok()
    check(container.exec("/bin/sh", "-c", "head -c1 /dev/kmsg").status != 0, "a device that no rule allows")


@suite.case("RES-pids RES-memory.limit", "update: properties and files, without the flag")
def update(lab):
    container, unit = start(lab, linux__resources=LIMITS)
    lab.brig("update", "--pids-limit", "77", "--memory", str(120 << 20), "--memory-swap", str(120 << 20),
             "--cpu-quota", "60000", container.id).ok()
    wanted = {**PROPERTIES, "TasksMax": "77", "MemoryMax": str(120 << 20), "MemorySwapMax": "0",
              "CPUQuotaPerSecUSec": "300ms"}
    for moment in ("at once", "after a daemon-reload"):
        equal(show(unit, *wanted), wanted, f"properties {moment}")
        equal(files(unit, ("pids.max", "memory.max", "cpu.max", "memory.high")),
              {"pids.max": "77", "memory.max": str(120 << 20), "cpu.max": "60000 200000",
               "memory.high": FILES["memory.high"]}, f"files {moment}")
        systemctl("daemon-reload")


@suite.table("RES-pids", "a limit that leaves no room for the birth counts afterwards", {"one": 1, "none": 0, "two": 2})
def few_tasks(lab, limit):
    container, unit = start(lab, linux__resources__pids={"limit": limit})
    equal(file(unit, "pids.max"), str(limit), "the file")
    equal(show(unit, "TasksMax")["TasksMax"], str(max(limit, 1)), "the property")
    equal(file(unit, "cgroup.procs").split(), [str(container.pid)], "processes")


@suite.case("CG-05", "a unit of that name which is alive is refused with the field, and goes on")
def living(lab):
    container, unit = start(lab)
    bundle, _, _ = made(lab, identity=container.id)
    lab.try_create(bundle, globals_=DRIVER).failed("linux.cgroupsPath", unit, "there already", status=1)
    equal(file(unit, "cgroup.procs").split(), [str(container.pid)], "its process")
    equal(container.status(), "running", "status")


@suite.case("CG-05 CG-08", "a unit that has failed and was left over is replaced")
def left_over(lab):
    bundle, identity, unit = made(lab)
    systemctl("reset-failed")
    lab.popen(["systemd-run", "--quiet", "--scope", f"--unit={unit}", f"--slice={SLICE}",
               "--property=RuntimeMaxSec=1", "/bin/sleep", "100"])
    eventually(lambda: show(unit, "ActiveState")["ActiveState"] == "failed", "a failed unit", 20)
    container = lab.start(bundle, identity=identity, globals_=DRIVER)
    equal(show(unit, "ActiveState")["ActiveState"], "active", "state")
    container.delete("--force").ok()
    expect_no_unit(unit)


@suite.case("CG-08", "groups that the container made below its scope end with it")
def nested(lab):
    container, unit = start(lab)
    folder = f"{TOP}/{SLICE}/{unit}"
    os.makedirs(f"{folder}/a/b")
    lab.brig("exec", "--detach", "--cgroup", "a/b", container.id, "/bin/sleep", "500").ok()
    check(read(f"{folder}/a/b/cgroup.procs"), "a process in the nested group")
    container.delete("--force").ok()
    check(not os.path.exists(folder), "the scope's folder is gone")
    expect_no_unit(unit)


@suite.case("O-05", "a scope whose program has ended is forgotten by systemd; state and delete go on")
def ended(lab):
    container, unit = start(lab)
    container.kill("KILL").ok()
    container.wait_stopped()
    eventually(lambda: unit not in units(), "the end of the scope")
    equal(container.status(), "stopped", "status")
    container.kill("TERM").failed("not running")
    container.delete().ok()


@suite.case("CG-05", "delete of one that has ended leaves the next one's scope of that name alone")
def successor(lab):
    first, unit = start(lab)
    first.kill("KILL").ok()
    first.wait_stopped()
    eventually(lambda: unit not in units(), "the end of the scope")
    bundle, _, _ = made(lab, identity=first.id)
    second = lab.start(bundle, globals_=DRIVER)
    first.kill("--all", "KILL")
    first.delete("--force").ok()
    equal(second.status(), "running", "status of the second")
    equal(file(unit, "cgroup.procs").split(), [str(second.pid)], "processes")


@suite.case("G-05 CG-08", "a failure after the scope was made leaves no unit")
def failure(lab):
    bundle, identity, unit = made(lab, mounts=[{"destination": "/x", "source": "/no/such", "type": "none",
                                               "options": ["bind"]}])
    lab.try_create(bundle, identity=identity, globals_=DRIVER).failed("mounts[0]", status=1)
    bundle, identity, unit = made(lab, process__args=["/no/such"])
    lab.try_create(bundle, identity=identity, globals_=DRIVER).failed(status=1)
    expect_no_unit(unit)


if __name__ == "__main__":
    Lab.timeout = 60
    suite.main()
