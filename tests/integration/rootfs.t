#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The root: root.path and root.readonly (R-01, R-02), masks and read-only paths (RF-02, RF-03).
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import mountinfo, oracle
from harness.lab import read, write
from harness.mounting import call, mounted
from harness.tap import Suite, check, contains, equal

suite = Suite()


# root.path


@suite.table("R-01 T-16", "root.path", {
    "relative": lambda made: "rootfs", "absolute": lambda made: made.rootfs,
    "slash at the end": lambda made: made.rootfs + "/",
    "symbolic link": lambda made: os.symlink("rootfs", f"{made.path}/link") or "link",
    "dots": lambda made: "./x/../rootfs" if os.mkdir(f"{made.path}/x") is None else "",
})
def root_path(lab, place):
    made = lab.bundle(shell="echo here")
    made.set("root.path", place(made))
    equal(lab.run(made).ok().out, "here\n", "output")


@suite.table("R-01 T-16", "a root.path that is no folder is refused", {
    "missing": (lambda path: None, "no such file or directory"),
    "file": (lambda path: write(path, ""), "not a directory"),
    "fifo": (os.mkfifo, "not a directory"),
})
def root_wrong(lab, make, part):
    made = lab.bundle()
    make(f"{made.path}/other")
    made.set("root.path", "other")
    lab.try_create(made, timeout=5).failed("root.path", part)
    lab.expect_nothing_left("a wrong root")


@suite.table("R-01", "a root on another file system", {
    "overlay": ("overlay", "lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work"),
    "tmpfs": ("tmpfs", ""), "read-only tmpfs": ("tmpfs", "ro"),
})
def root_filesystem(lab, kind, options):
    made = lab.bundle(shell="ls -d /bin; grep ' / / ' /proc/self/mountinfo; touch /new 2>&1")
    for name in ("lower", "upper", "work"):
        os.mkdir(f"{lab.path}/{name}")
    call("cp", "-a", f"{made.rootfs}/.", f"{lab.path}/lower")
    writable = "" if options == "ro" else options.format(lab.path)
    with mounted(f"{lab.path}/root", writable, kind) as root:
        if kind != "overlay":
            call("cp", "-a", f"{made.rootfs}/.", root)
        if options == "ro":
            call("mount", "-o", "remount,ro", root)
        made.set("root.path", root)
        before = oracle.mounts()
        out = lab.run(made).out
        contains(out, "/bin\n", "the root's content")
        contains(out, f" - {kind} ", "the root's file system")
        equal("Read-only file system" in out, options == "ro", "a write")
        equal(oracle.mounts(), before, "the host's mounts")
        if kind == "overlay":
            check(os.path.exists(f"{lab.path}/upper/new"), "the new file is in the upper layer")


@suite.table("R-01", "the host's own root as the container's", {
    "pivot_root": (), "--no-pivot": ("--no-pivot",),
})
def host_root(lab, *options):
    made = lab.bundle(["/bin/sh", "-c", "readlink /proc/self/ns/mnt; mount -t tmpfs x /tmp; "
                                        "touch /usr/x; cat /proc/self/mountinfo"])
    made.set("root", {"path": "/", "readonly": True})
    made.capabilities("CAP_SYS_ADMIN")
    before, devices = oracle.mounts(), oracle.host_devices()
    result = lab.run(made, *options).ok()
    check(os.readlink("/proc/self/ns/mnt") not in result.out, "a mount namespace of its own")
    contains(result.err, "Read-only file system", "the write")
    check({"ro"} <= mountinfo.flags("\n".join(
        line for line in result.out.splitlines() if " - " in line), "/"), "the root is read-only")
    equal((oracle.mounts(), oracle.host_devices()), (before, devices), "mounts and devices")


@suite.case("R-01", "the host's mounts below the root are there inside; unmounting them stays inside")
def root_submounts(lab):
    made = lab.bundle(shell="cat /sub/file; umount /sub; ls /sub; echo done")
    made.capabilities("CAP_SYS_ADMIN")
    with mounted(made.inside("/sub")) as sub:
        write(f"{sub}/file", "below\n")
        before = oracle.mounts()
        equal(lab.run(made).ok().out, "below\ndone\n", "output")
        equal(oracle.mounts(), before, "the host's mounts")


@suite.table("R-01", "unusual names of the root", {
    "blank": "a root", "newline": "a\nroot", "UTF-8": "wurzel-ä", "long": "r" * 255,
    "backslash": "a\\040b",
})
def root_name(lab, name):
    made = lab.bundle(shell="ls -d /bin")
    os.rename(made.rootfs, f"{made.path}/{name}")
    made.set("root.path", name)
    for options in ((), ("--no-pivot",)):
        equal(lab.run(made, *options).ok().out, "/bin\n", f"output {options}")


@suite.table("R-01", "a root.path through links", {
    "absolute link": lambda made: os.symlink(made.rootfs, f"{made.path}/l") or "l",
    "link to a link": lambda made: (os.symlink("rootfs", f"{made.path}/k"),
                                    os.symlink("k", f"{made.path}/l"), "l")[2],
    "out of the bundle and back": lambda made: f"../{os.path.basename(made.path)}/rootfs",
    "many slashes": lambda made: "//".join(made.rootfs.split("/")) + "///",
})
def root_links(lab, place):
    made = lab.bundle(shell="ls -d /bin")
    made.set("root.path", place(made))
    equal(lab.run(made).ok().out, "/bin\n", "output")


@suite.case("TRAP-44 N-03 R-01", "the old root is gone: nothing of the host in the mount table")
def old_root_gone(lab):
    for options in ((), ("--no-pivot",)):
        text = lab.probe(lab.bundle(), *options)["mountinfo"]
        entries = mountinfo.parse(text)
        strange = [entry["target"] for entry in entries
                   if not entry["target"].startswith(("/proc", "/dev", "/sys"))
                   and entry["target"] != "/"]
        equal(strange, [], f"targets beside the config's {options}")
        equal(len([entry for entry in entries if entry["target"] == "/"]), 1, "roots")


@suite.case("R-24", "with --no-pivot the root cannot be left by ..")
def no_pivot(lab):
    made = lab.bundle(shell="cd /; cd ../../..; ls -d bin proc; ls /../../.. | head -1")
    contains(lab.run(made, "--no-pivot").ok().out, "bin\nproc\n", "listing")


# root.readonly


@suite.case("R-02", "a read-only root, with mounts that can be written")
def root_readonly(lab):
    made = lab.bundle(shell="touch /x 2>&1; touch /etc/x 2>&1; touch /dev/shm/x && "
                            "touch /dev/x && echo fine")
    made.set("root.readonly", True)
    result = lab.run(made)
    equal(result.out.count("Read-only file system"), 2, f"refused writes in {result.out!r}")
    contains(result.out, "fine", "mounts of their own")
    made.process["args"] = ["/bin/probe"]
    check("ro" in mountinfo.flags(lab.probe(made)["mountinfo"], "/"), "flags of /")


@suite.case("R-02", "a root that is not read-only keeps what is written")
def root_writable(lab):
    made = lab.bundle(shell="echo text > /new")
    lab.run(made).ok()
    equal(read(made.inside("/new")), "text\n", "the file")


@suite.case("R-02", "mounts below a read-only root keep their own flags, places are made before")
def readonly_nested(lab):
    made = lab.bundle(shell="cat /proc/self/mountinfo; touch /made/here/x /tmp2/x && echo fine; "
                            "touch /fixed/x /etc/x; test -c /deep/null && echo device")
    for name in ("volume", "other"):
        os.mkdir(f"{lab.path}/{name}")
    made.mount("/made/here", "bind", f"{lab.path}/volume", ["bind", "nosuid"])
    made.mount("/fixed", "bind", f"{lab.path}/other", ["bind", "ro"])
    made.mount("/tmp2", "tmpfs", "tmpfs", ["noexec"])
    made.linux["devices"] = [{"path": "/deep/null", "type": "c", "major": 1, "minor": 3}]
    made.set("root.readonly", True)
    result = lab.run(made).ok()
    equal(result.err.count("Read-only file system"), 2, f"refused writes: {result.err!r}")
    contains(result.out, "fine\ndevice\n", "mounts and devices")
    table = result.out[:result.out.index("fine")]
    for place, wanted in (("/", {"ro"}), ("/made/here", {"rw", "nosuid"}), ("/fixed", {"ro"}),
                          ("/tmp2", {"rw", "noexec"}), ("/dev", {"rw", "nosuid"})):
        check(wanted <= mountinfo.flags(table, place), f"{place}: {mountinfo.flags(table, place)}")


@suite.case("M-01 M-02 R-02", "a read-only volume gets the places of later mounts first")
def readonly_parent(lab):
    made = lab.bundle(shell="cat /proc/self/mountinfo; cat /run/secrets/word; touch /run/secrets/inner/x "
                            "&& echo fine; touch /run/secrets/x; true")
    os.makedirs(f"{made.path}/secrets")
    os.makedirs(f"{lab.path}/inner")
    write(f"{lab.path}/word", "hush\n")
    made.mount("/run/secrets", "bind", f"{made.path}/secrets", ["bind", "ro", "nosuid"])
    made.mount("/run/secrets/word", "bind", f"{lab.path}/word", ["bind", "ro"])
    made.mount("/run/secrets/inner", "bind", f"{lab.path}/inner", ["bind"])
    made.set("root.readonly", True)
    result = lab.run(made).ok()
    contains(result.out, "hush\nfine\n", "the mounts below")
    equal(result.err.count("Read-only file system"), 1, f"refused writes: {result.err!r}")
    flags = mountinfo.flags(result.out[:result.out.index("hush")], "/run/secrets")
    check({"ro", "nosuid"} <= flags, f"its own flags: {flags}")


@suite.case("M-02 R-3", "nothing is made in a folder of the host that the container may only read")
def readonly_host_folder(lab):
    os.makedirs(f"{lab.path}/host")
    for kind, source, options in (("bind", write(f"{lab.path}/word", "hush\n"), ["bind"]),
                                  ("tmpfs", "tmpfs", [])):
        made = lab.bundle(["/bin/true"])
        made.mount("/seen", "bind", f"{lab.path}/host", ["bind", "ro"])
        made.mount("/seen/place", kind, source, options)
        lab.try_create(made).failed("mounts[", "/seen/place", "read-only file system", status=1)
        equal(os.listdir(f"{lab.path}/host"), [], "the host's folder")


@suite.case("R-02", "the host's root folder stays writable while the container's is read-only")
def readonly_inside_only(lab):
    made = lab.bundle(["/bin/sleep", "1000"])
    made.set("root.readonly", True)
    container = lab.start(made)
    write(made.inside("/new"), "text")
    equal(container.exec("/bin/cat", "/new").ok().out, "text", "as seen inside")
    contains(container.exec("/bin/touch", "/x").err, "Read-only file system", "an exec's write")
    container.delete("--force").ok()


@suite.case("R-02", "readonly of a user namespace")
def readonly_users(lab):
    made = lab.bundle(shell="touch /x; touch /dev/shm/x && echo fine")
    made.namespace("user")
    ids = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    made.linux.update(uidMappings=ids, gidMappings=ids)
    made.set("root.readonly", True)
    result = lab.run(made).ok()
    contains(result.err, "Read-only file system", "a write to the root")
    equal(result.out, "fine\n", "a write elsewhere")


# masks and read-only paths


@suite.case("RF-02", "masked files are empty, masked folders are empty and read-only")
def masked(lab):
    made = lab.bundle(shell="cat /secret/file; ls /secret/dir; touch /secret/dir/x 2>&1; "
                            "echo x > /secret/file; wc -c < /proc/keys; ls /sys/firmware")
    made.file("/secret/file", "secret")
    made.file("/secret/dir/inner", "secret")
    made.linux["maskedPaths"] += ["/secret/file", "/secret/dir", "/absent"]
    out = lab.run(made).out
    check("secret\n" not in out and "inner" not in out, f"output: {out!r}")
    contains(out, "Read-only file system", "write into a masked folder")
    equal(read(made.inside("/secret/file")), "secret", "the image's file")


@suite.case("RF-02", "a masked file is the kernel's null device")
def masked_null(lab):
    made = lab.bundle(shell="stat -c '%F %t %T' /etc/passwd")
    made.linux["maskedPaths"] = ["/etc/passwd"]
    equal(lab.run(made).ok().out, "character special file 1 3\n", "the mask")


@suite.case("RF-02 R-16", "masked folders share one small file system")
def masked_one_superblock(lab):
    made = lab.bundle()
    folders = [f"/m{i}" for i in range(20)]
    for folder in folders:
        os.makedirs(made.inside(folder))
    made.linux["maskedPaths"] = folders
    text = lab.probe(made)["mountinfo"]
    devices = {mountinfo.at(text, folder)["device"] for folder in folders}
    equal(len(devices), 1, "superblocks")


@suite.table("RF-02 RF-03", "a path that is not absolute is refused", {
    "masked relative": ("maskedPaths", "proc/kcore"), "read-only relative": ("readonlyPaths",
                                                                            "etc"),
    "masked empty": ("maskedPaths", ""), "read-only empty": ("readonlyPaths", ""),
})
def paths_relative(lab, key, path):
    made = lab.bundle()
    made.linux[key] = ["/proc/acpi", path]
    lab.try_create(made).failed(f"linux.{key}[1]")


@suite.case("RF-03", "read-only paths cannot be written; missing ones are skipped")
def readonly(lab):
    made = lab.bundle(shell="touch /etc/x 2>&1; echo x >> /etc/passwd; touch /etc/sub/x 2>&1; "
                            "echo 1 > /proc/sys/kernel/pid_max; touch /root/fine && echo fine")
    os.makedirs(made.inside("/etc/sub"))
    made.mount("/etc/sub", "tmpfs", "tmpfs")
    made.linux["readonlyPaths"] += ["/etc", "/absent"]
    result = lab.run(made)
    equal((result.out + result.err).count("Read-only file system"), 4, "refused writes")
    contains(result.out, "fine", "a path that is not in the list")


@suite.case("RF-03 R-17", "a read-only path keeps the other flags of its mount")
def readonly_flags(lab):
    text = lab.probe(lab.bundle())["mountinfo"]
    check("ro" in mountinfo.flags(text, "/proc/sys"), "/proc/sys is read-only")
    made = lab.bundle()
    made.mount("/data", "tmpfs", "tmpfs", ["nosuid", "nodev", "noexec"])
    made.linux["readonlyPaths"] = ["/data"]
    flags = mountinfo.flags(lab.probe(made)["mountinfo"], "/data")
    check({"ro", "nosuid", "nodev", "noexec"} <= flags, f"flags: {flags}")


@suite.table("RF-02", "whatever kind of file is masked cannot be reached", {
    "file": lambda path: write(path, "secret"), "fifo": os.mkfifo,
    "socket": lambda path: socket.socket(socket.AF_UNIX).bind(path),
    "device": lambda path: os.mknod(path, 0o20666, os.makedev(1, 5)),
})
def masked_kinds(lab, make):
    made = lab.bundle(shell="stat -c '%F %t %T' /m; cat /m; echo x > /m; echo end")
    make(made.inside("/m"))
    made.linux["maskedPaths"] = ["/m"]
    equal(lab.run(made, timeout=5).ok().out, "character special file 1 3\nend\n", "output")


@suite.case("RF-02 RF-03", "a link in a path is followed inside of the root, never out of it")
def paths_by_link(lab):
    write(f"{lab.path}/hosts", "the host's")
    made = lab.bundle(shell="cat /inner /etc/inner 2>&1; cat /outer; echo x 2>&1 >> /etc/fixed")
    made.file("/etc/inner", "secret\n")
    made.file("/etc/fixed", "fixed\n")
    made.file(lab.path + "/hosts", "the image's\n")
    os.symlink("/etc/inner", made.inside("/inner"))
    os.symlink("../../../../.." + lab.path + "/hosts", made.inside("/outer"))
    os.symlink("/etc/fixed", made.inside("/fixed"))
    made.linux["maskedPaths"] += ["/inner", "/outer"]
    made.linux["readonlyPaths"] += ["/fixed"]
    result = lab.run(made)
    check("secret" not in result.out and "image's" not in result.out, f"masked: {result.out!r}")
    contains(result.out + result.err, "Read-only file system", "the target of a read-only link")
    equal(read(f"{lab.path}/hosts"), "the host's", "the host's file of that name")


@suite.case("RF-02 RF-03", "missing paths are skipped, also below a file; twice the same is fine")
def paths_skipped(lab):
    made = lab.bundle(shell="echo fine; cat /etc/passwd; grep -c ' /etc/passwd ' "
                            "/proc/self/mountinfo")
    lists = ["/absent", "/absent/deeper", "/etc/passwd/below", "/etc/passwd", "/etc//passwd/.",
             "/etc/passwd"]
    made.linux["maskedPaths"], made.linux["readonlyPaths"] = lists, ["/absent", "/bin", "/bin"]
    equal(lab.run(made).ok().out, "fine\n1\n", "output: masked once")


@suite.table("RF-02 RF-03", "the root itself can be neither", {
    "masked": "maskedPaths", "read-only": "readonlyPaths",
})
def paths_root(lab, key):
    for path in ("/", "/..", "/."):
        made = lab.bundle()
        made.linux[key] = [path]
        lab.try_create(made).failed(f"linux.{key}[0]", "below the root")
    lab.expect_nothing_left("a refused path")


@suite.case("RF-02", "the host's /dev/null is looked at before it masks anything")
def null_verified(lab):
    write(f"{lab.path}/fake", "not null\n")
    made = lab.bundle()
    words = lab.words("create", "--bundle", made.write().path, lab.name())
    lab.popen(["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /dev/null && exec "$@"',
               f"{lab.path}/fake", *words]).wait().failed("/dev/null is not the device 1:3")
    lab.expect_nothing_left("a covered /dev/null")


@suite.case("RF-02 RF-03", "mounts of the config are masked and read-only too, with all below them")
def paths_on_mounts(lab):
    with mounted(f"{lab.path}/data") as data, mounted(f"{data}/sub"):
        os.mkdir(f"{data}/secret")
        write(f"{data}/secret/file", "secret\n")
        made = lab.bundle(shell="ls /data/secret; touch /data/x; touch /data/sub/x; echo end")
        made.mount("/data", "bind", data, ["rbind"])
        made.linux["maskedPaths"] = ["/data/secret"]
        made.linux["readonlyPaths"] = ["/data"]
        before = oracle.mounts()
        result = lab.run(made).ok()
        equal(result.out, "end\n", "the masked folder is empty")
        equal(result.err.count("Read-only file system"), 2, f"writes: {result.err!r}")
        equal(oracle.mounts(), before, "the host's mounts")


@suite.case("RF-02 RF-03", "an exec finds the same masks and read-only paths")
def paths_by_exec(lab):
    made = lab.bundle(["/bin/sleep", "1000"])
    made.linux["maskedPaths"] = ["/etc/passwd"]
    made.linux["readonlyPaths"] = ["/etc"]
    container = lab.start(made)
    equal(container.exec("/bin/cat", "/etc/passwd").ok().out, "", "a masked file")
    contains(container.exec("/bin/touch", "/etc/x").err, "Read-only file system", "a write")
    container.delete("--force").ok()


@suite.case("E-09 R-18", "what a waiting init runs is no file that the container could write")
def own_binary(lab):
    container = lab.create(lab.bundle(["/bin/true"]))
    host = os.stat(os.environ["BRIG"])
    link = f"/proc/{container.pid}/exe"
    running = os.stat(link)
    same = (running.st_dev, running.st_ino) == (host.st_dev, host.st_ino)
    read_only = os.statvfs(link).f_flag & os.ST_RDONLY
    sealed = "memfd:" in os.readlink(link)
    check(not same or read_only or sealed, f"{os.readlink(link)} is the host's, and writable")
    try:
        os.close(os.open(link, os.O_WRONLY))
        check(False, "it can be opened for writing")
    except OSError:
        pass
    container.start().wait_stopped()


suite.main()
