#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# What dockerd does by itself, beside containerd's shim: it asks for version and features, gives its
# builder's containers a network by a hook, and puts a shell before runtimes that have arguments.
import json
import os
import signal
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.callers import Pipe, Shim, UserNamespace
from harness.console import ConsoleSocket, read_until
from harness.lab import read, write
from harness.tap import Suite, check, contains, equal

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
NOBODY = 65534


def parse_version(text):
    """As dockerd finds name, version and commit; later lines win."""
    name = version = commit = ""
    for line in text.strip().split("\n"):
        if "version" in line:
            name, _, version = line.rpartition("version")
        elif line.startswith("commit:"):
            commit = line.removeprefix("commit:").strip()
    return name.strip(), version.strip(), commit


@suite.case("CALL-24 TRAP-40", "--version and features, as dockerd asks each runtime at its start")
def probes(lab):
    shim = Shim(lab, lab.bundle(shell="echo ran"))
    shim.create()
    globals_, shim.globals_, shim.own_root = shim.globals_, (), False
    shim.environment = {}
    result = shim.call("--version").ok()
    name, version, commit = parse_version(result.out)
    equal((name, result.err), ("brig", ""), "name and standard error")
    check(version and version[0].isdigit() and commit, f"version {version!r}, commit {commit!r}")
    result = shim.call("features").ok()
    check("rro" in json.loads(result.out)["mountOptions"], "mount options")
    equal(result.err, "", "standard error of features")

    def nobody():
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    for words in (("--version",), ("features",)):
        lab.popen([*lab.words(*words, root=False)], cwd="/", env={}, preexec_fn=nobody).wait().ok()
    shim.globals_, shim.own_root = globals_, True
    shim.silent("start", shim.id)  # all that has not touched the container
    equal(shim.out.wait_end(), "ran\n", "output")


def link_hook(holder, script):
    return {"prestart": [{"path": f"/proc/{holder.pid}/exe",
                          "args": ["libnetwork-setkey", "-c", script], "env": ["KEY=x"]}]}


@suite.case("CALL-25 TRAP-53 TRAP-54", "the builder's hook: by /proc/PID/exe, with its own name and the state")
def builder_hook(lab):
    holder = lab.popen(["/bin/sh", "-c", "read x"], stdin=os.openpty()[1])
    told = f"{lab.path}/told"
    script = (f'echo "$0"; echo "$KEY"; echo "${{HOME-none}}"; read state; echo "$state"; '
              f'! read more && echo end')
    made = lab.bundle(SLEEP)
    made.config["hooks"] = link_hook(holder, f"{{ {script}; }} > {told}")
    shim = Shim(lab, made)
    pid = shim.create()
    name, key, home, state, end = read(told).splitlines()
    equal((name, key, home, end), ("libnetwork-setkey", "x", "none", "end"), "argv[0] and environment")
    state = json.loads(state)
    equal((state["id"], state["pid"], state["bundle"], state["status"]),
          (shim.id, pid, made.path, "creating"), "state")
    check(os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net"),
          "a network namespace before start")
    holder.signal(signal.SIGKILL)


@suite.case("CALL-25", "a builder's hook that fails ends the create, with what it said")
def builder_hook_fails(lab):
    holder = lab.popen(["/bin/sh", "-c", "read x"], stdin=os.openpty()[1])
    made = lab.bundle(SLEEP)
    made.config["hooks"] = link_hook(holder, "echo no such sandbox >&2; exit 4")
    shim = Shim(lab, made)
    shim.call("create", "--bundle", made.path, "--pid-file", shim.pid_file, shim.id).failed(
        "no such sandbox", status=1)
    contains(shim.last_error(), "no such sandbox", "log")
    check(not os.path.exists(shim.pid_file), "no pid file")
    holder.signal(signal.SIGKILL)
    made.config["hooks"] = {}
    made.write()
    shim.create()


@suite.case("CALL-26 TRAP-57", "a script with arguments of its own between the shim and the runtime")
def wrapped(lab):
    made = lab.bundle(shell="tty; trap 'exit 6' TERM; echo up; while :; do sleep 0.01; done",
                      process__terminal=True)
    shim = Shim(lab, made)
    program = lab.words("x", root=False)[0]
    script = write(f"{lab.path}/runtime", f"#!/bin/sh\n\n{program} --debug=false --cgroup-manager "
                                          f"cgroupfs $@\n")
    os.chmod(script, stat.S_IRWXU)
    plain = lab.words
    lab.words = lambda *words, **how: [script, *plain(*words, **how)[1:]]
    console = ConsoleSocket(f"{lab.path}/pty.sock")
    shim.silent("create", "--bundle", made.path, "--pid-file", shim.pid_file, "--console-socket",
                console.path, shim.id)
    master = console.accept()
    equal(oracle.processes()[shim.pid()][0], os.getpid(), "parent of init")
    shim.silent("start", shim.id)
    read_until(master, "up")
    out = Pipe()
    shim.spawn("exec", "--process", shim.process_file(["/bin/echo", "in"]), "--detach", "--pid-file",
               f"{lab.path}/exec.pid", shim.id, stdout=out.writer).wait().ok()
    out.shut()
    equal(out.wait_end(), "in\n", "output of exec")
    shim.silent("kill", shim.id, "15")
    equal(lab.exit_of(shim.pid()), 6, "exit status")
    shim.call("kill", shim.id, "15").failed("container not running", status=1)
    shim.silent("delete", shim.id)
    console.close()


def rootless_shim(lab, made):
    """The shim of a dockerd that is root of a user namespace only, without controllers."""
    made.linux.pop("resources", None)
    made.linux["cgroupsPath"] = ""
    shim = Shim(lab, made)
    return shim, UserNamespace(lab)


@suite.case("TRAP-56", "dockerd rootless: an empty cgroupsPath and no resources, a whole life")
def rootless(lab):
    shim, space = rootless_shim(lab, lab.bundle(
        shell="trap 'exit 4' TERM; ls /sys/fs/cgroup; echo up; while :; do sleep 0.01; done"))
    shim.made.mount("/sys/fs/cgroup", "cgroup", "cgroup", ["ro", "nosuid", "noexec", "nodev"])
    shim.made.write()
    pid = shim.create()
    equal(read(f"/proc/{pid}/cgroup"), read("/proc/self/cgroup"), "cgroups of init: the caller's")
    contains(read(f"/proc/{pid}/status"), f"Uid:\t{space.FIRST}\t", "user")
    shim.silent("start", shim.id)
    shim.out.wait_for("up")
    equal(shim.out.text(), "up\n", "/sys/fs/cgroup, for it has no cgroup")
    out = Pipe()
    path = shim.process_file(["/bin/id", "-u"])
    space.give(path)
    shim.spawn("exec", "--process", path, "--detach", "--pid-file", f"{lab.path}/exec.pid", shim.id,
               stdout=out.writer).wait().ok()
    out.shut()
    equal(out.wait_end(), "0\n", "exec")
    equal(shim.state()["status"], "running", "status")
    shim.silent("kill", shim.id, "15")
    equal(lab.exit_of(pid), 4, "exit status")
    shim.silent("delete", shim.id)


@suite.case("TRAP-56", "dockerd rootless: a limit that cannot be set is an error that leaves nothing")
def rootless_limit(lab):
    shim, _ = rootless_shim(lab, lab.bundle(SLEEP))
    shim.made.set("linux.resources.pids.limit", 10)
    shim.made.write()
    shim.call("create", "--bundle", shim.made.path, "--pid-file", shim.pid_file, shim.id).failed(
        "linux.resources.pids.limit", "no cgroup", status=1)
    check(not os.path.exists(shim.pid_file), "no pid file")
    shim.silent("delete", "--force", shim.id)
    shim.made.linux.pop("resources")
    shim.made.write()
    shim.create()
    shim.silent("delete", shim.id)


suite.main()
