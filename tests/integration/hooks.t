#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Hooks: H-01 to H-20, by scripts that write down what they see.
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.lab import read, write
from harness.tap import Suite, check, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
CREATE = ("prestart", "createRuntime", "createContainer")
RUNTIME = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")
KINDS = (*CREATE, "startContainer", "poststart", "poststop")


def script(lab, name, text):
    """A hook program on the host that runs shell text."""
    path = f"{lab.path}/{name}"
    write(path, f"#!/bin/sh\n{text}\n")
    os.chmod(path, 0o755)
    return path


def recorder(lab, made):
    """Hooks of every kind that append their kind and their state to a file."""
    os.makedirs(made.inside("/record"))
    record = f"{lab.path}/record"
    os.makedirs(record)
    made.mount("/record", "bind", record, ["bind"])
    hooks = {}
    for kind in KINDS:
        folder = "/record" if kind == "startContainer" else record
        text = (f"echo {kind} >> {folder}/order; cat > {folder}/{kind}; "
                f"readlink /proc/self/ns/mnt > {folder}/{kind}.mnt; env > {folder}/{kind}.env; "
                f"pwd > {folder}/{kind}.cwd; echo noise; echo noise >&2")
        if kind == "startContainer":
            made.file("/hook", f"#!/bin/sh\n{text}\n", 0o755)
            hooks[kind] = [{"path": "/hook"}]
        else:
            hooks[kind] = [{"path": script(lab, kind, text)}]
    made.config["hooks"] = hooks
    return record


@suite.case("H-01 H-02 H-03 H-04 H-05 H-06 H-10", "the six kinds run in order, at their step")
def order(lab):
    made = lab.bundle(SLEEP)
    record = recorder(lab, made)
    container = lab.create(made)
    equal(read(f"{record}/order").split(), list(CREATE), "after create")
    container.start()
    equal(read(f"{record}/order").split(), [*CREATE, "startContainer", "poststart"], "after start")
    container.delete("--force").ok()
    equal(read(f"{record}/order").split(), list(KINDS), "after delete")


@suite.case("H-11 H-18", "each hook gets the state: keys, status and pid as the spec says")
def state(lab):
    made = lab.bundle(SLEEP, annotations={"k": "v\n\"x\""})
    record = recorder(lab, made)
    container = lab.start(made)
    pid = container.pid
    container.delete("--force").ok()
    wanted = {"prestart": ("creating", pid), "createRuntime": ("creating", pid),
              "createContainer": ("creating", None), "startContainer": ("created", None),
              "poststart": ("running", pid), "poststop": ("stopped", 0)}
    for kind, (status, number) in wanted.items():
        got = json.loads(read(f"{record}/{kind}"))
        equal(got["status"], status, f"status for {kind}")
        if number is not None:
            equal(got.get("pid", 0), number, f"pid for {kind}")
        else:
            check(got["pid"] in (1, pid), f"pid for {kind}: {got['pid']}")
        equal((got["id"], got["bundle"]), (container.id, made.path), f"id and bundle for {kind}")
        equal(got["annotations"], {"k": "v\n\"x\""}, f"annotations for {kind}")
        check(got["ociVersion"].startswith("1."), f"ociVersion for {kind}")


@suite.case("H-01 H-02 H-03 H-04", "namespaces: runtime hooks outside, container hooks inside")
def namespaces(lab):
    made = lab.bundle(SLEEP)
    record = recorder(lab, made)
    container = lab.start(made)
    inside = os.readlink(f"/proc/{container.pid}/ns/mnt")
    outside = os.readlink("/proc/self/ns/mnt")
    container.delete("--force").ok()
    for kind in KINDS:
        wanted = inside if kind in ("createContainer", "startContainer") else outside
        equal(read(f"{record}/{kind}.mnt").strip(), wanted, f"mount namespace of {kind}")


@suite.case("H-14 T-99", "a hook's environment is its own, never the process's")
def environment(lab):
    made = lab.bundle(SLEEP)
    made.process["env"] += ["LD_PRELOAD=./evil.so", "SECRET=process"]
    record = recorder(lab, made)
    for kind in RUNTIME:
        made.config["hooks"][kind][0]["env"] = [f"KIND={kind}", "PATH=/usr/bin:/bin"]
    lab.start(made, env={"CALLER": "x", "PATH": "/usr/bin:/bin"}).delete("--force").ok()
    for kind in RUNTIME:
        lines = set(read(f"{record}/{kind}.env").splitlines())
        check(f"KIND={kind}" in lines, f"own variable of {kind}")
        strange = {line.split("=")[0] for line in lines} - {"KIND", "PATH", "PWD", "SHLVL", "_",
                                                            "OLDPWD"}
        equal(strange, set(), f"other variables of {kind}")


@suite.case("H-13 53", "args[0] is argv[0], the program is path; without args argv is path")
def arguments(lab):
    made = lab.bundle(["/bin/true"])
    out = f"{lab.path}/args"
    os.link(f"{lab.stock}/probe", f"{lab.path}/probe")
    made.config["hooks"] = {"createRuntime": [
        {"path": "/bin/busybox", "args": ["sh", "-c", f"echo \"$0 $1\" > {out}", "name", "arg"]}]}
    lab.run(made).ok()
    equal(read(out), "name arg\n", "argv")
    made.config["hooks"] = {"createRuntime": [{"path": script(lab, "plain",
                                                              f"echo $0 $# > {out}")}]}
    lab.run(made).ok()
    equal(read(out), f"{lab.path}/plain 0\n", "argv without args")


@suite.case("H-20", "runtime hooks start in the bundle")
def working_directory(lab):
    made = lab.bundle(SLEEP)
    record = recorder(lab, made)
    lab.start(made).delete("--force").ok()
    for kind in ("prestart", "createRuntime", "poststart", "poststop"):
        equal(read(f"{record}/{kind}.cwd").strip(), made.path, f"folder of {kind}")


@suite.case("H-17 4.4", "what hooks print on success goes nowhere")
def quiet(lab):
    made = lab.bundle(SLEEP)
    recorder(lab, made)
    container = lab.start(made)
    container.delete("--force").ok()
    equal((container.out(), container.err()), ("", ""), "output of create")


@suite.case("H-11", "a hook that does not read its stdin breaks nothing")
def deaf(lab):
    made = lab.bundle(["/bin/true"], annotations={"big": "x" * 300000})
    made.config["hooks"] = {kind: [{"path": "/bin/true"}] for kind in RUNTIME}
    lab.run(made).ok()


@suite.case("H-11 T-101", "a state of hundreds of kilobytes arrives whole")
def big_state(lab):
    made = lab.bundle(["/bin/true"], annotations={"big": "</script>\x07ä\"\\" * 30000})
    place = f"{lab.path}/state.json"
    made.config["hooks"] = {"createRuntime": [{"path": script(lab, "save", f"cat > {place}")}]}
    lab.run(made).ok()
    equal(json.loads(read(place))["annotations"], made.config["annotations"], "annotations")


@suite.case("H-17 T-88 trap-3", "a daemon that a hook leaves does not hold the caller's pipes")
def daemon(lab):
    made = lab.bundle(["/bin/true"])
    made.config["hooks"] = {"createRuntime": [
        {"path": script(lab, "daemon", "setsid sleep 3 & exit 0")}]}
    reader, writer = os.pipe()
    begin = time.monotonic()
    call = lab.spawn("run", "--bundle", made.write().path, "d", stdout=writer, stderr=writer)
    lab.containers.append("d")
    os.close(writer)
    equal(os.read(reader, 100), b"", "output")
    os.close(reader)
    call.wait().ok()
    check(time.monotonic() - begin < 2, "nobody waits for the daemon")
    eventually(lambda: not lab.leaks(), "the daemon's end")


@suite.case("R-41 T-100", "a hook has descriptors 0, 1 and 2 only")
def descriptors(lab):
    made = lab.bundle(["/bin/true"])
    place = f"{lab.path}/fds"
    os.link(f"{lab.stock}/probe", f"{lab.path}/probe")
    made.config["hooks"] = {kind: [
        {"path": script(lab, kind, f"exec {lab.path}/probe > {place}.{kind}")}]
        for kind in ("prestart", "createRuntime", "createContainer", "poststart", "poststop")}
    lab.run(made).ok()
    for kind in made.config["hooks"]:
        report = json.loads(read(f"{place}.{kind}"), strict=False)
        equal(set(report["fds"]), {"0", "1", "2"}, f"descriptors of {kind}")
        equal((report["signals_blocked"], report["signals_ignored"]), ([], []), "signals")


@suite.case("X-08 2.1", "createRuntime can enter the network namespace by the pid it is told")
def network(lab):
    made = lab.bundle(shell="cat /proc/net/dev | grep -c veth")
    made.config["hooks"] = {"createRuntime": [{"path": script(
        lab, "net", "pid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/'); "
        "ip link add veth0 type veth peer name veth1 netns $pid && "
        "nsenter -t $pid -n ip link set lo up")}]}
    result = lab.run(made)
    equal(result.out, "1\n", f"interfaces: {result}")


suite.main()
