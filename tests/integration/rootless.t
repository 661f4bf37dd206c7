#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# A runtime without any right of its own, as BuildKit and a person run it: X-12.
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.console import ConsoleSocket, read_until
from harness.lab import read
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
UID = 1000


class Person:
    """Calls of the runtime by an ordinary user."""

    def __init__(self, lab, made):
        self.lab = lab
        made.namespace("user")
        made.mounts[2]["options"] = ["newinstance", "ptmxmode=0666"]
        made.linux["uidMappings"] = made.linux["gidMappings"] = [
            {"containerID": 0, "hostID": UID, "size": 1}]
        self.path = made.write().path
        os.chmod(lab.path, 0o777)
        for folder, _, files in os.walk(self.path):
            os.chown(folder, UID, UID)
            if folder == self.path:
                for name in files:
                    os.chown(f"{folder}/{name}", UID, UID)
        os.chown(lab.root, UID, UID)

    @staticmethod
    def drop():
        os.setgroups([UID, 2000])
        os.setgid(UID)
        os.setuid(UID)

    def call(self, *words, globals_=("--cgroup-manager", "disabled"), **how):
        return self.lab.brig(*words, preexec_fn=self.drop, globals_=globals_,
                             env={"PATH": "/usr/bin:/bin"}, **how)

    def run(self, *options):
        return self.call("run", "--bundle", self.path, *options, "poor")

    def state(self):
        return json.loads(self.call("state", "poor").ok().out)


@suite.case("X-12 P-19 P-21", "run: root inside, the user outside, setgroups denied")
def run(lab):
    report = json.loads(Person(lab, lab.bundle()).run().ok().out, strict=False)
    equal((report["uids"], report["gids"]), ([0] * 4, [0] * 4), "ids")
    equal(report["setgroups"].strip(), "deny", "setgroups")
    equal(report["uid_map"].split(), ["0", str(UID), "1"], "uid_map")


@suite.case("P-21", "groups cannot be given where setgroups is denied")
def groups(lab):
    made = lab.bundle(process__user={"uid": 0, "gid": 0, "additionalGids": [0]})
    Person(lab, made).run().failed("process.user.additionalGids", "denies setgroups", status=1)
    lab.expect_nothing_left("refused groups")


@suite.case("X-12 O-02 O-03 O-04 O-05", "create, start, exec, kill and delete")
def life(lab):
    person = Person(lab, lab.bundle(shell="echo up; exec sleep 1000"))
    outs = lab.outs()
    person.call("create", "--bundle", person.path, "poor", outs=outs).ok()
    equal(person.state()["status"], "created", "status")
    pid = person.state()["pid"]
    person.call("start", "poor").ok()
    eventually(lambda: "up" in read(outs[0]), "the program's output")
    contains(read(f"/proc/{pid}/status"), f"Uid:\t{UID}\t{UID}", "the user on the host")
    inside = json.loads(person.call("exec", "poor", "/bin/probe").ok().out, strict=False)
    for kind, link in inside["namespaces"].items():
        equal(link, os.readlink(f"/proc/{pid}/ns/{kind}"), f"exec's {kind} namespace")
    equal((inside["uids"], set(inside["fds"])), ([0] * 4, {"0", "1", "2"}), "exec's ids and fds")
    equal(person.call("exec", "poor", "/bin/sh", "-c", "exit 9").status, 9, "exec's status")
    person.call("exec", "--detach", "--pid-file", f"{lab.path}/pid", "poor", "/bin/true").ok()
    equal(lab.exit_of(int(read(f"{lab.path}/pid"))), 0, "exit of a detached exec")
    person.call("kill", "poor", "KILL").ok()
    eventually(lambda: lab.reap() or person.state()["status"] == "stopped", "the end")
    person.call("delete", "poor").ok()
    person.call("state", "poor").failed("does not exist")


@suite.case("X-12 P-01", "a terminal")
def terminal(lab):
    made = lab.bundle(shell="test -t 0 && echo fine; sleep 1000", process__terminal=True)
    person = Person(lab, made)
    console_socket = ConsoleSocket(f"{lab.path}/console")
    os.chmod(f"{lab.path}/console", 0o777)
    person.call("create", "--bundle", person.path, "--console-socket", f"{lab.path}/console",
                "poor").ok()
    master = console_socket.accept()
    person.call("start", "poor").ok()
    read_until(master, "fine")
    person.call("delete", "--force", "poor").ok()
    console_socket.close()
    check(not os.listdir(lab.root), "no state is left")


@suite.case("X-12", "without a user namespace it is an error that leaves nothing")
def no_user_namespace(lab):
    made = lab.bundle()
    person = Person(lab, made)
    made.without_namespace("user")
    del made.linux["uidMappings"], made.linux["gidMappings"]
    made.write()
    person.run().failed("operation not permitted", status=1)
    lab.expect_nothing_left("a run without rights")


suite.main()
