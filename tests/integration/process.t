#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The process section, seen from inside by a probe and from the host's /proc; its numbers are in
# attributes.t, scheduling.t and affinity.t.
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import caps
from harness.lab import need, read
from harness.tap import Suite, check, contains, equal

suite = Suite()


# user, groups


@suite.case("P-19", "user, group and groups are exactly those asked for")
def user(lab):
    made = lab.bundle(process__user={"uid": 1000, "gid": 1001, "additionalGids": [5, 6, 70000]})
    report = lab.probe(made)
    equal(report["uids"], [1000] * 4, "uids")
    equal(report["gids"], [1001] * 4, "gids")
    equal(sorted(report["groups"]), [5, 6, 70000], "groups")


@suite.case("P-19", "the host sees the same user")
def user_host(lab):
    container = lab.sleeper(process__user={"uid": 1000, "gid": 1001, "additionalGids": [7]})
    status = read(f"/proc/{container.pid}/status")
    contains(status, "Uid:\t1000\t1000\t1000\t1000", "uids")
    contains(status, "Gid:\t1001\t1001\t1001\t1001", "gids")
    contains(status, "Groups:\t7", "groups")


@suite.case("P-19", "no user means 0:0")
def user_absent(lab):
    made = lab.bundle()
    del made.process["user"]
    report = lab.probe(made)
    equal((report["uids"], report["gids"], report["groups"]), ([0] * 4, [0] * 4, []), "ids")


@suite.case("P-21 R-27 T-52", "the caller's supplementary groups do not get in")
def groups_dropped(lab):
    groups = list(range(2000, 2040))
    made = lab.bundle().write()
    result = lab.brig("run", "--bundle", made.path, "g", preexec_fn=lambda: os.setgroups(groups))
    equal(json.loads(result.ok().out)["groups"], [], "groups with none configured")
    made.set("process.user.additionalGids", [5]).write()
    result = lab.brig("run", "--bundle", made.path, "g", preexec_fn=lambda: os.setgroups(groups))
    equal(json.loads(result.ok().out)["groups"], [5], "groups with one configured")


# capabilities


@suite.case("P-09 R-25", "each of the five sets is exactly what it was asked to be")
def capability_sets(lab):
    made = lab.bundle()
    asked = {"bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_SETUID", "CAP_MKNOD"],
             "permitted": ["CAP_CHOWN", "CAP_KILL", "CAP_SETUID"],
             "effective": ["CAP_CHOWN", "CAP_KILL"],
             "inheritable": ["CAP_KILL", "CAP_CHOWN"],
             "ambient": ["CAP_KILL"]}
    made.set("process.user", {"uid": 1000, "gid": 1000})
    made.set("process.capabilities", asked)
    got = caps.sets(lab.probe(made))
    # execve by a user other than root gives permitted = ambient.
    equal(got["bounding"], set(asked["bounding"]), "bounding")
    equal(got["inheritable"], set(asked["inheritable"]), "inheritable")
    for name in ("ambient", "permitted", "effective"):
        equal(got[name], {"CAP_KILL"}, name)


@suite.case("P-09", "root gets permitted and effective within the bounding set")
def capability_root(lab):
    made = lab.bundle()
    made.capabilities("CAP_CHOWN", "CAP_NET_RAW")
    got = caps.sets(lab.probe(made))
    for name in ("bounding", "permitted", "effective"):
        equal(got[name], {"CAP_CHOWN", "CAP_NET_RAW"}, name)
    equal((got["inheritable"], got["ambient"]), (set(), set()), "inheritable and ambient")


@suite.case("P-09 R-25 T-51", "an empty object means no capability at all")
def capability_none(lab):
    got = caps.sets(lab.probe(lab.bundle(process__capabilities={})))
    equal(got, {name: set() for name in caps.SETS}, "sets")


@suite.case("P-09", "all that the machine can grant")
def capability_all(lab):
    made = lab.bundle()
    every = sorted(caps.grantable())
    made.capabilities(*every, sets=caps.SETS)
    got = caps.sets(lab.probe(made))
    equal(got, {name: set(every) for name in caps.SETS}, "sets")


@suite.case("P-09 26.1", "a capability that cannot be granted is left out, the others are given")
def capability_ungrantable(lab):
    missing = sorted(set(caps.NAMES) - caps.grantable())
    need(missing, "this machine grants every capability")
    made = lab.bundle()
    made.capabilities("CAP_KILL", missing[0])
    got = caps.sets(lab.probe(made))
    equal((got["bounding"], got["effective"]), ({"CAP_KILL"}, {"CAP_KILL"}), "sets")


@suite.case("P-09 26.1", "an unknown capability is left out, the others are given")
def capability_unknown(lab):
    made = lab.bundle()
    made.capabilities("CAP_KILL", "CAP_TIME_TRAVEL")
    got = caps.sets(lab.probe(made))
    equal((got["bounding"], got["effective"]), ({"CAP_KILL"}, {"CAP_KILL"}), "sets")


@suite.case("P-09 R-25", "the kernel's secure bits and keepcaps are left at their default")
def securebits(lab):
    report = lab.probe(lab.bundle(process__user={"uid": 1000, "gid": 1000}))
    equal((report["securebits"], report["keepcaps"]), (0, 0), "secure bits, keepcaps")


# no_new_privs


@suite.table("P-10", "noNewPrivileges", {"true": (True, 1), "false": (False, 0),
                                         "absent": (None, 0)})
def nnp(lab, value, wanted):
    made = lab.bundle()
    del made.process["noNewPrivileges"]
    if value is not None:
        made.process["noNewPrivileges"] = value
    equal(lab.probe(made)["no_new_privs"], wanted, "no_new_privs")


# keyring, session, signals


@suite.case("P-23 R-30", "a session keyring of its own, unless told otherwise")
def keyring(lab):
    made = lab.bundle()
    first, second = lab.probe(made), lab.probe(made)
    check(first["keyring"] != second["keyring"], "two runs, two keyrings")
    made.write()
    lab.containers.append("k")
    same = [json.loads(lab.brig("run", "--bundle", made.path, "--no-new-keyring", "k").ok().out)
            ["keyring"] for _ in range(2)]
    equal(same[0], same[1], "keyring with --no-new-keyring")


@suite.case("E-08 trap-10 trap-11 R-46", "own session, default signals, nothing blocked")
def signals(lab):
    def spoil():
        import signal
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1})
    lab.containers.append("s")
    made = lab.bundle().write()
    report = json.loads(lab.brig("run", "--bundle", made.path, "s", preexec_fn=spoil).ok().out)
    equal(report["signals_ignored"], [], "ignored signals")
    equal(report["signals_blocked"], [], "blocked signals")
    equal((report["sid"], report["pgid"]), (report["pid"], report["pid"]), "session and group")
    equal(report["pdeathsig"], 0, "parent death signal")


@suite.case("trap-12", "init outlives the runtime and its caller's thread")
def no_pdeathsig(lab):
    container = lab.sleeper()
    equal(container.status(), "running", "status")


@suite.case("E-07", "stdio is given to the process user, /dev/null is not")
def stdio_owner(lab):
    made = lab.bundle(process__user={"uid": 1000, "gid": 1000})
    reader, writer = os.pipe()
    before = os.stat("/dev/null")
    call = lab.spawn("run", "--bundle", made.write().path, "own", stdout=writer)
    lab.containers.append("own")
    os.close(writer)
    with os.fdopen(reader, encoding="latin-1") as file:
        report = json.load(file, strict=False)
    call.wait().ok()
    equal(report["fds"]["1"]["uid"], 1000, "owner of the pipe")
    after = os.stat("/dev/null")
    equal((after.st_uid, after.st_gid, after.st_mode), (before.st_uid, before.st_gid,
                                                        before.st_mode), "the host's /dev/null")


# hostname


@suite.case("U-01 U-02", "hostname and domainname inside, unchanged outside")
def names(lab):
    before = os.uname()
    made = lab.bundle(hostname="ahoy", domainname="harbour")
    report = lab.probe(made)
    equal((report["hostname"], report["domainname"]), ("ahoy", "harbour"), "names")
    equal(os.uname(), before, "the host's names")


@suite.case("C-06 C-03", "a config without linux and mounts runs")
def minimal(lab):
    made = lab.bundle(["/bin/true"])
    for name in ("linux", "mounts", "hostname"):
        del made.config[name]
    result = lab.run(made)
    check(result.status == 0, f"minimal config: {result}")


suite.main()
