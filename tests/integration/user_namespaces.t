#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# User namespaces and id maps: N-09 to N-11, as root, rootless and nested.
import json
import os
import resource
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.lab import need, read, write
from harness.namespaces import MAP, bind, give, hold, of, own, path_of, unbind, userns
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


@suite.case("N-09 N-10", "id maps are those of the config, as the kernel shows them")
def maps(lab):
    uids = [{"containerID": 0, "hostID": 100000, "size": 1000},
            {"containerID": 1000, "hostID": 200000, "size": 1}]
    made = userns(lab.bundle(), uids, MAP)
    report = lab.probe(made)
    equal([line.split() for line in report["uid_map"].splitlines()],
          [["0", "100000", "1000"], ["1000", "200000", "1"]], "uid_map")
    equal(report["gid_map"].split(), ["0", "100000", "65536"], "gid_map")
    equal((report["uids"], report["setgroups"].strip()), ([0] * 4, "allow"), "ids, setgroups")


@suite.case("N-09", "root inside is the mapped user outside")
def maps_outside(lab):
    container = lab.start(userns(lab.bundle(SLEEP)))
    contains(read(f"/proc/{container.pid}/status"), "Uid:\t100000\t100000", "ids on the host")
    container.delete("--force").ok()


@suite.case("N-09 P-19 P-21", "another user and groups inside a user namespace")
def maps_user(lab):
    made = userns(lab.bundle(process__user={"uid": 1000, "gid": 1001, "additionalGids": [7]}))
    report = lab.probe(made)
    equal((report["uids"], report["gids"], report["groups"]), ([1000] * 4, [1001] * 4, [7]), "ids")


@suite.case("N-09 D-08", "default devices work in a user namespace")
def userns_devices(lab):
    made = userns(lab.bundle(shell="echo x > /dev/null && head -c 4 /dev/zero | wc -c && "
                                   "stat -c '%t %T' /dev/null"))
    equal(lab.run(made).ok().out, "4\n1 3\n", "output")


@suite.case("N-09 P-09", "capabilities in a user namespace have no power outside")
def userns_capabilities(lab):
    made = userns(lab.bundle(shell="mknod /tmp/x c 1 3 2>&1; hostname inside && echo named"))
    made.capabilities("CAP_MKNOD", "CAP_SYS_ADMIN")
    out = lab.run(made).ok().out
    contains(out, "not permitted", "mknod")
    contains(out, "named", "sethostname in the own uts namespace")


@suite.table("N-10 T-67", "a wrong mapping is refused", {
    "size 0": [{"containerID": 0, "hostID": 0, "size": 0}],
    "wrap": [{"containerID": 4294967295, "hostID": 0, "size": 2}],
    "overlap": [{"containerID": 0, "hostID": 1000, "size": 10},
                {"containerID": 5, "hostID": 5000, "size": 10}],
    "341 lines": [{"containerID": i, "hostID": i, "size": 1} for i in range(341)],
    "empty": [],
})
def maps_wrong(lab, mapping):
    made = lab.bundle()
    made.namespace("user")
    made.linux["uidMappings"] = mapping
    made.linux["gidMappings"] = MAP
    lab.try_create(made).failed("linux.uidMappings")
    lab.expect_nothing_left("a refused mapping")


@suite.table("N-10", "a mapping that is no mapping is refused, each by its place", {
    "no containerID": ({"hostID": 0, "size": 1}, "linux.uidMappings[1].containerID"),
    "no hostID": ({"containerID": 9, "size": 1}, "linux.uidMappings[1].hostID"),
    "no size": ({"containerID": 9, "hostID": 9}, "linux.uidMappings[1].size"),
    "negative": ({"containerID": -1, "hostID": 9, "size": 1}, "linux.uidMappings[1].containerID"),
    "33 bits": ({"containerID": 9, "hostID": 1 << 32, "size": 1}, "linux.uidMappings[1].hostID"),
    "text": ({"containerID": "9", "hostID": 9, "size": 1}, "linux.uidMappings[1].containerID"),
    "same host ids": ({"containerID": 70000, "hostID": 100005, "size": 1}, "linux.uidMappings[1]"),
    "the last id": ({"containerID": 4294967295, "hostID": 1, "size": 1}, "linux.uidMappings[1]"),
    "size 0": ({"containerID": 70000, "hostID": 1, "size": 0}, "linux.uidMappings[1].size"),
})
def map_wrong(lab, entry, place):
    made = userns(lab.bundle(SLEEP), [*MAP, entry])
    lab.try_create(made).failed(place)
    lab.expect_nothing_left("a refused mapping")


@suite.table("N-09 N-10 T-67", "a new user namespace without a map of root is refused", {
    "uid": ([{"containerID": 1, "hostID": 100000, "size": 9}], MAP, "linux.uidMappings"),
    "gid": (MAP, [{"containerID": 1, "hostID": 100000, "size": 9}], "linux.gidMappings"),
    "none": ([], [], "linux.uidMappings"),
})
def no_root(lab, uids, gids, place):
    lab.try_create(userns(lab.bundle(SLEEP), uids, gids)).failed(place)
    lab.expect_nothing_left("a refused mapping")


@suite.case("N-10", "the largest map there is: every id but the last")
def maps_all(lab):
    everything = [{"containerID": 0, "hostID": 0, "size": 4294967295}]
    report = lab.probe(userns(lab.bundle(), everything, everything))
    equal(report["uid_map"].split(), ["0", "0", "4294967295"], "uid_map")
    check(report["namespaces"]["user"] != own("user"), "the user namespace is new")


@suite.case("N-10", "no file changes its owner to suit a mapping")
def no_chown(lab):
    made = lab.bundle(shell="stat -c %u /etc/passwd")
    made.namespace("user")
    made.linux["uidMappings"] = made.linux["gidMappings"] = MAP
    os.chmod(os.path.dirname(made.path), 0o755)
    equal(lab.run(made).ok().out, "65534\n", "owner seen inside")
    equal(os.stat(made.inside("/etc/passwd")).st_uid, 0, "owner on the host")


@suite.case("N-10", "340 lines of mapping are accepted")
def maps_many(lab):
    mapping = [{"containerID": i, "hostID": 1000 + 2 * i, "size": 1} for i in range(340)]
    report = lab.probe(userns(lab.bundle(), mapping))
    equal(len(report["uid_map"].splitlines()), 340, "lines")


@suite.case("P-19 T-54", "a user that is not mapped is refused by name")
def unmapped(lab):
    made = userns(lab.bundle(process__user={"uid": 70000, "gid": 0}))
    lab.try_create(made).failed("process.user")
    lab.expect_nothing_left("an unmapped user")


@suite.case("N-09", "a user namespace's bundle may lie below a folder of the host's root alone")
def closed_folder(lab):
    made = userns(lab.bundle(shell="cat /proc/self/mountinfo"))
    folder = os.path.dirname(made.path)
    os.chmod(folder, 0o700)
    try:
        mounts = lab.run(made).ok().out.splitlines()
    finally:
        os.chmod(folder, 0o755)
    equal([line.split()[4] for line in mounts].count("/"), 1, f"roots in {mounts}")


@suite.case("N-09 12", "nothing of a user namespace is left after many failed creates")
def failed_many(lab):
    made = userns(lab.bundle(["/bin/absent"])).write()
    for _ in range(5):
        lab.try_create(made).failed("no such file or directory")
    lab.expect_nothing_left("failed creates")


# Rootless: the runtime is no root. It may map itself alone; for more there are setuid helpers.


def as_user(lab, *words):
    return lab.popen(["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", *lab.words(
        *words, globals_=["--cgroup-manager", "disabled"])]).wait()


def rootless(lab, made, verb):
    """Calls the runtime as another user, who owns the bundle and the state root."""
    made.write()
    give(lab.path, 1000, 1000)
    for folder in (lab.path, os.path.dirname(lab.path)):
        os.chmod(folder, 0o755)
    return as_user(lab, verb, "--bundle", made.path, lab.name())


def plain(lab, shell, uids, gids):
    """What needs no other id than the mapped ones."""
    made = userns(lab.bundle(shell=shell), uids, gids)
    for entry in made.mounts:
        entry["options"] = [one for one in entry.get("options", []) if not one.startswith("gid=")]
    return made


def alone(host, container=0):
    return [{"containerID": container, "hostID": host, "size": 1}]


@suite.case("N-09", "rootless: the caller is root inside, and setgroups is denied for good")
def rootless_alone(lab):
    made = plain(lab, "cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; id -u;"
                      "id -g; touch /tmp/x; stat -c %u:%g /tmp/x", alone(1000), alone(1000))
    out = rootless(lab, made, "run").ok().out.split()
    equal(out, ["0", "1000", "1", "0", "1000", "1", "deny", "0", "0", "0:0"], "maps, ids")
    found = os.stat(made.inside("/tmp/x"))
    equal((found.st_uid, found.st_gid), (1000, 1000), "owner of a new file on the host")


@suite.case("N-09", "rootless: created, the process is the caller's")
def rootless_outside(lab):
    made = plain(lab, "sleep 1000", alone(1000), alone(1000))
    rootless(lab, made, "create").ok()
    [identity] = os.listdir(lab.root)
    pid = json.loads(as_user(lab, "state", identity).ok().out)["pid"]
    contains(read(f"/proc/{pid}/status"), "Uid:\t1000\t1000", "ids on the host")
    as_user(lab, "delete", "--force", identity).ok()


@suite.case("N-09 T-67", "rootless: an id of somebody else is refused")
def rootless_other(lab):
    made = plain(lab, "true", alone(0), alone(1000))
    rootless(lab, made, "run").failed("linux.uidMappings")
    lab.expect_nothing_left("a refused mapping")


@suite.table("N-04 N-09 T-66", "rootless: a user namespace of somebody else is refused", {
    "of his process": False, "bind-mounted": True})
def rootless_foreign(lab, bound):
    pid = hold(lab, "--user", "--map-root-user", kind="user")
    place = bind(lab, path_of(pid, "user"), "user") if bound else path_of(pid, "user")
    made = plain(lab, "true", alone(1000), alone(1000))
    made.namespace("user", place)
    del made.linux["uidMappings"], made.linux["gidMappings"]
    try:
        rootless(lab, made, "create").failed("linux.namespaces[5].path",
                                             "not permitted" if bound else "permission denied")
    finally:
        if bound:
            unbind(place)
    lab.expect_nothing_left("a refused namespace")


@suite.case("N-09 N-04", "rootless: a user namespace of the caller's is joined with what it owns")
def rootless_joined(lab):
    made = plain(lab, "sleep 1000", alone(1000), alone(1000))
    rootless(lab, made, "create").ok()
    [identity] = os.listdir(lab.root)
    pid = json.loads(as_user(lab, "state", identity).ok().out)["pid"]
    as_user(lab, "start", identity).ok()
    second = plain(lab, "cd /proc/self/ns; readlink user; readlink net", None, None)
    del second.linux["uidMappings"], second.linux["gidMappings"]
    for kind in ("user", "network"):
        second.namespace(kind, path_of(pid, kind))
    out = rootless(lab, second, "run")
    wanted = [of(pid, "user"), of(pid, "network")]
    as_user(lab, "delete", "--force", identity).ok()
    equal(out.ok().out.split(), wanted, "namespaces")


@suite.case("N-09 T-67", "rootless: ranges through newuidmap and newgidmap")
def rootless_range(lab):
    need(os.path.exists("/usr/bin/newuidmap"), "no newuidmap is installed")
    places = []
    for name, text in (("subuid", "1000:300000:1000\n"), ("subgid", "1000:400000:1000\n"),
                       ("passwd", read("/etc/passwd") + "subject:x:1000:1000::/:/bin/sh\n")):
        need(os.path.exists(f"/etc/{name}"), f"no /etc/{name}")
        write(f"{lab.path}/{name}", text)
        subprocess.run(["mount", "--bind", f"{lab.path}/{name}", f"/etc/{name}"], check=True)
        places.append(f"/etc/{name}")
    uids = [*alone(1000), {"containerID": 1, "hostID": 300000, "size": 1000}]
    gids = [*alone(1000), {"containerID": 1, "hostID": 400000, "size": 1000}]
    script = "cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups"
    try:
        out = rootless(lab, plain(lab, script, uids, gids), "run").ok().out.split()
        uids[1]["hostID"] = 300001  # one more than there is
        refused = rootless(lab, plain(lab, script, uids, gids), "run")
    finally:
        for place in places:
            subprocess.run(["umount", place], check=True)
    equal(out, ["0", "1000", "1", "1", "300000", "1000", "0", "1000", "1", "1", "400000", "1000",
                "allow"], "maps, setgroups")
    refused.failed("linux.uidMappings", "newuidmap")


# Nested: the runtime itself is in a user namespace.


def nested(lab, made, id_map="0 0 1\n1 200000 65535"):
    """Calls run in a user namespace with these maps, of which the runtime is root."""
    made.write()
    place = f"{lab.path}/go"
    os.mkfifo(place)
    call = lab.popen(["unshare", "--user", "--mount", "sh", "-c",
                      'read x < "$0"; exec "$@"', place,
                      *lab.words("run", "--bundle", made.path, lab.name(),
                                 globals_=["--cgroup-manager", "disabled"])])
    eventually(lambda: of(call.pid, "user") != own("user"), "a user namespace")
    for name in ("uid_map", "gid_map"):
        write(f"/proc/{call.pid}/{name}", id_map)
    write(place, "go\n")
    result = call.wait()
    os.unlink(place)
    return result


@suite.case("N-09", "nested: host ids are those of the runtime's user namespace")
def nested_map(lab):
    made = lab.bundle(shell="cat /proc/self/uid_map; touch /tmp/x")
    made.namespace("user")
    inner = [{"containerID": 0, "hostID": 1, "size": 1000}]
    made.linux["uidMappings"] = made.linux["gidMappings"] = inner
    give(made.path, 200000, 200000)
    os.chmod(lab.path, 0o755)
    equal(nested(lab, made).ok().out.split(), ["0", "1", "1000"], "uid_map")
    equal(os.stat(made.inside("/tmp/x")).st_uid, 200000, "owner of a new file on the host")


@suite.case("N-09 N-10", "nested: an id that is not mapped in the runtime's own is refused")
def nested_unmapped(lab):
    made = lab.bundle(SLEEP)
    made.namespace("user")
    beyond = [{"containerID": 0, "hostID": 70000, "size": 1000}]
    made.linux["uidMappings"] = made.linux["gidMappings"] = beyond
    nested(lab, made).failed("linux.uidMappings", "not permitted", "not the runtime's to give")
    lab.expect_nothing_left("a refused mapping")


@suite.case("N-09", "nested: without a user namespace of its own a container is in the runtime's")
def nested_same(lab):
    made = lab.bundle(shell="cat /proc/self/uid_map")
    equal(nested(lab, made).ok().out.split(), ["0", "0", "1", "1", "200000", "65535"], "uid_map")


# Only the order of the calls shows it: a raise needs a right that not every machine gives, and
# fs.suid_dumpable is the whole host's.


def traced(lab, calls, *words):
    need(shutil.which("strace"), "no strace")
    trace = f"{lab.path}/trace"
    lab.popen(["strace", "-f", "-qq", "-e", f"trace={calls}", "-e", "signal=none", "-o", trace,
               *lab.words(*words)]).wait(30)
    return read(trace).splitlines()


@suite.case("P-07 N-09", "exec raises hard limits before it is in the user namespace")
def exec_rlimits(lab):
    made = lab.bundle(SLEEP)
    container = lab.start(userns(made))
    hard = resource.getrlimit(resource.RLIMIT_MSGQUEUE)[1] + 1
    file = lab.process_file(rlimits=[{"type": "RLIMIT_MSGQUEUE", "soft": 1, "hard": hard}])
    lines = traced(lab, "prlimit64,setns", "exec", "--process", file, container.id)
    raised = [i for i, line in enumerate(lines) if f"rlim_max={hard}" in line]
    entered = [i for i, line in enumerate(lines) if "CLONE_NEWUSER" in line]
    check(raised and (not entered or raised[0] < entered[0]), "\n".join(lines))


@suite.table("R-22 N-09", "after a change of ids the process is made undumpable again", {
    "run": "run", "exec": "exec"})
def undumpable(lab, verb):
    made = userns(lab.bundle(["/bin/true"] if verb == "run" else SLEEP)).write()
    if verb == "run":
        words = ("run", "--bundle", made.path, lab.name())
    else:
        words = ("exec", lab.start(made).id, "/bin/true")
    lines = [line.split(maxsplit=1)[1] for line in traced(lab, "setresuid,prctl", *words)]
    change = next(i for i, line in enumerate(lines) if line.startswith("setresuid(0, 0, 0)"))
    check(any("PR_SET_DUMPABLE, SUID_DUMP_DISABLE" in line for line in lines[change:change + 3]),
          "\n".join(lines))


suite.main()
