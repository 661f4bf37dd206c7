#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Traps that engines set a runtime, third part: what the program of init and of exec finds
# (TRAP-42 to TRAP-57).
import contextlib
import ctypes
import errno
import json
import os
import resource
import shutil
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle, sandbox
from harness.cgroups import V1, groups_of, room_on_v2, see_only_v2, unified
from harness.lab import need, read, write
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
MIB = 1 << 20


def inside(result):
    return json.loads(result.ok().out, strict=False)


# What it would inherit


@suite.table("TRAP-42", "the caller's umask is neither the program's nor that of what is made", {
    "0": 0, "027": 0o027, "077": 0o077, "0777": 0o777})
def umask(lab, caller):
    how = {"preexec_fn": lambda: os.umask(caller)}
    made = lab.bundle(shell="umask; echo > /tmp/file; mkdir /tmp/dir; exec sleep 1000",
                      process__cwd="/made/here", process__user={"uid": 1000, "gid": 1000})
    made.mount("/data/deep", "tmpfs", "tmpfs")
    os.chmod(made.inside("/tmp"), 0o1777)
    container = lab.start(made, **how)
    container.wait_out("0022")
    root = f"/proc/{container.pid}/root"
    eventually(lambda: os.path.isdir(f"{root}/tmp/dir"), "what the program makes")
    modes = {name: oct(os.stat(root + name).st_mode & 0o7777) for name in (
        "/tmp/file", "/tmp/dir", "/made/here", "/made", "/data", "/dev/null", "/dev/full")}
    equal(modes, {"/tmp/file": "0o644", "/tmp/dir": "0o755", "/made/here": "0o755",
                  "/made": "0o755", "/data": "0o755", "/dev/null": "0o666", "/dev/full": "0o666"},
          "modes")
    equal(inside(lab.brig("exec", container.id, "/bin/probe", **how))["umask"], 0o22, "exec's")


@suite.case("TRAP-49", "exec has the container's score, CPUs and limits, not those of the shim")
def shim(lab):
    def be_a_shim():
        write("/proc/self/oom_score_adj", "500")
        os.sched_setaffinity(0, {0})
        resource.setrlimit(resource.RLIMIT_NOFILE, (77, 77))
        resource.setrlimit(resource.RLIMIT_STACK, (1 * MIB, 2 * MIB))
    made = lab.bundle(SLEEP, process__oomScoreAdj=100, process__rlimits=[
        {"type": "RLIMIT_NOFILE", "soft": 50, "hard": 60},
        {"type": "RLIMIT_STACK", "soft": 3 * MIB // 2, "hard": 2 * MIB}])
    container = lab.start(made)
    process = lab.process_file()
    for words in (("exec", container.id, "/bin/probe"),
                  ("exec", "--process", process, container.id)):
        report = inside(lab.brig(*words, preexec_fn=be_a_shim))
        equal(report["oom_score_adj"].strip(), "100", "oom_score_adj")
        equal(report["cpus"], os.cpu_count(), "CPUs")
        equal((report["rlimits"]["RLIMIT_NOFILE"], report["rlimits"]["RLIMIT_STACK"]),
              ([50, 60], [3 * MIB // 2, 2 * MIB]), "limits")


@suite.case("TRAP-43", "a session keyring that is not the caller's, for init and exec")
def keyring(lab):
    caller = lab.popen([f"{lab.stock}/probe"])
    caller.wait()
    callers = json.loads(caller.out(), strict=False)["keyring"]
    need(callers > 0, "no keyrings on this kernel")
    made = lab.bundle(shell="/bin/probe; echo end; exec sleep 1000")
    rings = {}
    for options in ((), ("--no-new-keyring",)):
        container = lab.start(made, *options)
        container.wait_out("end\n")
        init = json.loads(container.out().removesuffix("end\n"), strict=False)["keyring"]
        rings[options] = (init, inside(container.exec("/bin/probe"))["keyring"])
    check(callers not in rings[()], f"{callers}, the caller's, among {rings[()]}")
    equal(rings[("--no-new-keyring",)], (callers, callers), "without one, exec is not told again")


@contextlib.contextmanager
def used_up_quota(become):
    """Meanwhile the user that become() turns a process into can have no key more."""
    ADD_KEY, PROCESS_KEYRING = 248, -2
    reader, writer = os.pipe()
    holder = os.fork()
    if holder == 0:
        become()
        number = 0
        while sandbox.libc.syscall(ADD_KEY, b"user", b"%d" % number, b"x", 1, PROCESS_KEYRING) > 0:
            number += 1
        os.write(writer, str(ctypes.get_errno()).encode())
        signal.pause()
    os.close(writer)
    try:
        equal(int(os.read(reader, 10)), errno.EDQUOT, "why there is no key more")
        yield
    finally:
        os.close(reader)
        os.kill(holder, signal.SIGKILL)
        os.waitpid(holder, 0)


@suite.case("TRAP-43", "a user whose key quota is used up: the reason is told, podman's way works")
def key_quota(lab):
    user = 4242
    need(os.uname().machine == "x86_64", "the number of add_key(2)")
    made = lab.bundle(["/bin/true"])
    made.namespace("user")
    made.mounts[2]["options"] = ["newinstance", "ptmxmode=0666"]
    made.linux["uidMappings"] = made.linux["gidMappings"] = [
        {"containerID": 0, "hostID": user, "size": 1}]
    made.write()
    os.chmod(lab.path, 0o777)
    os.chown(lab.root, user, user)
    for folder, _, _ in os.walk(made.path):
        os.chown(folder, user, user)

    def be_user():
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)

    def be_user_with_keyring():
        KEYCTL, JOIN_SESSION_KEYRING = 250, 1
        sandbox.libc.syscall(KEYCTL, JOIN_SESSION_KEYRING, None)  # quotas count for the second only
        be_user()
    how = {"preexec_fn": be_user_with_keyring, "env": {"PATH": "/bin"},
           "globals_": ("--cgroup-manager", "disabled")}
    with used_up_quota(be_user):
        lab.brig("run", "--bundle", made.path, "k", **how).failed("quota", "--no-new-keyring",
                                                                  status=1)
        lab.brig("run", "--bundle", made.path, "--no-new-keyring", "k", **how).ok()


@suite.table("TRAP-46", "HOME of an exec'd process is its own user's", {
    "root": ([], "/root"), "a user of passwd": (["--user", "1000"], "/home/user"),
    "an unknown user": (["--user", "4321"], "/"), "given": (["-e", "HOME=/x"], "/x"),
    "empty": (["--user", "1000", "-e", "HOME="], "/home/user")})
def home(lab, options, wanted):
    report = inside(lab.sleeper().exec("/bin/probe", options=options))
    equal([entry for entry in report["env"] if entry.startswith("HOME=")], [f"HOME={wanted}"],
          "HOME")


# cgroups


@suite.case("TRAP-48", "exec where the program made its cgroup an inner node: it joins init's group")
def inner_node(lab):
    see_only_v2(lab)
    need("hugetlb" in read(f"{unified()}/cgroup.controllers").split(), "no controller on v2")
    with room_on_v2():
        container = lab.start(lab.bundle(SLEEP, linux__cgroupsPath="/inner", linux__resources={
            "hugepageLimits": [{"pageSize": "2MB", "limit": 4 * MIB}]}))
        place = f"{unified()}/inner"
        os.mkdir(f"{place}/init.scope")
        write(f"{place}/init.scope/cgroup.procs", str(container.pid))
        write(f"{place}/cgroup.subtree_control", "+hugetlb")
        container.exec(*SLEEP, options=("-d", "--pid-file", f"{lab.path}/pid")).ok()
        equal(groups_of(int(read(f"{lab.path}/pid")))[""], "/inner/init.scope", "exec's group")
        equal(len(json.loads(lab.brig("ps", "-f", "json", container.id).ok().out)), 2, "ps")
        container.delete("--force").ok()
        check(not os.path.exists(place), "the groups are gone")


@suite.case("TRAP-50", "a cgroup namespace shows the container's group as the top, to init and exec")
def cgroup_namespace(lab):
    made = lab.bundle(shell="cat /proc/self/cgroup; exec sleep 1000",
                      linux__cgroupsPath="/of/container")
    made.namespace("cgroup")
    container = lab.start(made)
    container.wait_out("0::")
    shown = container.exec("/bin/cat", "/proc/self/cgroup").ok().out
    # A hybrid host's v2 hierarchy has no group for the container.
    for text in (container.out(), shown):
        lines = [line for line in text.splitlines() if not (V1 and line.startswith("0::"))]
        check(lines and all(line.endswith(":/") for line in lines), f"groups inside {lines}")
    contains(read(f"/proc/{container.pid}/cgroup"), ":/of/container\n", "groups on the host")
    container.delete("--force").ok()
    for top in {*V1.values(), unified()} - {None}:
        if os.path.isdir(f"{top}/of"):
            os.rmdir(f"{top}/of")


# Networks, callers without rights, shells between


@suite.case("TRAP-54", "an engine plugs a device in between create and start, the program finds it")
def network(lab):
    container = lab.create(lab.bundle(shell="ip -o link; ip -o addr; exec sleep 1000"))
    pid = container.pid
    check(os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net"), "its own")
    os.mkdir("/run/netns")
    write("/run/netns/plug", "")
    target = b"/run/netns/plug"
    sandbox.libc.mount(f"/proc/{pid}/ns/net".encode(), target, None, 4096, None)
    try:
        for words in (["ip", "link", "add", "veth-host", "type", "veth", "peer", "name", "eth0",
                       "netns", "plug"],
                      ["ip", "netns", "exec", "plug", "ip", "addr", "add", "10.9.8.7/24", "dev",
                       "eth0"]):
            lab.popen(words).wait().ok()
        container.start()
        container.wait_out("10.9.8.7")
        contains(container.out(), "eth0", "devices inside")
        equal(os.readlink(f"/proc/{pid}/ns/net"), f"net:[{os.stat(target).st_ino}]", "namespace")
    finally:
        sandbox.libc.umount2(target, 2)
        os.unlink(target)
        os.rmdir("/run/netns")
    container.delete("--force").ok()


def poor(lab, path):
    """A bundle of a user who may make no cgroup, and how that user calls."""
    made = lab.bundle(shell="echo up; exec sleep 1000")
    made.namespace("user")
    made.mounts[2]["options"] = ["newinstance", "ptmxmode=0666"]
    made.linux["uidMappings"] = made.linux["gidMappings"] = [
        {"containerID": 0, "hostID": 1000, "size": 1}]
    if path is not None:
        made.linux["cgroupsPath"] = path
    os.chmod(lab.path, 0o777)
    os.chown(lab.root, 1000, 1000)
    for folder, _, _ in os.walk(made.write().path):
        os.chown(folder, 1000, 1000)

    def be_user():
        os.setgroups([])
        os.setgid(1000)
        os.setuid(1000)
    return made, {"preexec_fn": be_user, "env": {"PATH": "/bin"}}


@suite.table("TRAP-56", "a caller who may make no cgroup, without a path and limits: it runs", {
    "no path": None, "an empty one": ""})
def rootless(lab, path):
    made, how = poor(lab, path)
    groups, outs = oracle.cgroups(), lab.outs()
    equal(lab.brig("create", "--bundle", made.path, "poor", outs=outs, **how).ok().err, "", "noise")
    lab.brig("start", "poor", **how).ok()
    eventually(lambda: "up" in read(outs[0]), "output")
    pid = json.loads(lab.brig("state", "poor", **how).ok().out)["pid"]
    equal(groups_of(pid), groups_of("self"), "groups")
    lab.brig("exec", "poor", "/bin/true", **how).ok()
    lab.brig("kill", "poor", "KILL", **how).ok()
    equal(lab.exit_of(pid), -signal.SIGKILL, "exit")
    lab.brig("delete", "poor", **how).ok()
    equal(oracle.cgroups(), groups, "cgroups")
    made.set("linux.resources", {"pids": {"limit": 5}})
    made.write()
    lab.brig("create", "--bundle", made.path, "poor", **how).failed(status=1)


@suite.case("TRAP-56 O-05", "without a cgroup a delete that cannot look at the process keeps the state of it")
def unseen(lab):
    made, how = poor(lab, None)
    strace = shutil.which("strace")
    need(strace, "no strace")
    lab.brig("create", "--bundle", made.path, "poor", outs=lab.outs(), **how).ok()
    pid = json.loads(lab.brig("state", "poor", **how).ok().out)["pid"]
    lab.popen([strace, "-qq", "-o", "/dev/null", "-e", "trace=pidfd_open", "-e", "inject=pidfd_open:error=EMFILE",
               *lab.words("delete", "--force", "poor")], **how).wait().failed("too many open files", status=1)
    equal(json.loads(lab.brig("state", "poor", **how).ok().out)["status"], "created", "status")
    lab.brig("delete", "--force", "poor", **how).ok()
    equal(lab.exit_of(pid), -signal.SIGKILL, "exit")


@suite.case("TRAP-57 CALL-26", "dockerd's script around the runtime, and its shell dies half-way")
def wrapper(lab):
    script = write(f"{lab.path}/runtime", f'#!/bin/sh\n{sandbox.brig()} --debug $@\n')
    os.chmod(script, 0o755)
    made = lab.bundle(SLEEP)
    made.config["hooks"] = {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "0.4"]}]}
    lab.containers.append("w")
    log = f"{lab.path}/log"
    call = lab.popen([script, "--root", lab.root, "--log", log, "create", "--bundle",
                      made.write().path, "--pid-file", f"{lab.path}/pid", "w"])
    eventually(lambda: any(name == "sleep" for _, _, name in oracle.processes().values()), "hook")
    call.signal(signal.SIGKILL)  # what PR_SET_PDEATHSIG of the shim hits
    call.process.wait()
    eventually(lambda: os.path.exists(f"{lab.path}/pid"), "create goes on to its end")
    lab.popen([script, "--root", lab.root, "--log", log, "start", "w"]).wait().ok()
    equal(lab.state("w")["status"], "running", "status")
    equal(oracle.processes()[lab.state("w")["pid"]][0], os.getpid(), "its parent is the engine")
    lab.popen([script, "--root", lab.root, "--log", log, "delete", "--force", "w"]).wait().ok()


suite.main()
