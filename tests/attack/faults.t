#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# T-81: fails system calls of `run`, in parent and child, one at a time, as many as the time allows
# (BRIG_FAULTS=all: each), and wants: no hang, a clean error or full success, nothing left.
import json
import os
import re
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import inject, oracle
from harness.cgroups import as_told, folder, in_group, need_controllers
from harness.lab import read
from harness.supervisor import Supervisor
from harness.tap import Failure, Suite, check, equal

suite = Suite()


def subject(lab):
    """A bundle that uses what runtimes do most, with a program of one system call."""
    made = lab.bundle(["/bin/nothing"])
    made.namespace("cgroup")
    made.linux["devices"] = [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229}]
    made.set("linux.resources", {"pids": {"limit": 50}, "memory": {"limit": 64 << 20},
                                 "devices": [{"allow": False, "access": "rwm"}]})
    made.set("linux.seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}]})
    made.set("process.rlimits", [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 100}])
    made.mount("/data", "bind", lab.path, ["rbind", "ro"])
    made.mount("/sys/fs/cgroup", "cgroup", "cgroup", ["ro", "nosuid", "noexec", "nodev"])
    return made.write()


def silenced(lab):
    """The fault hit the very write that gives the reason."""
    return re.search(r"write\(2, .*INJECTED", read(f"{lab.path}/trace"))


def one_fault(lab, call, action, words, identity):
    """Why this fault is not survived well; empty when it is."""
    run = inject.traced(lab, call, action, words)
    try:
        result = run.wait(6)
    except Failure:
        lab._sweep()
        lab.brig("delete", "--force", identity, timeout=15)
        return "hangs"
    inject.settle_tracer(lab)
    if "(INJECTED)" not in read(f"{lab.path}/trace"):
        return None
    why = ""
    left = lab.settle(1.0)
    if left:
        why = "leaves " + "; ".join(left)[:300]
    elif result.status < 0 or result.status >= 128:
        why = f"dies with {result.status}: {result.err[:200]}"
    elif result.status != 0 and not result.err.strip() and not silenced(lab):
        why = f"fails with {result.status} and no reason"
    if left:
        lab.brig("delete", "--force", identity, timeout=15)
        lab._sweep()
        shutil.rmtree(os.path.join(lab.root, identity), ignore_errors=True)
    return why


def sweep(lab, made, budget, only=()):
    """A run of that bundle with each fault (of certain calls only) is clean; gives the figures."""
    identity = "faulty"
    words = lab.words("run", "--bundle", made.write().path, identity)
    lab.containers.append(identity)
    inject.forget_filters()
    _, counts = inject.census(lab, words)
    result, warm = inject.census(lab, words)
    check(result.status == 0, f"without faults: {result}")
    todo = [(call, number, error) for call, number in inject.points(counts)
            for error in inject.errors(call, budget.every) if not only or call in only]
    tried, bad = 0, []
    for call, number, error in todo:
        if budget.over():
            break
        if number > warm.get(call, 0):
            inject.forget_filters()  # a call of the runs that compile the filter
        why = one_fault(lab, call, f"error={error}:when={number}", words, identity)
        if why is None:
            continue
        tried += 1
        if why:
            bad.append(f"{call} no. {number} {error}: {why}")
    figures = f"{tried - len(bad)} of {tried} faults clean ({len(todo)} known points)"
    print(f"# {figures}")
    lab.calls.clear()
    check(not bad, figures + "\n" + "\n".join(bad))
    return figures


@suite.case("T-81", "run comes through each fault tried")
def run(lab):
    return sweep(lab, subject(lab), inject.Budget(50))


@suite.case("T-81 SC-05", "so does one that hands its listener to a supervisor")
def run_supervised(lab):
    path = f"{lab.path}/supervisor"
    made = lab.bundle(["/bin/nothing"])
    made.process["noNewPrivileges"] = False
    made.set("linux.seccomp", {"defaultAction": "SCMP_ACT_NOTIFY", "listenerPath": path})
    with Supervisor(path):
        return sweep(lab, made, inject.Budget(40), only=(
            "socket", "setsockopt", "connect", "sendmsg", "recvmsg", "seccomp", "capset", "poll",
            "getrandom", "stat", "newfstatat"))


@suite.case("T-81 H-16", "so does one with hooks of every kind")
def run_hooked(lab):
    made = lab.bundle(["/bin/nothing"])
    made.config["hooks"] = {
        kind: [{"path": "/bin/nothing" if kind == "startContainer" else f"{lab.stock}/nothing",
                "timeout": 5}]
        for kind in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart",
                     "poststop")}
    return sweep(lab, made, inject.Budget(40), only=(
        "memfd_create", "write", "lseek", "pipe2", "fcntl", "clone3", "setpgid", "prctl",
        "rt_sigaction", "rt_sigprocmask", "fchdir", "dup2", "close_range", "poll", "read", "waitid",
        "signalfd4", "flock", "open", "openat"))


@suite.case("T-81 N-03", "so does one without a mount namespace; no mount is left")
def run_shared(lab):
    made = lab.bundle(["/bin/nothing"])
    made.without_namespace("mount")
    del made.linux["maskedPaths"], made.linux["readonlyPaths"]
    made.set("root.readonly", True)
    made.mount("/data", "bind", lab.path, ["rbind", "ro"])
    return sweep(lab, made, inject.Budget(40))


@suite.case("T-81", "delete --force comes through each fault tried, or the next one does the rest")
def delete(lab):
    made = lab.bundle(["/bin/sleep", "1000"]).write()
    lab.containers.append("victim")

    def make():
        lab.brig("run", "-d", "--bundle", made.path, "victim").ok()

    make()
    words = lab.words("delete", "--force", "victim")
    _, counts = inject.census(lab, words)
    budget = inject.Budget(25)
    tried, bad = 0, []
    for call, number in inject.points(counts):
        if budget.over():
            break
        make()
        error = inject.errors(call, False)[0]
        run_ = inject.traced(lab, call, f"error={error}:when={number}", words)
        try:
            run_.wait(15)
        except Failure:
            bad.append(f"{call} no. {number} {error}: hangs")
            lab._sweep()
        inject.settle_tracer(lab)
        again = lab.brig("delete", "--force", "victim", timeout=15)
        left = lab.settle(1.0)
        tried += 1
        if again.status != 0 or left:
            bad.append(f"{call} no. {number} {error}: {again} leaves {left}"[:400])
            lab._sweep()
            shutil.rmtree(os.path.join(lab.root, "victim"), ignore_errors=True)
    figures = f"{tried - len(bad)} of {tried} faults clean"
    print(f"# {figures}")
    lab.calls.clear()
    check(not bad, figures + "\n" + "\n".join(bad))


@suite.case("T-81", "exec comes through each fault tried; the container goes on")
def exec_(lab):
    made = subject(lab)
    made.process["args"] = ["/bin/sleep", "1000"]
    lab.containers.append("host")
    lab.brig("run", "-d", "--bundle", made.write().path, "host").ok()
    init = lab.state("host")["pid"]
    words = lab.words("exec", "host", "/bin/nothing")
    result, counts = inject.census(lab, words)
    check(result.status == 0, f"without faults: {result}")
    budget = inject.Budget(30)
    tried, bad = 0, []
    for call, number in inject.points(counts):
        if budget.over():
            break
        error = inject.errors(call, False)[0]
        why = ""
        try:
            result = inject.traced(lab, call, f"error={error}:when={number}", words).wait(6)
        except Failure:
            why = "hangs"
        inject.settle_tracer(lab)
        if not why and "(INJECTED)" not in read(f"{lab.path}/trace"):
            continue
        tried += 1
        others = strangers(lab, init)
        if not why and (result.status < 0 or result.status in range(128, 255)):
            why = f"dies with {result.status}: {result.err[:200]}"
        elif not why and result.status and not result.err.strip() and not silenced(lab):
            why = f"fails with {result.status} and no reason"
        elif others:
            why = f"leaves {others}"
        if why:
            bad.append(f"{call} no. {number} {error}: {why}")
        for pid in others:
            os.kill(pid, 9)
    equal(lab.state("host")["status"], "running", "the container")
    figures = f"{tried - len(bad)} of {tried} faults clean"
    print(f"# {figures}")
    lab.calls.clear()
    check(not bad, figures + "\n" + "\n".join(bad))


@suite.case("T-81 G-05 X-02.update", "update comes through each fault tried: all of it, or nothing")
def update(lab):
    need_controllers("memory", "pids", "cpu")
    container = lab.sleeper(linux__resources={"memory": {"limit": 64 << 20, "swap": 64 << 20}})
    files = [("memory", "memory.limit_in_bytes"), ("memory", "memory.memsw.limit_in_bytes"),
             ("pids", "pids.max"), ("cpu", "cpu.shares")]
    places = {file: folder(container, controller) for controller, file in files}

    def limits():
        """What the kernel has, and what the state says of it."""
        resources = json.loads(read(f"{lab.root}/{container.id}/container.json")).get("resources", {})
        return ([in_group(place, file) for file, place in places.items()],
                [str(resources.get("memory", {}).get("limit")),
                 str(resources.get("pids", {}).get("limit"))])

    def shares(serial):
        return 1000 + 50 * serial  # so far apart that v2's weights differ, too

    def words(serial):
        return lab.words("update", f"--memory={32 + serial}m", f"--memory-swap={32 + serial}m",
                         f"--pids-limit={32 + serial}", f"--cpu-share={shares(serial)}", container.id)

    result, counts = inject.census(lab, words(0))
    check(result.status == 0, f"without faults: {result}")
    budget = inject.Budget(20)
    tried, bad = 0, []
    for serial, (call, number) in enumerate(inject.points(counts), 1):
        if budget.over():
            break
        error = inject.errors(call, False)[0]
        before = limits()
        serial = serial % 400 + 1
        size = str((32 + serial) << 20)
        after = ([size, size, str(32 + serial), as_told("cpu.shares", shares(serial))],
                 [size, str(32 + serial)])
        try:
            result = inject.traced(lab, call, f"error={error}:when={number}", words(serial)).wait(6)
            why = ""
        except Failure:
            why = "hangs"
        inject.settle_tracer(lab)
        if not why and "(INJECTED)" not in read(f"{lab.path}/trace"):
            continue
        tried += 1
        now = limits()
        if why:
            pass
        elif not 0 <= result.status < 128:
            why = f"dies with {result.status}: {result.err[:200]}"
        elif now != (after if result.status == 0 else before):
            why = f"status {result.status}, {before} became {now}: {result.err[:200]}"
        elif result.status and not result.err.strip() and not silenced(lab):
            why = "fails with no reason"
        if why:
            bad.append(f"{call} no. {number} {error}: {why}")
    left = [name for name in os.listdir(f"{lab.root}/{container.id}")
            if name.startswith(".container")]
    figures = f"{tried - len(bad)} of {tried} faults clean"
    print(f"# {figures}")
    lab.calls.clear()
    check(not bad, figures + "\n" + "\n".join(bad))
    equal(left, [], "temporary files")


def strangers(lab, init):
    """Processes beside the container's init, after a moment."""
    for _ in range(200):
        lab.reap()
        others = {pid for pid, (_, _, name) in oracle.processes().items()
                  if pid not in lab.before.processes and pid != init}
        if not others:
            break
        time.sleep(0.005)
    return others


@suite.case("T-81", "start comes through each fault tried: it runs, or it can be deleted")
def start(lab):
    made = subject(lab)
    lab.containers.append("victim")
    create = ("create", "--bundle", made.path, "victim")
    lab.brig(*create).ok()
    words = lab.words("start", "victim")
    _, counts = inject.census(lab, words)
    lab.brig("delete", "--force", "victim").ok()
    budget = inject.Budget(15)
    tried, bad = 0, []
    for call, number in inject.points(counts):
        if budget.over():
            break
        lab.brig(*create).ok()
        error = inject.errors(call, False)[0]
        why = ""
        try:
            inject.traced(lab, call, f"error={error}:when={number}", words).wait(6)
        except Failure:
            why = "hangs; "
        deleted = lab.brig("delete", "--force", "victim", timeout=15)
        inject.settle_tracer(lab)
        left = lab.settle(1.0)
        tried += 1
        if why or left or deleted.status:
            bad.append(f"{call} no. {number} {error}: {why}{deleted} {left}"[:400])
            lab._sweep()
            shutil.rmtree(os.path.join(lab.root, "victim"), ignore_errors=True)
    figures = f"{tried - len(bad)} of {tried} faults clean"
    print(f"# {figures}")
    lab.calls.clear()
    check(not bad, figures + "\n" + "\n".join(bad))


@suite.table("T-81 TRAP-29", "no fault makes a running container look like another one", {
    "state": ("state", "victim"), "list": ("list", "-f", "json"), "ps": ("ps", "-f", "json",
                                                                      "victim")})
def truth(lab, *words):
    lab.containers.append("victim")
    made = lab.bundle(["/bin/sleep", "1000"]).write()
    lab.brig("run", "-d", "--bundle", made.path, "victim").ok()
    pid = lab.state("victim")["pid"]
    words = lab.words(*words)
    result, counts = inject.census(lab, words)
    wanted = result.ok().out
    budget = inject.Budget(10)
    tried, bad = 0, []
    for call, number in inject.points(counts):
        if budget.over():
            break
        for error in inject.errors(call, True):
            result = inject.traced(lab, call, f"error={error}:when={number}", words).wait(6)
            inject.settle_tracer(lab)
            tried += 1
            if result.status == 0 and json.loads(result.out) != json.loads(wanted):
                bad.append(f"{call} no. {number} {error}: {result.out[:300]!r}")
            elif result.status < 0 or result.status >= 128:
                bad.append(f"{call} no. {number} {error}: dies with {result.status}")
            elif result.status and not result.err.strip() and not silenced(lab):
                bad.append(f"{call} no. {number} {error}: no reason")
    check(pid in oracle.processes(), "the container runs on")
    figures = f"{tried - len(bad)} of {tried} faults clean"
    print(f"# {figures}")
    lab.calls.clear()
    check(not bad, figures + "\n" + "\n".join(bad))


suite.main()
