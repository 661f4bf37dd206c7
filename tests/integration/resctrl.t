#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# linux.intelRdt: RDT-01 to RDT-10. Few machines have resctrl: a file system in user space that
# behaves like it stands in, and the runtime finds it in a mountinfo that calls it by that name.
import contextlib
import os
import shutil
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import inject, sandbox
from harness.cgroups import V1, groups_of, hierarchies
from harness.lab import need, read, write
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
SERVER = os.path.join(sandbox.TESTS, "harness", "resctrl.py")
# For one process, which the runtime then becomes.
RENAMED = 'mount --bind "$0" /proc/$$/mountinfo && exec "$@"'


class Tree:
    """A mounted stand-in, and calls of the runtime that find it."""

    def __init__(self, lab, limits):
        need(os.path.exists("/dev/fuse"), "no /dev/fuse to play resctrl with")
        self.lab, self.path = lab, f"{lab.path}/resctrl"
        os.mkdir(self.path)
        self.server = lab.popen([sys.executable, SERVER, self.path, *map(str, limits)])
        eventually(lambda: os.path.ismount(self.path), "the stand-in")
        lines = read("/proc/self/mountinfo").splitlines()
        self.mountinfo = write(f"{lab.path}/mountinfo", "".join(
            line.replace(" - fuse resctrl ", " - resctrl resctrl ") + "\n" for line in lines))

    def spawn(self, *words, before=()):
        return self.lab.popen(["sh", "-c", RENAMED, self.mountinfo, *before,
                               *self.lab.words(*words)])

    def brig(self, *words, **how):
        return self.spawn(*words, **how).wait()

    def create(self, name, rdt, **settings):
        self.lab.containers.append(name)
        made = self.lab.bundle(SLEEP, linux__intelRdt=rdt, **settings)
        return self.brig("create", "--bundle", made.write().path, name)

    def pid(self, name):
        return self.lab.state(name)["pid"]

    def tasks(self, group):
        return {int(line) for line in read(f"{self.path}/{group}/tasks").split()}

    def schemata(self, group):
        lines = read(f"{self.path}/{group}/schemata").replace(" ", "").splitlines()
        return dict(line.split(":", 1) for line in lines)

    def classes(self):
        return sorted(set(os.listdir(self.path)) - {"info", "mon_groups", "schemata", "tasks"})

    def monitors(self, group="."):
        return os.listdir(f"{self.path}/{group}/mon_groups")

    def close(self):
        for name in self.lab.containers:
            if os.path.lexists(f"{self.lab.root}/{name}"):
                self.lab.brig("delete", "--force", name)
        sandbox.libc.umount2(self.path.encode(), 2)
        self.server.wait()


@contextlib.contextmanager
def resctrl(lab, *limits):
    tree = Tree(lab, limits)
    try:
        yield tree
    finally:
        tree.close()


@suite.case("RDT-01", "without a resctrl mount intelRdt is an error")
def not_mounted(lab):
    need(" - resctrl " not in read("/proc/self/mountinfo"), "this machine has resctrl")
    lab.try_create(lab.bundle(SLEEP, linux__intelRdt={})).failed("linux.intelRdt", "resctrl")
    lab.expect_nothing_left("a refused intelRdt")


@suite.case("RDT-01", "without intelRdt nobody looks for resctrl")
def absent(lab):
    need(shutil.which("strace"), "no strace")
    made = lab.bundle(["/bin/true"]).write()
    lab.containers.append("plain")
    trace = f"{lab.path}/trace"
    lab.popen(["strace", "-D", "-f", "-qq", "-o", trace, "-e", "trace=%file",
               *lab.words("run", "--bundle", made.path, "plain")]).wait().ok()
    inject.settle_tracer(lab)
    check("config.json" in read(trace), "a trace")
    check("resctrl" not in read(trace), "no path of resctrl")
    # A hierarchy that another program has just made elsewhere has to be looked for.
    if set(groups_of("self")) <= {"", *hierarchies()}:
        check("mountinfo" not in read(trace), "mountinfo is not read")


@suite.case("RDT-01 RDT-03 RDT-09", "the container gets a class of its own, until delete")
def own_class(lab):
    with resctrl(lab) as tree:
        tree.create("own", {}).ok()
        equal(tree.classes(), ["own"], "classes")
        equal(tree.tasks("own"), {tree.pid("own")}, "tasks before start")
        equal(tree.schemata("own"), tree.schemata("."), "schemata as the kernel made them")
        lab.brig("start", "own").ok()
        lab.brig("delete", "--force", "own").ok()
        equal(tree.classes(), [], "classes after delete")


@suite.case("RDT-03", "a class with the container's name that was there stays")
def found_class(lab):
    with resctrl(lab) as tree:
        os.mkdir(f"{tree.path}/there")
        tree.create("there", {}).ok()
        equal(tree.tasks("there"), {tree.pid("there")}, "tasks")
        lab.brig("delete", "--force", "there").ok()
        equal(tree.classes(), ["there"], "classes after delete")


@suite.case("RDT-02", "closID / is the default class")
def default_class(lab):
    with resctrl(lab) as tree:
        tree.create("plain", {"closID": "/"}).ok()
        equal(tree.classes(), [], "classes")
        check(tree.pid("plain") in tree.tasks("."), "the container is in the default class")
        lab.brig("delete", "--force", "plain").ok()
        check(os.path.exists(f"{tree.path}/tasks"), "the root is there")


@suite.table("RDT-02", "a closID that is no name of a class is refused", {
    "dot": ".", "up": "..", "slash": "a/b", "empty": "", "newline": "a\nb", "info": "info",
    "monitoring": "mon_groups",
})
def bad_name(lab, name):
    with resctrl(lab) as tree:
        tree.create("bad", {"closID": name, "schemata": ["L3:0=f"]}).failed("linux.intelRdt.closID")
        equal(tree.classes(), [], "classes")


@suite.case("RDT-04 RDT-06 RDT-07", "a class with schemata is made, and stays")
def made_class(lab):
    with resctrl(lab) as tree:
        tree.create("one", {"closID": "gold", "l3CacheSchema": "L3:0=f", "memBwSchema": "MB:1=20",
                            "schemata": ["L3:0=3", "MB:0=50"]}).ok()
        equal(tree.schemata("gold"), {"L3": "0=3;1=7ff", "MB": "0=50;1=20"},
              "schemata, the later line wins")
        equal(tree.tasks("gold"), {tree.pid("one")}, "tasks")
        lab.brig("delete", "--force", "one").ok()
        equal(tree.classes(), ["gold"], "classes after delete")


@suite.table("RDT-04", "schemata of a class that is there", {
    "equal": ({"schemata": ["L3:0=f;1=7ff"]}, None),
    "spelled otherwise": ({"l3CacheSchema": "L3: 1 = 07FF ; 00=0xF"}, None),
    "a part": ({"memBwSchema": "MB:1=100"}, None),
    "other mask": ({"l3CacheSchema": "L3:0=ff"}, "linux.intelRdt.l3CacheSchema"),
    "other bandwidth": ({"l3CacheSchema": "L3:0=f", "memBwSchema": "MB:0=10"},
                        "linux.intelRdt.memBwSchema"),
    "second line": ({"schemata": ["L3:0=f", "MB:0=10"]}, "linux.intelRdt.schemata[1]"),
    "other resource": ({"schemata": ["L2:0=f"]}, "linux.intelRdt.schemata[0]"),
    "other domain": ({"schemata": ["L3:2=f"]}, "linux.intelRdt.schemata[0]"),
})
def compared(lab, rdt, part):
    with resctrl(lab) as tree:
        os.mkdir(f"{tree.path}/gold")
        write(f"{tree.path}/gold/schemata", "L3:0=f\n")
        before = tree.schemata("gold")
        result = tree.create("one", {"closID": "gold", **rdt})
        if part:
            result.failed(part, "gold")
            equal(tree.tasks("gold"), set(), "tasks")
        else:
            result.ok()
            equal(tree.tasks("gold"), {tree.pid("one")}, "tasks")
        equal(tree.schemata("gold"), before, "schemata")


@suite.case("RDT-05 RDT-06 RDT-09", "a closID alone has to be there, and is left as it is")
def named_only(lab):
    with resctrl(lab) as tree:
        tree.create("none", {"closID": "gold"}).failed("linux.intelRdt.closID", "gold")
        equal(tree.classes(), [], "classes after the refusal")
        os.mkdir(f"{tree.path}/gold")
        write(f"{tree.path}/gold/schemata", "L3:0=f\n")
        tree.create("one", {"closID": "gold"}).ok()
        equal(tree.schemata("gold")["L3"], "0=f;1=7ff", "schemata")
        equal(tree.tasks("gold"), {tree.pid("one")}, "tasks")
        lab.brig("delete", "--force", "one").ok()
        equal(tree.classes(), ["gold"], "classes after delete")


@suite.case("RDT-07 2.11", "update gives the class other schemata, or all of the old ones")
def updated(lab):
    with resctrl(lab) as tree:
        tree.create("one", {"l3CacheSchema": "L3:0=f"}).ok()
        tree.brig("update", "--l3-cache-schema=L3:0=3", "--mem-bw-schema", "MB:1=20", "one").ok()
        wanted = {"L3": "0=3;1=7ff", "MB": "0=100;1=20"}
        equal(tree.schemata("one"), wanted, "schemata")
        tree.brig("update", "--l3-cache-schema=L3:0=7", "--mem-bw-schema=MB:9=20", "--pids-limit=7",
                  "one").failed("linux.intelRdt.memBwSchema", "Unknown domain 9")
        equal(tree.schemata("one"), wanted, "schemata after a refusal")
        if "pids" in V1:
            pid = tree.pid("one")
            equal(read(f"{V1['pids']}{groups_of(pid)['pids']}/pids.max"), "max\n", "pids.max")


@suite.table("RDT-07", "a schema that cannot be is refused with its reason, and nothing is left", {
    "newline": ({"l3CacheSchema": "L3:0=f\nMB:0=1"}, "l3CacheSchema", "one line"),
    "prefix": ({"memBwSchema": "L3:0=f"}, "memBwSchema", "MB:"),
    "newline in schemata": ({"schemata": ["L3:0=f\nL3:1=f"]}, "schemata[0]", "one line"),
    "mask": ({"l3CacheSchema": "L3:0=fff"}, "l3CacheSchema", "out of range"),
    "resource": ({"schemata": ["L3:0=f", "XX:0=1"]}, "schemata[1]", "'XX'"),
})
def bad_schema(lab, rdt, key, reason):
    with resctrl(lab) as tree:
        for closid in ({}, {"closID": "gold"}):
            tree.create("bad", {**closid, **rdt}).failed(f"linux.intelRdt.{key}", reason)
            equal(tree.classes(), [], "classes")
    lab.expect_nothing_left("a refused schema")


@suite.case("RDT-08", "a monitoring group of the container, until delete")
def monitoring(lab):
    with resctrl(lab) as tree:
        os.mkdir(f"{tree.path}/gold")
        tree.create("one", {"closID": "gold", "enableMonitoring": True}).ok()
        equal(tree.monitors("gold"), ["one"], "monitoring groups")
        equal(tree.tasks("gold/mon_groups/one"), {tree.pid("one")}, "its tasks")
        equal(tree.tasks("gold"), {tree.pid("one")}, "tasks of the class")
        tree.create("two", {"closID": "/", "enableMonitoring": True}).ok()
        equal(tree.monitors(), ["two"], "monitoring groups of the default class")
        tree.create("three", {"enableMonitoring": True}).ok()
        equal(tree.monitors("three"), ["three"], "monitoring groups of an own class")
        for name in ("one", "two", "three"):
            lab.brig("delete", "--force", name).ok()
        equal(tree.classes(), ["gold"], "classes after delete")
        equal(tree.monitors("gold") + tree.monitors(), [], "monitoring groups after delete")


@suite.case("RDT-08 RDT-03", "no class or monitoring id left in the processor")
def exhausted(lab):
    with resctrl(lab, 2, 1) as tree:
        tree.create("one", {"enableMonitoring": True}).ok()
        tree.create("two", {}).failed("linux.intelRdt", "no space left on device",
                                      "every class of service", "Out of CLOSIDs")
        tree.create("two", {"closID": "/", "enableMonitoring": True}).failed(
            "linux.intelRdt.enableMonitoring", "no space left on device", "Out of RMIDs")
        equal(tree.classes(), ["one"], "classes")
        equal(tree.monitors(), [], "monitoring groups")


@suite.case("RDT-08", "a monitoring group that is another's is not taken")
def monitoring_taken(lab):
    with resctrl(lab) as tree:
        os.mkdir(f"{tree.path}/mon_groups/one")
        tree.create("one", {"closID": "/", "enableMonitoring": True}).failed(
            "linux.intelRdt.enableMonitoring", "there already")
        equal(tree.monitors(), ["one"], "monitoring groups")


@suite.case("RDT-10", "keys of before 1.3 are ignored")
def old_keys(lab):
    with resctrl(lab) as tree:
        tree.create("old", {"closID": "/", "enableCMT": True, "enableMBM": True}).ok()
        equal(tree.monitors(), [], "monitoring groups")


@suite.table("RDT-03 RDT-04 G-05", "a create that fails later leaves no group", {
    "own": {"enableMonitoring": True}, "named": {"closID": "gold", "schemata": ["L3:0=f"]},
})
def rolled_back(lab, rdt):
    with resctrl(lab) as tree:
        hooks = {"createRuntime": [{"path": "/bin/false"}]}
        tree.create("late", rdt, hooks=hooks).failed("hook")
        equal(tree.classes(), [], "classes")
    lab.expect_nothing_left("a failed hook")


@suite.case("RDT-03 RDT-08 G-05", "a create that was killed is cleaned up by delete --force")
def killed(lab):
    with resctrl(lab) as tree:
        lab.containers.append("shot")
        made = lab.bundle(SLEEP, linux__intelRdt={"enableMonitoring": True},
                          hooks={"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "1"]}]})
        call = tree.spawn("create", "--bundle", made.write().path, "shot")
        eventually(lambda: tree.classes() == ["shot"] and tree.monitors("shot") == ["shot"],
                   "the groups")
        call.signal(signal.SIGKILL)
        call.wait()
        lab.brig("delete", "--force", "shot").ok()
        equal(tree.classes(), [], "classes")


@suite.case("RDT-08 G-05", "a class that another made meanwhile stays, after a kill too")
def made_meanwhile(lab):
    need(shutil.which("strace"), "no strace")
    with resctrl(lab) as tree:
        lab.containers.append("shot")
        hook = f"echo > {lab.path}/there; exec sleep 1"
        made = lab.bundle(SLEEP, linux__intelRdt={}, hooks={
            "createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", hook]}]})
        call = tree.spawn("create", "--bundle", made.write().path, "shot", before=(
            "strace", "-D", "-qq", "-o", f"{lab.path}/trace", "-P", f"{tree.path}/shot", "-e",
            "trace=mkdir", "-e", "inject=mkdir:delay_enter=700000"))
        eventually(lambda: os.path.exists(f"{lab.root}/shot/container.json"), "the journal")
        contains(read(f"{lab.root}/shot/container.json"), '"isOwn":true', "the journal")
        os.mkdir(f"{tree.path}/shot")
        eventually(lambda: os.path.exists(f"{lab.path}/there"), "the hook")
        call.signal(signal.SIGKILL)
        call.wait()
        inject.settle_tracer(lab)
        lab.brig("delete", "--force", "shot").ok()
        equal(tree.classes(), ["shot"], "classes")
        os.rmdir(f"{tree.path}/shot")


@suite.table("RDT-03 RDT-08 G-05", "at each mkdir and write", {
    "a failure leaves no group": "error=ENOSPC", "a death leaves none after delete": "signal=SIGKILL",
})
def at_each_call(lab, action):
    need(shutil.which("strace"), "no strace")
    made = lab.bundle(SLEEP, linux__intelRdt={"enableMonitoring": True, "schemata": ["L3:0=f"]})
    made.write()
    with resctrl(lab) as tree:
        for call in ("mkdir", "write"):
            for number in range(1, 40):
                name = f"{call}-{number}"
                lab.containers.append(name)
                result = tree.brig("create", "--bundle", made.path, name, before=(
                    "strace", "-D", "-qq", "-o", f"{lab.path}/trace", "-e", f"trace={call}", "-e",
                    f"inject={call}:{action}:when={number}"))
                inject.settle_tracer(lab)
                if result.status != 0 and action.startswith("error"):
                    equal(tree.classes(), [], f"classes after a failure of {name}")
                lab.brig("delete", "--force", name).ok()
                equal(tree.classes(), [], f"classes after {name}")
                if "INJECTED" not in read(f"{lab.path}/trace") and result.status == 0:
                    break


@suite.case("RDT-01 RDT-08", "exec joins the groups, and does without a class that is gone")
def executed(lab):
    with resctrl(lab) as tree:
        os.mkdir(f"{tree.path}/gold")
        tree.create("one", {"closID": "gold", "enableMonitoring": True}).ok()
        lab.brig("start", "one").ok()
        pid_file = f"{lab.path}/pid"
        lab.brig("exec", "--detach", "--pid-file", pid_file, "one", *SLEEP).ok()
        both = {tree.pid("one"), int(read(pid_file))}
        equal(tree.tasks("gold"), both, "tasks of the class")
        equal(tree.tasks("gold/mon_groups/one"), both, "tasks of the monitoring group")
        os.rmdir(f"{tree.path}/gold")
        lab.brig("exec", "one", "/bin/true").ok()
        lab.brig("delete", "--force", "one").ok()


@suite.case("RDT-06", "the state keeps only what later calls need")
def recorded(lab):
    with resctrl(lab) as tree:
        tree.create("one", {"closID": "/"}).ok()
        record = read(f"{lab.root}/one/container.json")
        contains(record, f'"resctrl":{{"group":"{tree.path}"', "the record")
        lab.brig("create", "--bundle", lab.bundle(SLEEP).write().path, "two").ok()
        lab.containers.append("two")
        check("resctrl" not in read(f"{lab.root}/two/container.json"), "a record without")


suite.main()
