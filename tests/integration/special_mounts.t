#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Mounts of the kernel's own file systems and of tmpfs: M-08 to M-11, tmpcopyup, cgroups.
import os
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import mountinfo, oracle
from harness.cgroups import V1
from harness.lab import need, read, write
from harness.mounting import mounted
from harness.tap import Suite, check, contains, equal

suite = Suite()


def table(lab, made, **how):
    return lab.probe(made, **how)["mountinfo"]


# tmpfs


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


@suite.case("M-10", "tmpfs where nothing is yet is everybody's, as the kernel makes it, at each start")
def tmpfs_new_place(lab):
    made = lab.bundle(shell="stat -c %a /new /deep/er/new /told /deep; touch /new/x /deep/er/new/x")
    made.config["process"]["user"] = {"uid": 1000, "gid": 1000}
    made.mount("/new", "tmpfs", "tmpfs")
    made.mount("/deep/er/new", "tmpfs", "tmpfs", ["nosuid"])
    made.mount("/told", "tmpfs", "tmpfs", ["mode=0711"])
    for _ in range(2):
        equal(lab.run(made).ok().out.split(), ["1777", "1777", "711", "755"], "modes")


def host_view(container, path):
    """The host's path of what a running container sees at `path`."""
    return f"/proc/{container.pid}/root{path}"


def describe(root):
    """What tmpcopyup has to keep of each file below root: all but the times of folders."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            link = os.path.islink(path)
            found[os.path.relpath(path, root)] = (
                status.st_mode, status.st_uid, status.st_gid, status.st_rdev,
                os.readlink(path) if link else None,
                read(path) if os.path.isfile(path) and not link else None,
                None if link else int(status.st_mtime),
                {} if link else {name: os.getxattr(path, name) for name in os.listxattr(path)
                                 if not name.startswith("system.")})
    return found


def fill_image(made):
    """Every kind of file below /var."""
    made.file("/var/text", "text\n", 0o640)
    os.chown(made.inside("/var/text"), 12, 34)
    made.file("/var/program", "x" * 100000, 0o755)
    os.chown(made.inside("/var/program"), 56, 78)
    os.chmod(made.inside("/var/program"), 0o6755)
    made.file("/var/empty", "", 0)
    made.file("/var/sub/deeper/file", "deep\n")
    os.chmod(made.inside("/var/sub"), 0o2770)
    os.chown(made.inside("/var/sub"), 90, 91)
    os.symlink("text", made.inside("/var/link"))
    os.symlink("/absent/on purpose", made.inside("/var/dangling"))
    os.lchown(made.inside("/var/link"), 5, 6)
    os.mkfifo(made.inside("/var/fifo"), 0o600)
    os.mknod(made.inside("/var/null"), stat.S_IFCHR | 0o620, os.makedev(1, 3))
    os.setxattr(made.inside("/var/text"), "trusted.colour", b"blue")
    os.setxattr(made.inside("/var/sub"), "trusted.shape", b"round")
    # cap_net_raw+ep, which a change of the owner would take away.
    os.setxattr(made.inside("/var/program"), "security.capability",
                bytes.fromhex("0100000200200000000000000000000000000000"))
    for name in ("text", "program", "sub/deeper/file", "sub/deeper", "sub", "fifo"):
        os.utime(made.inside(f"/var/{name}"), (10**9, 10**9 + 7))
    os.chmod(made.inside("/var"), 0o1751)


@suite.case("MO-tmpcopyup", "content, owners, modes, links, devices, times and extended attributes")
def tmpcopyup(lab):
    made = lab.bundle(["/bin/sleep", "1000"])
    fill_image(made)
    made.mount("/var", "tmpfs", "tmpfs", ["tmpcopyup", "size=1m"])
    wanted = describe(made.inside("/var"))
    container = lab.start(made)
    inside = host_view(container, "/var")
    found = describe(inside)
    for name in wanted.keys() | found.keys():
        equal(found.get(name), wanted.get(name), name)
    equal(stat.S_IMODE(os.stat(inside).st_mode), 0o1751, "mode of the tmpfs (M-10)")
    write(f"{inside}/text", "new\n")
    os.unlink(f"{inside}/link")
    equal(describe(made.inside("/var")), wanted, "the image")
    container.delete("--force").ok()


@suite.case("MO-tmpcopyup", "of a folder that is missing, of one below a link, and read-only")
def tmpcopyup_places(lab):
    made = lab.bundle(shell="ls /new; cat /var/file /ro/file; touch /ro/x 2>&1")
    made.file("/real/file", "linked\n")
    os.symlink("real", made.inside("/var"))
    made.file("/ro/file", "read-only\n")
    made.mount("/new", "tmpfs", "tmpfs", ["tmpcopyup"])
    made.mount("/var", "tmpfs", "tmpfs", ["tmpcopyup"])
    made.mount("/ro", "tmpfs", "tmpfs", ["tmpcopyup", "ro"])
    out = lab.run(made).out
    check(out.startswith("linked\nread-only\n"), f"content: {out!r}")
    contains(out, "Read-only file system", "a write to the read-only one")


@suite.case("MO-tmpcopyup", "more than the tmpfs holds, another type, a bind: each an error")
def tmpcopyup_wrong(lab):
    made = lab.bundle()
    made.file("/var/file", "x" * 100000)
    made.mount("/var", "tmpfs", "tmpfs", ["tmpcopyup", "size=8k"])
    lab.try_create(made).failed("mounts[6] (/var)", "tmpcopyup", "no space left on device")
    for kind, options in (("mqueue", []), ("bind", ["bind"])):
        made.mounts[-1] = {"destination": "/var", "type": kind, "source": lab.path,
                           "options": ["tmpcopyup", *options]}
        lab.try_create(made).failed("mounts[6] (/var)", "tmpcopyup needs a tmpfs")
    lab.expect_nothing_left("a refused tmpcopyup")


# proc, sysfs, devpts, mqueue


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


def with_users(made):
    made.namespace("user")
    ids = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    made.linux.update(uidMappings=ids, gidMappings=ids)
    return made


@suite.case("M-08", "sysfs of a user namespace with the host's network: the host's, read-only")
def sys_of_host(lab):
    made = with_users(lab.bundle(shell="cat /proc/self/mountinfo; ls /sys/kernel; "
                                       "mkdir /sys/fs/cgroup/x 2>&1"))
    made.without_namespace("network")
    before = oracle.mounts()
    out = lab.run(made).out
    lines = "\n".join(line for line in out.splitlines() if " - " in line)
    entry = mountinfo.at(lines, "/sys")
    equal(entry["type"], "sysfs", "type")
    check({"ro", "nosuid", "nodev", "noexec"} <= set(entry["options"]), f"flags: {entry}")
    equal(oracle.mounts(), before, "the host's mounts")


@suite.case("M-08", "proc of a user namespace without a pid namespace is an error that says why")
def proc_without_pids(lab):
    made = with_users(lab.bundle())
    made.without_namespace("pid")
    lab.try_create(made).failed("mounts[0] (/proc)", "proc", "operation not permitted",
                                "pid namespace")
    lab.expect_nothing_left("a refused mount")


@suite.case("M-08", "mqueue of a user namespace without an ipc namespace likewise")
def mqueue_without_ipc(lab):
    made = with_users(lab.bundle())
    made.without_namespace("ipc")
    lab.try_create(made).failed("mounts[4] (/dev/mqueue)", "operation not permitted",
                                "ipc namespace")


@suite.case("M-08", "a proc that would show what is hidden outside: the kernel's own words")
def proc_too_revealing(lab):
    made = lab.bundle()
    made.config["mounts"] = made.mounts[:2]
    words = lab.words("run", "--bundle", made.write().path, lab.name(),
                      globals_=["--cgroup-manager", "disabled"])
    nested = ["unshare", "--user", "--map-root-user", "--mount", "--", *words]
    plain = lab.popen(nested).wait()
    need(plain.status == 0, f"nothing runs here in a user namespace: {plain.err.strip()}")
    with mounted("/proc/fs"):
        # Older kernels say it to their own log alone.
        words = "Mount too revealing", "operation not permitted"
        tells = tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 18)
        lab.popen(nested).wait().failed("mounts[0] (/proc)", words[:1] if tells else words)


@suite.case("M-08 E-05", "mqueue and devpts are the container's own")
def own_instances(lab):
    made = lab.bundle(shell="touch /dev/mqueue/mine; ls /dev/mqueue /dev/pts; sleep 1000")
    container = lab.start(made)
    container.wait_out("ptmx")
    check("mine" in container.out(), "a queue inside")
    made = lab.bundle(shell="ls /dev/mqueue /dev/pts")
    equal(lab.run(made).ok().out.split(), ["/dev/mqueue:", "/dev/pts:", "ptmx"], "another's")
    container.delete("--force").ok()


@suite.case("M-11", "a procfs of the host may be bound on /proc, whole")
def proc_bound(lab):
    made = lab.bundle(shell="cat /proc/self/comm")
    made.without_namespace("pid")
    made.mounts[0] = {"destination": "/proc", "type": "bind", "source": "/proc",
                      "options": ["rbind", "ro"]}
    equal(lab.run(made).ok().out, "cat\n", "output")


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


# cgroups


LOOK = ("cat /proc/self/mountinfo; echo =; cat /proc/self/cgroup; echo =; cd /sys/fs/cgroup; "
        "for i in pids/cgroup.procs cgroup.procs unified/cgroup.procs; do "
        "test -e $i && echo $i $(cat $i); done; echo =; "
        "mkdir pids/x x unified/x 2>&1; rmdir pids/x x unified/x 2>/dev/null; true")
VIEWS = {
    "hybrid": None,
    "v1": "umount --lazy /sys/fs/cgroup/unified",
    "v2": "umount --recursive --lazy /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup",
}


def look(lab, made, view):
    """run on a host whose /sys/fs/cgroup is like that."""
    script = VIEWS[view]
    words = lab.words("run", "--bundle", made.write().path, lab.name())
    if view != "v2":
        need(V1, "no v1 hierarchy")
    if script is None:
        return lab.popen(words).wait()
    if view == "v1":
        need(os.path.isdir("/sys/fs/cgroup/unified"), "this host is not a hybrid one")
    return lab.popen(["unshare", "--mount", "sh", "-c", f"{script} && exec \"$@\"", "sh",
                      *words]).wait()


def add_cgroup(view, mode, own):
    kind = "with" if own else "without"

    @suite.case("M-09 MO-ro MO-rw",
                f"a {mode} cgroup mount on a {view} host, {kind} a cgroup namespace")
    def cgroup_mount(lab):
        made = lab.bundle(shell=LOOK)
        if own:
            made.namespace("cgroup")
        made.capabilities("CAP_DAC_OVERRIDE")
        made.mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", mode])
        before = oracle.mounts()
        result = look(lab, made, view).ok()
        table, memberships, processes, written = result.out.split("=\n")
        entries = [entry for entry in mountinfo.parse(table)
                   if entry["target"].startswith("/sys/fs/cgroup")]
        kinds = {entry["type"] for entry in entries}
        equal(kinds, {"cgroup2"} if view == "v2" else {"tmpfs", "cgroup"}, "file systems")
        for entry in entries:
            check({mode, "nosuid", "noexec", "nodev"} <= set(entry["options"]), f"{entry}")
            if entry["type"] != "tmpfs":
                equal(entry["root"] == "/", own, f"the root of {entry}")
        for line in memberships.splitlines():
            if line.startswith("0::") == (view == "v2"):
                equal(line.split(":")[2] == "/", own, f"membership {line}")
        place = "cgroup.procs" if view == "v2" else "pids/cgroup.procs"
        check(f"{place} 1 " in processes, f"its first process: {processes!r}")
        place = "x" if view == "v2" else "pids/x"
        refused = [line for line in written.splitlines() if f"'{place}'" in line]
        equal(bool(refused), mode == "ro", f"mkdir {place}: {written!r}")
        check(not refused or "Read-only file system" in refused[0], f"the reason: {written!r}")
        equal(oracle.mounts(), before, "the host's mounts and their options")


for name in VIEWS:
    for way in ("ro", "rw"):
        for own_namespace in (True, False):
            add_cgroup(name, way, own_namespace)


@suite.case("M-09", "without cgroups of its own the container sees none of the host's")
def cgroup_disabled(lab):
    made = lab.bundle(shell="ls /sys/fs/cgroup; cat /proc/self/mountinfo")
    made.mount("/sys/fs/cgroup", "cgroup", "cgroup", ["ro"])
    words = lab.words("run", "--bundle", made.write().path, lab.name(),
                      globals_=["--cgroup-manager", "disabled"])
    out = lab.popen(words).wait().ok().out
    entry = mountinfo.at(out, "/sys/fs/cgroup")
    equal((entry["type"], "ro" in entry["options"]), ("tmpfs", True), "what covers it")


suite.main()
