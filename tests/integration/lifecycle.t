#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# A container's life: its steps LC-01 to LC-13, its state ST-*, create and state O-01 and O-02.
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.lab import read, write
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


def wait_for_start(pid):
    """Until the container's init sleeps in a call of the kernel, where only start wakes it."""
    eventually(lambda: oracle.processes()[pid][1] == "S", "init waits")
    program = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    check(program not in ("sh", "busybox"), "the program has not been executed")


# create and state


@suite.case("O-02 LC-01 LC-02 ST-status X-02",
            "create leaves a created container whose program has not run")
def created(lab):
    container = lab.create(lab.bundle(shell="echo ran; sleep 1000"))
    state = container.state()
    equal(state["status"], "created", "status")
    check(oracle.processes()[state["pid"]][1] != "Z", "init is alive")
    wait_for_start(state["pid"])
    equal(container.out(), "", "output before start")
    container.start()
    container.wait_out("ran")


@suite.case("O-01 ST-ociVersion ST-id ST-bundle ST-annotations X-07",
            "state has every key that engines read")
def state_keys(lab):
    made = lab.bundle(SLEEP, annotations={"a.b": "c", "quote": "\"\n\\"})
    container = lab.create(made)
    state = container.state()
    for key in ("ociVersion", "id", "status", "pid", "bundle", "rootfs", "created", "annotations"):
        check(key in state, f"key {key} in {state}")
    equal(state["id"], container.id, "id")
    equal(state["bundle"], made.path, "bundle")
    equal(state["ociVersion"], made.config["ociVersion"], "ociVersion")
    equal(os.path.realpath(state["rootfs"]), os.path.realpath(made.rootfs), "rootfs")
    equal(state["annotations"], {"a.b": "c", "quote": "\"\n\\"}, "annotations")
    date, rest = state["created"].split("T")
    equal(len(date), 10, "RFC 3339 date")
    check(rest.endswith("Z"), "created is UTC")


@suite.case("O-01 ST-status ST-pid LC-10 X-07", "state follows the life: created, running, stopped")
def state_life(lab):
    container = lab.create(lab.bundle(SLEEP))
    equal(container.status(), "created", "after create")
    container.start()
    equal(container.status(), "running", "after start")
    pid = container.pid
    container.kill("KILL").ok()
    container.wait_stopped()
    equal(lab.exit_of(pid), -signal.SIGKILL, "exit seen by the subreaper")
    state = container.state()
    equal(state.get("pid", 0), 0, "pid when stopped")
    container.delete().ok()
    lab.gone(container.id)


@suite.table("LC-10 ST-status", "the container has stopped when its process", {
    "exits": ("exit 0", None, 0), "fails": ("exit 3", None, 3),
    "crashes": ("kill -SEGV $$; sleep 1000", None, -signal.SIGSEGV),
    "is killed by kill": ("sleep 1000", "KILL", -signal.SIGKILL),
    "is ended by a signal that it handles": ("trap 'exit 4' TERM; while :; do sleep 0.01; done",
                                             "TERM", 4)})
def process_exits(lab, shell, name, status):
    made = lab.bundle(shell=f"echo up; {shell}")
    made.without_namespace("pid")  # PID 1 of a namespace cannot crash by its own signal
    container = lab.create(made)
    pid = container.pid
    container.start()
    container.wait_out("up")
    if name:
        time.sleep(0.02)
        container.kill(name).ok()
    container.wait_stopped()
    equal((lab.exit_of(pid), container.state().get("pid", 0)), (status, 0), "exit, pid")
    container.kill("TERM").failed("container not running")
    container.delete().ok()


@suite.case("O-01 ST-status TRAP-27", "a zombie init counts as stopped")
def zombie(lab):
    lab.reaping = False
    container = lab.start(lab.bundle(["/bin/true"]))
    eventually(lambda: any(state == "Z" and parent == os.getpid()
                           for parent, state, _ in oracle.processes().values()), "zombie init")
    equal(container.status(), "stopped", "status of a zombie")
    container.delete().ok()
    lab.reaping = True


@suite.table("ST-annotations", "annotations", {
    "none": (None, {}), "an empty object": ({}, {}), "one": ({"a": ""}, {"a": ""}),
    "many": ({f"k{i}": "v" * 1000 for i in range(100)}, {f"k{i}": "v" * 1000 for i in range(100)}),
})
def state_annotations(lab, value, wanted):
    made = lab.bundle(SLEEP)
    if value is not None:
        made.config["annotations"] = value
    equal(lab.create(made).state().get("annotations", {}), wanted, "annotations of the state")


@suite.table("ST-ociVersion", "the state complies with the configuration's version", {
    version: version for version in ("1.0.0", "1.0.2-dev", "1.2.1", "1.3.0")})
def state_version(lab, version):
    made = lab.bundle(SLEEP)
    made.config["ociVersion"] = version
    equal(lab.create(made).state()["ociVersion"], version, "ociVersion")


@suite.table("ST-pid", "the pid is the host's", {"with a pid namespace": True, "without": False})
def state_pid(lab, own):
    made = lab.bundle(shell="echo $$; exec sleep 1000")
    if not own:
        made.without_namespace("pid")
    container = lab.create(made)
    pid = container.pid
    check(oracle.processes()[pid][0] == os.getpid(), "a process of the host, our child")
    container.start()
    container.wait_out("\n")
    equal(container.pid, pid, "pid when running")
    equal(int(container.out()), 1 if own else pid, "pid inside")
    contains(read(f"/proc/{pid}/cmdline"), "sleep\0" + "1000", "the program of that pid")
    container.kill("KILL").ok()
    container.wait_stopped()
    equal(container.state().get("pid", 0), 0, "pid when stopped")


@suite.case("ST-status ST-pid X-07", "while the container is being made the status is creating")
def state_creating(lab):
    made = lab.bundle(SLEEP)
    seen = f"{lab.path}/seen"
    made.config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": [
        "sh", "-c", f"{lab.words()[0]} --root {lab.root} state own > {seen}"]}]}
    container = lab.create(made, identity="own")
    state = json.loads(read(seen))
    equal((state["status"], state.get("pid", 0)), ("creating", 0), "status and pid")
    equal((state["id"], state["bundle"]), ("own", made.path), "id and bundle")
    equal(container.status(), "created", "status afterwards")


@suite.case("LC-01 LC-02 LC-03 LC-04 LC-05 LC-06 LC-07 LC-08 LC-09 LC-10 LC-11 LC-12 LC-13",
            "the thirteen steps of a life, in one trace")
def trace(lab):
    record, left = f"{lab.path}/record", f"{lab.path}/record/left"
    os.makedirs(record)
    made = lab.bundle(shell="echo program >> /record/trace; sleep 1000")
    made.set("linux.cgroupsPath", "/traced")
    os.makedirs(made.inside("/record"))
    made.mount("/record", "bind", record, ["bind"])
    outside = {"poststart": "until grep -q program {0}; do sleep 0.01; done; ",
               "poststop": f"ls -d {oracle.CGROUPS}/*/traced {oracle.CGROUPS}/traced > {left}; "
                           f"pgrep -f 'sleep 10[0]0' >> {left}; "}
    hooks = made.config["hooks"] = {}
    for kind in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart",
                 "poststop"):
        place = "/record/trace" if kind == "startContainer" else f"{record}/trace"
        hooks[kind] = [{"path": "/bin/sh", "args": ["sh", "-c", outside.get(kind, "").format(place)
                                                   + f"echo {kind} >> {place}"]}]

    def note(text):
        with open(f"{record}/trace", "a", encoding="ascii") as file:
            file.write(f"{text}\n")

    note("create called")
    container = lab.create(made)
    note("create returned")
    wait_for_start(container.pid)
    note("start called")
    container.start()
    note("start returned")
    container.kill("KILL").ok()
    container.wait_stopped()
    note("exited")
    note("delete called")
    container.delete().ok()
    note("delete returned")
    equal(read(f"{record}/trace").splitlines(), [
        "create called", "prestart", "createRuntime", "createContainer", "create returned",
        "start called", "startContainer", "program", "poststart", "start returned", "exited",
        "delete called", "poststop", "delete returned"], "the trace")
    equal(read(left), "", "what poststop still finds of the container")
    lab.gone(container.id)


@suite.case("LC-02 O-02", "the environment of a created container is complete, its program apart")
def environment(lab):
    made = lab.bundle(shell="echo ran", hostname="harbour", process__cwd="/tmp",
                      process__user={"uid": 1000, "gid": 1000})
    made.set("linux.cgroupsPath", "/complete")
    made.set("linux.resources", {"pids": {"limit": 17}})
    container = lab.create(made)
    pid = container.pid
    equal(os.stat(f"/proc/{pid}/root").st_ino, os.stat(made.rootfs).st_ino, "root")
    check(os.path.exists(f"/proc/{pid}/root/dev/null"), "devices")
    contains(read(f"/proc/{pid}/mountinfo"), " /dev/shm ", "mounts")
    contains(read(f"/proc/{pid}/cgroup"), "/complete", "cgroup")
    contains(read(f"/proc/{pid}/status"), "Uid:\t1000", "user")
    equal(os.readlink(f"/proc/{pid}/cwd"), "/tmp", "working directory")
    check("ran" not in read(f"/proc/{pid}/cmdline"), "not the program")
    equal(container.exec("/bin/hostname").ok().out, "harbour\n", "hostname")
    equal(container.out(), "", "output of the program")


@suite.case("O-01", "state without an id or of an unknown id is an error")
def state_unknown(lab):
    lab.brig("state", "nobody").failed("does not exist")
    check(lab.brig("state").status != 0, "state without id")


@suite.case("O-02", "the id must be unique; the first container is not touched")
def duplicate(lab):
    made = lab.bundle(SLEEP)
    container = lab.create(made)
    pid = container.pid
    lab.brig("create", "--bundle", made.path, container.id).failed("already exist")
    equal((container.status(), container.pid), ("created", pid), "the first one")
    container.start()
    lab.brig("run", "--bundle", made.path, container.id).failed("already exist")
    equal((container.status(), container.pid), ("running", pid), "the first one")


@suite.case("O-05", "an id can be used again after delete")
def reuse(lab):
    made = lab.bundle(SLEEP)
    for _ in range(3):
        container = lab.create(made, identity="again")
        container.delete("--force").ok()
    lab.expect_nothing_left("three lives of one id")


@suite.table("O-02 T-95", "a bad id is refused before anything is touched", {
    "empty": "", "dot": ".", "dot dot": "..", "slash": "a/b", "up": "../x", "newline": "a\nb",
    "blank": "a b", "256 letters": "a" * 256, "1024 letters": "a" * 1024, "UTF-8": "käse",
    "percent": "%n", "star": "*", "colon": "a:b",
})
def bad_id(lab, identity):
    made = lab.bundle(SLEEP).write()
    before = oracle.tree(lab.path, content=False)
    keep = {path for path in before if "/out-" not in path and "/err-" not in path}
    for words in (("create", "--bundle", made.path), ("run", "--bundle", made.path), ("start",),
                  ("state",), ("kill",), ("delete",), ("exec",), ("ps",), ("pause",)):
        tail = ("/bin/true",) if words[0] == "exec" else ()
        result = lab.brig(*words, "--", identity, *tail)
        check(result.status not in (0, None), f"wanted an error of {result}")
    lab.brig("delete", "--force", "--", identity)
    after = {path for path in oracle.tree(lab.path, content=False)
             if "/out-" not in path and "/err-" not in path}
    equal(after, keep, "files below state root and bundle")
    lab.expect_nothing_left("a bad id")


@suite.table("O-02", "a good id is accepted", {
    "letters and digits": "Az09", "signs": "a_b+c-d.e", "one": "x", "long": "a" * 200,
})
def good_id(lab, identity):
    lab.create(lab.bundle(SLEEP), identity=identity).delete().ok()


@suite.case("O-02 B-02", "create without a bundle, config or id fails cleanly")
def no_bundle(lab):
    lab.brig("create", "--bundle", f"{lab.path}/missing", "x").failed("no such file or directory")
    os.mkdir(f"{lab.path}/empty")
    lab.brig("create", "--bundle", f"{lab.path}/empty", "x").failed("config.json")
    check(lab.brig("create", "--bundle", f"{lab.path}/empty").status != 0, "create without id")
    lab.expect_nothing_left("a failed create")


PROPERTIES = {
    "mount source": ("mounts.0", {"destination": "/x", "type": "bind", "source": "/absent",
                                  "options": ["bind"]}, "mounts[0]"),
    "mount type": ("mounts.0", {"destination": "/x", "type": "nofs"}, "mounts[0]"),
    "hostname": ("hostname", "h" * 65, "hostname"),
    "sysctl": ("linux.sysctl", {"net.absent": "1"}, "linux.sysctl"),
    "namespace": ("linux.namespaces.2", {"type": "ipc", "path": "/absent"}, "linux.namespaces[2]"),
    "device": ("linux.devices", [{"path": "/etc/passwd/x", "type": "c", "major": 1, "minor": 3}],
               "linux.devices[0]"),
    "cpus": ("linux.resources", {"cpu": {"cpus": "4096"}}, "linux.resources.cpu.cpus"),
    "user": ("process.user", {"uid": 2**32 - 1, "gid": 0}, "process.user.uid"),
    "working directory": ("process.cwd", "/etc/passwd/x", "process.cwd"),
    "rlimit": ("process.rlimits", [{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}],
               "process.rlimits[0]"),
    "root": ("root.path", "absent", "root.path"),
    "program": ("process.args", ["/absent"], "process.args[0]"),
}


@suite.table("O-02 O-06 LC-02", "a property that cannot be applied is an error that leaves nothing",
             PROPERTIES)
def not_applied(lab, place, value, path):
    made = lab.bundle(SLEEP)
    before = oracle.tree(made.write().path)
    made.set(place, value)
    result = lab.try_create(made, "--pid-file", f"{lab.path}/pid", identity="x")
    result.failed("create x: ", path, status=1)
    check(not os.path.exists(f"{lab.path}/pid"), "no pid file")
    lab.gone("x")
    lab.expect_nothing_left("a failed create")
    del before[made.path], before[f"{made.path}/config.json"]
    after = oracle.tree(made.path)
    equal({name: after[name][:1] for name in before}, {name: before[name][:1] for name in before},
          "the bundle")


@suite.case("B-01", "the bundle is the working directory unless named; relative ones work")
def bundle_places(lab):
    made = lab.bundle(SLEEP).write()
    lab.containers.append("here")
    lab.brig("create", "here", cwd=made.path).ok()
    equal(lab.state("here")["bundle"], made.path, "absolute bundle of a default")
    lab.containers.append("relative")
    lab.brig("create", "-b", os.path.basename(made.path), "relative",
             cwd=os.path.dirname(made.path)).ok()
    equal(lab.state("relative")["bundle"], made.path, "absolute bundle of a relative one")


@suite.case("B-03 LC-02", "editing or losing the config after create changes nothing")
def config_frozen(lab):
    made = lab.bundle(shell="echo first; sleep 1000")
    container = lab.create(made)
    write(f"{made.path}/config.json", "{}")
    container.start()
    container.wait_out("first")
    os.unlink(f"{made.path}/config.json")
    container.exec("/bin/true").ok()
    container.kill("KILL").ok()
    container.wait_stopped()
    container.delete().ok()


@suite.case("X-02 X-08 TRAP-06", "the pid file holds the host's pid, no newline, replaced by rename")
def pid_file(lab):
    path = write(f"{lab.path}/pid", "old")
    old = os.open(path, os.O_RDONLY)
    container = lab.create(lab.bundle(SLEEP), "--pid-file", "pid")
    equal(read(path), str(container.pid), "pid file")
    equal(os.read(old, 10), b"old", "the old file is not written in place")
    os.close(old)
    left = [name for name in os.listdir(lab.path) if "pid" in name and name != "pid"]
    equal(left, [], "temporary files beside the pid file")
    equal(oct(os.stat(path).st_mode & 0o777), "0o644", "mode")


@suite.case("X-08", "a failed create leaves no pid file")
def pid_file_failed(lab):
    made = lab.bundle(["/bin/absent"])
    lab.try_create(made, "--pid-file", "pid").failed("no such file or directory")
    check(not os.path.exists(f"{lab.path}/pid"), "no pid file")
    lab.expect_nothing_left("a failed create")


@suite.case("N-05 X-08", "init is PID 1 inside, another PID outside, a child of the subreaper")
def pid_one(lab):
    container = lab.start(lab.bundle(shell="echo $$; readlink /proc/self/ns/pid; sleep 1000"))
    container.wait_out("pid:")
    first, namespace = container.out().split()
    equal(first, "1", "pid inside")
    pid = container.pid
    check(pid != 1, "pid outside")
    equal(oracle.processes()[pid][0], os.getpid(), "parent of init")
    equal(os.readlink(f"/proc/{pid}/ns/pid"), namespace, "its pid namespace from the host")
    check(os.readlink("/proc/self/ns/pid") != namespace, "is not ours")
    contains(read(f"/proc/{pid}/status"), f"NSpid:\t{pid}\t1", "status on the host")


@suite.case("X-08 TRAP-02 TRAP-19", "after create and start no helper is left")
def no_helpers(lab):
    container = lab.create(lab.bundle(SLEEP))
    for step in ("created", "running"):
        others = {pid: entry for pid, entry in oracle.processes().items()
                  if pid not in lab.before.processes and pid != container.pid}
        equal(others, {}, f"processes beside init when {step}")
        if step == "created":
            container.start()


suite.main()
