#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# T-80: kills `create` (and start, exec, delete) at a system call, as many as the time allows
# (BRIG_FAULTS=all: each), then wants: delete --force succeeds, nothing is left, the same id can be
# created again.
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import inject
from harness.lab import read
from harness.tap import Failure, Suite, check

suite = Suite()


def subject(lab):
    made = lab.bundle(["/bin/sleep", "1000"])
    made.namespace("cgroup")
    made.set("linux.resources", {"pids": {"limit": 50}, "memory": {"limit": 64 << 20}})
    made.set("linux.seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}]})
    made.mount("/data", "bind", lab.path, ["rbind", "ro"])
    return made.write()


def shared_subject(lab):
    """Without a mount namespace: its mounts are the runtime's own."""
    made = lab.bundle(["/bin/sleep", "1000"])
    made.without_namespace("mount")
    del made.linux["maskedPaths"], made.linux["readonlyPaths"]
    made.set("root.readonly", True)
    made.mount("/data", "bind", lab.path, ["rbind", "ro"])
    return made.write()


def recover(lab, made, identity):
    """What goes wrong after a death; empty when all is well."""
    try:
        deleted = lab.brig("delete", "--force", identity, timeout=15)
    except Failure:
        return "delete --force hangs"
    inject.settle_tracer(lab, 1)
    if deleted.status != 0:
        return f"delete --force fails: {deleted.err[:200]}"
    left = lab.settle(1.5)
    if left:
        return "leaves " + "; ".join(left)[:300]
    again = lab.brig("create", "--bundle", made.path, identity)
    if again.status != 0:
        return f"cannot be created again: {again.err[:200]}"
    ended = lab.brig("delete", "--force", identity)
    if ended.status != 0 or lab.settle(1.5):
        return f"the second life does not end: {ended}"
    return ""


def sweep(lab, made, prepare, words, budget):
    identity = "victim"
    lab.containers.append(identity)
    take_census = census_of_create if words[-1] == identity else inject.census
    counted = []
    for _ in range(2):
        if not counted:
            inject.forget_filters()
        prepare()
        counted.append(take_census(lab, words)[1])
        lab.brig("delete", "--force", identity)
    counts, warm = counted
    todo = inject.points(counts)
    tried, bad = 0, []
    for call, number in todo:
        if budget.over():
            break
        if number > warm.get(call, 0):
            inject.forget_filters()  # a call of the runs that compile the filter
        prepare()
        run = inject.traced(lab, call, f"signal=KILL:when={number}", words)
        status = None
        try:
            status = run.wait(6).status
        except Failure:
            pass
        hung = status is None
        # The tracer may not have written yet that the runtime was killed; its status says so.
        if status == 0 and "killed by SIGKILL" not in read(f"{lab.path}/trace"):
            lab.brig("delete", "--force", identity)
            inject.settle_tracer(lab, 1)
            continue
        why = "hangs; " if hung else ""
        why += recover(lab, made, identity)
        tried += 1
        if why:
            bad.append(f"{call} no. {number}: {why}")
            lab._sweep()
            shutil.rmtree(os.path.join(lab.root, identity), ignore_errors=True)
    figures = f"{tried - len(bad)} of {tried} deaths clean ({len(todo)} known points)"
    print(f"# {words[3]}: {figures}")
    lab.calls.clear()
    check(not bad, figures + "\n" + "\n".join(bad))


def census_of_create(lab, words):
    """A created container keeps strace waiting: count, then end it."""
    trace = f"{lab.path}/census"
    run = lab.popen(["strace", "-D", "-f", "-qq", "-o", trace, *words])
    run.wait(30)
    lab.brig("delete", "--force", words[-1])
    inject.settle_tracer(lab)
    counts = {}
    for line in read(trace).splitlines():
        parts = line.split(None, 1)
        if len(parts) == 2 and "(" in parts[1] and parts[1][0].isalpha():
            key = (parts[1].split("(")[0], parts[0])
            counts[key] = counts.get(key, 0) + 1
    most = {}
    for (call, _), count in counts.items():
        if call not in inject.NEVER:
            most[call] = max(most.get(call, 0), count)
    return run, most


@suite.case("TRAP-60 T-80", "create may die at any call tried; delete --force cleans up")
def create(lab):
    made = subject(lab)
    sweep(lab, made, lambda: None, lab.words("create", "--bundle", made.path, "victim"),
          inject.Budget(75))


@suite.table("T-80 H-06 LC-13", "so may create and delete with hooks; poststop hooks run at last", {
    "create": "create", "delete": "delete"})
def hooked(lab, verb):
    made = lab.bundle(["/bin/sleep", "1000"])
    nothing = {"path": f"{lab.stock}/nothing"}
    ran = f"{lab.path}/ran"
    made.config["hooks"] = {
        "prestart": [nothing], "createRuntime": [nothing], "createContainer": [nothing],
        "poststop": [{"path": "/bin/sh", "args": ["sh", "-c", f"echo >> {ran}"]}]}
    made.write()

    def prepare():
        if os.path.exists(ran):
            os.unlink(ran)
        if verb == "delete":
            lab.brig("create", "--bundle", made.path, "victim").ok()
    words = ("create", "--bundle", made.path) if verb == "create" else ("delete", "--force")
    sweep(lab, made, prepare, lab.words(*words, "victim"), inject.Budget(25))
    check(os.path.exists(ran), "the last life's poststop hook ran")


@suite.case("T-80 N-03", "so may create without a mount namespace; no mount is left")
def create_shared(lab):
    made = shared_subject(lab)
    sweep(lab, made, lambda: None, lab.words("create", "--bundle", made.path, "victim"),
          inject.Budget(40))


@suite.case("T-80 N-03", "and delete of its mounts")
def delete_shared(lab):
    made = shared_subject(lab)
    sweep(lab, made, lambda: lab.brig("run", "-d", "--bundle", made.path, "victim").ok(),
          lab.words("delete", "--force", "victim"), inject.Budget(15))


@suite.case("T-80", "start may die at any call tried; delete --force cleans up")
def start(lab):
    made = subject(lab)
    sweep(lab, made, lambda: lab.brig("create", "--bundle", made.path, "victim").ok(),
          lab.words("start", "victim"), inject.Budget(20))


@suite.case("T-80", "exec may die at any call tried; delete --force cleans up")
def exec_(lab):
    made = subject(lab)
    sweep(lab, made, lambda: lab.brig("run", "-d", "--bundle", made.path, "victim").ok(),
          lab.words("exec", "-d", "victim", "/bin/sleep", "1000"), inject.Budget(25))


@suite.case("T-80", "delete may die at any call tried; the next delete does the rest")
def delete(lab):
    made = subject(lab)
    sweep(lab, made, lambda: lab.brig("run", "-d", "--bundle", made.path, "victim").ok(),
          lab.words("delete", "--force", "victim"), inject.Budget(25))


suite.main()
