#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# What callers rely on beyond the specification, in their own forms of the calls: X-01 to X-12.
import datetime
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.console import ConsoleSocket, read_until
from harness.lab import read, write
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


def entries(log):
    return [json.loads(line) for line in read(log).splitlines()]


def process_file(lab, made, args, **more):
    path = f"{lab.path}/{lab.name('process')}"
    return write(path, json.dumps({**made.process, "args": args, **more}))


@suite.case("X-01 X-02 X-03", "containerd: a life in go-runc's words, with one log for all calls")
def containerd(lab):
    made = lab.bundle(shell="trap 'exit 5' TERM; echo up; while :; do sleep 0.01; done").write()
    log = f"{lab.path}/log.json"
    globals_ = ("--log", log, "--log-format", "json")
    outs = lab.outs()
    lab.containers.append("task")
    lab.brig("create", "--bundle", made.path, "--pid-file", f"{lab.path}/init.pid", "--no-pivot",
             "--no-new-keyring", "--preserve-fds", "0", "task", globals_=globals_, outs=outs).ok()
    equal(read(f"{lab.path}/init.pid"), str(lab.state("task")["pid"]), "pid file")
    lab.brig("start", "task", globals_=globals_).ok()
    eventually(lambda: "up" in read(outs[0]), "output")
    lab.brig("exec", "--process", process_file(lab, made, ["/bin/sleep", "500"]), "--detach",
             "--pid-file", f"{lab.path}/exec.pid", "task", globals_=globals_).ok()
    added = int(read(f"{lab.path}/exec.pid"))
    listed = json.loads(lab.brig("ps", "--format", "json", "task", globals_=globals_).ok().out)
    check({added, lab.state("task")["pid"]} <= set(listed), f"{added} among {listed}")
    equal([entry["id"] for entry in json.loads(lab.brig("list", "--format=json",
                                                        globals_=globals_).ok().out)], ["task"],
          "list")
    check(not os.path.exists(log) or not entries(log), "nothing but failures is logged")
    lab.brig("start", "task", globals_=globals_).failed()
    lab.brig("delete", "task", globals_=globals_).failed()
    lab.brig("kill", "task", "15", globals_=globals_).ok()
    eventually(lambda: lab.reap() or lab.state("task")["status"] == "stopped", "the end")
    lab.brig("kill", "task", "15", globals_=globals_).failed()
    lab.brig("kill", "--all", "task", "9", globals_=globals_).ok()
    lab.brig("delete", "task", globals_=globals_).ok()
    lab.brig("kill", "task", "9", globals_=globals_).failed()
    equal([entry["level"] for entry in entries(log)], ["error"] * 4, "levels")
    for entry, words in zip(entries(log), ("cannot start an already running container",
                                           "that is not stopped: running",
                                           "container not running", "does not exist")):
        contains(entry["msg"], words, "message")
        moment = datetime.datetime.fromisoformat(entry["time"].replace("Z", "+00:00"))
        check(abs(moment.timestamp() - time.time()) < 60, f"time {entry['time']}")


@suite.table("TRAP-36 X-01", "the log is there after a failure and its last error is the reason", {
    "no program": (lambda made: made.process.update(args=["/absent"]), "/absent"),
    "no JSON": (lambda made: setattr(made, "text", "{"), "config.json"),
    "a bad mount": (lambda made: made.mount("/x", "bind", "/absent", ["bind"]), "mounts[6]"),
    "a failing hook": (lambda made: made.config.update(
        hooks={"createRuntime": [{"path": "/bin/false"}]}), "hooks.createRuntime[0]"),
})
def failure_log(lab, spoil, words):
    made = lab.bundle(SLEEP)
    spoil(made)
    log = f"{lab.path}/log.json"
    write(log, '{"level":"error","msg":"an older one","time":"2020-01-01T00:00:00Z"}\n')
    result = lab.brig("create", "--bundle", made.write().path, "task",
                      globals_=("--log", log, "--log-format", "json")).failed(words, status=1)
    found = entries(log)
    equal(found[0]["msg"], "an older one", "what was there")
    equal(found[-1]["level"], "error", "level of the last entry")
    contains(found[-1]["msg"], words, "its message")
    equal(set(found[-1]), {"level", "msg", "time"}, "its keys")
    contains(result.err, found[-1]["msg"].splitlines()[0], "standard error")


@suite.case("X-02", "--version has go-runc's lines")
def version(lab):
    lines = lab.brig("--version", root=False).ok().out.splitlines()
    check(lines[0].startswith("brig version "), lines[0])
    for line, key in zip(lines[1:], ("commit: ", "spec: ")):
        check(line.startswith(key) and len(line) > len(key), f"{key!r} in {line!r}")


@suite.table("X-05 X-06", "the words that dockerd and podman turn into 126 and 127", {
    "not in PATH": (["nothere"], "executable file not found in $path", "nothere"),
    "no such file": (["/nothere"], "no such file or directory", "/nothere"),
    "a folder": (["/etc"], "permission denied", "/etc"),
    "no x-bit": (["/etc/passwd"], "permission denied", "/etc/passwd"),
    "below a file": (["/etc/passwd/x"], "not a directory", "/etc/passwd/x"),
})
def words_of_start(lab, args, words, name):
    made = lab.bundle(args)
    create = lab.try_create(made, identity="w")
    result = create if create.status else lab.brig("start", "w")
    for part in (words, name):
        contains(result.err.lower(), part, "the reason")
    container = lab.sleeper()
    contains(container.exec(*args).failed(status=255).err.lower(), words, "the reason of exec")


@suite.table("X-05", "a folder on a file, or a file on a folder, is told by dockerd's words", {
    "folder on file": ("/etc/passwd", "folder"), "file on folder": ("/etc", "file")})
def words_of_mount(lab, target, kind):
    made = lab.bundle(SLEEP)
    os.mkdir(f"{lab.path}/folder")
    write(f"{lab.path}/file", "")
    made.mount(target, "bind", f"{lab.path}/{kind}", ["bind"])
    lab.try_create(made).failed(f"mounts[6] ({target})", "not a directory", status=1)
    lab.expect_nothing_left("a mount that cannot be")


@suite.case("X-07", "podman: state and delete with nothing but PATH and XDG_RUNTIME_DIR")
def podman(lab):
    container = lab.create(lab.bundle(SLEEP))
    bare = {"env": {"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": "/run/user/0"}}
    seen = []
    for verb in ((), ("start",), ("pause",), ("resume",), ("kill", "KILL")):
        if verb:
            lab.brig(verb[0], container.id, *verb[1:], **bare).ok()
        if "kill" in verb:
            container.wait_stopped()
        seen.append(json.loads(lab.brig("state", container.id, **bare).ok().out)["status"])
    equal(seen, ["created", "running", "paused", "running", "stopped"], "statuses")
    lab.brig("delete", container.id, **bare).ok()
    lab.brig("state", container.id, **bare).failed("does not exist", status=1)
    lab.brig("delete", "--force", container.id, **bare).ok()


@suite.case("X-08", "conmon: create with a terminal, and the process is its child")
def conmon(lab):
    console_socket = ConsoleSocket(f"{lab.path}/attach")
    made = lab.bundle(shell="tty; sleep 1000", process__terminal=True).write()
    lab.containers.append("con")
    lab.brig("create", "--bundle", made.path, "--pid-file", f"{lab.path}/pidfile",
             "--console-socket", f"{lab.path}/attach", "con", cwd=made.path).ok()
    master = console_socket.accept()
    pid = int(read(f"{lab.path}/pidfile"))
    equal(oracle.processes()[pid][0], os.getpid(), "parent of the process")
    lab.brig("start", "con").ok()
    read_until(master, "/dev/")
    lab.brig("exec", "--pid-file", f"{lab.path}/execpid", "--process",
             process_file(lab, made, ["/bin/sh", "-c", "exit 3"], terminal=False), "-d",
             "con").ok()
    equal(lab.exit_of(int(read(f"{lab.path}/execpid"))), 3, "exit status that conmon sees")
    lab.brig("kill", "con", "9").ok()
    equal(lab.exit_of(pid), -9, "exit of the container")
    console_socket.close()


@suite.case("TRAP-05 X-08", "the first 8 KiB on standard error hold the reason, before all else")
def first_words(lab):
    made = lab.bundle(SLEEP)
    made.config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": [
        "sh", "-c", "head -c 100000 /dev/zero | tr '\\0' y; exit 1"]}]}
    result = lab.try_create(made).failed()
    check(result.err.startswith("brig: create "), result.err[:80])
    check(len(result.err) < 8192 and result.err.count("\n") == 1, "one short line")
    contains(result.err[:200], "hooks.createRuntime[0]", "the place")


@suite.case("TRAP-59 X-10", "statuses: 0, 1, the program's, 128 + signal, and 255 of a failed exec")
def statuses(lab):
    container = lab.sleeper()
    equal(lab.brig("state", container.id).status, 0, "success")
    equal(lab.brig("state", "nobody").status, 1, "failure")
    equal(lab.brig("frobnicate").status, 1, "an unknown command")
    equal(container.exec("/bin/sh", "-c", "exit 42").status, 42, "the program's of exec")
    equal(container.exec("/bin/sh", "-c", "kill -9 $$").status, 137, "a signal's of exec")
    equal(container.exec("/absent").status, 255, "failed exec")
    equal(lab.run(lab.bundle(shell="exit 43")).status, 43, "the program's of run")
    equal(lab.run(lab.bundle(["/absent"])).status, 1, "failed run")


@suite.case("X-12", "BuildKit: run with a pipe each side, then delete --force as often as wanted")
def buildkit(lab):
    made = lab.bundle(shell="read word; echo got $word; echo oops >&2; exit 6").write()
    reader, writer = os.pipe()
    os.write(writer, b"word\n")
    os.close(writer)
    result = lab.brig("run", "--bundle", made.path, "--no-pivot", "bk", stdin=reader)
    os.close(reader)
    equal((result.status, result.out, result.err), (6, "got word\n", "oops\n"), "what it gave")
    for _ in range(2):
        lab.brig("delete", "--force", "bk").ok()
    lab.brig("kill", "bk", "9").failed("does not exist")


suite.main()
