#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Calls that wait for a hook, and what ends them: delete --force, signals, a runtime that is killed (T-88).
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.hooks import add_hook, add_poststop, expect_poststop
from harness.lab import need, read
from harness.tap import Suite, check, contains, equal, eventually, patient

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
CREATE = ("prestart", "createRuntime", "createContainer")


def hanging(lab, verb, kind):
    """A call that waits for a hook that does not end, and the hook's process."""
    made = lab.bundle(SLEEP)
    add_hook(lab, made, kind, "sleep 77 & sleep 77")
    place = add_poststop(lab, made)
    lab.containers.append("h")
    call = lab.spawn(*verb.split(), "--bundle", made.write().path, "--pid-file", "pid", "h")
    eventually(lambda: [name for _, _, name in oracle.processes().values()].count("sleep") >= 2,
               "the hook runs")
    return call, place


def expect_undone(lab, place):
    check(not os.path.exists(f"{lab.path}/pid"), "no pid file")
    lab.gone("h")
    lab.expect_nothing_left("an interrupted hook")
    expect_poststop(place, "an interruption")


@suite.table("O-05 O-06 T-88", "delete --force ends a creation that hangs in a hook at once", {
    kind: kind for kind in CREATE})
def delete_hanging(lab, kind):
    call, place = hanging(lab, "create", kind)
    equal(lab.state("h")["status"], "creating", "status meanwhile")
    result = lab.brig("delete", "--force", "h").ok()
    check(result.seconds < patient(1), f"delete took {result.seconds} s")
    call.wait().failed(f"hooks.{kind}[0]" if kind != "createContainer" else "create h",
                       "interrupted by signal 15", status=1)
    expect_undone(lab, place)


def hanging_start(lab):
    """(container, call, place): a start that hangs in a poststart hook, and what the poststop hook writes."""
    made = lab.bundle(SLEEP)
    add_hook(lab, made, "poststart", f"echo > {lab.path}/up; exec sleep 77")
    place = add_poststop(lab, made)
    container = lab.create(made)
    call = lab.spawn("start", container.id)
    eventually(lambda: os.path.exists(f"{lab.path}/up"), "the hook")
    return container, call, place


@suite.case("O-05 O-06 T-88", "delete --force ends a start that hangs in a poststart hook")
def delete_poststart(lab):
    container, call, place = hanging_start(lab)
    equal(container.status(), "running", "status meanwhile")
    result = container.delete("--force").ok()
    check(result.seconds < patient(2), f"delete took {result.seconds} s")
    call.wait(5).failed("hooks.poststart[0]", "interrupted by signal 15", status=1)
    lab.gone(container.id)
    lab.expect_nothing_left("a hanging poststart hook")
    expect_poststop(place, "a start that was ended")


@suite.case("DEC-11 O-02 T-88", "SIGTERM ends a start that hangs in a poststart hook")
def interrupt_start(lab):
    container, call, place = hanging_start(lab)
    call.signal(signal.SIGTERM)
    call.wait(5).failed("hooks.poststart[0]", "interrupted by signal 15", status=1)
    lab.gone(container.id)
    lab.expect_nothing_left("an interrupted start")
    expect_poststop(place, "an interruption")


@suite.table("H-06 O-05 O-06 T-88", "delete --force ends a call whose poststop hook hangs, too", {
    "create": "createRuntime", "start": "poststart"})
def delete_both(lab, kind):
    made = lab.bundle(SLEEP)
    add_hook(lab, made, kind, f"echo > {lab.path}/up; exec sleep 77")
    add_hook(lab, made, "poststop", f"echo >> {lab.path}/down; exec sleep 78")
    lab.containers.append("h")
    if kind == "poststart":
        lab.create(made, identity="h")
        call = lab.spawn("start", "h")
    else:
        call = lab.spawn("create", "--bundle", made.write().path, "h")
    eventually(lambda: os.path.exists(f"{lab.path}/up"), "the hook")
    result = lab.brig("delete", "--force", "h", timeout=15).ok()
    check(result.seconds < patient(7), f"delete took {result.seconds} s")
    call.wait(5).failed(f"hooks.{kind}[0]", "interrupted by signal 15", status=1)
    equal(read(f"{lab.path}/down"), "\n", "poststop runs once")
    lab.gone("h")
    lab.expect_nothing_left("hooks that hang")


@suite.case("H-06 O-05 T-88 T-100", "delete --force gives a poststop hook ten seconds")
def delete_ceiling(lab):
    made = lab.bundle(SLEEP)
    add_hook(lab, made, "poststop", "exec sleep 78")
    add_hook(lab, made, "poststop", f"echo > {lab.path}/second")
    container = lab.start(made)
    result = lab.brig("delete", "--force", container.id, timeout=20,
                      globals_=("--log-level", "warning")).ok()
    check(9 < result.seconds < patient(14), f"delete took {result.seconds} s")
    contains(result.err, "hooks.poststop[0]", "the warning")
    contains(result.err, "timeout: killed after 10 s", "the warning")
    check(os.path.exists(f"{lab.path}/second"), "the next hook runs")
    lab.gone(container.id)
    lab.expect_nothing_left("a poststop hook that hangs")


@suite.case("O-05 T-88", "delete --force also ends a create that does not listen")
def delete_stopped(lab):
    call, place = hanging(lab, "create", "createRuntime")
    os.kill(call.pid, signal.SIGSTOP)
    lab.brig("delete", "--force", "h").ok()
    equal(call.process.wait(5), -signal.SIGKILL, "end of the create")
    check(not os.path.exists(f"{lab.path}/pid"), "no pid file")
    lab.gone("h")
    expect_poststop(place, "a dead create")
    for pid, (_, _, name) in oracle.processes().items():
        if name == "sleep":
            os.kill(pid, signal.SIGKILL)  # what the hook, not brig, has started


# Has the lock of a folder, and before it a descriptor on a file system that answers nothing.
MUTE = """
import ctypes, fcntl, os, sys, time
folder, place = sys.argv[1:]
fuse = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0"
if ctypes.CDLL(None).mount(b"mute", place.encode(), b"fuse", 0, options.encode()) != 0:
    sys.exit(1)
held = os.open(place, os.O_PATH)
state = os.open(folder, os.O_RDONLY)
fcntl.flock(state, fcntl.LOCK_EX)
os.mkdir(place + "-up")
time.sleep(60)
"""


@suite.case("O-05 T-88", "delete --force does not wait for file systems of who has the lock")
def delete_mute(lab):
    need(os.path.exists("/dev/fuse"), "the machine has no /dev/fuse")
    container = lab.create(lab.bundle(SLEEP))
    container.kill("KILL").ok()
    container.wait_stopped()
    place = f"{lab.path}/mute"
    os.mkdir(place)
    holder = lab.popen([sys.executable, "-c", MUTE, f"{lab.root}/{container.id}", place])
    try:
        eventually(lambda: os.path.isdir(f"{place}-up"), "the lock")
        path = f"{lab.root}/{container.id}/container.json"
        record = json.loads(read(path))
        record["state"]["status"] = "creating"
        record["creator"] = holder.pid
        with open(path, "w", encoding="utf-8") as file:
            json.dump(record, file)
        container.delete("--force").ok()
        equal(holder.process.wait(5), -signal.SIGTERM, "end of who has the lock")
    finally:
        holder.process.kill()
        subprocess.run(["umount", "--lazy", place], check=False)
    lab.gone(container.id)


@suite.table("X-12 O-02 T-88", "a signal ends a run that is still being created, promptly", {
    f"{kind}: {signal.Signals(number).name}": (kind, number)
    for kind, number in (("prestart", signal.SIGINT), ("createRuntime", signal.SIGTERM),
                         ("createContainer", signal.SIGHUP), ("startContainer", signal.SIGINT),
                         ("startContainer", signal.SIGTERM), ("poststart", signal.SIGQUIT))})
def interrupt_run(lab, kind, number):
    call, place = hanging(lab, "run", kind)
    call.signal(number)
    result = call.wait(5).failed("run h", f"interrupted by signal {int(number)}", status=1)
    check(result.seconds < patient(3), f"run took {result.seconds} s")
    expect_undone(lab, place)


@suite.case("X-08 O-02", "SIGTERM ends a create, and nothing is left")
def interrupt_create(lab):
    call, place = hanging(lab, "create", "createRuntime")
    call.signal(signal.SIGTERM)
    call.wait(5).failed("hooks.createRuntime[0]", "interrupted by signal 15", status=1)
    expect_undone(lab, place)


@suite.case("H-06 X-12", "a second signal ends a poststop hook that hangs while all is undone")
def interrupt_twice(lab):
    made = lab.bundle(SLEEP)
    add_hook(lab, made, "createRuntime", "exec sleep 71")
    add_hook(lab, made, "poststop", f"echo > {lab.path}/first; exec sleep 72")
    add_hook(lab, made, "poststop", f"echo > {lab.path}/second")
    lab.containers.append("h")
    call = lab.spawn("run", "--bundle", made.write().path, "h")
    eventually(lambda: any(name == "sleep" for _, _, name in oracle.processes().values()), "hook")
    call.signal(signal.SIGTERM)
    eventually(lambda: os.path.exists(f"{lab.path}/first"), "the first poststop hook")
    call.signal(signal.SIGTERM)
    call.wait(5).failed("hooks.createRuntime[0]", "interrupted by signal 15", status=1)
    check(os.path.exists(f"{lab.path}/second"), "the second poststop hook")
    lab.gone("h")
    lab.expect_nothing_left("two signals")


@suite.case("X-12", "a signal that the caller ignores does not end a creation")
def interrupt_ignored(lab):
    made = lab.bundle(["/bin/true"])
    add_hook(lab, made, "createRuntime", "sleep 1")
    lab.containers.append("h")
    call = lab.spawn("run", "--bundle", made.write().path, "h",
                     preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    eventually(lambda: os.path.isdir(f"{lab.root}/h"), "the container's folder")
    call.signal(signal.SIGINT)
    call.wait().ok()


@suite.case("H-15 T-94", "a runtime that is killed takes its hook along")
def killed(lab):
    made = lab.bundle(SLEEP)
    add_hook(lab, made, "createRuntime", "exec sleep 77")
    lab.containers.append("h")
    call = lab.spawn("create", "--bundle", made.write().path, "h")
    eventually(lambda: any(name == "sleep" for _, _, name in oracle.processes().values()), "hook")
    call.signal(signal.SIGKILL)
    call.process.wait()
    eventually(lambda: lab.reap() or not any(name == "sleep" and state != "Z" for _, state, name
                                             in oracle.processes().values()), "the hook's end")
    lab.brig("delete", "--force", "h").ok()
    lab.expect_nothing_left("a dead runtime")


suite.main()
