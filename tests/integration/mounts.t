#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The mounts array: M-01 to M-12 and each option of the checklist's 5.2 that a mount table shows.
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import mountinfo, oracle
from harness.lab import need, read, write
from harness.tap import Suite, check, contains, equal

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


def host_mount(lab, path, kind="tmpfs", options=""):
    """A mount of the test's own for a case to bind; the lab removes it."""
    os.makedirs(path, exist_ok=True)
    subprocess.run(["mount", "-t", kind, *(["-o", options] if options else []), kind, path],
                   check=True)
    return path


def shared_source(lab):
    """A folder with a submount: what is recursive shows on /data/sub, what is not does not."""
    top = host_mount(lab, f"{lab.path}/source")
    write(f"{top}/file", "text")
    host_mount(lab, f"{top}/sub")
    write(f"{top}/sub/file", "below")
    return top


def end_sources(lab):
    for folder in ("source/sub", "source", "peer"):
        subprocess.run(["umount", "-l", f"{lab.path}/{folder}"], stderr=subprocess.DEVNULL,
                       check=False)


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


# options


SIMPLE = {
    "ro": (["ro"], {"ro"}, set()), "rw": (["rw"], {"rw"}, {"ro"}),
    "nosuid": (["nosuid"], {"nosuid"}, set()), "suid": (["nosuid", "suid"], set(), {"nosuid"}),
    "nodev": (["nodev"], {"nodev"}, set()), "dev": (["nodev", "dev"], set(), {"nodev"}),
    "noexec": (["noexec"], {"noexec"}, set()), "exec": (["noexec", "exec"], set(), {"noexec"}),
    "noatime": (["noatime"], {"noatime"}, {"relatime"}),
    "atime": (["noatime", "atime"], set(), {"noatime"}),
    "nodiratime": (["nodiratime"], {"nodiratime"}, set()),
    "diratime": (["nodiratime", "diratime"], set(), {"nodiratime"}),
    "relatime": (["relatime"], {"relatime"}, {"noatime"}),
    "strictatime": (["strictatime"], set(), {"relatime", "noatime"}),
    "nosymfollow": (["nosymfollow"], {"nosymfollow"}, set()),
    "symfollow": (["nosymfollow", "symfollow"], set(), {"nosymfollow"}),
    "defaults": (["defaults"], {"rw"}, {"nosuid", "nodev", "noexec"}),
    "last wins": (["ro", "rw", "noexec", "exec", "nosuid"], {"rw", "nosuid"}, {"ro", "noexec"}),
    "many": (["ro", "nosuid", "nodev", "noexec", "noatime"],
             {"ro", "nosuid", "nodev", "noexec", "noatime"}, set()),
    "loud": (["loud"], {"rw"}, set()), "silent": (["silent"], {"rw"}, set()),
    "nomand": (["nomand"], {"rw"}, set()), "norelatime": (["norelatime"], {"rw"}, set()),
    "nostrictatime": (["nostrictatime"], {"rw"}, set()),
}


@suite.table("M-05 M-07 5.2", "option of a bind", SIMPLE)
def option_bind(lab, options, present, absent):
    os.makedirs(f"{lab.path}/dir")
    made = lab.bundle()
    made.mount("/mnt", "bind", f"{lab.path}/dir", ["bind", *options])
    flags = mountinfo.flags(table(lab, made), "/mnt")
    check(present <= flags and not absent & flags, f"{flags}: with {present}, without {absent}")


@suite.table("M-05 5.2", "option of a tmpfs", SIMPLE)
def option_tmpfs(lab, options, present, absent):
    made = lab.bundle()
    made.mount("/mnt", "tmpfs", "tmpfs", options)
    flags = mountinfo.flags(table(lab, made), "/mnt")
    check(present <= flags and not absent & flags, f"{flags}: with {present}, without {absent}")


@suite.table("M-05 5.2", "option of a superblock", {
    "sync": ("sync", True), "dirsync": ("dirsync", True), "lazytime": ("lazytime", True),
    "async": ("async", False), "nolazytime": ("nolazytime", False), "iversion": ("iversion", None),
    "noiversion": ("noiversion", None), "mand": ("mand", None),
})
def option_super(lab, option, shown):
    made = lab.bundle()
    made.mount("/mnt", "tmpfs", "tmpfs", [option])
    entry = mountinfo.at(table(lab, made), "/mnt")
    if shown is not None:
        equal(option in entry["super"], shown, f"{option} in {entry['super']}")


RECURSIVE = {
    "rro": (["rro"], {"ro"}), "rnosuid": (["rnosuid"], {"nosuid"}),
    "rnodev": (["rnodev"], {"nodev"}), "rnoexec": (["rnoexec"], {"noexec"}),
    "rnoatime": (["rnoatime"], {"noatime"}), "rnodiratime": (["rnodiratime"], {"nodiratime"}),
    "rnosymfollow": (["rnosymfollow"], {"nosymfollow"}), "rrelatime": (["rrelatime"], {"relatime"}),
}


@suite.table("M-07 5.2", "recursive option reaches submounts", RECURSIVE)
def option_recursive(lab, options, present):
    made = lab.bundle()
    made.mount("/mnt", "bind", shared_source(lab), ["rbind", *options])
    text = table(lab, made)
    for place in ("/mnt", "/mnt/sub"):
        flags = mountinfo.flags(text, place)
        check(flags is not None and present <= flags, f"{place}: {flags} with {present}")
    end_sources(lab)


CLEARED = {
    "rrw": (["rrw"], "ro"), "rsuid": (["rsuid"], "nosuid"), "rdev": (["rdev"], "nodev"),
    "rexec": (["rexec"], "noexec"), "rstrictatime": (["rstrictatime"], "noatime"),
    "ratime": (["ratime"], "noatime"), "rdiratime": (["rdiratime"], "nodiratime"),
    "rsymfollow": (["rsymfollow"], "nosymfollow"),
}


@suite.table("M-07 5.2", "recursive option clears a flag of submounts", CLEARED)
def option_recursive_clear(lab, options, absent):
    source = shared_source(lab)
    subprocess.run(["mount", "-o", f"remount,bind,{absent}", f"{source}/sub"], check=True)
    made = lab.bundle()
    made.mount("/mnt", "bind", source, ["rbind", *options])
    flags = mountinfo.flags(table(lab, made), "/mnt/sub")
    check(absent not in flags, f"{flags} without {absent}")
    end_sources(lab)


@suite.case("M-07", "bind shows one mount, rbind the submounts; plain ro is not recursive")
def bind_rbind(lab):
    source = shared_source(lab)
    made = lab.bundle()
    made.mount("/one", "bind", source, ["bind"])
    made.mount("/all", "bind", source, ["rbind", "ro"])
    text = table(lab, made)
    equal(mountinfo.at(text, "/one/sub"), None, "submount under bind")
    check("ro" in mountinfo.flags(text, "/all"), "top is read-only")
    check("rw" in mountinfo.flags(text, "/all/sub"), "submount is not")
    end_sources(lab)


@suite.case("M-07", "a bind keeps the flags of its source that the config does not name")
def bind_keeps(lab):
    source = host_mount(lab, f"{lab.path}/source", options="nosuid,nodev,noexec,noatime")
    made = lab.bundle()
    made.mount("/plain", "bind", source, ["bind"])
    made.mount("/ro", "bind", source, ["bind", "ro"])
    made.mount("/exec", "bind", source, ["bind", "exec"])
    text = table(lab, made)
    check({"nosuid", "nodev", "noexec", "noatime"} <= mountinfo.flags(text, "/plain"), "plain")
    check({"ro", "nosuid", "nodev", "noexec", "noatime"} <= mountinfo.flags(text, "/ro"), "ro")
    flags = mountinfo.flags(text, "/exec")
    check("noexec" not in flags and "nosuid" in flags, f"exec clears noexec only: {flags}")
    end_sources(lab)


@suite.case("M-07", "the source on the host keeps its own flags")
def bind_source_untouched(lab):
    source = shared_source(lab)
    before = oracle.mounts()
    made = lab.bundle()
    made.mount("/mnt", "bind", source, ["rbind", "rro", "rnoexec", "rprivate"])
    lab.run(made).ok()
    equal(oracle.mounts(), before, "the host's mounts")
    end_sources(lab)


@suite.table("5.2", "propagation", {
    "private": ("private", ""), "rprivate": ("rprivate", ""), "shared": ("shared", "shared:"),
    "rshared": ("rshared", "shared:"), "slave": ("slave", "master:"),
    "rslave": ("rslave", "master:"), "unbindable": ("unbindable", "unbindable"),
    "runbindable": ("runbindable", "unbindable"),
})
def propagation(lab, option, mark):
    source = host_mount(lab, f"{lab.path}/peer")
    subprocess.run(["mount", "--make-shared", source], check=True)
    made = lab.bundle()
    made.set("linux.rootfsPropagation", "shared" if "share" in option else "slave")
    made.mount("/mnt", "bind", source, ["rbind", option])
    peers = " ".join(mountinfo.at(table(lab, made), "/mnt")["peers"])
    check(mark in peers if mark else peers == "", f"{option}: peers {peers!r}")
    end_sources(lab)


@suite.case("5.2", "a slave volume sees what the host mounts later, and not the other way")
def slave_receives(lab):
    source = host_mount(lab, f"{lab.path}/peer")
    subprocess.run(["mount", "--make-shared", source], check=True)
    os.makedirs(f"{source}/late")
    os.makedirs(f"{source}/inside")
    made = lab.bundle(shell="mount -t tmpfs in /mnt/inside; echo up; "
                            "while ! test -e /mnt/late/file; do sleep 0.01; done; echo seen")
    made.capabilities("CAP_SYS_ADMIN")
    made.mount("/mnt", "bind", source, ["rbind", "rslave"])
    container = lab.start(made)
    container.wait_out("up")
    check(not any(f"{source}/inside" in line for line in oracle.mounts()), "nothing comes out")
    host_mount(lab, f"{source}/late")
    write(f"{source}/late/file", "")
    container.wait_out("seen")
    container.delete("--force").ok()
    subprocess.run(["umount", f"{source}/late"], check=True)
    end_sources(lab)


@suite.case("M-10", "tmpfs without mode= takes the mode of the folder that it covers")
def tmpfs_mode(lab):
    made = lab.bundle(shell="stat -c %a /tmp /modeless /given")
    for name, mode in (("/tmp", 0o1777), ("/modeless", 0o2750), ("/given", 0o700)):
        os.makedirs(made.inside(name), exist_ok=True)
        os.chmod(made.inside(name), mode)
    made.mount("/tmp", "tmpfs", "tmpfs")
    made.mount("/modeless", "tmpfs", "tmpfs", ["nosuid"])
    made.mount("/given", "tmpfs", "tmpfs", ["mode=0111"])
    equal(lab.run(made).ok().out.split(), ["1777", "2750", "111"], "modes")


@suite.case("5.2", "tmpcopyup fills the tmpfs with what it covers")
def tmpcopyup(lab):
    made = lab.bundle(shell="cd /var; cat text sub/deep; readlink link; stat -c '%a %u %g' text; "
                            "echo new > text; cat text")
    made.file("/var/text", "text\n", 0o640)
    os.chown(made.inside("/var/text"), 12, 34)
    made.file("/var/sub/deep", "deep\n")
    os.symlink("text", made.inside("/var/link"))
    made.capabilities("CAP_DAC_OVERRIDE")
    made.mount("/var", "tmpfs", "tmpfs", ["tmpcopyup"])
    equal(lab.run(made).ok().out, "text\ndeep\ntext\n640 12 34\nnew\n", "output")
    equal(read(made.inside("/var/text")), "text\n", "the image")


# special file systems


@suite.case("M-08 E-05", "proc, sysfs, devpts, mqueue and shm of the default config")
def default_mounts(lab):
    text = table(lab, lab.bundle())
    for target, kind in {"/proc": "proc", "/dev": "tmpfs", "/dev/pts": "devpts",
                         "/dev/shm": "tmpfs", "/dev/mqueue": "mqueue", "/sys": "sysfs"}.items():
        entry = mountinfo.at(text, target)
        check(entry and entry["type"] == kind, f"{target} is {kind}: {entry}")
    check({"ro", "nosuid", "nodev", "noexec"} <= mountinfo.flags(text, "/sys"), "flags of /sys")
    check({"nosuid", "noexec"} <= mountinfo.flags(text, "/dev/pts"), "flags of /dev/pts")
    pts = mountinfo.at(text, "/dev/pts")["super"]
    check({"gid=5", "mode=620", "ptmxmode=666"} <= set(pts), f"data of /dev/pts: {pts}")


@suite.case("M-08", "/proc shows the container's own processes only")
def own_proc(lab):
    made = lab.bundle(shell="ls -d /proc/[0-9]* | sort; echo done")
    numbers = [int(line.split("/")[2]) for line in lab.run(made).ok().out.split()
               if line.startswith("/proc")]
    check(1 in numbers and max(numbers) < 10, f"processes {numbers}")


@suite.case("M-09", "a cgroup mount shows the container's own group in each hierarchy")
def cgroup_mount(lab):
    made = lab.bundle(shell="cat /proc/self/cgroup; for i in /sys/fs/cgroup/*/cgroup.procs "
                            "/sys/fs/cgroup/cgroup.procs; do test -e $i && echo $i $(cat $i); done;"
                            " mkdir /sys/fs/cgroup/pids/x /sys/fs/cgroup/x 2>&1")
    made.mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", "relatime",
                                                      "ro"])
    out = lab.run(made).out
    groups = [line for line in out.splitlines() if line.startswith("/sys/fs/cgroup")]
    check(groups, f"hierarchies in {out!r}")
    for line in groups:
        if "/unified/" not in line:
            check(line.split()[1:2] == ["1"], f"first process is the container's: {line}")
    contains(out, "Read-only file system", "mkdir in a read-only cgroup mount")


@suite.table("M-11 R-8 T-27", "a mount over /proc that could deceive is refused", {
    "tmpfs on /proc": ("/proc", "tmpfs", "tmpfs", []),
    "bind on /proc": ("/proc", "bind", "/tmp", ["bind"]),
    "bind of /proc/sys on /proc": ("/proc", "bind", "/proc/sys", ["bind"]),
    "/proc/self": ("/proc/self", "bind", "/tmp", ["bind"]),
    "/proc/sys": ("/proc/sys", "tmpfs", "tmpfs", []),
    "/proc/1/attr": ("/proc/1/attr", "tmpfs", "tmpfs", []),
    "/proc/sysrq-trigger": ("/proc/sysrq-trigger", "bind", "/dev/null", ["bind"]),
    "/proc by a link": ("/link/sys", "tmpfs", "tmpfs", []),
})
def over_proc(lab, destination, kind, source, options):
    made = lab.bundle()
    os.symlink("/proc", made.inside("/link"))
    made.mount(destination, kind, source, options)
    lab.try_create(made).failed("mounts[6]")
    lab.expect_nothing_left("a refused mount over /proc")


@suite.case("M-11", "what lxcfs mounts over /proc is accepted")
def over_proc_allowed(lab):
    names = ["cpuinfo", "diskstats", "meminfo", "stat", "swaps", "uptime", "loadavg"]
    made = lab.bundle(shell="cat " + " ".join(f"/proc/{name}" for name in names))
    for name in names:
        write(f"{lab.path}/{name}", f"{name}\n")
        made.mount(f"/proc/{name}", "bind", f"{lab.path}/{name}", ["bind", "ro"])
    equal(lab.run(made).ok().out.split(), names, "output")


@suite.case("M-06", "an id-mapped mount shows the owners shifted, on the host they stay")
def idmap(lab):
    source = f"{lab.path}/ids"
    os.makedirs(source)
    write(f"{source}/file", "")
    os.chown(f"{source}/file", 1000, 1001)
    made = lab.bundle(shell="stat -c '%u %g' /mnt/file; echo > /mnt/new")
    made.capabilities("CAP_DAC_OVERRIDE", "CAP_CHOWN")
    entry = made.mount("/mnt", "bind", source, ["bind", "idmap"])
    ids = [{"containerID": 1000, "hostID": 2000, "size": 10},
           {"containerID": 0, "hostID": 0, "size": 1}]
    entry["uidMappings"] = entry["gidMappings"] = ids
    result = lab.run(made)
    if result.status != 0 and "id-mapped mounts" in result.err and "supported" in result.err:
        need(False, "refused with a clear error: not built")
    equal(result.ok().out, "2000 2001\n", "owners inside")
    equal(os.stat(f"{source}/file").st_uid, 1000, "owner on the host")


@suite.case("M-06", "half of a mapping is an error")
def idmap_half(lab):
    made = lab.bundle()
    entry = made.mount("/mnt", "bind", lab.path, ["bind", "idmap"])
    entry["uidMappings"] = [{"containerID": 0, "hostID": 0, "size": 1}]
    lab.try_create(made).failed("mounts[6]")


@suite.case("M-07 T-18", "nothing that the container mounts reaches the host")
def no_leak_out(lab):
    made = lab.bundle(shell="mount -t tmpfs x /tmp && mount --bind /tmp /root && echo done")
    made.capabilities("CAP_SYS_ADMIN")
    contains(lab.run(made).ok().out, "done", "mounts inside")
    lab.expect_nothing_left("mounts inside")


suite.main()
