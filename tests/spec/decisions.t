#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# What brig decided where the specification leaves a choice or habits differ from it: brig(1), STANDARDS.
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import caps, oracle
from harness.lab import need, read, write
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
LOUD = ("--log-level", "warning")
LIMIT = 64 << 20


def limits_of(pid, controller):
    """The folder of a process's v1 cgroup."""
    for line in read(f"/proc/{pid}/cgroup").splitlines():
        _, names, path = line.split(":", 2)
        if controller in names.split(","):
            return f"/sys/fs/cgroup/{controller}{path}"
    return ""


@suite.case("DEC-01", "an unknown capability is a warning that names it; the others are given")
def unknown_capability(lab):
    made = lab.bundle()
    made.capabilities("CAP_KILL", "CAP_TIME_TRAVEL")
    called = lab.run(made, globals_=LOUD).ok()
    contains(called.err, "unknown capability, ignored", "warning")
    contains(called.err, "CAP_TIME_TRAVEL", "warning")
    equal(caps.sets(json.loads(called.out, strict=False))["bounding"], {"CAP_KILL"}, "bounding set")


@suite.case("DEC-02", "a limit given twice is an error, though the second were equal")
def repeated_limit(lab):
    limit = {"type": "RLIMIT_NOFILE", "soft": 100, "hard": 100}
    made = lab.bundle(process__rlimits=[limit, {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}, limit])
    lab.try_create(made).failed("process.rlimits[2].type: a second limit of RLIMIT_NOFILE", status=1)


@suite.case("DEC-03", "the umask is 0022 when none is given, whatever the caller's")
def umask(lab):
    made = lab.bundle(shell="umask")
    equal(lab.run(made, preexec_fn=lambda: os.umask(0o077)).ok().out, "0022\n", "umask")
    made.set("process.user.umask", 0o027)
    equal(lab.run(made).ok().out, "0027\n", "umask that is given")


@suite.case("DEC-04", "create takes a config without process; start refuses it each time, nothing changes")
def no_process(lab):
    made = lab.bundle()
    del made.config["process"]
    container = lab.create(made)
    for _ in range(2):
        container.lab.brig("start", container.id).failed("process", status=1)
        equal(container.status(), "created", "status")
    container.delete().ok()


@suite.case("DEC-05", "without linux and mounts no namespace is made and nothing is mounted")
def bare(lab):
    made = lab.bundle()
    for name in ("linux", "mounts", "hostname"):
        del made.config[name]
    container = lab.create(made)
    for kind in ("mnt", "net", "uts", "ipc", "pid", "user", "cgroup"):
        equal(os.readlink(f"/proc/{container.pid}/ns/{kind}"), os.readlink(f"/proc/self/ns/{kind}"), kind)


@suite.case("DEC-07", "a limit of 0 tasks is written as 0")
def no_tasks(lab):
    need(os.path.isdir("/sys/fs/cgroup/pids"), "no v1 pids controller")
    made = lab.bundle(["/bin/sh", "-c", "/bin/true & wait $!; echo status $?"],
                      linux__resources={"pids": {"limit": 0}})
    container = lab.create(made)
    equal(read(limits_of(container.pid, "pids") + "/pids.max"), "0\n", "pids.max")
    container.start()
    eventually(container.err, "the refused fork is told")
    check("status 0" not in container.out(), "no second task has run")


@suite.case("DEC-08", "a limit of memory, or of memory and swap, of 0 is none")
def no_value(lab):
    need(os.path.isdir("/sys/fs/cgroup/memory"), "no v1 memory controller")
    for limit in (LIMIT, 0):
        memory = {"limit": limit, "swap": 0}
        container = lab.create(lab.bundle(SLEEP, linux__resources={"memory": memory}))
        folder = limits_of(container.pid, "memory")
        bytes_given = int(read(f"{folder}/memory.limit_in_bytes"))
        check(bytes_given == LIMIT if limit else bytes_given > 2**60, f"limit {bytes_given} for {limit}")
        if os.path.exists(f"{folder}/memory.memsw.limit_in_bytes"):
            check(int(read(f"{folder}/memory.memsw.limit_in_bytes")) > 2**60, "swap is not limited")


@suite.case("DEC-09", "an errno for an action without one is an error, as default and in a rule")
def lone_errno(lab):
    for section, place in (({"defaultAction": "SCMP_ACT_LOG", "defaultErrnoRet": 1}, "defaultErrnoRet"),
                           ({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
                               {"names": ["read"], "action": "SCMP_ACT_TRAP", "errnoRet": 1}]},
                            "syscalls[0].errnoRet")):
        lab.try_create(lab.bundle(linux__seccomp=section)).failed(f"linux.seccomp.{place}: ",
                                                                 "takes no errno", status=1)


@suite.case("DEC-10 E-05", "only what is listed is mounted")
def nothing_more(lab):
    made = lab.bundle(SLEEP, mounts=[{"destination": "/mnt", "type": "tmpfs", "source": "none"}])
    made.linux.update(maskedPaths=[], readonlyPaths=[])
    container = lab.create(made)
    places = [line.split()[4] for line in read(f"/proc/{container.pid}/mountinfo").splitlines()]
    equal(sorted(place for place in places if not place.startswith("/dev/")), ["/", "/mnt"], "mounts")


@suite.case("DEC-11", "a poststart hook that fails ends the container and runs its poststop hooks")
def poststart(lab):
    mark = f"{lab.path}/poststop"
    script = write(f"{lab.path}/mark", f"#!/bin/sh\n: > {mark}\n")
    os.chmod(script, 0o755)
    made = lab.bundle(SLEEP, hooks={"poststart": [{"path": "/bin/false"}], "poststop": [{"path": script}]})
    container = lab.create(made)
    pid = container.pid
    lab.brig("start", container.id).failed("poststart", status=1)
    lab.gone(container.id)
    eventually(lambda: lab.reap() or pid not in oracle.processes(), "the program's end")
    check(os.path.exists(mark), "the poststop hook ran")


@suite.case("DEC-12", "delete ends a container that is only created")
def delete_created(lab):
    container = lab.create(lab.bundle(SLEEP))
    pid = container.pid
    container.delete().ok()
    lab.gone(container.id)
    eventually(lambda: lab.reap() or pid not in oracle.processes(), "the end of its process")


@suite.case("DEC-13", "hooks of create read the status creating")
def creating(lab):
    folder = f"{lab.path}/said"
    os.mkdir(folder)
    hooks = {}
    for kind in ("prestart", "createRuntime", "createContainer"):
        script = write(f"{lab.path}/{kind}", f"#!/bin/sh\ncat > {folder}/{kind}\n")
        os.chmod(script, 0o755)
        hooks[kind] = [{"path": script}]
    lab.create(lab.bundle(SLEEP, hooks=hooks))
    for kind in hooks:
        equal(json.loads(read(f"{folder}/{kind}"))["status"], "creating", kind)


@suite.case("DEC-14", "a newer minor version is taken with a warning, another major is an error")
def versions(lab):
    for version in ("1.4.0", "1.10.0", "1.99.0-rc1"):
        called = lab.run(lab.bundle(["/bin/true"], ociVersion=version), globals_=LOUD).ok()
        contains(called.err, "ociVersion: newer than 1.3.0: what it added is ignored", version)
    equal(lab.run(lab.bundle(["/bin/true"], ociVersion="1.3.0"), globals_=LOUD).ok().err, "", "1.3.0")
    for version in ("0.9.0", "2.0.0", "10.0.0"):
        lab.try_create(lab.bundle(ociVersion=version)).failed("ociVersion: only version 1", status=1)


suite.main()
