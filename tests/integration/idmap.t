#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Id-mapped mounts: owners as seen inside, as kept on the host, of files that are there and new.
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.lab import kernel_is, need, write
from harness.mounting import mounted
from harness.tap import Suite, check, contains, equal

suite = Suite()
FIRST = 100000  # the host's id of the container's root


def ids(*triples):
    return [dict(zip(("containerID", "hostID", "size"), triple)) for triple in triples]


def files(folder, *owners):
    """A file per owner, named by it; everybody may make more."""
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o777)
    for uid, gid in owners:
        os.chown(write(f"{folder}/{uid}", ""), uid, gid)
    return folder


def owner(path):
    status = os.stat(path)
    return (status.st_uid, status.st_gid)


def show(*names):
    """Shell text that prints the owners of files below /mnt."""
    return "cd /mnt; stat -c '%n %u %g' " + " ".join(map(str, names))


def bundle(lab, shell, users=False):
    made = lab.bundle(shell=shell)
    made.capabilities("CAP_DAC_OVERRIDE", "CAP_CHOWN", "CAP_FOWNER")
    if users:
        made.namespace("user")
        made.linux["uidMappings"] = made.linux["gidMappings"] = ids((0, FIRST, 65536))
    for folder in ("/mnt", "/plain"):
        os.mkdir(made.inside(folder))
    return made


def mapped(made, source, options, *triples):
    entry = made.mount("/mnt", "bind", source, options)
    if triples:
        entry["uidMappings"] = entry["gidMappings"] = ids(*triples)
    return entry


@suite.table("MO-idmap M-06", "own mappings, no user namespace: shifted inside, kept on the host", {
    "option and mappings": ["bind", "idmap"], "mappings alone": ["bind"],
    "rbind": ["rbind", "idmap"], "with flags": ["bind", "idmap", "nosuid", "rprivate"],
})
def own_mappings(lab, options):
    source = files(f"{lab.path}/data", (1000, 1001), (0, 0), (70, 70))
    before = oracle.mounts()
    made = bundle(lab, show("*") + "; echo > new; chown 2005:2006 new; echo > root")
    mapped(made, source, options, (1000, 2000, 10), (0, 0, 1))
    equal(lab.run(made).ok().out.split("\n")[:3],
          ["0 0 0", "1000 2000 2001", "70 65534 65534"], "owners inside")
    equal([owner(f"{source}/{name}") for name in (1000, 0, 70)],
          [(1000, 1001), (0, 0), (70, 70)], "owners on the host")
    equal((owner(f"{source}/new"), owner(f"{source}/root")), ((1005, 1006), (0, 0)), "new files")
    equal(oracle.mounts(), before, "the host's mounts")


@suite.case("MO-idmap M-06", "a file is made by the mapped id; an id without a mapping makes none")
def made_by_user(lab):
    source = files(f"{lab.path}/data")
    made = bundle(lab, "echo > /mnt/mine; stat -c '%u %g' /mnt/mine")
    made.process["user"] = {"uid": 2000, "gid": 2001}
    mapped(made, source, ["bind", "idmap"], (0, 0, 1), (1000, 2000, 10))
    equal(lab.run(made).ok().out, "2000 2001\n", "owner inside")
    equal(owner(f"{source}/mine"), (1000, 1001), "owner on the host")
    made.process["user"] = {"uid": 3000, "gid": 3000}
    made.process["args"] = ["/bin/touch", "/mnt/other"]
    contains(lab.run(made).err, "Value too large", "a file of an id that is not mapped")
    check(not os.path.exists(f"{source}/other"), "nothing is made on the host")


@suite.table("MO-idmap M-06", "without mappings those of the container's user namespace", {
    "idmap": ["bind", "idmap"], "ridmap": ["rbind", "ridmap"],
})
def containers_mappings(lab, options):
    source = files(f"{lab.path}/data", (0, 0), (1000, 1000))
    made = bundle(lab, show(0, 1000) + "; echo > new; chown 7:8 new", users=True)
    mapped(made, source, options)
    made.mount("/plain", "bind", source, ["bind"])
    made.process["args"][2] += "; stat -c 'plain %u' /plain/0"
    equal(lab.run(made).ok().out, "0 0 0\n1000 1000 1000\nplain 65534\n", "owners inside")
    equal(owner(f"{source}/new"), (7, 8), "a new file on the host")


@suite.case("MO-idmap M-06 N-09", "in a user namespace with mappings other than the container's")
def other_mappings(lab):
    source = files(f"{lab.path}/data", (0, 0), (500, 501))
    made = bundle(lab, show(0, 500) + "; echo > new; chown 43:44 new", users=True)
    mapped(made, source, ["bind", "idmap"], (500, FIRST + 42, 10), (0, FIRST, 1))
    equal(lab.run(made).ok().out, "0 0 0\n500 42 43\n", "owners inside")
    equal(owner(f"{source}/new"), (501, 502), "a new file on the host")


@suite.case("MO-idmap M-06", "user and group ids are mapped each by their own")
def users_and_groups(lab):
    source = files(f"{lab.path}/data", (10, 10))
    made = bundle(lab, show(10))
    entry = mapped(made, source, ["bind", "idmap"])
    entry["uidMappings"], entry["gidMappings"] = ids((10, 20, 1)), ids((10, 30, 1))
    equal(lab.run(made).ok().out, "10 20 30\n", "owner inside")


@suite.case("MO-idmap N-04 M-06", "the mappings of a user namespace that is joined by path")
def joined(lab):
    source = files(f"{lab.path}/data", (0, 0), (9, 9))
    first = bundle(lab, "sleep 1000", users=True)
    container = lab.start(first)
    made = bundle(lab, show(0, 9))
    made.namespace("user", f"/proc/{container.pid}/ns/user")
    mapped(made, source, ["bind", "idmap"])
    equal(lab.run(made).ok().out, "0 0 0\n9 9 9\n", "owners inside")
    container.delete("--force").ok()


@suite.table("MO-ridmap MO-idmap M-06", "of a tree", {
    "idmap maps the top alone": ("idmap", "65534 65534"),
    "ridmap maps what lies beneath too": ("ridmap", "0 0"),
})
def tree(lab, option, below):
    # Binds, not tmpfs, that cannot be id-mapped before Linux 6.3.
    top, beneath = files(f"{lab.path}/top", (0, 0)), files(f"{lab.path}/beneath", (0, 0))
    os.mkdir(f"{top}/sub")
    with mounted(f"{lab.path}/data", "bind", "none", top) as source, \
            mounted(f"{source}/sub", "bind", "none", beneath) as sub:
        made = bundle(lab, show(0, "sub/0"), users=True)
        mapped(made, source, ["rbind", option])
        equal(lab.run(made).ok().out, f"0 0 0\nsub/0 {below}\n", "owners inside")
        equal((owner(f"{source}/0"), owner(f"{sub}/0")), ((0, 0), (0, 0)), "owners on the host")


@suite.table("MO-idmap", "mappings in the option itself, as crun writes them", {
    "one range": ("idmap=uids=5-50-10;gids=6-60-10", False, "5 50 60"),
    "two ranges": ("idmap=uids=0-1-1#5-50-10;gids=0-1-1#6-60-10", False, "5 50 60"),
    "recursive": ("ridmap=uids=5-50-10;gids=6-60-10", False, "5 50 60"),
    "relative to the container's": ("idmap=uids=@5-50-10;gids=@6-60-10", True, "5 50 60"),
    "absolute in a user namespace":
        (f"idmap=uids=5-{FIRST + 50}-10;gids=6-{FIRST + 60}-10", True, "5 50 60"),
})
def in_option(lab, option, users, wanted):
    source = files(f"{lab.path}/data", (5, 6))
    made = bundle(lab, show(5), users=users)
    mapped(made, source, ["bind", option])
    equal(lab.run(made).ok().out, wanted + "\n", "owner inside")


@suite.table("MO-idmap", "mappings in the option that cannot be", {
    "no group ids": "idmap=uids=0-0-1", "no size": "idmap=uids=0-0;gids=0-0-1",
    "letters": "idmap=uids=a-b-c;gids=0-0-1", "other key": "idmap=users=0-0-1;gids=0-0-1",
    "not in the container": "idmap=uids=@0-99999-1;gids=@0-0-1",
})
def option_wrong(lab, option):
    made = bundle(lab, "true", users=True)
    mapped(made, lab.path, ["bind", option])
    lab.try_create(made).failed("mounts[6] (/mnt)", "idmap")
    lab.expect_nothing_left("a refused option")


@suite.case("M-06 MO-idmap", "half of a mapping, and idmap with nothing to map by, are errors")
def halves(lab):
    for key in ("uidMappings", "gidMappings"):
        made = bundle(lab, "true")
        mapped(made, lab.path, ["bind", "idmap"])[key] = ids((0, 0, 1))
        lab.try_create(made).failed("mounts[6]", "given together")
    for option in ("idmap", "ridmap"):
        made = bundle(lab, "true")
        mapped(made, lab.path, ["bind", option])
        lab.try_create(made).failed("mounts[6]", "or a user namespace")
    lab.expect_nothing_left("refused mappings")


@suite.table("M-06 MO-idmap", "a file system that cannot be id-mapped is named", {
    "ramfs": ("ramfs", ""), "cgroup2": ("cgroup2", ""), "devpts": ("devpts", "newinstance"),
})
def file_system(lab, kind, options):
    with mounted(f"{lab.path}/data", options, kind=kind) as source:
        made = bundle(lab, "true")
        mapped(made, source, ["bind", "idmap"], (0, 5, 1))
        lab.try_create(made).failed("mounts[6] (/mnt)", "idmap", source, "cannot be id-mapped")


@suite.case("M-06 MO-idmap", "only a bind of the host's can be id-mapped")
def no_bind(lab):
    made = bundle(lab, "true")
    entry = made.mount("/mnt", "tmpfs", "tmpfs", ["idmap"])
    entry["uidMappings"] = entry["gidMappings"] = ids((0, 5, 1))
    lab.try_create(made).failed("mounts[6] (/mnt)", "id")
    lab.expect_nothing_left("a refused mapping")


def nested(lab, made, before=""):
    """run, by a runtime in a user namespace."""
    words = lab.words("run", "--bundle", made.write().path, lab.name(),
                      globals_=["--cgroup-manager", "disabled"])
    return lab.popen(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
                      f'{before} exec "$@"', "sh", *words]).wait()


@suite.case("M-06 MO-idmap", "a runtime in a user namespace maps what is mounted there, no more")
def in_user_namespace(lab):
    source = files(f"{lab.path}/data", (0, 0))
    made = bundle(lab, show("*"))
    made.config["mounts"] = [entry for entry in made.mounts
                             if entry["destination"] in ("/proc", "/dev")]
    mapped(made, source, ["bind"])
    plain = nested(lab, made)
    need(plain.status == 0, f"nothing runs here in a user namespace: {plain.err.strip()}")
    entry = made.mounts[-1]
    entry["options"].append("idmap")
    entry["uidMappings"] = entry["gidMappings"] = ids((0, 0, 1))
    nested(lab, made).failed("mounts[2] (/mnt)", "not the caller's to map",
                             "operation not permitted")
    need(kernel_is((6, 3)), "before Linux 6.3 a tmpfs cannot be id-mapped; all else held")
    out = nested(lab, made, f"mount -t tmpfs own {source} && touch {source}/own;").ok().out
    equal(out, "own 0 0\n", "a file system of the namespace")


@suite.case("M-06 MO-idmap", "a source that is id-mapped already is taken as it is, or refused")
def twice(lab):
    source = files(f"{lab.path}/data", (0, 0))
    first = bundle(lab, "sleep 1000")
    first.without_namespace("mount")  # so that the host has the mount
    del first.linux["maskedPaths"], first.linux["readonlyPaths"]
    mapped(first, source, ["bind", "idmap"], (0, 700, 1))
    container = lab.start(first)
    inside = first.inside("/mnt")
    made = bundle(lab, show(0))
    mapped(made, inside, ["bind"])
    equal(lab.run(made).ok().out, "0 700 700\n", "owner by the mount of another container")
    made = bundle(lab, "true")
    mapped(made, inside, ["bind", "idmap"], (0, 800, 1))
    lab.try_create(made).failed("mounts[6] (/mnt)", "id-mapped already", "operation not permitted")
    container.delete("--force").ok()


suite.main()
