#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Hooks: H-01 to H-20, by scripts that write down what they see; hook_failures.t and hook_hangs.t have the others.
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.hooks import script
from harness.lab import read, write
from harness.tap import Suite, check, equal, eventually, patient

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
CREATE = ("prestart", "createRuntime", "createContainer")
RUNTIME = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")
KINDS = (*CREATE, "startContainer", "poststart", "poststop")
INSIDE = ("createContainer", "startContainer")
NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")


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
                f"for ns in {' '.join(NAMESPACES)}; do readlink /proc/self/ns/$ns; done "
                f"> {folder}/{kind}.ns; env > {folder}/{kind}.env; "
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


@suite.case("TRAP-53 H-11 H-18", "each hook gets the state: keys, status and pid as the spec says")
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


@suite.case("H-10", "hooks of a kind run in the listed order, each after the end of the last")
def listed_order(lab):
    made = lab.bundle(["/bin/true"])
    hooks = made.config["hooks"] = {}
    for kind in KINDS:
        paths = []
        for number, pause in enumerate(("0.15", "0.05", "0")):
            text = f"sleep {pause}; echo {kind}{number} >> {{}}"
            name = f"{kind}{number}"
            if kind == "startContainer":
                made.file(f"/{name}", f"#!/bin/sh\n{text.format('/order')}\n", 0o755)
                paths.append(f"/{name}")
            else:
                paths.append(script(lab, name, text.format(made.inside("/order"))))
        hooks[kind] = [{"path": path} for path in paths]
    lab.run(made).ok()
    equal(read(made.inside("/order")).split(), [f"{kind}{number}" for kind in KINDS
                                                for number in range(3)], "order")


@suite.case("H-18 ST-annotations", "the state for hooks has the specification's keys and no others")
def state_keys(lab):
    made = lab.bundle(["/bin/true"])
    record = recorder(lab, made)
    lab.run(made).ok()
    for kind in KINDS:
        got = json.loads(read(f"{record}/{kind}"))
        equal(got.pop("annotations", {}), {}, f"annotations for {kind}")
        equal(set(got), {"ociVersion", "id", "status", "pid", "bundle"}, f"keys for {kind}")
        equal(got["ociVersion"], made.config["ociVersion"], f"ociVersion for {kind}")


@suite.table("H-18 ST-pid", "the pid for hooks inside is the one of their namespace", {
    "own": (True, 1), "the host's": (False, None)})
def state_pid(lab, own, wanted):
    made = lab.bundle(SLEEP)
    if not own:
        made.without_namespace("pid")
    record = recorder(lab, made)
    container = lab.start(made)
    for kind in INSIDE:
        equal(json.loads(read(f"{record}/{kind}"))["pid"], wanted or container.pid,
              f"pid for {kind}")
    for kind in ("prestart", "createRuntime", "poststart"):
        equal(json.loads(read(f"{record}/{kind}"))["pid"], container.pid, f"pid for {kind}")


@suite.table("H-01 H-02 H-03 H-04 H-05 H-06", "runtime hooks run outside, container hooks inside", {
    "namespaces": False, "with a user namespace": True})
def namespaces(lab, with_user):
    made = lab.bundle(SLEEP)
    made.namespace("cgroup")
    record = recorder(lab, made)
    if with_user:
        made.namespace("user")
        made.linux["uidMappings"] = made.linux["gidMappings"] = [
            {"containerID": 0, "hostID": 100000, "size": 65536}]
        for folder in (lab.path, record):
            os.chmod(folder, 0o777)
        for folder, _, _ in os.walk(made.rootfs):
            os.chown(folder, 100000, 100000)
    container = lab.start(made)
    inside = [os.readlink(f"/proc/{container.pid}/ns/{name}") for name in NAMESPACES]
    outside = [os.readlink(f"/proc/self/ns/{name}") for name in NAMESPACES]
    container.delete("--force").ok()
    for kind in KINDS:
        wanted = inside if kind in INSIDE else outside
        equal(read(f"{record}/{kind}.ns").split(), wanted, f"namespaces of {kind}")


@suite.table("H-03 H-04", "where the path is looked up", {
    "createContainer": ("createContainer", "runtime"),
    "startContainer": ("startContainer", "container")})
def path_lookup(lab, kind, side):
    made = lab.bundle(shell="cat /said")
    path = script(lab, "which", f"echo runtime > {made.inside('/said')}")
    made.file(path, "#!/bin/sh\necho container > /said\n", 0o755)
    made.config["hooks"] = {kind: [{"path": path}]}
    equal(lab.run(made).ok().out, f"{side}\n", "the program that ran")


@suite.table("H-01 H-02 LC-02", "namespaces and mounts are made, the root is not switched yet", {
    kind: kind for kind in ("prestart", "createRuntime")})
def environment_made(lab, kind):
    made = lab.bundle(SLEEP)
    os.makedirs(made.inside("/data"))
    made.mount("/data", "tmpfs", "tmpfs", ["size=4k"])
    made.config["hooks"] = {kind: [{"path": script(
        lab, "look", "pid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/'); "
        "cat /proc/$pid/mountinfo > mountinfo; readlink /proc/$pid/root > root; "
        "ls /proc/$pid/root > ls; readlink /proc/$pid/ns/net > net; cat /proc/$pid/comm > comm")}]}
    container = lab.create(made)
    targets = [line.split()[4] for line in read(f"{made.path}/mountinfo").splitlines()]
    for path in ("/data", "/proc", "/dev/pts"):
        check(any(target.endswith(path) and target != path for target in targets),
              f"{path} is mounted below the future root: {targets}")
    equal(read(f"{made.path}/root"), "/\n", "root of the process")
    check("data" not in read(f"{made.path}/ls").split(), "it is the runtime's root")
    equal(read(f"{made.path}/net").strip(), os.readlink(f"/proc/{container.pid}/ns/net"),
          "network namespace")


@suite.case("H-03 LC-05", "createContainer sees mounts in place and the runtime's root")
def inside_view(lab):
    made = lab.bundle(shell="cat /data/from-hook")
    os.makedirs(made.inside("/data"))
    made.mount("/data", "tmpfs", "tmpfs", ["size=4k"])
    made.config["hooks"] = {"createContainer": [{"path": script(
        lab, "look", f"test -e {lab.path}/look && echo hello > data/from-hook")}]}
    equal(lab.run(made).ok().out, "hello\n", "what the hook wrote into the mount")
    check(not os.path.exists(made.inside("/data/from-hook")), "only in the container's mount")


@suite.case("TRAP-53 H-14 T-99", "a hook's environment is its own, never the process's")
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


@suite.case("TRAP-53 H-13", "args[0] is argv[0], the program is path; without args argv is path")
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
    made.config["hooks"]["createRuntime"][0]["args"] = []
    lab.run(made).ok()
    equal(read(out), f"{lab.path}/plain 0\n", "argv of an empty list")


@suite.case("H-14", "without env a hook outside gets the runtime's, one inside the process's")
def environment_absent(lab):
    made = lab.bundle(["/bin/true"])
    made.process["env"] = ["PATH=/usr/bin:/bin", "WHO=process"]
    record = recorder(lab, made)
    lab.run(made, env={"WHO": "caller", "PATH": "/usr/bin:/bin"}).ok()
    for kind in KINDS:
        who = "process" if kind == "startContainer" else "caller"
        check(f"WHO={who}" in read(f"{record}/{kind}.env").splitlines(), f"WHO of {kind}")


@suite.table("H-14", "env", {
    "empty": ([], []), "one": (["A=b"], ["A=b"]), "odd": (["A=b=c", "X=", "N=two ä"],
                                                          ["A=b=c", "X=", "N=two Ã¤"])})
def environment_given(lab, env, wanted):
    made = lab.bundle(["/bin/true"])
    made.process["env"].append("SECRET=process")
    os.link(f"{lab.stock}/probe", f"{lab.path}/probe")
    out = f"{lab.path}/out"
    made.config["hooks"] = {
        kind: [{"path": "/bin/busybox", "args": ["sh", "-c", f"exec {probe} > {place}"],
                "env": env}]
        for kind, probe, place in (("createRuntime", f"{lab.path}/probe", out),
                                   ("startContainer", "/bin/probe", "/out"))}
    lab.run(made, env={"CALLER": "x"}).ok()
    for place in (out, made.inside("/out")):
        # The shell adds some of its own.
        found = {entry for entry in json.loads(read(place), strict=False)["env"]
                 if not entry.startswith(("PWD=", "SHLVL=", "OLDPWD=", "_=", "PATH=/sbin:"))}
        equal(found, set(wanted), "environment")


@suite.case("H-03 H-04 R-41", "hooks have the caller's umask, startContainer the process's")
def umask(lab):
    made = lab.bundle(["/bin/true"], process__user={"uid": 0, "gid": 0, "umask": 0o033})
    made.config["hooks"] = {
        kind: [{"path": "/bin/sh", "args": ["sh", "-c", f"umask > {place}"]}]
        for kind in KINDS
        for place in [f"/{kind}" if kind == "startContainer" else made.inside(f"/{kind}")]}
    lab.run(made, preexec_fn=lambda: os.umask(0o027)).ok()
    equal({kind: read(made.inside(f"/{kind}")).strip() for kind in KINDS},
          {kind: "0033" if kind == "startContainer" else "0027" for kind in KINDS}, "umasks")


@suite.table("H-20", "a hook inside starts", {
    "createContainer: in the container's root": ("createContainer", "{rootfs}"),
    "startContainer: in the process's folder": ("startContainer", "/tmp")})
def working_directory_inside(lab, kind, wanted):
    made = lab.bundle(SLEEP, process__cwd="/tmp")
    record = recorder(lab, made)
    lab.start(made).delete("--force").ok()
    equal(read(f"{record}/{kind}.cwd").strip(), wanted.replace("{rootfs}", made.rootfs), "folder")


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


@suite.case("H-17 T-88 TRAP-03", "a daemon that a hook leaves does not hold the caller's pipes")
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
    check(time.monotonic() - begin < patient(2), "nobody waits for the daemon")
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
