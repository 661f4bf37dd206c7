#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Hooks that fail, take too long or make no sense: H-12, H-15, H-16, H-19 and what becomes of the container.
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.hooks import add_hook, add_poststop, expect_poststop, script
from harness.lab import read
from harness.tap import Suite, check, contains, equal, eventually, patient

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
CREATE = ("prestart", "createRuntime", "createContainer")
KINDS = (*CREATE, "startContainer", "poststart", "poststop")


@suite.table("H-01 H-02 H-03 H-16 LC-12 LC-13",
             "a failing hook fails create: kind, index, status, output", {
                 kind: (kind, f"LC-0{3 + CREATE.index(kind)}") for kind in CREATE})
def create_fails(lab, kind, _step):
    made = lab.bundle(SLEEP)
    add_hook(lab, made, kind, "true")
    bad = add_hook(lab, made, kind, "echo to-stdout; echo to-stderr >&2; exit 3")
    add_hook(lab, made, kind, f"echo > {lab.path}/never")
    place = add_poststop(lab, made)
    result = lab.try_create(made, "--pid-file", "pid", identity="x")
    result.failed(f"create x: hooks.{kind}[1]", f"{bad}: exit status 3", "to-stderr", "to-stdout",
                  status=1)
    equal(result.err.count("\n"), 1, "lines of the reason")
    check(not os.path.exists(f"{lab.path}/never"), "the third hook does not run")
    check(not os.path.exists(f"{lab.path}/pid"), "no pid file")
    expect_poststop(place)
    lab.gone("x")
    lab.expect_nothing_left("a failed hook")


@suite.table("LC-03 LC-04 LC-05", "nothing of a later step happens after a failure", {
    kind: kind for kind in CREATE})
def later_steps(lab, kind):
    made = lab.bundle(SLEEP)
    for other in KINDS:
        add_hook(lab, made, other, f"echo {other} >> {lab.path}/order; "
                                   f"{'exit 1' if other == kind else 'cat > /dev/null'}")
    lab.try_create(made).failed(f"hooks.{kind}[0]")
    wanted = [*CREATE[:CREATE.index(kind) + 1], "poststop"]
    equal(read(f"{lab.path}/order").split(), wanted, "hooks that ran")


@suite.table("LC-02 LC-13", "no hook runs when the environment cannot be made", {
    kind: kind for kind in CREATE})
def before_hooks(lab, kind):
    made = lab.bundle(SLEEP)
    for other in (kind, "poststop"):
        add_hook(lab, made, other, f"echo {other} >> {lab.path}/order")
    made.mount("/etc/passwd", "tmpfs", "tmpfs")
    lab.try_create(made).failed("mounts[6]")
    check(not os.path.exists(f"{lab.path}/order"), "no hook ran")
    lab.expect_nothing_left("a failed mount")


@suite.table("LC-12 LC-13", "poststop runs when a step after the hooks fails", {
    kind: kind for kind in CREATE})
def after_hooks(lab, kind):
    made = lab.bundle(["/absent"])
    for other in (kind, "poststop"):
        add_hook(lab, made, other, f"echo {other} >> {lab.path}/order")
    lab.try_create(made).failed("process.args[0]")
    equal(read(f"{lab.path}/order").split(), [kind, "poststop"], "hooks that ran")
    lab.expect_nothing_left("a failed look-up")


@suite.table("H-16", "a hook that is ended by a signal is a failure that says so", {
    kind: kind for kind in KINDS[:-1]})
def signalled(lab, kind):
    made = lab.bundle(SLEEP)
    add_hook(lab, made, kind, "kill -9 $$")
    lab.run(made).failed(f"hooks.{kind}[0]", "killed by signal 9", status=1)
    lab.expect_nothing_left("a failed hook")


@suite.case("H-04 LC-07 LC-12 LC-13", "a failing startContainer hook fails start and ends all")
def start_fails(lab):
    made = lab.bundle(shell="echo ran; sleep 1000")
    add_hook(lab, made, "startContainer", "echo why >&2; exit 5")
    place = add_poststop(lab, made)
    container = lab.create(made)
    lab.brig("start", container.id).failed("hooks.startContainer[0]", "/startContainer0",
                                           "exit status 5: why", status=1)
    equal(container.out(), "", "the program did not run")
    expect_poststop(place)
    lab.gone(container.id)
    lab.expect_nothing_left("a failed hook")
    os.unlink(f"{place}.count")
    lab.run(made).failed("hooks.startContainer[0]", status=1)
    expect_poststop(place)
    lab.expect_nothing_left("a failed hook of run")


@suite.table("H-05 DEC-11 LC-09 LC-12 LC-13",
             "a failing poststart hook is an error and ends all", {
                 "create and start": "start", "run": "run", "run --detach": "run -d"})
def poststart_fails(lab, verb):
    made = lab.bundle(shell="echo ran; sleep 1000")
    add_hook(lab, made, "poststart", "echo why >&2; exit 6")
    place = add_poststop(lab, made)
    if verb == "start":
        container = lab.create(made)
        result = lab.brig("start", container.id)
        container.wait_out("ran")
    else:
        result = lab.run(made, *verb.split()[1:], "--pid-file", "pid")
        check(not os.path.exists(f"{lab.path}/pid"), "no pid file")
    result.failed("hooks.poststart[0]", "exit status 6: why", status=1)
    expect_poststop(place)
    equal(json.loads(lab.brig("list", "-f", "json").ok().out) or [], [], "containers left")
    lab.expect_nothing_left("a failed poststart hook")


@suite.table("H-06 H-19 LC-13", "a failing poststop hook is a warning, and the next one runs", {
    "delete": ("delete",), "delete --force": ("delete", "--force"), "run": ("run",)})
def poststop_fails(lab, verb, *options):
    made = lab.bundle(["/bin/true"])
    bad = add_hook(lab, made, "poststop", "echo why >&2; exit 7")
    add_hook(lab, made, "poststop", f"cat > {lab.path}/ran")
    globals_ = ("--log-level", "warning", "--log", "log", "--log-format", "json")
    if verb == "run":
        lab.brig("run", "--bundle", made.write().path, "x", globals_=globals_).ok()
    else:
        container = lab.start(made, identity="x")
        container.wait_stopped()
        result = lab.brig(verb, *options, "x", globals_=globals_).ok()
        equal((result.out, result.err), ("", ""), "output")
    equal(json.loads(read(f"{lab.path}/ran"))["status"], "stopped", "state for the second hook")
    entries = [json.loads(line) for line in read(f"{lab.path}/log").splitlines()]
    equal([entry["level"] for entry in entries], ["warning"], "levels of the log")
    for part in ("hooks.poststop[0]", bad, "exit status 7", "why"):
        contains(entries[0]["msg"], part, "the warning")
    lab.gone("x")


@suite.case("H-19 LC-13", "a failing poststop hook does not hide why create failed")
def poststop_after_failure(lab):
    made = lab.bundle(SLEEP)
    add_hook(lab, made, "createRuntime", "exit 3")
    add_hook(lab, made, "poststop", "exit 7")
    result = lab.try_create(made).failed("hooks.createRuntime[0]", "exit status 3")
    equal(result.err.count("\n"), 1, "lines on standard error")
    lab.expect_nothing_left("two failed hooks")


# hooks that hang


@suite.table("H-15 T-88 T-100", "a hook beyond its timeout is killed with its children", {
    kind: kind for kind in KINDS})
def timeout(lab, kind):
    made = lab.bundle(SLEEP)
    add_hook(lab, made, kind, "sleep 60 & sleep 60", timeout=1)
    begin = time.monotonic()
    if kind == "poststop":
        lab.create(made).delete().ok()
    else:
        lab.run(made, timeout=8).failed(f"hooks.{kind}[0]", "timeout: killed after 1 s", status=1)
    check(0.9 < time.monotonic() - begin < patient(4), f"time: {time.monotonic() - begin}")
    lab.expect_nothing_left("a slow hook")


@suite.case("H-15", "each hook has its own time, and one within it is no failure")
def timeout_each(lab):
    made = lab.bundle(["/bin/true"])
    for _ in range(3):
        add_hook(lab, made, "createRuntime", "sleep 0.5", timeout=1)
    lab.run(made).ok()


@suite.case("H-15", "without timeout a hook takes as long as it likes")
def timeout_absent(lab):
    made = lab.bundle(["/bin/true"])
    add_hook(lab, made, "createRuntime", "sleep 1.5; echo x > done")
    check(lab.run(made).ok().seconds > 1.4, "run waits for the hook")
    check(os.path.exists(f"{made.path}/done"), "the hook ran to its end")


@suite.case("H-15 T-100", "a hook that prints without end has its timeout as well")
def timeout_of_loud(lab):
    made = lab.bundle(SLEEP)
    add_hook(lab, made, "createRuntime", "yes & yes & yes", timeout=1)
    lab.try_create(made, timeout=8).failed("hooks.createRuntime[0]", "timeout")
    lab.expect_nothing_left("a loud hook")


@suite.case("H-11 H-15", "a state beyond 64 KiB does not stop the clock of a hook that is deaf")
def timeout_of_deaf(lab):
    made = lab.bundle(SLEEP, annotations={"big": "x" * 300000})
    add_hook(lab, made, "createRuntime", "exec sleep 60", timeout=1)
    begin = time.monotonic()
    lab.try_create(made, timeout=8).failed("hooks.createRuntime[0]", "timeout")
    check(time.monotonic() - begin < patient(4), "time until the failure")
    lab.expect_nothing_left("a deaf hook")


@suite.table("H-04 LC-07 LC-08 LC-09 T-91",
             "an init that dies in a startContainer hook is no start", {
                 "create and start": "start", "run": "run", "run --detach": "run --detach"})
def killed_in_start_hook(lab, verb):
    made = lab.bundle(shell="echo ran; sleep 1000")
    add_hook(lab, made, "startContainer", "exec sleep 88")
    add_hook(lab, made, "poststart", f"echo > {lab.path}/poststart")
    if verb == "start":
        lab.create(made, identity="h")
        call = lab.spawn("start", "h")
    else:
        lab.containers.append("h")
        call = lab.spawn(*verb.split(), "--bundle", made.write().path, "h")
    eventually(lambda: any(name == "sleep" for _, _, name in oracle.processes().values()), "hook")
    os.kill(lab.state("h")["pid"], signal.SIGKILL)
    call.wait(5).failed("has died during its startContainer hooks", status=1)
    check(not os.path.exists(f"{lab.path}/poststart"), "no poststart hook runs")
    if verb == "start":
        equal(lab.state("h")["status"], "stopped", "status")
        lab.brig("delete", "h").ok()
    lab.gone("h")
    lab.expect_nothing_left("an init that was killed")


# hooks that make no sense


@suite.table("H-12 H-15 T-100", "a wrong hook is refused", {
    f"{name}, {kind}": (kind, hook, part)
    for kind in KINDS
    for name, (hook, part) in {
        "relative path": ({"path": "bin/true"}, ".path"),
        "no path": ({}, ""),
        "timeout 0": ({"path": "/bin/true", "timeout": 0}, ".timeout"),
        "timeout -1": ({"path": "/bin/true", "timeout": -1}, ".timeout"),
        "timeout text": ({"path": "/bin/true", "timeout": "1"}, ".timeout"),
    }.items()})
def wrong(lab, kind, hook, part):
    made = lab.bundle(SLEEP)
    made.config["hooks"] = {kind: [{"path": "/bin/true"}, hook]}
    lab.try_create(made).failed(f"hooks.{kind}[1]{part}", status=1)
    lab.expect_nothing_left("a wrong hook")


@suite.table("H-12 H-16", "a hook that cannot be executed says why", {
    "missing": ("/absent/hook", "no such file or directory"),
    "folder": ("/etc", "permission denied"), "not executable": ("/etc/passwd", "permission denied"),
    "no format": (None, "exec format error"),
})
def not_executable(lab, path, why):
    made = lab.bundle(SLEEP)
    if path is None:
        path = script(lab, "text", "")
        with open(path, "w", encoding="ascii") as file:
            file.write("no program\n")
    made.config["hooks"] = {"createRuntime": [{"path": path}]}
    lab.try_create(made).failed("hooks.createRuntime[0]", path, why, status=1)
    lab.expect_nothing_left("a hook that is none")


@suite.case("H-12", "a hook's name is not looked up in PATH")
def no_lookup(lab):
    made = lab.bundle(SLEEP)
    made.config["hooks"] = {"startContainer": [{"path": "/true"}]}
    container = lab.create(made)
    lab.brig("start", container.id).failed("/true", "no such file or directory", status=1)


@suite.case("H-16 H-17 T-100", "a hook's endless output is capped")
def chatter(lab):
    made = lab.bundle(SLEEP)
    add_hook(lab, made, "createRuntime",
             "head -c 50000000 /dev/zero | tr '\\0' x; echo the-end; exit 1")
    result = lab.try_create(made, timeout=15).failed("hooks.createRuntime[0]", "the-end")
    check(len(result.err) < 8192, f"the reason has {len(result.err)} bytes")


suite.main()
