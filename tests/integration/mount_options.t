#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Each option of a mount by name (checklist 5.2), by what a process inside can and cannot do then.
import contextlib
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import mountinfo, oracle
from harness.lab import write
from harness.loop import loop_device
from harness.mounting import EVERYTHING, access_times, call, fill, mounted, trials, worked
from harness.tap import Suite, check, contains, equal

suite = Suite()
RELATIVE, NEVER, ALWAYS, NO_FOLDERS = (
    (True, False, True), (False, False, False), (True, True, True), (True, False, False))


def trying(lab, *places):
    """A bundle whose ordinary user tries everything on each place, after the mount table."""
    shell = "; ".join(["cat /proc/self/mountinfo; echo"]
                      + [f"echo =; {trials(place)}" for place in places])
    made = lab.bundle(shell=shell)
    made.process["user"] = {"uid": 1000, "gid": 1000}
    made.process["noNewPrivileges"] = False
    return made


def tried(lab, made, *places):
    """{place: what worked}, and the mount table."""
    table, *outs = lab.run(made).ok().out.split("\n=\n")
    return {place: worked(out) for place, out in zip(places, outs)}, table


# The flags of the source, the option, what does not work then, the access times, the flag shown.
ATTRIBUTES = {
    "ro": ("", {"write"}, None, "ro"), "rw": ("ro", set(), None, "rw"),
    "noexec": ("", {"exec", "suid"}, None, "noexec"), "exec": ("noexec", set(), None, None),
    "nosuid": ("", {"suid"}, None, "nosuid"), "suid": ("nosuid", set(), None, None),
    "nodev": ("", {"dev"}, None, "nodev"), "dev": ("nodev", set(), None, None),
    "nosymfollow": ("", {"symfollow"}, None, "nosymfollow"),
    "symfollow": ("nosymfollow", set(), None, None),
    "noatime": ("", set(), NEVER, "noatime"), "atime": ("noatime", set(), RELATIVE, "relatime"),
    "relatime": ("strictatime", set(), RELATIVE, "relatime"),
    "norelatime": ("noatime", set(), RELATIVE, "relatime"),
    "strictatime": ("", set(), ALWAYS, None),
    "nostrictatime": ("strictatime", set(), RELATIVE, "relatime"),
    "nodiratime": ("", set(), NO_FOLDERS, "nodiratime"),
    "diratime": ("nodiratime", set(), RELATIVE, None),
}


def add_attribute(option, before, missing, times, shown):
    @suite.case(f"MO-{option} M-07", f"{option} on a bind of a mount that was otherwise")
    def on_bind(lab):
        with mounted(f"{lab.path}/source") as source:
            fill(source)
            if before:
                call("mount", "-o", f"remount,bind,{before}", source)
            hosts = oracle.mounts()
            made = trying(lab, "/mnt")
            made.mount("/mnt", "bind", source, ["bind", option])
            works, table = tried(lab, made, "/mnt")
            equal(works["/mnt"], EVERYTHING - missing, "what works")
            flags = mountinfo.flags(table, "/mnt")
            check(shown is None or shown in flags, f"{shown} in {flags}")
            check(not before or before not in flags, f"no {before} in {flags}")
            equal(oracle.mounts(), hosts, "the host's mounts")
            if times is not None:
                equal(access_times(source), times, "access times (changed, read, folder)")

    @suite.case(f"MO-{option} M-05", f"{option} on a new tmpfs, after its opposite")
    def on_tmpfs(lab):
        made = lab.bundle()
        # norelatime takes relatime back, not another mode.
        first = [before] if before and option != "norelatime" else []
        made.mount("/mnt", "tmpfs", "tmpfs", [*first, option])
        flags = mountinfo.flags(lab.probe(made)["mountinfo"], "/mnt")
        check(shown is None or shown in flags, f"{shown} in {flags}")
        absent = {"noatime", "relatime"} if option == "strictatime" else {before}
        check(not absent & flags, f"none of {absent} in {flags}")


def add_recursive(option, before, missing, times, shown):
    @suite.case(f"MO-r{option}", f"r{option} reaches a submount of the source, not the host's")
    def recursive(lab):
        with mounted(f"{lab.path}/source") as source:
            fill(source)
            with mounted(f"{source}/sub") as sub:
                fill(sub)
                for place in (sub, source) if before else ():
                    call("mount", "-o", f"remount,bind,{before}", place)
                hosts = oracle.mounts()
                made = trying(lab, "/mnt", "/mnt/sub")
                made.mount("/mnt", "bind", source, ["rbind", f"r{option}"])
                works, table = tried(lab, made, "/mnt", "/mnt/sub")
                for place, host in (("/mnt", source), ("/mnt/sub", sub)):
                    equal(works[place], EVERYTHING - missing, f"what works on {place}")
                    flags = mountinfo.flags(table, place)
                    check(shown is None or shown in flags, f"{place}: {shown} in {flags}")
                    check(not before or before not in flags, f"{place}: no {before} in {flags}")
                    if times is not None:
                        equal(access_times(host), times, f"access times of {host}")
                equal(oracle.mounts(), hosts, "the host's mounts")


for name, row in ATTRIBUTES.items():
    add_attribute(name, *row)
    add_recursive(name, *row)


@suite.case("MO-ro MO-rro M-07", "ro is of one mount, rro of all of them; both together may stand")
def ro_and_rro(lab):
    with mounted(f"{lab.path}/source") as source:
        fill(source)
        with mounted(f"{source}/sub") as sub:
            fill(sub)
            made = trying(lab, "/one/sub", "/all/sub", "/both/sub")
            made.mount("/one", "bind", source, ["rbind", "ro"])
            made.mount("/all", "bind", source, ["rbind", "rro"])
            made.mount("/both", "bind", source, ["rbind", "ro", "rro"])
            works, table = tried(lab, made, "/one/sub", "/all/sub", "/both/sub")
            equal([("write" in works[place]) for place in works], [True, False, False], "writes")
            for place in ("/one", "/all", "/both"):
                check("ro" in mountinfo.flags(table, place), f"{place} itself is read-only")


@suite.case("MO-rro MO-rrw MO-rnoatime MO-rstrictatime", "of a recursive pair the last one wins")
def recursive_last_wins(lab):
    with mounted(f"{lab.path}/source") as source, mounted(f"{source}/sub", "noatime"):
        made = lab.bundle()
        made.mount("/rw", "bind", source, ["rbind", "rro", "rnoexec", "rrw"])
        made.mount("/ro", "bind", source, ["rbind", "rrw", "rro"])
        made.mount("/strict", "bind", source, ["rbind", "rnoatime", "rstrictatime"])
        made.mount("/never", "bind", source, ["rbind", "rstrictatime", "rnoatime", "rnodiratime"])
        table = lab.probe(made)["mountinfo"]
        flags = {place: mountinfo.flags(table, place + "/sub")
                 for place in ("/rw", "/ro", "/strict", "/never")}
        check({"rw", "noexec"} <= flags["/rw"], f"rrw last: {flags['/rw']}")
        check("ro" in flags["/ro"], f"rro last: {flags['/ro']}")
        check(not {"noatime", "relatime"} & flags["/strict"], f"strict: {flags['/strict']}")
        check({"noatime", "nodiratime"} <= flags["/never"], f"never: {flags['/never']}")


@suite.table("MO-rro MO-rstrictatime", "beside an option of one mount a recursive one gives way there", {
    "rro, rw": (["rro", "rw"], {"rw"}, {"ro"}), "rw, rro": (["rw", "rro"], {"rw"}, {"ro"}),
    "ro, rrw": (["ro", "rrw"], {"ro"}, {"rw"}),
    "rstrictatime, noatime": (["rstrictatime", "noatime"], {"noatime"}, {"relatime"}),
    "noatime, rrelatime": (["noatime", "rrelatime"], {"noatime"}, {"relatime"}),
    "rnoexec, exec": (["rnoexec", "exec", "nosuid"], {"nosuid"}, {"noexec"}),
})
def recursive_beside(lab, options, present, absent):
    with mounted(f"{lab.path}/source") as source, mounted(f"{source}/sub"):
        made = lab.bundle()
        made.mount("/one", "bind", source, ["bind", *options])
        made.mount("/all", "bind", source, ["rbind", *options])
        made.mount("/new", "tmpfs", "tmpfs", options)
        table = lab.probe(made)["mountinfo"]
        for place in ("/one", "/all", "/new"):
            flags = mountinfo.flags(table, place)
            check(present <= flags and not absent & flags, f"{place}: {flags}")


@suite.table("M-05", "of two options that contradict each other the last one wins", {
    f"{' then '.join(pair)}": (pair, missing) for pair, missing in (
        (("ro", "rw"), set()), (("rw", "ro"), {"write"}),
        (("noexec", "exec"), set()), (("exec", "noexec"), {"exec", "suid"}),
        (("nosuid", "suid"), set()), (("suid", "nosuid"), {"suid"}),
        (("nodev", "dev"), set()), (("dev", "nodev"), {"dev"}),
        (("nosymfollow", "symfollow"), set()), (("symfollow", "nosymfollow"), {"symfollow"}))
})
def last_wins(lab, pair, missing):
    with mounted(f"{lab.path}/source") as source:
        fill(source)
        made = trying(lab, "/mnt")
        made.mount("/mnt", "bind", source, ["bind", *pair])
        equal(tried(lab, made, "/mnt")[0]["/mnt"], EVERYTHING - missing, "what works")


@suite.case("MO-defaults", "defaults changes nothing, neither on a bind nor on a new tmpfs")
def defaults(lab):
    with mounted(f"{lab.path}/source", "nosuid,noexec") as source:
        made = lab.bundle()
        made.mount("/bound", "bind", source, ["defaults", "bind"])
        made.mount("/new", "tmpfs", "tmpfs", ["defaults"])
        made.mount("/after", "tmpfs", "tmpfs", ["ro", "defaults"])
        table = lab.probe(made)["mountinfo"]
        equal(mountinfo.flags(table, "/bound"), {"rw", "nosuid", "noexec", "relatime"}, "bind")
        equal(mountinfo.flags(table, "/new"), {"rw", "relatime"}, "tmpfs")
        check("ro" in mountinfo.flags(table, "/after"), "it takes nothing back")


@suite.case("MO-bind MO-rbind", "bind shows one mount, rbind its submounts too")
def bind_and_rbind(lab):
    with mounted(f"{lab.path}/source") as source, mounted(f"{source}/sub") as sub:
        fill(sub)
        made = lab.bundle(shell="ls /one/sub; echo =; ls /all/sub; echo =; ls /last/sub")
        made.mount("/one", "none", source, ["bind"])
        made.mount("/all", "none", source, ["rbind"])
        made.mount("/last", "none", source, ["rbind", "bind"])
        one, every, last = lab.run(made).ok().out.split("=\n")
        equal(one, "", "below bind")
        contains(every, "target", "below rbind")
        contains(last, "target", "rbind is kept beside bind")


# superblocks


SUPERBLOCK = {
    "sync": (["sync"], "sync", True), "async": (["sync", "async"], "sync", False),
    "dirsync": (["dirsync"], "dirsync", True), "lazytime": (["lazytime"], "lazytime", True),
    "nolazytime": (["lazytime", "nolazytime"], "lazytime", False),
    "mand": (["mand"], "mand", True), "nomand": (["mand", "nomand"], "mand", False),
    "iversion": (["iversion"], None, None), "noiversion": (["iversion", "noiversion"], None, None),
    "silent": (["silent"], None, None), "loud": (["silent", "loud"], None, None),
}


def add_superblock(option, options, word, shown):
    effect = "is the file system's" if word else "is taken, and is no data (the kernel shows no more)"

    @suite.case(f"MO-{option} M-05", f"{option} {effect}")
    def superblock(lab):
        made = lab.bundle(shell="cat /proc/self/mountinfo; echo text > /mnt/file")
        made.mount("/mnt", "tmpfs", "tmpfs", [*options, "size=64k"])
        entry = mountinfo.at(lab.run(made).ok().out, "/mnt")
        if word is not None:
            equal(word in entry["super"], shown, f"{word} in {entry['super']}")
        check(option not in entry["super"] or shown, f"{option} is no data: {entry['super']}")

    @suite.case(f"MO-{option} M-07", f"{option} on a bind leaves the host's file system alone")
    def on_bind(lab):
        with mounted(f"{lab.path}/source") as source:
            hosts = oracle.mounts()
            made = lab.bundle(shell="echo text > /mnt/file")
            made.mount("/mnt", "bind", source, ["bind", *options])
            lab.run(made).ok()
            equal(oracle.mounts(), hosts, "the host's mounts")


for name, row in SUPERBLOCK.items():
    add_superblock(name, *row)


@contextlib.contextmanager
def ext4(lab):
    """A block device with an ext4 on it."""
    image = f"{lab.path}/image"
    with open(image, "wb") as file:
        file.truncate(4 << 20)
    call("mkfs.ext4", "-q", image)
    with loop_device(image) as device:
        yield device.name


def on_ext4(lab, loop, options, args=("/bin/cat", "/proc/self/mountinfo")):
    made = lab.bundle(list(args))
    made.linux["resources"] = {"devices": [{"allow": True, "type": "b", "access": "rwm"}]}
    made.mount("/mnt", "ext4", loop, options)
    return made


# user::rw-, user:1234:r--, group::r--, mask::r--, other::---
ACCESS_LIST = struct.pack("<I" + "HHI" * 5, 2, 1, 6, 0xffffffff, 2, 4, 1234, 4, 4, 0xffffffff,
                          0x10, 4, 0xffffffff, 0x20, 0, 0xffffffff)


@suite.case("MO-acl", "acl is a word of the file system: ext4 takes it, and keeps and heeds access lists")
def acl(lab):
    with ext4(lab) as loop:
        made = on_ext4(lab, loop, ["acl"], ["/bin/sleep", "1000"])
        container = lab.start(made)
        path = f"/proc/{container.pid}/root/mnt/file"
        write(path, "text")
        os.setxattr(path, "system.posix_acl_access", ACCESS_LIST)
        equal(os.getxattr(path, "system.posix_acl_access"), ACCESS_LIST, "the list")
        readers = {user: container.exec("/bin/cat", "/mnt/file", options=["--user", user]).status
                   for user in ("1234:9", "1235:9")}
        equal(readers, {"1234:9": 0, "1235:9": 1}, "who reads")
        container.delete("--force").ok()
        lab.expect_clean()


@suite.case("MO-noacl", "noacl is a word of the file system: one that lacks it says so")
def noacl(lab):
    with ext4(lab) as loop:
        result = lab.run(on_ext4(lab, loop, ["acl", "noacl"]))
        if result.status == 0:  # ext4 has lost it lately
            contains(mountinfo.at(result.out, "/mnt")["super"], "noacl", "options")
        else:
            result.failed("mounts[6]", 'fsconfig("noacl")', "Unknown parameter")
        lab.expect_clean()


@suite.table("MO-acl", "a file system that does not know acl says so", {"tmpfs": "tmpfs"})
def acl_unknown(lab, kind):
    made = lab.bundle()
    made.mount("/mnt", kind, kind, ["acl"])
    lab.try_create(made).failed("mounts[6]", "acl")


@suite.case("MO-remount", "remount changes an earlier mount in its place")
def remount(lab):
    made = lab.bundle(shell="cat /proc/self/mountinfo; touch /first/x 2>&1; touch /mnt/file")
    made.mount("/first", "tmpfs", "mark", ["nosuid", "size=8k"])
    made.mount("/mnt", "tmpfs", "tmpfs", ["size=8k"])
    made.mount("/first", options=["remount", "bind", "ro"])
    made.mount("/mnt", "tmpfs", "tmpfs", ["remount", "size=16k", "noexec"])
    out = lab.run(made).ok().out
    table = out[:out.index("touch")]
    equal(len([entry for entry in mountinfo.parse(table) if entry["target"] == "/first"]), 1,
          "mounts on /first")
    check({"ro", "nosuid"} <= mountinfo.flags(table, "/first"), "read-only, and nosuid as before")
    contains(out, "Read-only file system", "a write to /first")
    check("noexec" in mountinfo.flags(table, "/mnt"), "noexec of /mnt")
    check("size=16k" in mountinfo.at(table, "/mnt")["super"], "the new size of /mnt")


@suite.case("MO-remount", "remount of what is no mount is an error")
def remount_nothing(lab):
    made = lab.bundle()
    made.mount("/etc", options=["remount", "bind", "ro"])
    lab.try_create(made).failed("mounts[6]", "/etc", "invalid argument")


def add_meaningless(option):
    @suite.case(f"MO-{option}", f"{option} has no meaning in the kernel: an error that names it")
    def meaningless(lab):
        made = lab.bundle()
        made.mount("/mnt", "bind", lab.path, ["rbind", option])
        lab.try_create(made).failed("mounts[6]", f'"{option}"', "no such attribute")
        lab.expect_nothing_left("a refused option")


for name in ("rsync", "rasync", "rdirsync", "rmand", "rnomand"):
    add_meaningless(name)


@suite.case("MO-rro M-05", "every option that features lists is taken")
def features(lab):
    import json
    listed = json.loads(lab.brig("features").ok().out)["mountOptions"]
    shown = {*ATTRIBUTES, *(f"r{name}" for name in ATTRIBUTES), *SUPERBLOCK, "acl", "noacl"}
    elsewhere = {"bind", "rbind", "defaults", "remount", "idmap", "ridmap", "tmpcopyup",
                 "copy-symlink", "src-nofollow", "dest-nofollow",
                 *(f"{r}{kind}" for r in ("", "r")
                   for kind in ("private", "shared", "slave", "unbindable"))}
    equal(set(listed) ^ (shown | elsewhere), set(), "listed or shown, not both")


suite.main()
