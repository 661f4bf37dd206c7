#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# cgroups: where they are, whose they are, what is refused and what is left (CG-01 to CG-08), and the
# device rules (RD-01 to RD-04), on v1 and v2.
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle, sandbox
from harness.cgroups import (V1, folder, freeze, groups_of, need_controllers, need_v1, see_only_v2,
                             top_of, tops, unified)
from harness.lab import need, read, write
from harness.tap import Suite, check, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
ROOT = oracle.CGROUPS


# place


@suite.table("CG-01 CG-02 CG-03 CG-06", "cgroupsPath", {
    "absolute": ("/lab/one", "/lab/one"), "absent": (None, None), "relative": ("lab/two", None),
    "nested": ("/lab/a/b/c", "/lab/a/b/c"), "double slashes": ("/lab//x", "/lab/x"),
})
def place(lab, path, wanted):
    need_controllers("pids")
    made = lab.bundle(SLEEP)
    if path:
        made.set("linux.cgroupsPath", path)
    container = lab.start(made)
    groups = groups_of(container.pid)
    for controller in ("pids", "memory", "cpu", "cpuset", "freezer", "devices", "blkio"):
        if V1 and controller not in V1:
            continue
        controller = controller if V1 else ""
        if wanted:
            equal(groups[controller], wanted, controller)
        else:
            check(groups[controller] != "/", f"{controller}: a group of its own")
            check(container.id in groups[controller] or "two" in groups[controller],
                  f"{controller}: {groups[controller]}")
    container.delete("--force").ok()
    left = [folder for folder in oracle.cgroups() - lab.before.cgroups
            if os.path.basename(folder) not in ("lab", "a", "b")]
    equal(left, [], "groups after delete")
    remove_lab()


def remove_lab():
    for folder in sorted(oracle.cgroups(), reverse=True):
        if f"{ROOT}/" in folder and "/lab" in folder:
            os.rmdir(folder)


@suite.table("CG-01 R-33 T-61", "a cgroupsPath that leads out is refused", {
    "up": "/../../x", "up relative": "../x", "newline": "/a\nb", "inner up": "/a/../../b",
})
def place_refused(lab, path):
    made = lab.bundle(linux__cgroupsPath=path)
    lab.try_create(made).failed("linux.cgroupsPath")
    lab.expect_nothing_left("a refused cgroupsPath")


@suite.case("CG-05 R-33 T-61", "a group that holds other processes is refused and not harmed")
def place_taken(lab):
    container = lab.sleeper(linux__cgroupsPath="/lab/taken")
    second = lab.bundle(SLEEP, linux__cgroupsPath="/lab/taken")
    lab.try_create(second).failed("cgroup is not empty")
    equal(container.status(), "running", "the first container")
    container.delete("--force").ok()
    remove_lab()


@suite.case("CG-05", "the group of a stopped container is not shared")
def place_of_stopped(lab):
    first = lab.start(lab.bundle(["/bin/true"], linux__cgroupsPath="/lab/shared"))
    first.wait_stopped()
    second = lab.bundle(SLEEP, linux__cgroupsPath="/lab/shared")
    lab.try_create(second).failed("linux.cgroupsPath", f"belongs to container {first.id}")
    check(os.path.isdir(f"{top_of('freezer')}/lab/shared"), "the group stays")
    first.delete().ok()
    other = lab.start(second)
    equal(other.status(), "running", "the second container")
    other.delete("--force").ok()
    remove_lab()


@suite.case("CG-05 O-05", "a group that was there before stays, without what was in it")
def place_kept(lab):
    need_controllers("pids")
    kept = f"{top_of('pids')}/lab/kept"
    os.makedirs(kept)
    made = lab.bundle(shell="setsid sleep 500 & echo up; wait", linux__cgroupsPath="/lab/kept")
    made.without_namespace("pid")
    container = lab.start(made)
    container.wait_out("up")
    os.mkdir(f"{kept}/inner")
    container.delete("--force").ok()
    check(os.path.isdir(kept), "the group is there")
    equal(read(f"{kept}/cgroup.procs"), "", "its processes")
    check(not os.path.exists(f"{kept}/inner"), "the inner group is gone")
    if "freezer" in V1:
        check(not os.path.exists(f"{V1['freezer']}/lab/kept"), "groups of its own are gone")
    remove_lab()


@suite.case("CG-05 O-05 G-05", "a group that was there stays after a create that was killed")
def place_kept_by_journal(lab):
    need_controllers("pids")
    kept = [f"{folder}/lab/kept" for folder in (sorted(set(V1.values())) or tops())
            if "cpuset" not in folder]
    for place in kept:
        os.makedirs(place)
    made = lab.bundle(SLEEP, linux__cgroupsPath="/lab/kept",
                      hooks={"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "1"]}]})
    lab.containers.append("shot")
    call = lab.spawn("create", "--bundle", made.write().path, "shot")
    eventually(lambda: read(f"{kept[0]}/cgroup.procs"), "a process in the group")
    call.signal(signal.SIGKILL)
    call.wait()
    lab.brig("delete", "--force", "shot").ok()
    equal([place for place in kept if not os.path.isdir(place)], [], "groups that are gone")
    remove_lab()


@suite.case("CG-05 TRAP-33", "an existing empty group is taken")
def place_empty(lab):
    need_controllers("pids")
    for folder in tops():
        os.makedirs(f"{folder}/lab/empty")
        for name in ("cpuset.cpus", "cpuset.mems"):
            if V1 and os.path.exists(f"{folder}/{name}"):
                for group in ("lab", "lab/empty"):
                    write(f"{folder}/{group}/{name}", read(f"{folder}/{name}"))
    lab.run(lab.bundle(["/bin/true"], linux__cgroupsPath="/lab/empty")).ok()
    for folder in tops():
        check(os.path.isdir(f"{folder}/lab/empty"), "it stays")
    remove_lab()


@suite.case("CG-08", "groups that the container made below its own are removed too")
def inner_groups(lab):
    need_controllers("pids")
    container = lab.sleeper()
    os.makedirs(f"{folder(container, 'pids')}/inner/deep")
    container.delete("--force").ok()
    lab.expect_nothing_left("inner groups")


@suite.case("CG-08", "processes that moved to an inner group are ended by delete --force")
def inner_processes(lab):
    need_controllers("pids")
    made = lab.bundle(shell="setsid sleep 500 & echo up; wait")
    made.without_namespace("pid")
    container = lab.start(made)
    container.wait_out("up")
    place = folder(container, "pids")
    pids = read(f"{place}/cgroup.procs").split()
    inner = f"{place}/inner"
    os.mkdir(inner)
    write(f"{inner}/cgroup.procs", [pid for pid in pids if int(pid) != container.pid][0])
    container.delete("--force").ok()
    lab.expect_nothing_left("inner processes")


@suite.case("3.1 CG-03", "--cgroup-manager=disabled makes no group")
def disabled(lab):
    lab.containers.append("free")
    made = lab.bundle(SLEEP).write()
    lab.brig("create", "--bundle", made.path, "free", globals_=("--cgroup-manager=disabled",)).ok()
    equal(oracle.cgroups() - lab.before.cgroups, set(), "new groups")
    lab.brig("delete", "--force", "free").ok()


# devices


DEVICES = "for i in '10 200' '7 0' '1 3' '5 0'; do set -- $i; rm -f /tmp/n; " \
          "mknod /tmp/n {kind} $1 $2 2>/dev/null && (: < /tmp/n) 2>/dev/null && echo open $i; done"


def opened(lab, rules, kind="c"):
    made = lab.bundle(shell=DEVICES.replace("{kind}", kind))
    made.capabilities("CAP_MKNOD", "CAP_SYS_RAWIO")
    if rules is not None:
        made.set("linux.resources.devices", rules)
    return {line[5:] for line in lab.run(made).out.splitlines() if line.startswith("open")}


@suite.table("RD-01 RD-02 R-35 T-62", "device rules: only what is allowed can be opened", {
    "none": (None, {"7 0"}, set()), "empty list": ([], {"7 0"}, set()),
    "deny all": ([{"allow": False}], {"7 0"}, {"1 3"}),
    "deny all, allow one": ([{"allow": False, "access": "rwm"},
                             {"allow": True, "type": "c", "major": 7, "minor": 0,
                              "access": "rwm"}], set(), {"7 0", "1 3"}),
    "later rule wins": ([{"allow": True, "type": "c", "major": 7, "minor": 0, "access": "rwm"},
                         {"allow": False, "access": "rwm"}], {"7 0"}, {"1 3"}),
    "mknod only": ([{"allow": False}, {"allow": True, "type": "c", "major": 7, "minor": 0,
                                       "access": "m"}], {"7 0"}, {"1 3"}),
    "other major": ([{"allow": False}, {"allow": True, "type": "c", "major": 10,
                                        "access": "rwm"}], {"7 0"}, {"1 3"}),
    "allow all": ([{"allow": True, "access": "rwm"}], set(), {"7 0", "1 3"}),
})
def device_rules(lab, rules, refused_nodes, open_nodes):
    need_controllers("devices")
    got = opened(lab, rules)
    check(not got & refused_nodes, f"opened {got}, refused must be {refused_nodes}")
    check(open_nodes <= got, f"opened {got}, wanted {open_nodes}")


@suite.case("RD-02", "the default devices work under deny all")
def device_defaults(lab):
    made = lab.bundle(shell="echo x > /dev/null && head -c 1 /dev/zero | wc -c && "
                            "head -c 1 /dev/urandom | wc -c")
    made.set("linux.resources.devices", [{"allow": False, "access": "rwm"}])
    equal(lab.run(made).ok().out.split(), ["1", "1"], "output")


# pause on the host


@suite.case("X-02 T-65", "a container whose group is frozen by others is deleted")
def frozen_by_others(lab):
    need_controllers("freezer")
    container = lab.sleeper()
    freeze(folder(container, "freezer"), True)
    container.delete("--force").ok()
    lab.expect_nothing_left("a frozen container")


@suite.case("CG-05", "a frozen group is refused")
def frozen_group(lab):
    need_controllers("freezer")
    group = f"{top_of('freezer')}/frozen"
    os.mkdir(group)
    freeze(group, True)
    lab.try_create(lab.bundle(SLEEP, linux__cgroupsPath="/frozen"), timeout=5).failed("frozen")
    if os.path.isdir(group):
        freeze(group, False)
        os.rmdir(group)


@suite.case("CG-05", "a group below a frozen one is refused, and nothing is left")
def frozen_parent(lab):
    need_controllers("freezer")
    above = f"{top_of('freezer')}/lab"
    os.mkdir(above)
    freeze(above, True)
    try:
        lab.try_create(lab.bundle(SLEEP, linux__cgroupsPath="/lab/in")).failed(
            "frozen", "above")
        check(not os.path.exists(f"{above}/in"), "nothing is left below")
    finally:
        freeze(above, False)
        remove_lab()


# v2


def owners(path):
    """{file: owner} of a group and the files that the kernel lets be delegated."""
    found = {"": os.stat(path).st_uid}
    for name in os.listdir(path):
        found[name] = os.stat(f"{path}/{name}").st_uid
    return found


CGROUP_MOUNT = {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup"}


@suite.table("CG-07", "the group is handed over", {
    "yes": (["rw"], True, True), "read-only": (["ro"], True, False),
    "no own namespace": (["rw"], False, False), "no mount": (None, True, False),
})
def delegated(lab, options, own_namespace, wanted):
    see_only_v2(lab)
    made = lab.bundle(SLEEP, process__user={"uid": 1000, "gid": 1000})
    if options:
        made.mounts.append({**CGROUP_MOUNT, "options": options})
    if own_namespace:
        made.namespace("cgroup")
    container = lab.start(made)
    files = owners(folder(container, ""))
    named = {"", *read("/sys/kernel/cgroup/delegate").split()}
    theirs = {name for name, uid in files.items() if uid == 1000}
    equal(theirs, named & files.keys() if wanted else set(), "files of the user")


@suite.case("CG-07", "a mapped user gets the group by its id on the host")
def delegated_mapped(lab):
    see_only_v2(lab)
    made = lab.bundle(SLEEP)
    made.mounts.append({**CGROUP_MOUNT, "options": ["rw"]})
    for kind in ("cgroup", "user"):
        made.namespace(kind)
    made.linux["uidMappings"] = [{"containerID": 0, "hostID": 70000, "size": 1000}]
    made.linux["gidMappings"] = [{"containerID": 0, "hostID": 70000, "size": 1000}]
    os.chown(made.rootfs, 70000, 70000)
    for place in (made.path, lab.path, os.path.dirname(lab.path)):
        os.chmod(place, 0o755)
    container = lab.start(made)
    equal(owners(folder(container, ""))["cgroup.procs"], 70000, "owner")


@suite.case("CG-07", "a group of v1 is never handed over")
def delegated_v1(lab):
    need_v1("pids")
    made = lab.bundle(SLEEP, process__user={"uid": 1000, "gid": 1000})
    made.mounts.append({**CGROUP_MOUNT, "options": ["rw"]})
    made.namespace("cgroup")
    container = lab.start(made)
    equal(set(owners(folder(container, "pids")).values()), {0}, "owners")


@suite.table("CG-01 CG-02 CG-03", "cgroupsPath on v2", {
    "absolute": "/lab/one", "absent": None, "relative": "lab/two"})
def place_on_v2(lab, path):
    see_only_v2(lab)
    made = lab.bundle(SLEEP)
    if path:
        made.set("linux.cgroupsPath", path)
    container = lab.start(made)
    # Ours is what a call's is, too; a relative path counts from the one above.
    above = os.path.dirname(groups_of("self")[""]) if path == "lab/two" else "/"
    name = path.strip("/") if path else container.id
    equal(groups_of(container.pid)[""], f"{above.rstrip('/')}/{name}", "group")
    container.delete("--force").ok()
    remove_lab()


@suite.case("CG-05", "on v2 a group that is not empty, frozen or a stopped container's is refused")
def unfit_on_v2(lab):
    see_only_v2(lab)
    first = lab.start(lab.bundle(SLEEP, linux__cgroupsPath="/lab/taken"))
    second = lab.bundle(SLEEP, linux__cgroupsPath="/lab/taken")
    lab.try_create(second).failed("cgroup is not empty")
    first.kill("KILL").ok()
    first.wait_stopped()
    lab.try_create(second).failed(f"belongs to container {first.id}")
    first.delete().ok()
    os.mkdir(f"{unified()}/lab/taken")
    write(f"{unified()}/lab/taken/cgroup.freeze", "1")
    lab.try_create(second).failed("frozen")
    write(f"{unified()}/lab/taken/cgroup.freeze", "0")
    lab.start(second).delete("--force").ok()
    check(os.path.isdir(f"{unified()}/lab/taken"), "the group that was there stays")
    remove_lab()


@suite.case("CG-06", "on v2 a group that nobody can enter says why")
def invalid_domain(lab):
    see_only_v2(lab)
    os.makedirs(f"{unified()}/lab/threads")
    write(f"{unified()}/lab/threads/cgroup.type", "threaded")
    made = lab.bundle(SLEEP, linux__cgroupsPath="/lab/in")
    lab.try_create(made).failed("linux.cgroupsPath", "is no domain")
    check(not os.path.exists(f"{unified()}/lab/in"), "nothing is left")
    os.rmdir(f"{unified()}/lab/threads")
    remove_lab()


@suite.case("CG-06", "on v2 the error names the group that does not hand a controller on")
def not_handed_on(lab):
    see_only_v2(lab)
    need("hugetlb" in read(f"{unified()}/cgroup.controllers"), "no hugetlb controller on v2")
    need("hugetlb" not in read(f"{unified()}/cgroup.subtree_control").split(),
         "a sandbox that hands hugetlb on")
    made = lab.bundle(linux__resources={"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]})
    lab.try_create(made).failed("linux.resources.hugepageLimits[0]", "needs the hugetlb controller, "
                                f"which {ROOT} does not hand on")
    lab.expect_nothing_left("a missing controller")


@suite.case("CG-08", "on v2 groups that the container made are removed with their processes")
def inner_on_v2(lab):
    see_only_v2(lab)
    made = lab.bundle(shell="setsid sleep 500 & echo up; wait")
    made.without_namespace("pid")
    container = lab.start(made)
    container.wait_out("up")
    place = folder(container, "")
    os.makedirs(f"{place}/inner/deep")
    pids = read(f"{place}/cgroup.procs").split()
    write(f"{place}/inner/deep/cgroup.procs", [p for p in pids if int(p) != container.pid][0])
    container.delete("--force").ok()
    lab.expect_nothing_left("inner groups")


@suite.table("RD-01 RD-02", "device rules on v2", {
    "none": (None, {"7 0"}, set()), "deny all": ([{"allow": False}], {"7 0"}, {"1 3"}),
    "deny all, allow one": ([{"allow": False, "access": "rwm"},
                             {"allow": True, "type": "c", "major": 7, "minor": 0,
                              "access": "rwm"}], set(), {"7 0", "1 3"}),
})
def device_rules_on_v2(lab, rules, refused_nodes, open_nodes):
    see_only_v2(lab)
    got = opened(lab, rules)
    check(not got & refused_nodes, f"opened {got}, refused must be {refused_nodes}")
    check(open_nodes <= got, f"opened {got}, wanted {open_nodes}")


@suite.table("RD-03", "without the right to set device rules a container does without", {
    "v1": (lambda lab: None,), "v2": (see_only_v2,)})
def no_filter(lab, see):
    see(lab)
    words = lab.words
    lab.words = lambda *rest, **how: rootless(words(*rest, **how))
    made = lab.bundle(shell="echo up; (: < /dev/null) && echo null")
    for entry in made.mounts:
        entry["options"] = [word for word in entry.get("options", []) if word != "gid=5"]
    made.set("linux.resources.devices", [{"allow": False, "access": "rwm"}])
    equal(lab.run(made).ok().out.split(), ["up", "null"], "output")


def rootless(words):
    """The call as root of a user namespace: the last word of a shell's script starts it."""
    start = words.index(sandbox.brig())
    return [*words[:start], "unshare", "--user", "--map-root-user", "--mount",
            *words[start:]]


suite.main()
