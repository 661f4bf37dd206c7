#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The same behaviour whoever calls: an ordinary user, and root of a user namespace only (X-12).
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.console import ConsoleSocket, read_until
from harness.lab import need, read, write
from harness.namespaces import of, own, owner_of, path_of
from harness.rootless import CALLERS, FAKE, MAPPED, UID, USER, as_caller, one_id
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
EVERYBODY = {kind: kind for kind in CALLERS}
SLEEP = "echo up; exec sleep 1000"


def ready(lab, kind, **settings):
    caller = as_caller(lab, kind)
    return caller, caller.fit(lab.bundle(**settings))


def running(lab, kind, **settings):
    caller, made = ready(lab, kind, shell=SLEEP, **settings)
    container = lab.start(made)
    container.wait_out("up")
    return caller, container


@suite.table("X-12 O-02 O-03 O-04 O-05", "create, start, exec, list, ps, kill and delete", EVERYBODY)
def life(lab, kind):
    caller, made = ready(lab, kind, shell=SLEEP)
    container = lab.create(made)
    equal(container.status(), "created", "status")
    container.start().wait_out("up")
    contains(read(f"/proc/{container.pid}/status"), f"Uid:\t{caller.host_id(0)}\t", "the user outside")
    inside = lab.probe_exec(container)
    for name, link in inside["namespaces"].items():
        equal(link, os.readlink(f"/proc/{container.pid}/ns/{name}"), f"exec's {name} namespace")
    equal((inside["uids"], set(inside["fds"])), ([0] * 4, {"0", "1", "2"}), "exec's ids and fds")
    equal(container.exec("/bin/sh", "-c", "exit 9").status, 9, "exec's status")
    listed = json.loads(lab.brig("list", "--format", "json").ok().out)
    equal([(one["id"], one["status"]) for one in listed], [(container.id, "running")], "list")
    contains(json.loads(lab.brig("ps", "--format", "json", container.id).ok().out), container.pid, "ps")
    contains(lab.brig("ps", container.id).ok().out, "sleep 1000", "ps as a table")
    stats = json.loads(lab.brig("events", "--stats", container.id).ok().out)
    equal((stats["type"], stats["id"]), ("stats", container.id), "events")
    container.kill("KILL").ok()
    container.wait_stopped()
    container.delete().ok()
    lab.gone(container.id)


@suite.table("X-12 P-09 P-19 P-21", "root inside, no group but his own", EVERYBODY)
def identity(lab, kind):
    caller, made = ready(lab, kind)
    report = lab.probe(made)
    equal((report["uids"], report["gids"]), ([0] * 4, [0] * 4), "ids")
    equal(report["setgroups"].strip(), "allow" if caller.has_many_ids else "deny", "setgroups")
    equal(report["groups"], [], "groups")
    wanted = caller.map_inside()
    equal(report["uid_map"].split(), wanted, "uid_map")


@suite.case("X-12 P-19 P-21", "another user and his groups, where there are ids for them")
def other_user(lab):
    caller, made = ready(lab, MAPPED, process__user={"uid": 7, "gid": 8, "additionalGids": [9]})
    report = lab.probe(made)
    equal((report["uids"], report["gids"], report["groups"]), ([7] * 4, [8] * 4, [9]), "ids")
    lab.containers.clear()
    container = lab.start(caller.fit(lab.bundle(["/bin/sleep", "1000"], process__user={
        "uid": 7, "gid": 8})))
    contains(read(f"/proc/{container.pid}/status"), f"Uid:\t{caller.host_id(7)}\t", "outside")
    container.delete("--force").ok()


@suite.table("X-12 P-01", "a terminal by a console socket, its owner, and the name tty", EVERYBODY)
def terminal(lab, kind):
    shell = "tty; stat -c %u /dev/console $(tty); sleep 1000"
    _, made = ready(lab, kind, shell=shell, process__terminal=True)
    console_socket = ConsoleSocket(f"{lab.path}/console")
    os.chmod(f"{lab.path}/console", 0o777)
    container = lab.create(made, "--console-socket", f"{lab.path}/console")
    master = console_socket.accept()
    container.start()
    contains(read_until(master, "0\r\n0\r\n"), "/dev/pts/0", "the terminal's name")
    container.delete("--force").ok()
    console_socket.close()


@suite.table("D-08 N-09", "devices are the host's, bind-mounted, and work", EVERYBODY)
def devices(lab, kind):
    shell = ("echo x > /dev/null && head -c 4 /dev/zero | wc -c; stat -c '%t:%T' /dev/null /dev/full "
             "/dev/tty; ls /dev/fd/0; mknod /tmp/x c 1 3 2>&1; cat /proc/self/mountinfo")
    _, made = ready(lab, kind, shell=shell)
    out = lab.run(made).ok().out
    equal(out.split()[:4], ["4", "1:3", "1:7", "5:0"], "devices")
    contains(out, "/tmp/x: Operation not permitted", "mknod by the container")
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        contains(out, f" /{name} /dev/{name} ", "the mount of a device")


@suite.table("D-08", "a device of the config is the host's own, too", EVERYBODY)
def more_devices(lab, kind):
    found = next((name for name in ("fuse", "net/tun", "kmsg") if os.path.exists(f"/dev/{name}")), None)
    need(found, "no further device on this host")
    number = os.stat(f"/dev/{found}").st_rdev
    _, made = ready(lab, kind, shell="stat -c %F:%t:%T /dev/other", linux__devices=[{
        "path": "/dev/other", "type": "c", "major": os.major(number), "minor": os.minor(number)}])
    wanted = f"character special file:{os.major(number):x}:{os.minor(number):x}\n"
    result = lab.run(made)
    if result.status:  # by its own name it is found on the host
        made.linux["devices"][0]["path"] = f"/dev/{found}"
        made.process["args"][-1] = f"stat -c %F:%t:%T /dev/{found}"
        result = lab.run(made)
    equal(result.ok().out, wanted, "the device")


@suite.table("D-08", "a device that the host has not is an error that names it", EVERYBODY)
def absent_device(lab, kind):
    _, made = ready(lab, kind, linux__devices=[
        {"path": "/dev/absent", "type": "c", "major": 239, "minor": 254}])
    lab.try_create(made).failed("linux.devices[0]", "/dev/absent")
    lab.expect_nothing_left("a refused device")


@suite.table("M-08", "sysfs beside the host's network is the host's, read-only", EVERYBODY)
def sysfs(lab, kind):
    caller = as_caller(lab, kind)
    made = lab.bundle(shell="ls /sys; echo x > /sys/kernel/uevent_seqnum; "
                            "grep ' /sys ' /proc/self/mountinfo; readlink /proc/self/ns/net")
    made.without_namespace("network")
    out = lab.run(caller.fit(made)).ok().out
    contains(out, "kernel", "what is in /sys")
    contains(out.split(" /sys ")[1].split()[0].split(","), "ro", "flags of /sys")
    contains(out, own("network"), "the network")


@suite.table("M-08 SY-01 SY-02", "sysfs, mqueue and sysctls of namespaces of his own", EVERYBODY)
def own_kernel_settings(lab, kind):
    settings = {"net.ipv4.ip_forward": "1", "kernel.msgmax": "9000", "fs.mqueue.msg_max": "20"}
    script = (" ".join(["cat", *("/proc/sys/" + name.replace(".", "/") for name in settings)]) +
              "; ls /sys/class/net; cat /proc/mounts | grep ' /dev/mqueue '; hostname")
    _, made = ready(lab, kind, shell=script, linux__sysctl=settings, hostname="inside")
    out = lab.run(made).ok().out.split()
    equal(out[:4], ["1", "9000", "20", "lo"], "sysctls and the only network device")
    equal((out[4], out[-1]), ("mqueue", "inside"), "mqueue and hostname")


@suite.table("SY-02", "a sysctl of the host's is refused by name", EVERYBODY)
def host_sysctl(lab, kind):
    _, made = ready(lab, kind, linux__sysctl={"kernel.pid_max": "4000"})
    lab.try_create(made).failed("linux.sysctl", "kernel.pid_max")
    lab.expect_nothing_left("a refused sysctl")


@suite.table("N-12 T-01 T-02", "a time namespace: its clocks, and those of exec", EVERYBODY)
def time_namespace(lab, kind):
    need(os.path.exists("/proc/self/ns/time"), "a kernel with time namespaces")
    caller = as_caller(lab, kind)
    made = lab.bundle(shell=f"cut -d. -f1 /proc/uptime; readlink /proc/self/ns/time; {SLEEP}")
    made.namespace("time")
    made.linux["timeOffsets"] = {"boottime": {"secs": 1000000}}
    container = lab.start(caller.fit(made))
    container.wait_out("up")
    shown, link, _ = container.out().split()
    check(int(shown) >= 1000000, f"uptime inside: {shown}")
    check(link != own("time"), "the time namespace is new")
    inside = container.exec("/bin/sh", "-c", "cut -d. -f1 /proc/uptime; readlink /proc/self/ns/time")
    shown_later, link_later = inside.ok().out.split()
    check(int(shown_later) >= int(shown), f"uptime in exec: {shown_later}")
    equal(link_later, link, "exec's time namespace")
    check(float(read("/proc/uptime").split()[0]) < 1000000, "the host's clock")
    container.delete("--force").ok()


@suite.table("N-12 N-09 T-01", "a new time namespace belongs to the user namespace that is joined", EVERYBODY)
def time_namespace_of_joined(lab, kind):
    need(os.path.exists("/proc/self/ns/time"), "a kernel with time namespaces")
    caller = as_caller(lab, kind)
    first = caller.fit(lab.bundle(["/bin/sleep", "1000"]))
    if kind != USER:
        first.namespace("user")
        # His own id and the many are two ranges, and no range may be of both.
        more = [{"containerID": 1, "hostID": 1, "size": 999}] if caller.has_many_ids else []
        first.linux["uidMappings"] = first.linux["gidMappings"] = one_id(0) + more
        first.write()
    first = lab.start(first)
    made = caller.fit(lab.bundle(shell=f"cut -d. -f1 /proc/uptime; {SLEEP}"))
    made.linux.pop("uidMappings", None), made.linux.pop("gidMappings", None)
    made.namespace("user", path_of(first.pid, "user"))
    made.namespace("time")
    made.linux["timeOffsets"] = {"boottime": {"secs": 1000000}}
    container = lab.start(made)
    container.wait_out("up")
    check(int(container.out().split()[0]) >= 1000000, f"uptime inside: {container.out()}")
    equal(owner_of(path_of(container.pid, "time")), of(first.pid, "user"), "whose time namespace it is")
    check(int(container.exec("cut", "-d.", "-f1", "/proc/uptime").ok().out) >= 1000000, "uptime in exec")
    made.linux["timeOffsets"] = {"boottime": {"secs": -10 ** 15}}
    lab.try_create(made).failed("linux.timeOffsets.boottime", "out of range")
    container.delete("--force").ok()
    first.delete("--force").ok()


@suite.table("T-02 T-01", "time offsets that the kernel refuses are an error", EVERYBODY)
def time_refused(lab, kind):
    need(os.path.exists("/proc/self/ns/time"), "a kernel with time namespaces")
    caller = as_caller(lab, kind)
    made = lab.bundle()
    made.namespace("time")
    made.linux["timeOffsets"] = {"boottime": {"secs": -10 ** 15}}
    lab.try_create(caller.fit(made)).failed("linux.timeOffsets.boottime", "out of range")
    lab.expect_nothing_left("a refused offset")


@suite.table("P-11", "his OOM score may rise, and not fall below what he has", EVERYBODY)
def oom_score(lab, kind):
    caller, made = ready(lab, kind, shell="cat /proc/self/oom_score_adj")
    equal(lab.run(made).ok().out, read("/proc/self/oom_score_adj"), "inherited")
    made.process["oomScoreAdj"] = 500
    equal(lab.run(made).ok().out, "500\n", "raised")
    made.process["oomScoreAdj"] = -500
    lab.run(made).failed("process.oomScoreAdj", "permission denied")
    lab.expect_nothing_left("a refused score")
    container = lab.start(caller.fit(lab.bundle(["/bin/sleep", "1000"])))
    file = lab.process_file(args=["/bin/cat", "/proc/self/oom_score_adj"], oomScoreAdj=300)
    equal(lab.brig("exec", "--process", file, container.id).ok().out, "300\n", "raised in exec")
    container.delete("--force").ok()


@suite.table("TRAP-43", "a session keyring of the container's own", EVERYBODY)
def keyring(lab, kind):
    need(os.path.exists("/proc/keys"), "a kernel with keys")
    caller = as_caller(lab, kind)
    made = lab.bundle(shell="cat /proc/keys")
    made.linux["maskedPaths"] = []
    caller.fit(made)
    outs = [lab.run(made).ok().out for _ in range(2)]
    first, second = ({line.split()[0] for line in out.splitlines() if " _ses" in line} for out in outs)
    equal((len(first - second), len(second - first)), (1, 1), f"session keyrings of their own: {outs}")


@suite.table("M-09 R-34", "cgroup mounts in every form show what they may", {
    f"{kind}, {'own' if namespace else 'the host' + chr(39) + 's'} cgroup namespace, {option}":
    (kind, namespace, option)
    for kind in (USER, FAKE, MAPPED) for namespace in (True, False) for option in ("ro", "rw")})
def cgroup_mount(lab, kind, namespace, option):
    caller = as_caller(lab, kind)
    made = lab.bundle(shell="grep -c ' /sys/fs/cgroup' /proc/self/mountinfo; ls /sys/fs/cgroup; "
                            "mkdir /sys/fs/cgroup/new 2>&1; true")
    made.mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", option])
    if namespace:
        made.namespace("cgroup")
    before = set(os.listdir("/sys/fs/cgroup"))
    out = lab.run(caller.fit(made)).ok().out
    check(int(out.split()[0]) >= 1, f"mounts: {out}")
    check("mkdir: " in out or option == "rw", f"a read-only mount: {out}")
    equal(set(os.listdir("/sys/fs/cgroup")), before, "the host's groups")


@suite.table("CALL-61", "--rootless in every spelling changes nothing", {
    value: value for value in ("true", "false", "auto", "1", "t", "T", "TRUE", "True", "0", "f")})
def rootless_option(lab, value):
    _, made = ready(lab, USER, shell="id -u")
    result = lab.brig("run", "--bundle", made.path, lab.name(), globals_=[f"--rootless={value}"])
    equal(result.ok().out, "0\n", "the user inside")


@suite.case("CALL-61", "--rootless with another value is refused")
def rootless_wrong(lab):
    _, made = ready(lab, USER)
    lab.brig("run", "--bundle", made.path, lab.name(), globals_=["--rootless=maybe"]).failed(
        "rootless", "maybe", "true, false or auto")


# The state root that nobody names.

def with_root(lab, kind, folder, owner=UID, mode=0o700):
    caller = as_caller(lab, kind)
    os.mkdir(folder, mode)
    os.chown(folder, owner, owner)
    at = caller.prefix.index("--unset=XDG_RUNTIME_DIR")
    caller.prefix[at] = f"XDG_RUNTIME_DIR={folder}"
    return caller


@suite.table("CALL-62 R-36", "the state is below XDG_RUNTIME_DIR, for its owner, and sticky", EVERYBODY)
def state_root(lab, kind):
    folder = f"{lab.path}/user"
    caller = with_root(lab, kind, folder)
    made = caller.fit(lab.bundle(shell=SLEEP))
    lab.brig("create", "--bundle", made.path, "here", root=False).ok()
    state = os.stat(f"{folder}/brig")
    equal((oct(state.st_mode & 0o7777), state.st_uid), ("0o1700", UID), "mode and owner")
    equal(os.listdir(f"{folder}/brig"), ["here"], "state")
    equal(json.loads(lab.brig("state", "here", root=False).ok().out)["status"], "created", "status")
    lab.brig("delete", "--force", "here", root=False).ok()
    equal(os.listdir(f"{folder}/brig"), [], "state")


@suite.table("R-36", "somebody else's XDG_RUNTIME_DIR is refused", EVERYBODY)
def foreign_root(lab, kind):
    caller = with_root(lab, kind, f"{lab.path}/user", owner=UID + 1, mode=0o777)
    made = caller.fit(lab.bundle())
    lab.brig("run", "--bundle", made.path, "here", root=False).failed(
        "XDG_RUNTIME_DIR", "belongs to another user")
    equal(os.listdir(f"{lab.path}/user"), [], "what is there")


@suite.case("R-36", "without XDG_RUNTIME_DIR the folder of the host's root is refused to a user")
def no_runtime_directory(lab):
    _, made = ready(lab, USER)
    lab.brig("run", "--bundle", made.path, "here", root=False).failed("/run/brig", "permission denied")


@suite.case("CALL-62", "spec --rootless is a container that runs")
def spec(lab):
    caller = as_caller(lab, USER)
    made = lab.bundle()
    os.chmod(made.path, 0o777)
    words = ["--bundle", made.path, "--", "/bin/sh", "-c", "id -u; ls /sys | grep kernel"]
    lab.brig("spec", "--rootless", *words).ok()
    made.text = read(f"{made.path}/config.json").replace('"terminal": true', '"terminal": false')
    equal(lab.run(caller.fit(made)).ok().out, "0\nkernel\n", "output")


suite.main()
