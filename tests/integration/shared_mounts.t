#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Containers without a mount namespace of their own: mounts in the runtime's, and their removal.
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import mountinfo, oracle
from harness.console import ConsoleSocket, read_until
from harness.lab import read, write
from harness.mounting import call, mounted
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


def shared(lab, args=None, shell=None):
    """A bundle without a mount namespace, and without what needs one."""
    made = lab.bundle(args, shell)
    made.without_namespace("mount")
    del made.linux["maskedPaths"], made.linux["readonlyPaths"]
    return made


def below(made):
    """The host's mounts on and below the bundle's root: {place below it: entry}."""
    with open("/proc/self/mountinfo", encoding="latin-1") as file:
        entries = mountinfo.parse(file.read())
    return {entry["target"][len(made.rootfs):]: entry for entry in entries
            if (entry["target"] + "/").startswith(made.rootfs + "/")}


PLACES = {"", "/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/data"}


@suite.case("N-03", "mounts without a mount namespace: seen inside, seen by the host, then gone")
def lifecycle(lab):
    made = shared(lab, shell="readlink /proc/self/ns/mnt; ls -d /proc/1 /dev/null; cat /data/file; "
                             "touch /data/x 2>&1; ls /; echo ready; sleep 1000")
    os.mkdir(f"{lab.path}/data")
    write(f"{lab.path}/data/file", "text\n")
    made.mount("/data", "bind", f"{lab.path}/data", ["bind", "ro", "nosuid"])
    others = oracle.mounts()
    container = lab.create(made)
    equal(set(below(made)), PLACES, "mounts on the host after create")
    container.start()
    container.wait_out("ready")
    out = container.out()
    contains(out, os.readlink("/proc/self/ns/mnt"), "the runtime's own mount namespace")
    contains(out, "/dev/null\n/proc/1\ntext\n", "what is inside")
    contains(out, "Read-only file system", "the flags of a bind")
    check("home" not in out.split() and "bin" in out.split(), "the root is the container's")
    check({"ro", "nosuid"} <= set(below(made)["/data"]["options"]), "flags as the host sees them")
    outside = [line for line in oracle.mounts() if made.rootfs not in line]
    equal(outside, others, "all other mounts of the host")
    container.kill("KILL").ok()
    container.wait_stopped()
    equal(set(below(made)), PLACES, "mounts of a stopped container")
    container.delete().ok()
    equal(below(made), {}, "mounts after delete")
    check(not os.listdir(made.inside("/proc")) and read(f"{lab.path}/data/file") == "text\n",
          "the folders below are as they were")


@suite.table("N-03 O-05", "delete --force takes the mounts away", {
    "created": False, "running": True,
})
def force(lab, started):
    made = shared(lab, SLEEP)
    container = lab.create(made)
    if started:
        container.start()
    container.delete("--force").ok()
    equal(below(made), {}, "mounts")


@suite.case("N-03", "run in the foreground leaves no mount; exec sees them")
def foreground(lab):
    made = shared(lab, shell="echo text > /dev/shm/file; cat /dev/shm/file")
    equal(lab.run(made).ok().out, "text\n", "output")
    equal(below(made), {}, "mounts after run")
    made.process["args"] = SLEEP
    container = lab.start(made)
    result = container.exec("/bin/sh", "-c", "ls /proc | head -1; ls -d /dev/pts/ptmx; ls -d /bin")
    equal(result.ok().out, "1\n/dev/pts/ptmx\n/bin\n", "exec")
    container.delete("--force").ok()
    equal(below(made), {}, "mounts after delete")


@suite.table("N-03 G-05", "a create that fails leaves no mount", {
    "unknown file system": lambda made: made.mount("/mnt", "nofs", "none"),
    "bad data": lambda made: made.mount("/mnt", "tmpfs", "tmpfs", ["sise=1"]),
    "program": lambda made: made.process.update(args=["/absent"]),
    "hook": lambda made: made.set("hooks", {"createRuntime": [{"path": "/bin/false"}]}),
    "device": lambda made: made.linux.update(devices=[
        {"path": "/etc/passwd", "type": "c", "major": 1, "minor": 1}]),
})
def failed(lab, spoil):
    made = shared(lab, SLEEP)
    spoil(made)
    lab.try_create(made).failed()
    equal(below(made), {}, "mounts")
    lab.expect_nothing_left("a create that failed")


@suite.case("N-03 H-06 LC-12 LC-13", "poststop finds no mount of a create that failed")
def poststop(lab):
    made = shared(lab, SLEEP)
    made.set("hooks.createRuntime", [{"path": "/bin/false"}])
    made.set("hooks.poststop", [{"path": "/bin/cp",
                                 "args": ["cp", "/proc/self/mounts", f"{lab.path}/seen"]}])
    lab.try_create(made).failed("hooks.createRuntime[0]")
    check(made.rootfs not in read(f"{lab.path}/seen"), "mounts for poststop")


@suite.table("N-03", "a runtime that is killed leaves mounts that delete --force removes", {
    "while hooks run": "createRuntime", "while container hooks run": "createContainer",
})
def killed(lab, kind):
    made = shared(lab, SLEEP)
    made.set(f"hooks.{kind}", [{"path": "/bin/sleep", "args": ["sleep", "1000"]}])
    identity = lab.name()
    lab.containers.append(identity)
    creating = lab.spawn("create", "--bundle", made.write().path, identity)
    eventually(lambda: "/sys" in below(made), "the mounts")
    eventually(lambda: any(name == "sleep" for _, _, name in oracle.processes().values()), "hook")
    creating.signal(9)
    creating.process.wait()
    check(below(made), "mounts are still there")
    for pid, (_, _, name) in oracle.processes().items():
        if name == "sleep":
            os.kill(pid, 9)
    lab.brig("delete", "--force", identity).ok()
    equal(below(made), {}, "mounts after delete --force")


@suite.case("N-03", "a runtime that is told to end takes its mounts away itself")
def interrupted(lab):
    made = shared(lab, SLEEP)
    made.set("hooks.createRuntime", [{"path": "/bin/sleep", "args": ["sleep", "1000"]}])
    identity = lab.name()
    lab.containers.append(identity)
    creating = lab.spawn("create", "--bundle", made.write().path, identity)
    eventually(lambda: any(name == "sleep" for _, _, name in oracle.processes().values()), "hook")
    check("/data" in below(made) or "/sys" in below(made), "mounts while the hook runs")
    creating.signal(15)
    check(creating.wait().status != 0, "create has not succeeded")
    equal(below(made), {}, "mounts")
    lab.expect_nothing_left("an interrupted create")


@suite.case("N-03", "a mount of the host below the root is not the container's, nor beside it")
def others(lab):
    made = shared(lab, SLEEP)
    with mounted(made.inside("/root")), mounted(f"{made.path}/beside"):
        write(made.inside("/root/file"), "text")
        before = oracle.mounts()
        container = lab.start(made)
        equal(container.exec("/bin/cat", "/root/file").ok().out, "text", "the host's mount inside")
        container.delete("--force").ok()
        equal(oracle.mounts(), before, "the host's mounts")
        equal(read(made.inside("/root/file")), "text", "the host's mount")


@suite.case("N-03", "two containers on one root: the covered one is left until the other has gone")
def covered(lab):
    made = shared(lab, SLEEP)
    first = lab.start(made)
    second = lab.start(made)
    first.kill("KILL").ok()
    first.wait_stopped()
    first.delete().failed("another mount covers", "device or resource busy")
    second.delete("--force").ok()
    equal(set(below(made)), PLACES - {"/data"}, "the first one's mounts")
    first.delete().ok()
    equal(below(made), {}, "mounts after both")


@suite.case("N-03", "delete finds its mount by identity, whatever its path leads to")
def moved(lab):
    made = shared(lab, SLEEP)
    with mounted(f"{lab.path}/victim") as victim:
        container = lab.start(made)
        os.rename(made.path, f"{made.path}-moved")
        os.mkdir(made.path)
        os.symlink(victim, made.rootfs)
        container.delete("--force").ok()
        equal(len([line for line in oracle.mounts() if victim in line]), 1, "the victim's mount")
        check(not any("-moved" in line for line in oracle.mounts()), "the container's are gone")


def with_record(lab, container, change):
    """Edits what the state folder says of the container."""
    path = f"{lab.root}/{container.id}/container.json"
    record = json.loads(read(path))
    change(record)
    write(path, json.dumps(record))


@suite.table("N-03 T-90", "a state that tells of another mount takes none away", {
    "another boot": lambda record: record.update(bootId="00000000-0000-0000-0000-000000000000"),
    "an id given again": lambda record: record["sharedRoot"].update(
        uniqueId=record["sharedRoot"]["uniqueId"] + 1),
    "another folder": lambda record: record["sharedRoot"].update(inode=7),
    "an id that is gone": lambda record: record["sharedRoot"].update(id=999999999),
})
def stranger(lab, change):
    made = shared(lab, SLEEP)
    container = lab.create(made)
    container.kill("KILL").ok()
    container.wait_stopped()
    with_record(lab, container, change)
    container.delete("--force").ok()
    check("/sys" in below(made), "the mounts of a stranger stay")
    call("umount", "--recursive", "--lazy", made.rootfs)


@suite.table("N-03 O-05", "delete in another mount namespace forgets no mount", {
    "delete": (), "delete --force": ("--force",),
})
def elsewhere(lab, *options):
    made = shared(lab, SLEEP)
    container = lab.create(made)
    words = ["unshare", "--mount", *lab.words("delete", *options, container.id)]
    lab.popen(words).wait(10).failed("in another mount namespace, that of process")
    equal(container.status(), "stopped", "status")
    equal(set(below(made)), PLACES - {"/data"}, "mounts on the host")
    container.delete(*options).ok()
    equal(below(made), {}, "mounts after delete where they are")


@suite.case("N-03", "a mount namespace that has ended has taken the mounts along")
def ended_namespace(lab):
    made = shared(lab, SLEEP)
    identity = lab.name()
    lab.containers.append(identity)
    words = lab.words("create", "--bundle", made.write().path, identity)
    lab.popen(["unshare", "--mount", *words]).wait(10).ok()
    lab.brig("kill", identity, "KILL").ok()
    eventually(lambda: lab.state(identity)["status"] == "stopped", "the container's end")
    lab.brig("delete", identity).ok()


@suite.case("N-03", "a mount that was unmounted by somebody else already is no error")
def already(lab):
    made = shared(lab, SLEEP)
    container = lab.start(made)
    call("umount", "--recursive", "--lazy", made.rootfs)
    container.delete("--force").ok()


@suite.case("N-03 T-18", "on shared propagation the peers get nothing that stays")
def peers(lab):
    with mounted(f"{lab.path}/top", shared=True) as top:
        os.mkdir(f"{top}-peer")
        call("mount", "--bind", top, f"{top}-peer")
        try:
            made = shared(lab, SLEEP)
            call("cp", "-a", made.rootfs, f"{top}/rootfs")
            made.set("root.path", f"{top}/rootfs")
            before = oracle.mounts()
            container = lab.start(made)
            seen = [line.split()[1] for line in oracle.mounts() if f"{top}-peer/rootfs" in line]
            equal(len(seen), 1, "only the root is seen by a peer")
            container.delete("--force").ok()
            equal(oracle.mounts(), before, "mounts of both peers")
        finally:
            call("umount", "--lazy", f"{top}-peer")


@suite.case("N-03 R-02", "root.readonly without a mount namespace")
def readonly(lab):
    made = shared(lab, shell="touch /x 2>&1; touch /dev/shm/x && echo fine")
    made.set("root.readonly", True)
    result = lab.run(made)
    contains(result.out, "Read-only file system", "a write to the root")
    contains(result.out, "fine", "a write to a tmpfs")
    write(made.inside("/y"), "")  # the host's own view of the folder is not read-only
    equal(below(made), {}, "mounts")


@suite.case("N-03 E-02", "a terminal without a mount namespace")
def terminal(lab):
    made = shared(lab, shell="tty; test -c /dev/console && echo console; sleep 1000")
    made.process["terminal"] = True
    console = ConsoleSocket(f"{lab.path}/console")
    container = lab.create(made, "--console-socket", console.path)
    master = console.accept()
    check("/dev/console" in below(made), "the terminal is bound on /dev/console")
    container.start()
    contains(read_until(master, "console\r\n"), "/dev/pts/0", "the terminal's name")
    console.close()
    container.delete("--force").ok()
    equal(below(made), {}, "mounts")


@suite.table("N-03 RF-01 RF-02 RF-03", "what needs a mount namespace is refused without one", {
    "maskedPaths": ("linux.maskedPaths", ["/proc/kcore"]),
    "readonlyPaths": ("linux.readonlyPaths", ["/proc/sys"]),
    "rootfsPropagation": ("linux.rootfsPropagation", "private"),
})
def refused(lab, path, value):
    made = shared(lab, SLEEP)
    made.set(path, value)
    lab.try_create(made).failed(path, "mount namespace")
    lab.expect_nothing_left("a refused config")


@suite.case("N-03", "mounts in a user namespace without a mount namespace are refused")
def user_namespace(lab):
    made = shared(lab, SLEEP)
    made.namespace("user")
    for key in ("uidMappings", "gidMappings"):
        made.linux[key] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    lab.try_create(made).failed("mounts", "needs a mount namespace", "user namespace")
    lab.expect_nothing_left("a refused config")


@suite.table("N-03", "mounts on the host's own root are refused", {
    "by name": "/", "by a link": "link",
})
def host_root(lab, path):
    made = shared(lab, SLEEP)
    os.symlink("/", f"{made.path}/link")
    made.set("root.path", path)
    lab.try_create(made).failed("mounts", "the host's own root")
    lab.expect_nothing_left("a refused config")


@suite.table("N-03", "a root that would cover what brig needs later is refused", {
    "state": lambda lab, made: lab.root,
    "above the state": lambda lab, made: lab.path, "by a link": lambda lab, made: "link",
})
def covers(lab, place):
    made = shared(lab, SLEEP)
    os.makedirs(lab.root, mode=0o700, exist_ok=True)
    os.symlink(lab.path, f"{made.path}/link")
    made.set("root.path", place(lab, made))
    made.set("root.readonly", True)
    before = oracle.mounts()
    lab.try_create(made).failed("root.path: needs a mount namespace: it would cover /")
    equal(oracle.mounts(), before, "the host's mounts")
    lab.expect_nothing_left("a refused config")


@suite.case("N-03", "a root that is the bundle itself works: nothing of it is needed later")
def bundle_as_root(lab):
    made = shared(lab, shell="test -f /config.json && test -d /proc/1 && echo inside; sleep 1000")
    os.rename(f"{made.rootfs}/bin", f"{made.path}/bin")
    made.set("root.path", ".")
    before = oracle.mounts()
    container = lab.start(made)
    container.wait_out("inside")
    container.delete("--force").ok()
    equal(oracle.mounts(), before, "the host's mounts")


@suite.case("N-03", "without mounts, too, nothing is mounted: the root is only entered")
def no_mounts(lab):
    made = shared(lab, shell="ls -d /bin; test -c /dev/null && echo null; sleep 1000")
    made.config["mounts"] = []
    before = oracle.mounts()
    container = lab.start(made)
    container.wait_out("null")
    equal(oracle.mounts(), before, "the host's mounts")
    container.delete("--force").ok()


@suite.case("N-03", "no namespace at all: mounts, devices and links all the same")
def no_namespace(lab):
    made = shared(lab, shell="test -d /proc/1 && test -c /dev/null && readlink /dev/ptmx; "
                             "echo text > /dev/shm/file && cat /dev/shm/file")
    made.linux["namespaces"] = []
    del made.config["hostname"]
    made.bare_dev()
    made.config["mounts"] = [entry for entry in made.mounts if entry["type"] in ("proc", "sysfs")]
    made.mount("/dev", "tmpfs", "tmpfs", ["nosuid", "mode=755"])
    made.mount("/dev/pts", "devpts", "devpts", ["newinstance", "ptmxmode=0666"])
    made.mount("/dev/shm", "tmpfs", "shm", ["mode=1777"])
    made.mount("/dev/mqueue", "mqueue", "mqueue")
    before = oracle.mounts()
    equal(lab.run(made).ok().out, "pts/ptmx\ntext\n", "output")
    equal(oracle.mounts(), before, "the host's mounts")


suite.main()
