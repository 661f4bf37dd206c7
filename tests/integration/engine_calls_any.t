#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# What the callers have in common: how options are written; go-runc's calls that no engine makes
# today; and a person's.
import json
import os
import pty
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.callers import Pipe, Shim
from harness.cgroups import see_only_v2
from harness.console import read_all, read_until, set_size, take_terminal
from harness.lab import read, write
from harness.tap import Suite, check, contains, equal

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


@suite.table("CALL-01", "globals, in every spelling, twice, with the last that counts", {
    "joined": lambda root, log: (f"--root={root}", f"--log={log}", "--log-format=json"),
    "apart": lambda root, log: ("--root", root, "--log", log, "--log-format", "json"),
    "one dash": lambda root, log: ("-root", root, f"-log={log}", "-log-format", "json"),
    "twice": lambda root, log: ("--root=/nowhere", "--log-format=text", f"--root={root}",
                                "--log=/nowhere/log", "--log", log, "--log-format=json"),
    "go-runc's order": lambda root, log: ("--root", root, "--debug", "--log", log, "--log-format",
                                          "json", "--rootless=auto"),
    "switches with a value": lambda root, log: (
        f"--root={root}", "--debug=true", "--debug=F", "--systemd-cgroup=true",
        "--systemd-cgroup=False", "--rootless=1", f"--log={log}", "--log-format=json"),
})
def spellings(lab, globals_of):
    log = f"{lab.path}/log.json"
    globals_ = globals_of(lab.root, log)
    made = lab.bundle(SLEEP).write()
    lab.containers.append("one")

    def call(*words):
        return lab.brig(*words, globals_=globals_, root=False)
    call("create", "-bundle", made.path, f"--pid-file={lab.path}/pid", "--no-new-keyring=false",
         "-no-subreaper", "one").ok()
    equal(lab.state("one")["status"], "created", "the container in its root")
    call("start", "one").ok()
    said = call("exec", "one", "/bin/echo", "-n", "--root=/x", "--", "-d").ok().out
    equal(said, "--root=/x -- -d", "words behind the id")
    call("kill", "one", "KILL").ok()
    call("delete", "-force", "one").ok()
    call("start", "one").failed("does not exist", status=1)
    entries = [json.loads(line) for line in read(log).splitlines()]
    equal((entries[-1]["level"], "does not exist" in entries[-1]["msg"]), ("error", True), "log")
    equal([entry for entry in entries[:-1] if entry["level"] == "error"], [], "other errors")


@suite.case("CALL-01", "an option that is none, or lacks its value, changes nothing")
def bad_options(lab):
    shim = Shim(lab, lab.bundle(SLEEP)).started()
    for words in (("delete", "--forec", shim.id), ("kill", "--al", shim.id), ("pause", "-x", shim.id)):
        result = shim.call(*words).failed(words[1].strip("-"), status=1)
        equal(result.out, "", "standard output, which buildah reads")
    shim.call("create", "--bundle").failed("requires an argument", status=1)
    equal(shim.state()["status"], "running", "status")


# go-runc's calls that no engine makes today


@suite.case("CALL-60", "list --format=json, in go-runc's members")
def listing(lab):
    shim = Shim(lab, lab.bundle(SLEEP, annotations={"a": "b"}))
    shim.create()
    entry, = json.loads(shim.call("list", "--format=json").ok().out)
    equal((entry["id"], entry["pid"], entry["status"], entry["bundle"], entry["rootfs"]),
          (shim.id, shim.pid(), "created", shim.made.path, shim.made.rootfs), "members")
    check(entry["created"].endswith("Z"), entry["created"])
    equal(entry["annotations"], {"a": "b"}, "annotations")


@suite.case("CALL-60", "events --stats, one line")
def stats(lab):
    shim = Shim(lab, lab.bundle(SLEEP)).started()
    result = shim.call("events", "--stats", shim.id).ok()
    equal((result.out.count("\n"), result.err), (1, ""), "lines, standard error")
    event = json.loads(result.out)
    equal((event["type"], event["id"]), ("stats", shim.id), "event")
    check(event["data"]["pids"]["current"] == 1 or "pids" not in read("/proc/self/cgroup"), "pids")


@suite.case("CALL-60", "events --interval=5s: a line after five seconds, and its end with the container's")
def stream(lab):
    shim = Shim(lab, lab.bundle(SLEEP)).started()
    out = Pipe()
    begin = time.monotonic()
    call = shim.spawn("events", "--interval=5s", shim.id, stdout=out.writer)
    out.shut()
    out.wait_for("\n", seconds=15)
    check(time.monotonic() - begin >= 4.9, "the interval")
    equal(json.loads(out.text().splitlines()[0])["type"], "stats", "type")
    shim.silent("kill", shim.id, "9")
    equal(call.wait(20).status, 0, "status at the container's end")


@suite.table("CALL-61", "an older go-runc's options", {
    "--criu": ("--criu", "/usr/bin/criu"), "--rootless=true": ("--rootless=true",),
    "--rootless=false": ("--rootless=false",)})
def older(lab, *options):
    shim = Shim(lab, lab.bundle(shell="echo up; exec sleep 1000"))
    shim.globals_ += options
    shim.create()
    shim.silent("start", shim.id)
    shim.out.wait_for("up")
    shim.silent("kill", shim.id, "9")
    lab.exit_of(shim.pid())
    shim.silent("delete", shim.id)


# a person


@suite.case("CALL-62", "a person: spec, run, list, run -d, exec -t")
def person(lab):
    made = lab.bundle(SLEEP)
    for words in (("spec", "--bundle", made.path), ("spec",)):
        lab.brig(*words, cwd=made.path).ok()
        config = json.loads(read(f"{made.path}/config.json"))
        equal(config["process"]["args"], ["sh"], "args")
        lab.brig(*words, cwd=made.path).failed("file exists", status=1)
        os.unlink(f"{made.path}/config.json")
    lab.brig("spec", "--bundle", made.path, "--rootless").ok()
    check("user" in [entry["type"] for entry in
                     json.loads(read(f"{made.path}/config.json"))["linux"]["namespaces"]], "rootless")
    config["process"].update(terminal=False, args=["/bin/sh", "-c", "echo ran; exit 3"])
    write(f"{made.path}/config.json", json.dumps(config))
    result = lab.brig("run", "one", cwd=made.path)
    equal((result.status, result.out), (3, "ran\n"), "run")
    config["process"]["args"] = SLEEP
    write(f"{made.path}/config.json", json.dumps(config))
    lab.containers.append("two")
    lab.brig("run", "-d", "two", cwd=made.path).ok()
    equal(lab.brig("list", "-q").ok().out, "two\n", "list -q")
    entry, = json.loads(lab.brig("list", "-f", "json").ok().out)
    equal((entry["id"], entry["status"]), ("two", "running"), "list -f json")
    contains(lab.brig("list").ok().out.splitlines()[1], "running", "list")
    master, slave = pty.openpty()
    set_size(master, 22, 88)
    call = lab.spawn("exec", "-t", "two", "/bin/sh", "-c", "stty size; read x; echo got $x; exit 8",
                     stdin=slave, stdout=slave, stderr=slave, preexec_fn=take_terminal)
    os.close(slave)
    read_until(master, "22 88")
    os.write(master, b"word\n")
    equal(call.wait().status, 8, "exit status of exec -t")
    contains(read_all(master), "got word", "output of exec -t")
    os.close(master)


@suite.table("CALL-62", "a person: spec --rootless runs without any right", {
    "the host's hierarchies": False, "v2 alone": True})
def person_rootless(lab, only_v2):
    user = "1000"
    os.chmod(lab.path, 0o777)
    made = lab.bundle(SLEEP)
    os.mkdir(f"{lab.path}/xdg", 0o700)
    for folder in (made.path, f"{lab.path}/xdg", *(folder for folder, _, _ in os.walk(made.rootfs))):
        os.chown(folder, int(user), int(user))
    plain = lab.words
    lab.words = lambda *words, **how: ["setpriv", "--reuid", user, "--regid", user, "--clear-groups",
                                       *plain(*words, **how)]
    if only_v2:
        see_only_v2(lab)

    def call(*words):
        return lab.brig(*words, root=False, cwd=made.path,
                        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "XDG_RUNTIME_DIR": f"{lab.path}/xdg"})
    call("spec", "--rootless", "--", "/bin/sh", "-c", "id -u; ls /sys/fs/cgroup | head -1").ok()
    config = json.loads(read(f"{made.path}/config.json"))
    config["process"]["terminal"] = False
    write(f"{made.path}/config.json", json.dumps(config))
    equal(call("run", "one").ok().out.splitlines()[0], "0", "who it is inside")
    equal(call("list", "-q").ok().out, "", "what is left")


suite.main()
