#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Identity (T-49 to T-59): capabilities, ids, groups, filters and keyrings that an image or a caller
# might twist.
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import caps
from harness.lab import need
from harness.tap import Suite, check, contains, equal

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


@suite.case("T-49", "a file with inheritable capabilities gains nothing")
def inheritable(lab):
    made = lab.bundle(process__user={"uid": 1000, "gid": 1000}, process__noNewPrivileges=False)
    made.capabilities("CAP_NET_RAW", "CAP_CHOWN")
    copy = made.inside("/bin/probe2")
    with open(made.inside("/bin/probe"), "rb") as source, open(copy, "wb") as target:
        target.write(source.read())
    os.chmod(copy, 0o755)
    # struct vfs_cap_data, revision 2: inheritable and effective CAP_CHOWN.
    data = (0x02000001).to_bytes(4, "little") + (0).to_bytes(4, "little") + \
        (1).to_bytes(4, "little") + bytes(8)
    os.setxattr(copy, "security.capability", data)
    made.process["args"] = ["/bin/probe2"]
    got = caps.sets(lab.probe(made))
    equal((got["inheritable"], got["effective"], got["permitted"]), (set(), set(), set()), "sets")


@suite.case("T-49 R-25", "exec leaves the inheritable set empty, whatever the caller's is")
def exec_inheritable(lab):
    container = lab.sleeper()
    report = json.loads(container.exec("/bin/probe").ok().out, strict=False)
    equal(report["cap_inheritable"], "0" * 16, "inheritable")
    report = json.loads(container.exec("/bin/probe", options=("--cap", "CAP_KILL")).ok().out,
                        strict=False)
    equal(report["cap_inheritable"], "0" * 16, "inheritable with --cap")


@suite.case("T-50", "--cap raises ambient only where the container's inheritable has it")
def exec_ambient(lab):
    made = lab.bundle(SLEEP, process__user={"uid": 1000, "gid": 1000},
                      process__noNewPrivileges=False)
    made.process["capabilities"] = {name: ["CAP_KILL"] for name in
                                    ("bounding", "permitted", "effective", "inheritable")}
    container = lab.start(made)
    report = json.loads(container.exec("/bin/probe", options=("--cap", "CAP_KILL")).ok().out,
                        strict=False)
    check(caps.names(report["cap_ambient"]) <= {"CAP_KILL"}, "ambient")
    plain = lab.start(lab.bundle(SLEEP, process__user={"uid": 1000, "gid": 1000}))
    report = json.loads(plain.exec("/bin/probe", options=("--cap", "CAP_CHOWN")).ok().out,
                        strict=False)
    equal(report["cap_ambient"], "0" * 16, "ambient without inheritable")


@suite.table("T-51 P-09", "one set missing, empty or null counts as empty", {
    f"{name} {how}": (name, how) for name in ("bounding", "effective", "permitted")
    for how in ("missing", "empty")})
def one_set(lab, name, how):
    made = lab.bundle()
    sets = {"bounding": ["CAP_KILL"], "effective": ["CAP_KILL"], "permitted": ["CAP_KILL"]}
    if how == "missing":
        del sets[name]
    else:
        sets[name] = []
    if name == "permitted":
        sets["effective"] = []
    made.process["capabilities"] = sets
    result = lab.run(made)
    if result.status == 0:
        got = caps.sets(json.loads(result.out, strict=False))
        equal(got["bounding"], set(sets.get("bounding", [])), "bounding")
        check(got["permitted"] <= got["bounding"], "permitted within bounding")
    else:
        contains(result.err, "capabilities", "reason")


@suite.table("T-51", "strange capability lists", {
    "lower case": ["cap_kill"], "without prefix": ["KILL"], "twice": ["CAP_KILL", "CAP_KILL"],
    "beyond the last": ["CAP_41"], "empty name": [""]})
def strange_names(lab, names):
    made = lab.bundle()
    made.capabilities(*names)
    result = lab.run(made)
    if result.status == 0:
        got = caps.sets(json.loads(result.out, strict=False))
        check(got["bounding"] <= {"CAP_KILL"}, f"bounding {got['bounding']}")
    else:
        contains(result.err, "capabilities", "reason")


@suite.case("T-51", "ambient beyond inheritable is an error or stays empty")
def ambient_beyond(lab):
    made = lab.bundle(process__user={"uid": 1000, "gid": 1000})
    made.process["capabilities"] = {name: ["CAP_KILL"] for name in
                                    ("bounding", "permitted", "effective", "ambient")}
    result = lab.run(made)
    if result.status == 0:
        got = caps.sets(json.loads(result.out, strict=False))
        equal((got["ambient"], got["effective"]), (set(), set()), "sets")
    else:
        contains(result.err, "capabilities", "reason")


@suite.case("T-52", "the caller's groups do not reach exec")
def exec_groups(lab):
    container = lab.start(lab.bundle(SLEEP, process__user={"uid": 0, "gid": 0,
                                                          "additionalGids": [7]}))
    result = container.exec("/bin/probe", preexec_fn=lambda: os.setgroups(range(3000, 3040))).ok()
    equal(json.loads(result.out, strict=False)["groups"], [7], "groups")


@suite.case("T-53 P-21", "groups where setgroups is denied")
def denied_groups(lab):
    made = lab.bundle(process__user={"uid": 0, "gid": 0, "additionalGids": [70000]})
    made.namespace("user")
    made.mounts[2]["options"] = ["newinstance"]  # gid 5 has no place in the map either
    made.linux["uidMappings"] = made.linux["gidMappings"] = [
        {"containerID": 0, "hostID": 0, "size": 1}]
    lab.try_create(made).failed("additionalGids")
    lab.expect_nothing_left("an unmapped group")


@suite.table("T-54", "ids at and beyond the border", {
    str(value): value for value in (4294967295, 4294967296, -1, 2**64)})
def border_ids(lab, value):
    for place in ("process.user.uid", "process.user.gid"):
        made = lab.bundle()
        made.set(place, value)
        lab.try_create(made).failed(place)
    lab.expect_nothing_left("a refused id")


@suite.table("T-58", "an image's passwd cannot turn a number into another user", {
    "number as name": "1000:x:0:0::/root:/bin/sh\n",
    "duplicate": "a:x:1000:0::/:\nb:x:1000:0::/:\n",
    "group": "user:x:1000:0::/home:/bin/sh\n"})
def passwd(lab, text):
    made = lab.bundle(process__user={"uid": 1000, "gid": 1000})
    made.file("/etc/passwd", text)
    made.file("/etc/group", "root:x:0:1000,user\n")
    report = lab.probe(made)
    equal((report["uids"], report["gids"], report["groups"]), ([1000] * 4, [1000] * 4, []), "ids")


@suite.case("T-59 R-30", "two containers of one user do not share a keyring")
def keyrings(lab):
    made = lab.bundle()
    need(lab.probe(made)["keyring"] > 0, "no keyrings on this kernel")
    first = lab.start(lab.bundle(SLEEP))
    second = lab.start(lab.bundle(SLEEP))
    rings = [json.loads(container.exec("/bin/probe").ok().out, strict=False)["keyring"]
             for container in (first, second)]
    check(rings[0] != rings[1], f"keyrings {rings}")


@suite.case("T-55", "setuid programs gain nothing under noNewPrivileges")
def setuid(lab):
    made = lab.bundle(["/bin/probe2"], process__user={"uid": 1000, "gid": 1000})
    copy = made.inside("/bin/probe2")
    with open(made.inside("/bin/probe"), "rb") as source, open(copy, "wb") as target:
        target.write(source.read())
    os.chmod(copy, 0o4755)
    equal(lab.probe(made)["uids"], [1000] * 4, "uids")
    made.process["noNewPrivileges"] = False
    equal(lab.probe(made)["uids"], [1000, 0, 0, 0], "uids without it, for contrast")


@suite.case("T-56", "the filter holds in children and cannot be taken off")
def filter_stays(lab):
    made = lab.bundle(shell="mkdir /tmp/a; sh -c 'mkdir /tmp/b'; "
                            "grep -c 'Seccomp:.2' /proc/self/status")
    made.set("linux.seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]})
    result = lab.run(made)
    equal(result.out, "1\n", "output")
    equal(sorted(os.listdir(made.inside("/tmp"))), [], "folders made")


suite.main()
