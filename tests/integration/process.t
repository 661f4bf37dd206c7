#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The process section, seen from inside by a probe and from the host's /proc; its numbers are in
# attributes.t, scheduling.t and affinity.t.
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import caps
from harness.lab import need, read
from harness.tap import Suite, check, contains, equal

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


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


@suite.table("P-19", "every id that is one", {
    "0": 0, "1": 1, "65534": 65534, "65536": 65536, "2^31": 2**31, "the last": 2**32 - 2})
def user_range(lab, number):
    report = lab.probe(lab.bundle(process__user={"uid": number, "gid": number}))
    equal((report["uids"], report["gids"]), ([number] * 4, [number] * 4), "ids")


def mapped(lab, made, size):
    """Gives the bundle a user namespace whose ids from 0 up to size are the host's from 100000."""
    made.namespace("user")
    made.mounts[2]["options"] = ["newinstance", "ptmxmode=0666"]
    made.linux["uidMappings"] = made.linux["gidMappings"] = [
        {"containerID": 0, "hostID": 100000, "size": size}]
    os.chmod(lab.path, 0o755)
    for folder, _, _ in os.walk(made.rootfs):
        os.chown(folder, 100000, 100000)
    return made


@suite.case("P-19 P-21", "in a user namespace ids are the container's, the host sees them mapped")
def user_mapped(lab):
    who = {"uid": 7, "gid": 8, "additionalGids": [9]}
    report = lab.probe(mapped(lab, lab.bundle(process__user=who), 10))
    equal((report["uids"], report["gids"], report["groups"]), ([7] * 4, [8] * 4, [9]), "inside")
    container = lab.start(mapped(lab, lab.bundle(SLEEP, process__user=who), 10))
    status = read(f"/proc/{container.pid}/status")
    contains(status, "Uid:\t100007\t", "uid")
    contains(status, "Gid:\t100008\t", "gid")
    contains(status, "Groups:\t100009", "groups")


@suite.table("P-19 P-21", "an id that the user namespace does not map is refused by its number", {
    "uid": ({"uid": 10, "gid": 0}, "process.user.uid: 10 is not mapped"),
    "gid": ({"uid": 0, "gid": 10}, "process.user.gid: 10 is not mapped"),
    "group": ({"uid": 0, "gid": 0, "additionalGids": [9, 10]},
              "process.user.additionalGids[1]: 10 is not mapped"),
})
def user_unmapped(lab, who, reason):
    lab.try_create(mapped(lab, lab.bundle(process__user=who), 10)).failed(reason, status=1)
    lab.expect_nothing_left("an unmapped id")


@suite.table("P-21", "as many groups as the kernel takes, and no more", {
    "65536": (65536, True), "65537": (65537, False)})
def groups_limit(lab, count, good):
    groups = list(range(100000, 100000 + count))
    made = lab.bundle(process__user={"uid": 1, "gid": 1, "additionalGids": groups})
    if good:
        equal(len(lab.probe(made)["groups"]), count, "groups")
    else:
        lab.try_create(made).failed("process.user.additionalGids", "65536 groups", status=1)


@suite.table("P-21", "groups twice, unsorted, and none", {
    "twice": [5, 5], "unsorted": [70000, 3, 9], "an empty list": []})
def groups_odd(lab, groups):
    report = lab.probe(lab.bundle(process__user={"uid": 1, "gid": 4, "additionalGids": groups}))
    equal(sorted(report["groups"]), sorted(groups), "groups")


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


@suite.case("P-09 DEC-01", "a capability that cannot be granted is left out, the others are given")
def capability_ungrantable(lab):
    missing = sorted(set(caps.NAMES) - caps.grantable())
    need(missing, "this machine grants every capability")
    made = lab.bundle()
    made.capabilities("CAP_KILL", missing[0])
    got = caps.sets(lab.probe(made))
    equal((got["bounding"], got["effective"]), ({"CAP_KILL"}, {"CAP_KILL"}), "sets")


@suite.table("P-09 DEC-01", "a name that is none is a warning, and the others are given", {
    "unknown": "CAP_TIME_TRAVEL", "lower case": "cap_chown", "without CAP_": "CHOWN",
    "empty": ""})
def capability_warning(lab, name):
    made = lab.bundle()
    made.capabilities("CAP_KILL", name)
    log = f"{lab.path}/log"
    lab.containers.append("warned")
    result = lab.brig("run", "--bundle", made.write().path, "warned", globals_=(
        "--log", log, "--log-format", "json", "--log-level", "warning")).ok()
    got = caps.sets(json.loads(result.out, strict=False))
    equal((got["bounding"], got["effective"]), ({"CAP_KILL"}, {"CAP_KILL"}), "sets")
    entries = [json.loads(line) for line in read(log).splitlines()]
    check(entries and all(entry["level"] == "warning" for entry in entries), f"{entries}")
    contains(entries[0]["msg"], "process.capabilities", "the place")
    contains(entries[0]["msg"], name, "the name")


@suite.table("P-09", "a set that is not given is empty", {
    "no object": None, "bounding alone": {"bounding": ["CAP_KILL"]}})
def capability_absent(lab, sets):
    made = lab.bundle()
    del made.process["capabilities"]
    if sets:
        made.process["capabilities"] = sets
    got = caps.sets(lab.probe(made))
    wanted = {name: set((sets or {}).get(name, ())) for name in caps.SETS}
    equal(got, wanted, "sets")


@suite.case("P-09 R-25", "a user other than root has no capability but the ambient ones")
def capability_user(lab):
    made = lab.bundle(process__user={"uid": 1000, "gid": 1000})
    made.capabilities("CAP_KILL", "CAP_CHOWN")
    got = caps.sets(lab.probe(made))
    equal(got["bounding"], {"CAP_KILL", "CAP_CHOWN"}, "bounding")
    for name in ("permitted", "effective", "inheritable", "ambient"):
        equal(got[name], set(), name)
    container = lab.create(made)
    status = read(f"/proc/{container.pid}/status")
    held = [line.split()[1] for line in status.splitlines() if line.startswith("CapBnd:")]
    equal(caps.names(held[0]), {"CAP_KILL", "CAP_CHOWN"}, "bounding from the host")


@suite.case("P-09", "an ambient capability that is not inheritable is left out with a warning")
def capability_ambient(lab):
    made = lab.bundle(process__user={"uid": 1000, "gid": 1000})
    made.process["capabilities"] = {
        "bounding": ["CAP_KILL", "CAP_CHOWN"], "permitted": ["CAP_KILL", "CAP_CHOWN"],
        "effective": ["CAP_KILL"], "inheritable": ["CAP_KILL"],
        "ambient": ["CAP_KILL", "CAP_CHOWN"]}
    lab.containers.append("warned")
    result = lab.brig("run", "--bundle", made.write().path, "warned",
                      globals_=("--log-level", "warning")).ok()
    contains(result.err, "CAP_CHOWN (ambient)", "warning")
    equal(caps.sets(json.loads(result.out, strict=False))["ambient"], {"CAP_KILL"}, "ambient")


@suite.case("P-09", "effective beyond permitted is an error")
def capability_beyond(lab):
    made = lab.bundle()
    made.process["capabilities"] = {"bounding": ["CAP_KILL"], "permitted": ["CAP_KILL"],
                                    "effective": ["CAP_KILL", "CAP_CHOWN"]}
    lab.try_create(made).failed("process.capabilities.effective", "CAP_CHOWN", "permitted",
                                status=1)
    lab.expect_nothing_left("capabilities that cannot be")


@suite.table("P-09", "in a user namespace the capabilities are those of its root", {
    "uid 0": 0, "uid 7": 7})
def capability_userns(lab, uid):
    made = mapped(lab, lab.bundle(process__user={"uid": uid, "gid": 0}), 10)
    made.capabilities("CAP_SYS_ADMIN", "CAP_CHOWN", sets=caps.SETS)
    got = caps.sets(lab.probe(made))
    equal(got, {name: {"CAP_SYS_ADMIN", "CAP_CHOWN"} for name in caps.SETS}, "sets")


@suite.case("P-09 DEC-01", "an unknown capability is left out, the others are given")
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


@suite.table("P-10", "a set-user-ID program gives its owner's id only without noNewPrivileges", {
    "true": (True, 1000), "false": (False, 0)})
def nnp_effect(lab, value, wanted):
    made = lab.bundle(["/bin/raise"], process__user={"uid": 1000, "gid": 1000},
                      process__noNewPrivileges=value)
    shutil.copy(made.inside("/bin/probe"), made.inside("/bin/raise"))
    os.chmod(made.inside("/bin/raise"), 0o4755)
    need(not os.statvfs(made.rootfs).f_flag & os.ST_NOSUID, "the place of the bundle is nosuid")
    report = lab.probe(made)
    equal((report["uids"][1], report["no_new_privs"]), (wanted, int(value)), "effective uid, flag")


@suite.case("P-10", "exec has the container's flag, and the host's processes do not")
def nnp_exec(lab):
    container = lab.start(lab.bundle(SLEEP, process__noNewPrivileges=True))
    equal(json.loads(container.exec("/bin/probe").ok().out, strict=False)["no_new_privs"], 1,
          "of exec")
    contains(read(f"/proc/{container.pid}/status"), "NoNewPrivs:\t1", "from the host")
    contains(read("/proc/self/status"), "NoNewPrivs:\t0", "our own")


# keyring, session, signals


@suite.case("P-23 R-22", "who makes the container cannot be traced; the program can")
def dumpable(lab):
    made = lab.bundle(SLEEP, process__user={"uid": 1000, "gid": 1000})
    container = lab.create(made)
    pid = container.pid
    equal(os.stat(f"/proc/{pid}/status").st_uid, 0, "owner of /proc/PID when created")
    container.start()
    equal(os.stat(f"/proc/{pid}/status").st_uid, 1000, "owner when running")
    equal(lab.probe(lab.bundle())["dumpable"], 1, "dumpable")


@suite.case("P-23 R-30", "exec is in the keyring of nobody else, and the caller keeps its own")
def keyring_exec(lab):
    made = lab.bundle(SLEEP)
    before = read("/proc/keys")
    container = lab.start(made)
    ours = json.loads(container.exec("/bin/probe").ok().out, strict=False)["keyring"]
    other = lab.start(lab.bundle(SLEEP))
    theirs = json.loads(other.exec("/bin/probe").ok().out, strict=False)["keyring"]
    check(ours != theirs, f"keyrings {ours} and {theirs}")
    caller = lab.popen([f"{lab.stock}/probe"])
    caller.wait()
    check(json.loads(caller.out(), strict=False)["keyring"] not in (ours, theirs), "the caller's")
    check(before, "the kernel shows keys")


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


@suite.case("E-08 TRAP-10 TRAP-11 R-46", "own session, default signals, nothing blocked")
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


@suite.case("TRAP-16 E-07", "stdio is given to the process user, /dev/null is not")
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
