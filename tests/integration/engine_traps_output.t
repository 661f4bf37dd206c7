#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Traps that engines set a runtime, fourth part: what is printed and logged (TRAP-35 to TRAP-41).
# The texts of what cannot be executed are in engine_errors.t.
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.lab import read, write
from harness.tap import Suite, check, contains, equal

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
RFC_3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)"


def script(lab, text):
    path = write(f"{lab.path}/{lab.name('script')}", f"#!/bin/sh\n{text}\n")
    os.chmod(path, 0o755)
    return path


def json_log(lab):
    return ("--log", f"{lab.path}/oci-log", "--log-format=json")


# Success


@suite.case("TRAP-35", "go-runc and CRI-O read both streams as one document, whatever globals there are")
def combined(lab):
    container = lab.sleeper()
    # go-runc before 1.0 still names CRIU; a warning of that would spoil the document.
    globals_ = ("--criu", "/usr/bin/criu", "--rootless=false", "--systemd-cgroup=false")
    for words in (("state", container.id), ("ps", "--format", "json", container.id),
                  ("list", "--format=json"), ("features",), ("events", "--stats", container.id)):
        out = f"{lab.path}/both-{words[0]}"
        json.loads(lab.brig(*words, globals_=globals_, outs=(out, out)).ok().out)
    for words in (("exec", "-d", container.id, *SLEEP), ("pause", container.id),
                  ("resume", container.id), ("update", "--pids-limit", "50", container.id),
                  ("kill", "--all", container.id, "9"), ("delete", "--force", container.id)):
        result = lab.brig(*words, globals_=globals_).ok()
        equal((result.out, result.err), ("", ""), f"output of {words[0]}")


@suite.case("TRAP-35 TRAP-38", "not even a life with a hook that fails too late is told of by default")
def late_failure(lab):
    made = lab.bundle(SLEEP)
    made.config["hooks"] = {"poststop": [{"path": script(lab, "echo oops >&2; exit 3")}]}
    container = lab.start(made, globals_=json_log(lab))
    result = lab.brig("delete", "--force", container.id, globals_=json_log(lab)).ok()
    equal((result.out, result.err, container.out(), container.err()), ("",) * 4, "output")
    check(not os.path.exists(f"{lab.path}/oci-log") or not read(f"{lab.path}/oci-log"), "the log")


@suite.case("TRAP-38", "with --debug a failing poststop hook and a bad log are told, never as errors")
def debug_levels(lab):
    made = lab.bundle(SLEEP)
    made.config["hooks"] = {"poststop": [{"path": script(lab, "exit 3")}]}
    globals_ = (*json_log(lab), "--debug")
    container = lab.start(made, globals_=globals_)
    lab.brig("exec", container.id, "/bin/true", globals_=globals_).ok()
    lab.brig("delete", "--force", container.id, globals_=globals_).ok()
    entries = [json.loads(line) for line in read(f"{lab.path}/oci-log").splitlines()]
    check(any("poststop" in entry["msg"] for entry in entries), f"the hook among {entries}")
    check({entry["level"] for entry in entries} <= {"debug", "info", "warning"}, f"{entries}")


# Failure


FAILURES = {
    "no program": lambda lab, made: made.process.update(args=["/absent"]),
    "no JSON": lambda lab, made: setattr(made, "text", "{"),
    "many mistakes": lambda lab, made: (made.process.update(cwd="x", args=[]),
                                        made.config.update(hostname=7)),
    "a hook with many lines": lambda lab, made: made.config.update(hooks={"createRuntime": [
        {"path": script(lab, "printf 'one\\ntwo\\nthree\\n' >&2; exit 3")}]}),
    "a hook with odd bytes": lambda lab, made: made.config.update(hooks={"createRuntime": [
        {"path": script(lab, "printf 'a\\033[2J\\377\\000\"\\\\b' >&2; exit 3")}]}),
    "a mount": lambda lab, made: made.mount("/x", "bind", "/absent", ["bind"]),
}


@suite.table("TRAP-36 TRAP-37 TRAP-05 CALL-32",
             "podman reads the whole log of a failed create as one object", FAILURES)
def one_object(lab, spoil):
    made = lab.bundle(SLEEP)
    spoil(lab, made)
    reader, writer = os.pipe()
    call = lab.spawn("create", "--bundle", made.write().path, "f", globals_=json_log(lab),
                     stderr=writer)
    os.close(writer)
    first = os.read(reader, 8191)
    equal(os.read(reader, 8191), b"", "what conmon's one read misses")
    os.close(reader)
    call.refused = True
    equal(call.wait().status, 1, "exit status")
    entry = json.loads(read(f"{lab.path}/oci-log"))
    equal((set(entry), entry["level"]), ({"level", "msg", "time"}, "error"), "the entry")
    check(re.fullmatch(RFC_3339, entry["time"]), entry["time"])
    text = first.decode("utf-8")  # conmon-rs takes nothing else
    contains(text, re.split(r"[^ -~]", entry["msg"])[0], "conmon's fallback")
    lab.expect_nothing_left("a failed create")


@suite.case("TRAP-36", "eight failures at once into one log: a whole object each, nothing cut off before")
def side_by_side(lab):
    container = lab.sleeper()
    old = '{"level":"error","msg":"an older one","time":"2020-01-01T00:00:00Z"}\n'
    write(f"{lab.path}/oci-log", old)
    calls = [lab.spawn("exec", container.id, f"/absent-{number}", globals_=json_log(lab))
             for number in range(8)]
    for call in calls:
        call.wait().failed("no such file or directory", status=255)
    text = read(f"{lab.path}/oci-log")
    check(text.startswith(old) and text.endswith("\n"), "what was there, and whole lines")
    entries = [json.loads(line) for line in text.splitlines()[1:]]
    equal(sorted(re.search(r"absent-\d", entry["msg"])[0] for entry in entries),
          [f"absent-{number}" for number in range(8)], "messages")
    check(all(re.fullmatch(RFC_3339, entry["time"]) for entry in entries), "times")


# Words that mean something to engines, in errors that do not


MEANT = ("does not exist", "executable file not found", "no such file or directory",
         "permission denied", "operation not permitted", "is a directory", "open executable",
         "no such process", "already finished")


def silent_of(result, *allowed):
    for words in MEANT:
        check(words in allowed or words not in result.err.lower(), f"{words!r} in {result}")


CREATES = {
    "no JSON": lambda lab, made: setattr(made, "text", "{"),
    "no version": lambda lab, made: made.config.pop("ociVersion"),
    "a bad cwd": lambda lab, made: made.process.update(cwd="x"),
    "no terminal's socket": lambda lab, made: made.process.update(terminal=True),
    "a failing hook": lambda lab, made: made.config.update(
        hooks={"createRuntime": [{"path": "/bin/false"}]}),
    "a slow hook": lambda lab, made: made.config.update(
        hooks={"createRuntime": [{"path": script(lab, "exec sleep 60"), "timeout": 1}]}),
    "an unknown namespace": lambda lab, made: made.namespace("moon"),
    "an unknown mount option": lambda lab, made: made.mount("/x", "tmpfs", "tmpfs", ["mode=z"]),
    "an unknown system call action": lambda lab, made: made.set(
        "linux.seccomp", {"defaultAction": "SCMP_ACT_MAYBE"}),
    "too many CPUs": lambda lab, made: made.set("linux.resources", {"cpu": {"cpus": "5000"}}),
    "a cgroup that leads out": lambda lab, made: made.set("linux.cgroupsPath", "/../x"),
}


@suite.table("TRAP-41", "an error of create has no word that means 126, 127 or a missing container",
             CREATES)
def unrelated_create(lab, spoil):
    made = lab.bundle(SLEEP)
    spoil(lab, made)
    silent_of(lab.try_create(made).failed(status=1))
    lab.expect_nothing_left("a failed create")


@suite.case("TRAP-41 TRAP-22", "nor has one of the other verbs; kill's own words are there alone")
def unrelated_verbs(lab):
    made = lab.bundle(SLEEP)
    container = lab.start(made)
    for words, reason in (
            (("create", "--bundle", made.path, container.id), "already exists"),
            (("start", container.id), "already running"),
            (("kill", container.id, "NOSIG"), "unknown signal"),
            (("delete", container.id), "not stopped"), (("resume", container.id), "not paused"),
            (("update", "--memory", "lots", container.id), "--memory"),
            (("ps", "--format", "xml", container.id), "xml"),
            (("exec", container.id), "args"), (("exec", "-t", "-d", container.id, "sh"), "socket")):
        silent_of(lab.brig(*words).failed(reason))
    lab.brig("pause", container.id).ok()
    for words in (("exec", container.id, "/bin/true"), ("pause", container.id),
                  ("start", container.id)):
        silent_of(lab.brig(*words).failed("paused" if words[0] != "pause" else "not running"))
    container.kill("9").ok()
    container.wait_stopped()
    for words, reason in ((("kill", container.id, "15"), "container not running"),
                          (("pause", container.id), "container not running"),
                          (("resume", container.id), "container not paused"),
                          (("start", container.id), "stopped"),
                          (("update", "--pids-limit", "9", container.id), "not running"),
                          (("exec", container.id, "/bin/true"), "stopped")):
        silent_of(lab.brig(*words).failed(reason))


@suite.case("TRAP-41", "a delete that fails is no missing container: containerd would forget it")
def failing_delete(lab):
    container = lab.sleeper()
    container.kill("9").ok()
    container.wait_stopped()
    result = lab.brig("delete", container.id, preexec_fn=lambda: os.setresuid(1, 1, 1))
    silent_of(result.failed(status=1), "permission denied", "operation not permitted")
    container.delete().ok()


suite.main()
