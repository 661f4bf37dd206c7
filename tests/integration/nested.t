#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# A container in a container: brig as the runtime of an engine that runs in a container of brig's, with all rights
# (docker in docker) and in user namespaces (podman in podman).
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import sandbox
from harness.caps import NAMES
from harness.cgroups import V1
from harness.lab import read
from harness.namespaces import MAP, give
from harness.rootless import UID, USER, as_caller
from harness.tap import Suite, check, contains, equal

suite = Suite()
GO = "/brig --root /run/brig"
SHARED = ("/usr", "/lib", "/lib64")  # what brig itself needs

PRIVILEGED = "all rights"
IN_USERNS = "in a user namespace"
ROOTLESS = "a user's own"
OUTER = {kind: kind for kind in (PRIVILEGED, IN_USERNS, ROOTLESS)}


def nest(lab, kind, script, inner, cgroup="rw", **settings):
    """A container that runs `script` with brig as /brig and the bundle `inner` as /inner."""
    made = lab.bundle(shell=script, **settings)
    made.capabilities(*NAMES)
    made.process["noNewPrivileges"] = False
    made.linux["maskedPaths"] = made.linux["readonlyPaths"] = []
    for place in (*SHARED, "/inner"):
        os.mkdir(made.inside(place))
    made.file("/brig")
    for place in SHARED:
        made.mount(place, "bind", place, ["rbind", "ro"])
    made.mount("/brig", "bind", sandbox.brig(), ["bind", "ro"])
    made.mount("/inner", "bind", inner.write().path, ["rbind"])
    made.mount("/run", "tmpfs", "tmpfs", ["mode=755"])
    next(entry for entry in made.mounts if entry["destination"] == "/sys")["options"] = ["rw"]
    if cgroup:
        made.mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", cgroup])
        made.namespace("cgroup")
    if kind == IN_USERNS:
        made.namespace("user")
        made.linux["uidMappings"] = made.linux["gidMappings"] = MAP
        give(inner.path)
        give(made.path)
        os.chmod(lab.path, 0o755)
    elif kind == ROOTLESS:
        caller = as_caller(lab, USER)
        give(inner.path, UID, UID)
        caller.fit(made)
    return made


def one_group(made, kind):
    """Only one group is mapped in a user's own namespace: terminals cannot be of another."""
    if kind == ROOTLESS:
        for entry in made.mounts:
            entry["options"] = [option for option in entry.get("options", [])
                                if not option.startswith("gid=")]
    return made


@suite.table("X-12 N-09", "run in a container", OUTER)
def run(lab, kind):
    inner = one_group(lab.bundle(shell="id -u; cat /proc/self/uid_map; hostname; ls /proc | grep -c '^[0-9]'"), kind)
    inner.config["hostname"] = "deep"
    result = lab.run(nest(lab, kind, f"{GO} run --bundle /inner one; echo $?; ls -A /run/brig", inner))
    lines = result.ok().out.split("\n")
    equal(lines[0], "0", "the user inside")
    equal(lines[1].split(), {PRIVILEGED: "0 0 4294967295", IN_USERNS: "0 100000 65536",
                             ROOTLESS: f"0 {UID} 1"}[kind].split(), "the map")
    equal(lines[2], "deep", "host name")
    check(int(lines[3]) <= 4, f"processes inside: {lines[3]}")
    equal([line for line in lines[4:] if line and not line.startswith(".")], ["0"], "status, and what is left")


@suite.table("X-12 O-02 O-03 O-04 O-05", "create, start, exec, kill and delete in a container", OUTER)
def life(lab, kind):
    inner = one_group(lab.bundle(["/bin/sleep", "1000"]), kind)
    script = (f"{GO} create --bundle /inner one </dev/null >/dev/null 2>&1 && {GO} start one && "
              f"{GO} exec one sh -c 'id -u; exit 7'; echo $?; {GO} state one | grep status; "
              f"{GO} kill one KILL; while {GO} state one | grep -q running; do sleep 0.05; done; "
              f"{GO} delete one; echo $?; {GO} list -q; ls /run/brig")
    out = lab.run(nest(lab, kind, script, inner), timeout=20).ok().out
    equal(out.split(), ["0", "7", '"status":', '"running",', "0"], "what it said")


@suite.table("X-12 N-09 N-10", "a user namespace in a user namespace", {PRIVILEGED: PRIVILEGED, IN_USERNS: IN_USERNS})
def deeper(lab, kind):
    inner = lab.bundle(shell="cat /proc/self/uid_map; id -u; echo x > /tmp/made")
    inner.namespace("user")
    inner.linux["uidMappings"] = inner.linux["gidMappings"] = [{"containerID": 0, "hostID": 2000, "size": 1000}]
    made = nest(lab, kind, f"{GO} run --bundle /inner one", inner)
    host = 2000 + (MAP[0]["hostID"] if kind == IN_USERNS else 0)
    give(inner.path, host, host)
    os.chmod(lab.path, 0o755)
    equal(lab.run(made).ok().out.split(), ["0", "2000", "1000", "0"], "map and user")
    equal(os.stat(inner.inside("/tmp/made")).st_uid, host, "owner on the host")


@suite.table("X-12 TRAP-56", "where no cgroup can be made it stays where it is, unless a limit is asked for", {
    f"{kind}, {mount or 'no'} cgroup mount": (kind, mount)
    for kind in (IN_USERNS, ROOTLESS) for mount in ("ro", None)})
def no_cgroups(lab, kind, mount):
    inner = one_group(lab.bundle(shell="echo fine"), kind)
    limited = one_group(lab.bundle(shell="echo fine", linux__resources={"pids": {"limit": 9}}), kind)
    script = (f"{GO} run --bundle /inner one 2>&1; cp /limited.json /tmp/config.json; "
              f"ln -s /inner/rootfs /tmp/rootfs; {GO} run --bundle /tmp two 2>&1")
    made = nest(lab, kind, script, inner, cgroup=mount)
    made.file("/limited.json", json.dumps(limited.config))
    result = lab.run(made)
    equal(result.out.splitlines()[0], "fine", f"output of {result}")
    contains(result.out.splitlines()[1], "linux.resources.pids.limit", f"the refusal of {result}")


@suite.case("X-12 CG-01", "no cgroup mount: root of the host is told what to do")
def no_cgroup_mount(lab):
    inner = lab.bundle(shell="echo fine")
    lab.run(nest(lab, PRIVILEGED, f"{GO} run --bundle /inner one", inner, cgroup=None)).failed(
        "no cgroup hierarchy is mounted", "--cgroup-manager disabled")


@suite.case("X-12 CG-01", "cgroups of a nested container lie in those of the outer one")
def cgroups(lab):
    inner = lab.bundle(shell="cat /proc/self/cgroup")
    made = nest(lab, PRIVILEGED, f"{GO} run --bundle /inner one; echo $?", inner)
    out = lab.run(made).ok().out
    check(out.endswith("\n0\n"), f"status: {out}")
    contains(out, ":/one\n", "the group, as the outer container sees it")
    if not V1:
        equal(out, "0::/one\n0\n", "the group")


@suite.table("X-12 D-08 M-08", "devices, sysfs and a terminal's folder work in a nested container", OUTER)
def devices(lab, kind):
    shell = "echo x > /dev/null && stat -c %t:%T /dev/null /dev/zero; ls /sys/class/net; ls -d /dev/pts/ptmx"
    inner = one_group(lab.bundle(shell=shell), kind)
    equal(lab.run(nest(lab, kind, f"{GO} run --bundle /inner one", inner)).ok().out.split(),
          ["1:3", "1:5", "lo", "/dev/pts/ptmx"], "output")


@suite.table("T-1 T-38 X-12", "the nested runtime's program cannot be written from within", OUTER)
def binary(lab, kind):
    before = read(sandbox.brig()).__hash__()
    inner = one_group(lab.bundle(shell="(echo x > /proc/1/exe) 2>&1; true"), kind)
    lab.run(nest(lab, kind, f"(echo x > /brig) 2>&1; {GO} run --bundle /inner one", inner)).ok()
    equal(read(sandbox.brig()).__hash__(), before, "the program")


suite.main()
