#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Containers of an ordinary user as units of that user's own systemd: CALL-27, engines 7.2.
import json
import os
import pwd
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.systemd import TOP, SystemdSuite, show, systemctl
from harness.lab import need, read
from harness.tap import check, contains, equal

suite = SystemdSuite()
DRIVER = ("--systemd-cgroup",)


def find_user():
    """Somebody whose systemd runs."""
    for name in os.listdir("/run/user") if os.path.isdir("/run/user") else ():
        if int(name) and os.path.exists(f"/run/user/{name}/systemd/private"):
            return pwd.getpwuid(int(name))
    return None


USER = find_user()


class Person:
    """Calls of the runtime by that user; `how`: from where."""

    def __init__(self, lab, made, how="session"):
        need(USER, "no user's systemd runs here")
        self.lab, self.how, self.id = lab, how, lab.name("u")
        self.systemd = ("--user", "-M", f"{USER.pw_name}@")
        made.namespace("user")
        made.mounts[2]["options"] = ["newinstance", "ptmxmode=0666"]
        inner = 0 if how == "namespace" else USER.pw_uid
        made.linux["uidMappings"] = [{"containerID": 0, "hostID": inner, "size": 1}]
        made.linux["gidMappings"] = [{"containerID": 0, "hostID": 0 if how == "namespace" else USER.pw_gid, "size": 1}]
        self.made, self.path = made, made.write().path
        os.chmod(lab.path, 0o777)
        for folder in (self.path, lab.root):
            for place, _, files in os.walk(folder):
                os.chown(place, USER.pw_uid, USER.pw_gid)
                for name in files:
                    os.chown(f"{place}/{name}", USER.pw_uid, USER.pw_gid)

    def drop(self):
        os.setgroups([])
        os.setgid(USER.pw_gid)
        os.setuid(USER.pw_uid)

    def call(self, *words, globals_=(), env=None):
        words = self.lab.words(*words, globals_=globals_)
        if self.how != "session":
            inside = ["unshare", "--user", "--map-root-user"] if self.how == "namespace" else []
            words = ["systemd-run", "--quiet", "--wait", "--pipe", "--user", "-M", f"{USER.pw_name}@", *inside, *words]
            return self.lab.popen(words).wait(60)
        env = {"XDG_RUNTIME_DIR": f"/run/user/{USER.pw_uid}"} if env is None else env
        return self.lab.popen(words, preexec_fn=self.drop, env={"PATH": "/usr/sbin:/usr/bin:/bin", **env}).wait(60)

    def create(self, **how):
        return self.call("create", "--bundle", self.path, self.id, globals_=DRIVER, **how)

    def state(self):
        return json.loads(self.call("state", self.id).ok().out)

    def show(self, unit, *names):
        return show(unit, *names, user=self.systemd)

    def expect_no_unit(self, unit):
        said = systemctl("list-units", "--all", "--plain", "--no-legend", unit, user=self.systemd).stdout
        check(unit not in said, said)


def life(person, unit):
    person.create().ok()
    pid = person.state()["pid"]
    group = person.show(unit, "ControlGroup")["ControlGroup"]
    contains(group, f"/user@{USER.pw_uid}.service/user.slice/{unit}", "where the unit is")
    equal(read(f"/proc/{pid}/cgroup").strip(), f"0::{group}", "the process's cgroup")
    person.call("start", person.id).ok()
    if person.how != "namespace":  # each call has a namespace of its own there
        equal(person.call("exec", person.id, "/bin/sh", "-c", "cat /proc/self/cgroup").ok().out, f"0::{group}\n",
              "the cgroup of exec")
    return group


@suite.table("CALL-27", "user.slice:docker:ID on the user's bus: limits, exec, update, delete", {
    "from a session": "session", "from a service": "service", "as root of a user namespace": "namespace"})
def units(lab, how):
    made = lab.bundle(["/bin/sleep", "1000"], linux__resources={"pids": {"limit": 50}, "memory": {"limit": 64 << 20}})
    person = Person(lab, made, how)
    made.set("linux.cgroupsPath", f"user.slice:docker:{person.id}").write()
    unit = f"docker-{person.id}.scope"
    group = life(person, unit)
    equal(person.show(unit, "MemoryMax", "TasksMax", "Slice"),
          {"MemoryMax": str(64 << 20), "TasksMax": "50", "Slice": "user.slice"}, "properties")
    equal(read(f"{TOP}{group}/pids.max").strip(), "50", "the file")
    person.call("update", "--pids-limit", "60", person.id).ok()
    equal((person.show(unit, "TasksMax")["TasksMax"], read(f"{TOP}{group}/pids.max").strip()), ("60", "60"), "updated")
    person.call("delete", "--force", person.id).ok()
    person.expect_no_unit(unit)
    check(not os.path.exists(f"{TOP}{group}"), "the cgroup is gone")


@suite.case("CG-03 CALL-27", "without a path: brig-ID.scope in user.slice")
def absent(lab):
    person = Person(lab, lab.bundle(["/bin/sleep", "1000"]))
    life(person, f"brig-{person.id}.scope")
    person.call("delete", "--force", person.id).ok()
    person.expect_no_unit(f"brig-{person.id}.scope")


@suite.table("CG-04 G-05", "a slice as the unit: entered where the kernel lets the user, else refused with the field", {
    "from a session": "session", "from a service": "service"})
def slices(lab, how):
    made = lab.bundle(["/bin/sleep", "1000"])
    person = Person(lab, made, how)
    unit = f"brigtest{person.id.replace('-', '')}.slice"
    made.set("linux.cgroupsPath", f"user.slice::{unit}").write()
    if how == "session":
        person.create().failed("linux.cgroupsPath", f"the slice {unit}", status=1)
        equal(os.listdir(lab.root), [], "the state root")
    else:
        person.create().ok()
        contains(read(f"/proc/{person.state()['pid']}/cgroup"), f"/{unit}\n", "the process's cgroup")
        person.call("delete", "--force", person.id).ok()
    person.expect_no_unit(unit)


@suite.table("7.4 CALL-27", "a subgroup and one that is delegated: create, exec, update, delete", {
    "from a session": "session", "from a service": "service"})
def subgroups(lab, how):
    made = lab.bundle(["/bin/sleep", "1000"], linux__resources={"pids": {"limit": 50}}, annotations={
        "run.oci.systemd.subgroup": "payload", "run.oci.delegate-cgroup": "inner"})
    made.namespace("cgroup")
    person = Person(lab, made, how)
    made.set("linux.cgroupsPath", f"user.slice:docker:{person.id}").write()
    unit = f"docker-{person.id}.scope"
    person.create().ok()
    person.call("start", person.id).ok()
    group = person.show(unit, "ControlGroup")["ControlGroup"]
    equal(read(f"/proc/{person.state()['pid']}/cgroup").strip(), f"0::{group}/payload/inner", "the process's cgroup")
    equal(person.call("exec", person.id, "/bin/cat", "/proc/self/cgroup").ok().out, "0::/inner\n", "that of exec")
    equal([read(f"{TOP}{group}/{name}pids.max").strip() for name in ("", "payload/", "payload/inner/")],
          ["50", "50", "max"], "limits")
    person.call("update", "--pids-limit", "60", person.id).ok()
    equal((person.show(unit, "TasksMax")["TasksMax"], read(f"{TOP}{group}/payload/pids.max").strip()), ("60", "60"),
          "updated")
    person.call("delete", "--force", person.id).ok()
    person.expect_no_unit(unit)
    check(not os.path.exists(f"{TOP}{group}"), "the cgroup is gone")


@suite.case("TRAP-24", "later calls find the user's systemd without the environment")
def no_environment(lab):
    person = Person(lab, lab.bundle(["/bin/sleep", "1000"]))
    person.create(env={}).ok()
    person.call("delete", "--force", person.id, env={}).ok()
    person.expect_no_unit(f"brig-{person.id}.scope")


@suite.case("G-05", "a user whose systemd does not run is told so, and nothing is left")
def nobody(lab):
    person = Person(lab, lab.bundle())
    words = lab.words("create", "--bundle", person.path, person.id, globals_=DRIVER)
    script = 'mount -t tmpfs none /run/user && exec setpriv --reuid "$0" --clear-groups "$@"'
    lab.popen(["unshare", "--mount", "sh", "-c", script, str(USER.pw_uid), *words]).wait().failed(
        "cgroup driver systemd: no systemd answers this user (loginctl enable-linger)",
        f"/run/user/{USER.pw_uid}/systemd/private is not there", status=1)
    equal(os.listdir(lab.root), [], "the state root")


suite.main()
