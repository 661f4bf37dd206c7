#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# update: input that says more than limits (T-105), paths in names, and races with other verbs (T-87).
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.cgroups import folder, need_controllers, see_only_v2, value
from harness.lab import read, write
from harness.tap import Suite, check, equal, eventually, patient

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
SECONDS = float(os.environ.get("BRIG_ATTACK_SECONDS", "1"))


def update(lab, container, document, **how):
    path = write(f"{lab.path}/{lab.name('resources')}.json",
                 document if isinstance(document, str) else json.dumps(document))
    return lab.brig("update", "--resources", path, container.id, **how)


# more than limits

LOOSE = {
    "devices": {"devices": [{"allow": True, "access": "rwm"}]},
    "capabilities": {"process": {"capabilities": {"bounding": ["CAP_SYS_ADMIN"]}}},
    "no filter": {"seccomp": None, "linux": {"seccomp": None, "maskedPaths": []}},
    "privileges": {"noNewPrivileges": False, "process": {"noNewPrivileges": False}},
    "mounts": {"mounts": [{"destination": "/x", "type": "bind", "source": "/"}]},
    "hooks": {"hooks": {"poststop": [{"path": "/bin/touch", "args": ["touch", "{lab}/mark"]}]}},
    "a cgroup": {"cgroupsPath": "/", "linux": {"cgroupsPath": "/"}},
    "annotations": {"annotations": {"run.oci.keep_original_groups": "1"}},
}
LOOK = "grep -E 'CapBnd|CapEff|NoNewPrivs|Seccomp:|Groups' /proc/self/status; " \
       "cat /proc/self/cgroup; dd if=/dev/mem of=/dev/zero count=1 2>&1 | head -1"


@suite.table("T-105 RD-04", "what an update says beyond limits loosens nothing", LOOSE)
def loosened(lab, document):
    need_controllers("pids")
    made = lab.bundle(SLEEP)
    made.capabilities("CAP_MKNOD", "CAP_SYS_RAWIO")
    made.file("/mark")
    made.set("linux.seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["swapon"], "action": "SCMP_ACT_ERRNO"}]})
    made.linux["devices"] = [{"path": "/dev/mem", "type": "c", "major": 1, "minor": 1}]
    made.set("linux.resources", {"devices": [{"allow": False, "access": "rwm"}]})
    container = lab.start(made)
    before = container.exec("/bin/sh", "-c", LOOK).ok().out
    check("not permitted" in before, f"the device is closed: {before!r}")
    kept = read(f"{lab.root}/{container.id}/config.json")
    text = json.dumps({"pids": {"limit": 33}, **document}).replace("{lab}", lab.path)
    update(lab, container, text).ok()
    equal(value(container, "pids", "pids.max"), "33", "what is a limit")
    equal(container.exec("/bin/sh", "-c", LOOK).ok().out, before, "what exec has")
    equal(read(f"{lab.root}/{container.id}/config.json"), kept, "the kept config")
    container.delete("--force").ok()
    check(not os.path.exists(f"{lab.path}/mark"), "no hook ran")


# names that are paths


@suite.table("T-105 R-33", "a name in resources that leads to another file", {
    "up": "../{other}/pids.max", "inner": "inner/pids.max", "absolute": "/etc/passwd",
    "processes": "cgroup.procs", "controllers": "cgroup.subtree_control", "kill": "cgroup.kill",
    "freeze": "cgroup.freeze", "type": "cgroup.type", "empty": "", "dots": "..",
    "newline": "pids.max\nx", "nul": "pids.max\u0000x", "link": "pids.max/../cgroup.kill"})
def unified_name(lab, name):
    see_only_v2(lab)
    container, other = lab.start(lab.bundle(SLEEP)), lab.start(lab.bundle(SLEEP))
    os.mkdir(f"{folder(container, '')}/inner")
    before = read("/etc/passwd")
    result = update(lab, container, {"unified": {name.replace("{other}", other.id): "1"}})
    result.failed("unified")
    for each in (container, other):
        equal(each.status(), "running", each.id)
    equal(read("/etc/passwd"), before, "/etc/passwd")


@suite.table("T-105", "page sizes and devices that lead out", {
    "page size": {"hugepageLimits": [{"pageSize": "../../../pids/x", "limit": 1}]},
    "page size with a null": {"hugepageLimits": [{"pageSize": "2MB\u0000", "limit": 1}]},
    "rdma": {"rdma": {"../x": {"hcaHandles": 1}}},
    "cpus": {"cpu": {"cpus": "0\n1"}}, "mems": {"cpu": {"mems": "../0"}},
    "priority": {"network": {"priorities": [{"name": "../lo", "priority": 1}]}},
    "class": {"network": {"classID": 1 << 33}},
    "an interface with more": {"network": {"priorities": [{"name": "lo 1\nlo", "priority": 2}]}},
})
def names(lab, document):
    container = lab.sleeper()
    update(lab, container, document).failed()
    equal(container.status(), "running", "status")
    limits = json.loads(read(f"{lab.root}/{container.id}/container.json")).get("resources")
    check(limits is None, f"nothing of it is kept: {limits}")


@suite.table("T-72 R-42", "a resources file that is none", {
    "endless": lambda path: os.symlink("/dev/zero", path), "folder": os.mkdir,
    "sparse": lambda path: (write(path, ""), os.truncate(path, 1 << 40)),
    "loop": lambda path: os.symlink(path, path), "absent": lambda path: None,
    "deep": lambda path: write(path, "[" * 200000)})
def no_file(lab, make):
    container = lab.sleeper()
    make(f"{lab.path}/r")
    begin = time.monotonic()
    lab.brig("update", "--resources", f"{lab.path}/r", container.id).failed()
    with open("/dev/zero", "rb") as endless:
        lab.brig("update", "--resources", "-", container.id, stdin=endless).failed()
    check(time.monotonic() - begin < patient(3), "bounded time")
    equal(container.status(), "running", "status")


# side by side


@suite.table("T-87 X-02.update", "update beside", {
    "delete --force": ("delete", "--force"), "kill": ("kill", "KILL"), "pause": ("pause",),
    "update": ("update", "--pids-limit", "44")})
def beside(lab, verb, *rest):
    made = lab.bundle(SLEEP).write()
    options = [word for word in rest if word != "KILL"]
    tail = ["KILL"] if "KILL" in rest else []
    deadline, rounds = time.monotonic() + SECONDS / 2, 0
    while time.monotonic() < deadline or not rounds:
        rounds += 1
        name = f"u{rounds}"
        lab.containers.append(name)
        lab.brig("run", "-d", "--bundle", made.path, name).ok()
        calls = [lab.spawn("update", "--pids-limit", "33", "--memory", "48m", name),
                 lab.spawn(verb, *options, name, *tail)]
        for call in calls:
            result = call.wait(15)
            check(0 <= result.status < 128, f"a clean end of {result}")
            check(result.status == 0 or result.err.strip(), f"a reason in {result}")
        if verb == "delete":
            lab.gone(name)
        elif verb == "kill":
            eventually(lambda name=name: (lab.reap(), lab.state(name)["status"] == "stopped")[1],
                       "stopped")
        lab.brig("delete", "--force", name).ok()
        lab.gone(name)
        lab.containers.remove(name)
        lab.calls.clear()
    lab.expect_nothing_left(f"{rounds} rounds")
    left = [name for name in oracle.cgroups() if "/u" in name and "user" not in name]
    equal([name for name in left if os.path.basename(name)[1:].isdigit()], [], "cgroups")
    return f"{rounds} rounds"


suite.main()
