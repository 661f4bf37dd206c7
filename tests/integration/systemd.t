#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Containers as units of the machine's systemd: names, limits, later calls, the end. CG-03, CG-04, engines 7.2.
import json
import os
import shutil
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.systemd import (DRIVER, SLICE, TOP, SystemdSuite, expect_no_unit, file, made, show, start, systemctl,
                             units, watches_memory)
from harness.cgroups import device_programs
from harness.lab import need, read, write
from harness.tap import check, contains, equal, eventually

suite = SystemdSuite()


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


@suite.case("CG-04 RES-pids", "a name that ends with .slice is the slice itself, with its limits")
def a_slice(lab):
    unit = "brigtest-own.slice"
    bundle, identity, _ = made(lab, linux__cgroupsPath=f"{SLICE}:brig:{unit}", linux__resources__pids={"limit": 33})
    container = lab.start(bundle, identity=identity, globals_=DRIVER)
    equal(show(unit, "ControlGroup", "TasksMax"), {"ControlGroup": f"/{SLICE}/{unit}", "TasksMax": "33"}, "properties")
    equal((file(unit, "cgroup.procs").split(), file(unit, "pids.max")), ([str(container.pid)], "33"), "the cgroup")
    bundle, other, _ = made(lab, linux__cgroupsPath=f"{SLICE}:brig:{unit}")
    lab.try_create(bundle, identity=other, globals_=DRIVER).failed("linux.cgroupsPath", "there already", status=1)
    container.delete("--force").ok()
    expect_no_unit(unit)


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


@suite.table("G-05 RES-memory.limit RES-unified",
             "an update that fails after systemd has taken it leaves properties and files", {
                 "with limits": LIMITS, "without": {}})
def undone(lab, limits_before):
    strace = shutil.which("strace")
    need(strace, "no strace")
    container, unit = start(lab, linux__resources=limits_before)
    # A cpuset that has processes cannot be emptied again.
    names = [name + (".effective" if name.startswith("cpuset.") else "")
             for name in (*FILES, "io.weight", "memory.min")]
    shown = (*PROPERTIES, "MemoryMin")
    before = files(unit, names), show(unit, *shown)
    write(f"{lab.path}/change", json.dumps({
        "memory": {"limit": 48 << 20, "swap": 60 << 20, "reservation": 20 << 20}, "pids": {"limit": 11},
        "cpu": {"shares": 2048, "quota": 30000, "period": 100000, "cpus": "0", "mems": "0"}, "blockIO": {"weight": 100},
        "unified": {"memory.high": str(40 << 20), "memory.min": "4096", "memory.oom.group": "1"}}))
    trace = f"{lab.path}/trace"
    # The last thing that can fail: the record of the container.
    lab.popen([strace, "-qq", "-s", "2000", "-o", trace, "-e", "trace=renameat,sendmsg", "-e",
               "inject=renameat:error=ENOSPC", *lab.words("update", "--resources", f"{lab.path}/change", container.id)
               ]).wait(60).failed("no space left", status=1)
    contains(read(trace), "SetUnitProperties", "what was asked before it failed")
    for moment in ("at once", "after a daemon-reload"):
        equal((files(unit, names), show(unit, *shown)), before, moment)
        systemctl("daemon-reload")
    lab.brig("update", "--pids-limit", "12", container.id).ok()
    equal((file(unit, "pids.max"), show(unit, "TasksMax")["TasksMax"]), ("12", "12"), "the next one")


@suite.table("RES-cpu.idle RES-unified", "a container that is idle no more stays so at a daemon-reload", {
    "cpu.idle": {"cpu": {"idle": 0}}, "unified": {"unified": {"cpu.idle": "0"}}})
def awake(lab, change):
    container, unit = start(lab, linux__resources__cpu={"idle": 1})
    equal((file(unit, "cpu.idle"), show(unit, "CPUWeight")["CPUWeight"]), ("1", "idle"), "at the start")
    write(f"{lab.path}/change", json.dumps(change))
    lab.brig("update", "--resources", f"{lab.path}/change", container.id).ok()
    for moment in ("at once", "after a daemon-reload"):
        equal((file(unit, "cpu.idle"), file(unit, "cpu.weight")), ("0", "100"), moment)
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


@suite.case("CG-05 O-05", "nor does one end whose record is lost, when another of its id is refused")
def lost(lab):
    container, unit = start(lab)
    record, kept = f"{lab.root}/{container.id}", f"{lab.path}/kept"
    os.rename(record, kept)
    bundle, _, _ = made(lab, identity=container.id)
    lab.try_create(bundle, identity=container.id, globals_=DRIVER).failed("linux.cgroupsPath", "there already",
                                                                          status=1)
    os.rename(kept, record)
    equal(container.status(), "running", "status")
    equal(file(unit, "cgroup.procs").split(), [str(container.pid)], "its process")


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


def predecessor(lab):
    """(a container that has ended, its unit, which is gone, a bundle of the same unit)."""
    first, unit = start(lab)
    first.kill("KILL").ok()
    first.wait_stopped()
    eventually(lambda: unit not in units(), "the end of the scope")
    return first, unit, made(lab, identity=first.id)[0]


@suite.case("CG-05", "delete of one that has ended leaves the next one's scope of that name alone")
def successor(lab):
    first, unit, bundle = predecessor(lab)
    second = lab.start(bundle, globals_=DRIVER)
    first.kill("--all", "KILL")
    first.delete("--force").ok()
    equal(second.status(), "running", "status of the second")
    equal(file(unit, "cgroup.procs").split(), [str(second.pid)], "processes")


@suite.case("CG-05 H-02", "so it does while the next one is still being created")
def successor_in_hooks(lab):
    first, _, bundle = predecessor(lab)
    bundle.config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": [
        "sh", "-c", f"echo > {lab.path}/up; until test -e {lab.path}/on; do sleep 0.1; done"]}]}
    second = lab.name()
    lab.containers.append(second)
    call = lab.popen(lab.words("create", "--bundle", bundle.write().path, second, globals_=DRIVER))
    eventually(lambda: os.path.exists(f"{lab.path}/up"), "the hook", 30)
    first.delete("--force").ok()
    write(f"{lab.path}/on", "")
    call.wait(60).ok()
    equal(lab.state(second)["status"], "created", "status of the second")


@suite.case("G-05 CG-08", "a failure after the scope was made leaves no unit")
def failure(lab):
    bundle, identity, unit = made(lab, mounts=[{"destination": "/x", "source": "/no/such", "type": "none",
                                               "options": ["bind"]}])
    lab.try_create(bundle, identity=identity, globals_=DRIVER).failed("mounts[0]", status=1)
    bundle, identity, unit = made(lab, process__args=["/no/such"])
    lab.try_create(bundle, identity=identity, globals_=DRIVER).failed(status=1)
    expect_no_unit(unit)


PROPERTY = "org.systemd.property."


def annotated(lab, given, **settings):
    return made(lab, annotations={PROPERTY + name: value for name, value in given.items()}, **settings)


@suite.case("CALL-45 CALL-54", "what podman and CRI-O set by annotation wins over brig's own properties")
def engines_properties(lab):
    bundle, identity, unit = annotated(lab, {
        "KillSignal": "15", "TimeoutStopUSec": "uint64 7000000", "DefaultDependencies": "true",
        "After": "['time-sync.target']", "Description": "'words of an engine'"})
    container = lab.start(bundle, identity=identity, globals_=DRIVER)
    shown = show(unit, "KillSignal", "TimeoutStopUSec", "DefaultDependencies", "After", "Description")
    equal((shown["KillSignal"], shown["TimeoutStopUSec"], shown["DefaultDependencies"]), ("15", "7s", "yes"),
          "properties")
    contains(shown["After"].split(), "time-sync.target", "After")
    check(shown["Description"].startswith("words of an engine"), shown["Description"])
    container.delete("--force").ok()
    expect_no_unit(unit)


@suite.case("6", "a property in seconds is given in microseconds")
def seconds(lab):
    bundle, identity, unit = annotated(lab, {"TimeoutStopSec": "1.5"})
    lab.start(bundle, identity=identity, globals_=DRIVER)
    equal(show(unit, "TimeoutStopUSec")["TimeoutStopUSec"], "1.500000s", "property")


@suite.table("6 G-05", "a property that is wrong is an error of its annotation, and nothing is made", {
    "no value": ("KillSignal", "garbage("), "no seconds": ("TimeoutStopSec", "'x'"), "no name": ("a b", "1"),
    "unknown": ("NoSuchThing", "1"), "one that scopes have not": ("ExecStart", "'x'")})
def wrong_property(lab, name, value):
    bundle, identity, unit = annotated(lab, {name: value})
    lab.try_create(bundle, identity=identity, globals_=(*DRIVER, "--allow-annotations", "all")).failed(
        f'annotations["{PROPERTY}{name}"]', status=1)
    lab.gone(identity)
    expect_no_unit(unit)


@suite.table("R-40 G-05", "a text that would be settings of its own after a daemon-reload is refused", {
    "a description": ("Description", "'x\n[Scope]\nMemoryMax=infinity\n[Unit]\nDescription=x'"),
    "a list": ("After", "['a.service\n[Scope]\nMemoryMax=infinity']")})
def lines(lab, name, value):
    bundle, identity, unit = annotated(lab, {name: value}, linux__resources={"memory": {"limit": 64 << 20}})
    lab.try_create(bundle, identity=identity, globals_=DRIVER).failed(f'annotations["{PROPERTY}{name}"]', status=1)
    lab.gone(identity)
    expect_no_unit(unit)


@suite.case("R-40", "a property that could lift a limit counts only where brig's caller allows it")
def guarded(lab):
    limit = {"memory": {"limit": 64 << 20}}
    bundle, identity, unit = annotated(lab, {"MemoryHigh": "uint64 33554432"}, linux__resources=limit)
    log = f"{lab.path}/log"
    lab.start(bundle, identity=identity, globals_=(*DRIVER, "--log", log, "--log-level", "warning")).delete("-f").ok()
    contains(read(log), f"annotation {PROPERTY}MemoryHigh has no effect", "the log")
    container = lab.start(bundle, identity=identity, globals_=(*DRIVER, "--allow-annotations", PROPERTY))
    equal(show(unit, "MemoryHigh")["MemoryHigh"], "33554432", "property")
    container.delete("--force").ok()


@suite.case("RD-04", "a device program of systemd's that goes while brig takes its place: brig's is in force")
def devices(lab):
    strace = shutil.which("strace")
    need(strace, "no strace")
    bundle, identity, _ = annotated(lab, {"DevicePolicy": "'closed'"})
    trace = f"{lab.path}/trace"
    lab.containers.append(identity)
    # Load, query, open what is there, which is gone.
    words = lab.words("create", "--bundle", bundle.write().path, identity,
                      globals_=(*DRIVER, "--allow-annotations", PROPERTY))
    lab.popen([strace, "-qq", "-o", trace, "-e", "trace=bpf", "-e", "inject=bpf:error=ENOENT:when=3",
               *words]).wait(60).ok()
    calls = [line.split("(")[1].split(",")[0] for line in read(trace).splitlines() if line.startswith("bpf(")]
    equal(calls, ["BPF_PROG_LOAD", "BPF_PROG_QUERY", "BPF_PROG_GET_FD_BY_ID", "BPF_PROG_QUERY",
                  "BPF_PROG_GET_FD_BY_ID", "BPF_PROG_ATTACH", "BPF_OBJ_GET_INFO_BY_FD", "BPF_PROG_QUERY"], "calls")
    lab.brig("start", identity).ok()
    lab.brig("exec", identity, "/bin/sh", "-c", "echo x >/dev/null").ok()
    check(lab.brig("exec", identity, "/bin/sh", "-c", "head -c1 /dev/kmsg").status != 0, "a device that no rule allows")
    lab.brig("delete", "--force", identity).ok()


@suite.table("RD-04 RD-02", "a device stays denied when systemd applies all its units anew", {
    "daemon-reload": ("daemon-reload", {}), "daemon-reexec": ("daemon-reexec", {}),
    "beside a filter of systemd's": ("daemon-reload", {"DevicePolicy": "'closed'"})})
def denied(lab, verb, asked):
    bundle, identity, unit = annotated(lab, asked)
    need(os.path.exists("/dev/fuse"), "no /dev/fuse")
    for name, number in (("fuse", (10, 229)), ("random", (1, 8))):
        os.mknod(f"{bundle.rootfs}/{name}", 0o666 | stat.S_IFCHR, os.makedev(*number))
    container = lab.start(bundle, identity=identity, globals_=(*DRIVER, "--allow-annotations", PROPERTY))
    folder = f"{TOP}/{SLICE}/{unit}"
    programs = device_programs(folder)
    equal(len(programs), 1, "programs of the cgroup")
    for moment in ("at the start", f"after a {verb}"):
        said = container.exec("/bin/sh", "-c", ": </fuse")
        check(said.status != 0 and "Operation not permitted" in said.err, f"{moment}: {said}")
        equal(container.exec("/bin/sh", "-c", "head -c1 /random | wc -c").ok().out, "1\n", "one that is allowed")
        check(programs[0] in device_programs(folder), f"{moment}: {programs} in {device_programs(folder)}")
        equal(systemctl(verb).returncode, 0, verb)
    other, _, _ = made(lab, linux__resources__devices=[{"allow": True, "access": "rwm"}])
    os.mknod(f"{other.rootfs}/fuse", 0o666 | stat.S_IFCHR, os.makedev(10, 229))
    lab.start(other, globals_=DRIVER).exec("/bin/sh", "-c", ": </fuse").ok()


@suite.case("O-05", "a program that is killed for memory: state, events and delete go on, no failed unit is left")
def out_of_memory(lab):
    bundle, identity, unit = made(lab, linux__resources={"memory": {"limit": 32 << 20, "swap": 32 << 20}})
    # The first process lives on for a while: systemd removes an empty scope, its memory.events before it is read.
    bundle.set("process.args", ["/bin/sh", "-c", "read x </tmp/go; (x=x; while :; do x=$x$x; done); sleep 3"])
    bundle.set("root.readonly", False)
    os.mkfifo(f"{bundle.path}/rootfs/tmp/go")
    container = lab.start(bundle, identity=identity, globals_=DRIVER)
    events = lab.spawn("events", identity)
    eventually(lambda: watches_memory(events.pid), "events watches")
    with open(f"{bundle.path}/rootfs/tmp/go", "w", encoding="ascii") as go:
        go.write("x\n")
    container.wait_stopped(30)
    contains(events.wait(30).out, '"oom"', "events")
    container.delete().ok()
    expect_no_unit(unit)


@suite.table("O-05 RES-unified", "what systemd makes of a process that is killed for memory", {
    "it alone": ({}, {"OOMPolicy": "continue", "Result": "success", "ActiveState": "active"}, "running"),
    "all of them": ({"memory.oom.group": "1"},
                    {"OOMPolicy": "kill", "Result": "oom-kill", "ActiveState": "failed"}, "stopped")})
def oom_policy(lab, unified, wanted, status):
    bundle, identity, unit = made(lab, linux__resources={"memory": {"limit": 32 << 20, "swap": 32 << 20},
                                                         "unified": unified})
    bundle.set("process.args", ["/bin/sh", "-c", "until test -e /tmp/go; do sleep 0.1; done; "
                                "(x=x; while :; do x=$x$x; done); echo $? >/tmp/ended; sleep 1000"])
    container = lab.start(bundle, identity=identity, globals_=DRIVER)
    need(show(unit, "OOMPolicy").get("OOMPolicy"), "scopes have no OOMPolicy with this systemd")
    systemctl("daemon-reload")
    bundle.file("tmp/go")
    if status == "running":
        ended = f"{bundle.rootfs}/tmp/ended"
        eventually(lambda: os.path.exists(ended) and read(ended), "the end of one", 30)
        equal(read(ended).strip(), "137", "its status")
    else:
        container.wait_stopped(30)
        eventually(lambda: show(unit, "Result")["Result"] != "success", "systemd's word on it", 10)
    equal(show(unit, *wanted), wanted, "the unit")
    equal(container.status(), status, "status")
    container.delete("--force").ok()
    expect_no_unit(unit)


suite.main()
