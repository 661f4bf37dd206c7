#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The mounts array: order, destinations, sources, types, data and binds (M-01 to M-05, M-07).
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import mountinfo, oracle
from harness.lab import need, write
from harness.mounting import mounted
from harness.tap import Suite, check, contains, equal

suite = Suite()


def table(lab, made, **how):
    return lab.probe(made, **how)["mountinfo"]


# order, destinations, sources


@suite.case("M-01", "mounts are made in the order of the list; a later one covers an earlier")
def order(lab):
    made = lab.bundle(shell="cat /mnt/name; ls /mnt")
    for name in ("one", "two"):
        os.makedirs(f"{lab.path}/{name}")
        write(f"{lab.path}/{name}/name", name)
        made.mount("/mnt", "bind", f"{lab.path}/{name}", ["bind"])
    made.mount("/mnt/late", "tmpfs", "tmpfs")
    os.makedirs(f"{lab.path}/two/late")
    out = lab.run(made).ok().out
    contains(out, "two", "the later mount")
    contains(out, "late", "a mount inside of an earlier one")


@suite.case("M-01", "the same destination twice is stacked; a parent after its child hides it")
def stacked(lab):
    made = lab.bundle(shell="cat /proc/self/mountinfo; ls /a /p")
    made.mount("/a", "tmpfs", "first")
    made.mount("/a", "tmpfs", "second")
    made.mount("/p/child", "tmpfs", "child")
    made.mount("/p", "tmpfs", "parent")
    out = lab.run(made).ok().out
    entries = mountinfo.parse(out[:out.index("/a:")])
    equal([entry["source"] for entry in entries if entry["target"] == "/a"], ["first", "second"],
          "mounts on /a")
    equal(out[out.index("/a:"):].split(), ["/a:", "/p:"], "both are empty")


@suite.case("M-02", "a missing destination is made: folders for folders, a file for a file")
def destination_made(lab):
    write(f"{lab.path}/a-file", "content")
    made = lab.bundle(shell="cat /x/y/file; test -d /p/q/r && echo folder")
    made.mount("/x/y/file", "bind", f"{lab.path}/a-file", ["bind", "ro"])
    made.mount("/p/q/r", "tmpfs", "tmpfs")
    equal(lab.run(made).ok().out, "contentfolder\n", "output")


@suite.table("M-02", "a relative or unusual destination is taken below the root", {
    "relative": "data", "double slashes": "//data//", "dots": "/./data/../data", "blank": "/d ata",
    "comma and colon": "/a,b:c", "newline": "/a\nb", "UTF-8": "/ä", "backslash": "/a\\b",
})
def destination_unusual(lab, destination):
    made = lab.bundle()
    made.mount(destination, "tmpfs", "mark", ["size=4k"])
    entries = [entry for entry in mountinfo.parse(table(lab, made)) if entry["source"] == "mark"]
    equal(len(entries), 1, "one mount")
    wanted = os.path.normpath("/" + destination).replace("//", "/")
    equal(entries[0]["target"], wanted.encode().decode("latin-1"), "target")


@suite.table("M-02", "a destination that cannot be is refused", {
    "empty": "", "5000 letters": "/" + "a/" * 2500, "256 letters": "/" + "a" * 256,
    "the root": "/",
})
def destination_refused(lab, destination):
    made = lab.bundle()
    made.mount(destination, "tmpfs", "tmpfs")
    lab.try_create(made).failed("mounts[6]")
    lab.expect_nothing_left("a refused destination")


@suite.case("M-02 T-9", "a destination through symbolic links lands inside the root")
def destination_links(lab):
    made = lab.bundle(shell="mount | grep mark; ls /real")
    os.makedirs(made.inside("/real"))
    os.symlink("/real", made.inside("/abs"))
    os.symlink("../../../../real", made.inside("/up"))
    made.mount("/abs/one", "tmpfs", "mark")
    made.mount("/up/two", "tmpfs", "mark")
    out = lab.run(made).ok().out
    for name in ("/real/one", "/real/two"):
        contains(out, f"mark on {name} ", "mount table")


@suite.case("M-02", "a relative destination is taken from / and told of in a warning")
def destination_relative(lab):
    made = lab.bundle(shell="cat data/sub/file")
    os.makedirs(f"{lab.path}/dir")
    write(f"{lab.path}/dir/file", "text")
    made.mount("data/sub", "bind", f"{lab.path}/dir", ["bind"])
    made.process["cwd"] = "/"
    log = f"{lab.path}/log"
    lab.containers.append("relative")
    result = lab.brig("run", "--bundle", made.write().path, "relative",
                      globals_=("--log", log, "--log-level", "warning"))
    equal(result.ok().out, "text", "output")
    with open(log, encoding="utf-8") as file:
        contains(file.read(), "mounts[6].destination: a relative path is taken from /", "log")


@suite.table("M-02", "dots and slashes at the end of a destination", {
    "slash": "/mnt/", "dot": "/mnt/.", "dots": "/mnt/x/..", "above the root": "/../../mnt",
})
def destination_end(lab, destination):
    made = lab.bundle()
    made.mount(destination, "tmpfs", "mark")
    targets = [entry["target"] for entry in mountinfo.parse(table(lab, made))
               if entry["source"] == "mark"]
    equal(targets, ["/mnt"], "the mark")


@suite.table("M-02", "what leads back to the root is refused like the root itself", {
    "a link": "/link", "dots": "/mnt/..", "dot": ".",
})
def destination_root(lab, destination):
    made = lab.bundle()
    os.symlink("/", made.inside("/link"))
    made.mount(destination, "tmpfs", "tmpfs")
    lab.try_create(made).failed("mounts[6]", "the destination is the root itself")
    lab.expect_nothing_left("a refused destination")


@suite.table("M-02", "kinds that do not fit each other are refused", {
    "folder on a file": (lambda path: os.mkdir(path), lambda path: write(path, ""),
                         "a directory cannot be mounted on what is none"),
    "file on a folder": (lambda path: write(path, ""), lambda path: os.mkdir(path),
                         "what is no directory cannot be mounted on one"),
})
def destination_kind(lab, source, target, part):
    made = lab.bundle()
    source(f"{lab.path}/source")
    target(made.inside("/target"))
    made.mount("/target", "bind", f"{lab.path}/source", ["bind"])
    lab.try_create(made).failed("mounts[6] (/target)", part)


@suite.case("M-02 MO-dest-nofollow", "a link as destination is followed inside, or covered itself")
def destination_nofollow(lab):
    write(f"{lab.path}/file", "mounted\n")
    made = lab.bundle(shell="cat /link; cat /real; ls /out/side")
    made.file("/real", "image\n")
    os.symlink("real", made.inside("/link"))
    made.mount("/link", "bind", f"{lab.path}/file", ["bind"])
    contains(lab.run(made).out, "mounted\nmounted\n", "followed: the target is covered")
    made.mounts[-1]["options"] = ["bind", "dest-nofollow"]
    contains(lab.run(made).out, "mounted\nimage\n", "not followed: the link is covered")


@suite.case("M-03", "a source relative to the bundle")
def source_relative(lab):
    made = lab.bundle(shell="cat /mnt/file")
    os.makedirs(f"{made.path}/volume")
    write(f"{made.path}/volume/file", "text")
    made.mount("/mnt", "bind", "volume", ["bind"])
    equal(lab.run(made, cwd="/").ok().out, "text", "output")


@suite.case("M-03", "an absent bind source is an error that names index, place and source")
def source_absent(lab):
    made = lab.bundle()
    made.mount("/mnt", "bind", f"{lab.path}/absent", ["bind"])
    lab.try_create(made).failed("mounts[6]", "/mnt", f"{lab.path}/absent",
                                "no such file or directory")
    lab.expect_nothing_left("an absent source")


@suite.case("M-03 T-10", "special files can be bound: FIFO, socket, device, link")
def source_special(lab):
    import socket
    made = lab.bundle(shell="test -p /f/fifo && test -S /f/socket && test -c /f/zero && cat /f/to")
    os.mkfifo(f"{lab.path}/fifo")
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"{lab.path}/socket")
    os.symlink("target", f"{lab.path}/link")
    write(f"{lab.path}/target", "followed")
    made.mount("/f/fifo", "bind", f"{lab.path}/fifo", ["bind"])
    made.mount("/f/socket", "bind", f"{lab.path}/socket", ["bind"])
    made.mount("/f/zero", "bind", "/dev/zero", ["bind"])
    made.mount("/f/to", "bind", f"{lab.path}/link", ["bind"])
    equal(lab.run(made).ok().out, "followed", "output")
    server.close()


@suite.case("M-03", "a bind over an existing FIFO works and does not hang")
def target_fifo(lab):
    made = lab.bundle(shell="cat /pipe")
    os.mkfifo(made.inside("/pipe"))
    write(f"{lab.path}/text", "text")
    made.mount("/pipe", "bind", f"{lab.path}/text", ["bind"])
    equal(lab.run(made, timeout=5).ok().out, "text", "output")


@suite.case("M-03", "a symbolic link as source is followed; one that leads nowhere is an error")
def source_link(lab):
    os.symlink("target", f"{lab.path}/link")
    write(f"{lab.path}/target", "text\n")
    made = lab.bundle(shell="cat /mnt/file")
    made.mount("/mnt/file", "bind", f"{lab.path}/link", ["bind"])
    equal(lab.run(made).ok().out, "text\n", "output")
    os.unlink(f"{lab.path}/target")
    lab.try_create(made).failed("mounts[6]", f"{lab.path}/link", "no such file or directory")


@suite.case("MO-src-nofollow", "a symbolic link as source is bound itself")
def source_nofollow(lab):
    os.symlink("/in the container", f"{lab.path}/link")
    made = lab.bundle(shell="readlink /place; grep -c ' /place ' /proc/self/mountinfo")
    made.file("/place", "image")
    made.mount("/place", "bind", f"{lab.path}/link", ["bind", "src-nofollow"])
    equal(lab.run(made).ok().out, "/in the container\n1\n", "a mount that is a link")
    made = lab.bundle(shell="cat /place")
    write(f"{lab.path}/file", "text\n")
    made.mount("/place", "bind", f"{lab.path}/file", ["bind", "src-nofollow"])
    equal(lab.run(made).ok().out, "text\n", "a source that is no link")


@suite.case("MO-copy-symlink", "a symbolic link as source is made anew in the root, not bound")
def copy_symlink(lab):
    os.symlink("/in the container", f"{lab.path}/link")
    made = lab.bundle(shell="readlink /a/place; grep -c place /proc/self/mountinfo; cat /file")
    made.mount("/a/place", "bind", f"{lab.path}/link", ["bind", "copy-symlink"])
    write(f"{lab.path}/file", "text\n")
    made.mount("/file", "bind", f"{lab.path}/file", ["bind", "copy-symlink"])
    equal(lab.run(made).ok().out, "/in the container\n0\ntext\n", "a link, no mount; and a bind")
    equal(os.readlink(made.inside("/a/place")), "/in the container", "the link in the image")
    equal(lab.run(made).ok().out, "/in the container\n0\ntext\n", "the same link is there already")
    os.unlink(made.inside("/a/place"))
    made.file("/a/place", "image")
    lab.try_create(made).failed("mounts[6]", "symlink", "file exists")


@suite.case("M-03", "a source by descriptor: /proc/self/fd/N of the caller")
def source_descriptor(lab):
    os.makedirs(f"{lab.path}/dir")
    write(f"{lab.path}/dir/file", "text")
    made = lab.bundle(shell="cat /mnt/file")
    made.mount("/mnt", "bind", "/proc/self/fd/9", ["bind"])
    lab.containers.append("descriptor")
    opened = os.open(f"{lab.path}/dir", os.O_PATH)

    def pass_on():
        os.dup2(opened, 9)
    result = lab.brig("run", "--preserve-fds", "7", "--bundle", made.write().path, "descriptor",
                      preexec_fn=pass_on, close_fds=False)
    os.close(opened)
    equal(result.ok().out, "text", "output")


@suite.table("M-03", "without a source a file system gets a dummy", {
    "tmpfs": ("tmpfs", "tmpfs"), "mqueue": ("mqueue", "mqueue"),
})
def source_dummy(lab, kind, shown):
    made = lab.bundle()
    made.mount("/mnt", kind)
    equal(mountinfo.at(table(lab, made), "/mnt")["source"], shown, "source in mountinfo")
    made.mounts[-1]["source"] = "something else"
    equal(mountinfo.at(table(lab, made), "/mnt")["source"], "something\\040else", "the given one")


@suite.table("M-03 R-3", "a source below the root is what earlier mounts have put there", {
    "by the host's path": lambda made: made.inside("/one/sub"),
    "relative": lambda made: "rootfs/one/sub",
})
def source_inside(lab, source):
    made = lab.bundle(shell="cat /two/file; touch /two/x 2>&1")
    os.makedirs(f"{lab.path}/dir/sub")
    write(f"{lab.path}/dir/sub/file", "mounted\n")
    made.file("/one/sub/file", "image\n")
    made.mount("/one", "bind", f"{lab.path}/dir", ["bind"])
    made.mount("/two", "bind", source(made), ["bind", "ro"])
    out = lab.run(made).out
    contains(out, "mounted\n", "what the earlier mount brought")
    contains(out, "Read-only file system", "flags")


# types and data


@suite.case("M-04", "an unknown file system type is an error that names it")
def type_unknown(lab):
    made = lab.bundle()
    made.mount("/mnt", "nofs", "none")
    lab.try_create(made).failed("mounts[6]", "nofs", "no such device")


@suite.case("M-04", "type bind without the option is a bind too")
def type_bind(lab):
    made = lab.bundle(shell="cat /mnt/file")
    os.makedirs(f"{lab.path}/dir")
    write(f"{lab.path}/dir/file", "text")
    made.mount("/mnt", "bind", f"{lab.path}/dir", ["ro"])
    equal(lab.run(made).ok().out, "text", "output")


@suite.case("M-05", "file system data arrives; a bad option is an error that names it")
def data(lab):
    made = lab.bundle()
    made.mount("/mnt", "tmpfs", "mark", ["size=128k", "mode=0711", "uid=12", "nr_inodes=33"])
    entry = mountinfo.at(table(lab, made), "/mnt")
    for option in ("size=128k", "mode=711", "uid=12", "nr_inodes=33"):
        check(option in entry["super"], f"{option} in {entry['super']}")
    made.mounts[-1]["options"] = ["sise=128k"]
    lab.try_create(made).failed("mounts[6]", "sise")
    lab.expect_nothing_left("a bad option")


@suite.case("M-05", "the kernel's own words about a bad option are told")
def data_words(lab):
    made = lab.bundle()
    for option, words in (("size=lots", "Bad value for 'size'"),
                          ("sise=1", "Unknown parameter 'sise'"),
                          ("mode=999", "Bad value for 'mode'")):
        made.mounts[6:] = []
        made.mount("/mnt", "tmpfs", "tmpfs", [option])
        lab.try_create(made).failed("mounts[6] (/mnt)", option, words, "invalid argument")
    made.mounts[6:] = []
    made.mount("/mnt", "overlay", "overlay", [f"lowerdir={lab.path}/absent:{lab.path}"])
    lab.try_create(made).failed("mounts[6] (/mnt)", "overlay", "no such file or directory")


@suite.table("M-05", "data of any length that mount(2) takes", {
    "300 bytes": 300, "3800 bytes": 3800,
})
def data_long(lab, size):
    lower = f"{lab.path}/lower"
    os.makedirs(lower)
    write(f"{lower}/file", "lower")
    made = lab.bundle(shell="cat /mnt/file; touch /mnt/new; grep ' /mnt ' /proc/self/mountinfo")
    for name in ("upper", "work"):
        os.makedirs(f"{lab.path}/{name}")
    option = f"lowerdir={lower}" + "/." * ((size - len(lower)) // 2)
    made.mount("/mnt", "overlay", "overlay",
               [option, f"upperdir={lab.path}/upper", f"workdir={lab.path}/work", "noatime",
                "nosuid"])
    out = lab.run(made).ok().out
    contains(out, "lower", "a file of the lower layer")
    check({"noatime", "nosuid"} <= mountinfo.flags(out[len("lower"):], "/mnt"), "flags")
    check(os.path.exists(f"{lab.path}/upper/new"), "a new file is in the upper layer")


@suite.case("M-05", "data longer than a page is an error, not cut")
def data_too_long(lab):
    made = lab.bundle()
    made.mount("/mnt", "overlay", "overlay", ["lowerdir=/tmp" + "/." * 2500])
    lab.try_create(made).failed("mounts[6] (/mnt)", "overlay")
    lab.expect_nothing_left("a mount that failed")


@suite.case("M-05 M-07", "a bind takes no data: a bare word is refused, key=value is of no concern")
def data_on_bind(lab):
    made = lab.bundle()
    with mounted(f"{lab.path}/dir") as source:
        made.mount("/mnt", "bind", source, ["bind", "mode=755", "size=1"])
        equal(mountinfo.flags(table(lab, made), "/mnt"), {"rw", "relatime"}, "flags")
    made.mounts[-1]["options"] = ["bind", "noexe"]
    lab.try_create(made).failed("mounts[6]", '"noexe"')


# binds


@suite.case("M-07", "a bind keeps the flags of its source that the config does not name")
def bind_keeps(lab):
    with mounted(f"{lab.path}/source", "nosuid,nodev,noexec,noatime") as source:
        made = lab.bundle()
        made.mount("/plain", "bind", source, ["bind"])
        made.mount("/ro", "bind", source, ["bind", "ro"])
        made.mount("/exec", "bind", source, ["bind", "exec"])
        text = table(lab, made)
        check({"nosuid", "nodev", "noexec", "noatime"} <= mountinfo.flags(text, "/plain"), "plain")
        check({"ro", "nosuid", "nodev", "noexec", "noatime"} <= mountinfo.flags(text, "/ro"), "ro")
        flags = mountinfo.flags(text, "/exec")
        check("noexec" not in flags and "nosuid" in flags, f"exec clears noexec only: {flags}")


@suite.case("M-07", "the source on the host keeps its own flags")
def bind_source_untouched(lab):
    with mounted(f"{lab.path}/source") as source, mounted(f"{source}/sub"):
        before = oracle.mounts()
        made = lab.bundle()
        made.mount("/mnt", "bind", source, ["rbind", "rro", "rnoexec", "rprivate"])
        lab.run(made).ok()
        equal(oracle.mounts(), before, "the host's mounts")


def nested(lab, made):
    """run, by a runtime whose mounts came with locked flags: a user namespace in between."""
    words = lab.words("run", "--bundle", made.write().path, lab.name(),
                      globals_=["--cgroup-manager", "disabled"])
    return lab.popen(["unshare", "--user", "--map-root-user", "--mount", "--", *words]).wait()


def nested_bundle(lab, shell):
    made = lab.bundle(shell=shell)
    made.config["mounts"] = [entry for entry in made.mounts
                             if entry["destination"] in ("/proc", "/dev")]
    plain = nested(lab, made)
    need(plain.status == 0, f"nothing runs here in a user namespace: {plain.err.strip()}")
    return made


LOCKED = ["nosuid", "nodev", "noexec", "noatime", "ro"]


@suite.case("M-07 R-02 RF-03", "locked flags of a user namespace are kept when others change")
def locked_kept(lab):
    with mounted(f"{lab.path}/source", ",".join(LOCKED[:-1])) as source:
        made = nested_bundle(lab, "cat /proc/self/mountinfo")
        made.mount("/plain", "bind", source, ["rbind"])
        made.mount("/ro", "bind", source, ["rbind", "ro"])
        made.mount("/list", "bind", source, ["rbind"])
        made.linux["readonlyPaths"] = ["/list"]
        made.set("root.readonly", True)
        text = nested(lab, made).ok().out
        for place in ("/plain", "/ro", "/list"):
            flags = mountinfo.flags(text, place)
            check(set(LOCKED[:-1]) <= flags, f"{place}: {flags}")
            equal("ro" in flags, place != "/plain", f"read-only {place}")
        check("ro" in mountinfo.flags(text, "/"), "the root is read-only")


@suite.table("M-07 T-103", "clearing a locked flag of a user namespace is an error", {
    "rw": ("ro", "rw"), "suid": ("nosuid", "suid"), "dev": ("nodev", "dev"),
    "exec": ("noexec", "exec"), "strictatime": ("noatime", "strictatime"),
    "rrw": ("ro", "rrw"), "rexec": ("noexec", "rexec"), "rsuid": ("nosuid", "rsuid"),
})
def locked_cleared(lab, flag, option):
    with mounted(f"{lab.path}/source", flag) as source:
        made = nested_bundle(lab, "cat /proc/self/mountinfo")
        made.mount("/mnt", "bind", source, ["rbind", option])
        nested(lab, made).failed("mounts[2] (/mnt)", "locked", "operation not permitted")


@suite.table("M-07", "the host's root may clear them, for a container with a user namespace too", {
    "rw": ("ro", "rw"), "exec": ("noexec", "exec"),
})
def cleared_for_users(lab, flag, option):
    with mounted(f"{lab.path}/source", flag) as source:
        made = lab.bundle()
        os.mkdir(made.inside("/mnt"))
        made.namespace("user")
        ids = [{"containerID": 0, "hostID": 100000, "size": 65536}]
        made.linux.update(uidMappings=ids, gidMappings=ids)
        made.mount("/mnt", "bind", source, ["bind", option])
        check(flag not in mountinfo.flags(table(lab, made), "/mnt"), f"no {flag}")


suite.main()
