#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The state root, the state files and what the record names (T-79, T-84, T-85, T-95): edits by
# somebody who got at them, and two state roots that name the same things.
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.cgroups import V1, groups_of, need_controllers, need_v1, see_only_v2, top_of
from harness.lab import read, write
from harness.sandbox import PAYLOAD
from harness.tap import Suite, check, equal, eventually, patient

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


# two state roots


def at(lab, root, *words, **how):
    """A call with another state root."""
    return lab.brig(*words, root=False, globals_=("--root", root), **how)


def remove_lab():
    for folder in sorted(oracle.cgroups(), reverse=True):
        if "/lab" in folder:
            os.rmdir(folder)


VIEWS = {"v1": lambda lab: need_v1("freezer"), "v2": see_only_v2}
VIEW = "v1" if V1 else "v2"
PLACE = "/lab/shared"


def share(lab, view):
    """A stopped container, and one of another state root that runs in its cgroup."""
    VIEWS[view](lab)
    maker = lab.start(lab.bundle(["/bin/true"], linux__cgroupsPath=PLACE))
    maker.wait_stopped()
    other = f"{lab.path}/other"
    os.mkdir(other, 0o700)
    made = lab.bundle(SLEEP, linux__cgroupsPath=PLACE).write()
    at(lab, other, "run", "-d", "--bundle", made.path, "guest").ok()
    return maker, other


def state_of(lab, root):
    return json.loads(at(lab, root, "state", "guest").ok().out)


def folders():
    return [folder for folder in oracle.cgroups() if folder.endswith(PLACE)]


@suite.table("O-05 CG-05 TRAP-33", "delete of a stopped container leaves who entered its group since", {
    f"{view} {' '.join(options) or 'plain'}": (view, options)
    for view in VIEWS for options in ((), ("--force",))})
def shared_group(lab, view, options):
    maker, other = share(lab, view)
    pid = state_of(lab, other)["pid"]
    maker.kill("KILL").failed("container not running")
    maker.kill("--all", "KILL").failed("container not running")
    equal(lab.brig("ps", "--format", "json", maker.id).ok().out.strip(), "[]", "its processes")
    check(maker.delete(*options).ok().seconds < patient(5), "without waiting for the guest's end")
    lab.gone(maker.id)
    equal(state_of(lab, other)["status"], "running", "the guest")
    check(any(path == PLACE for path in groups_of(pid).values()), "the guest's group")
    at(lab, other, "pause", "guest").ok()
    equal(state_of(lab, other)["status"], "paused", "the guest")
    at(lab, other, "resume", "guest").ok()
    at(lab, other, "delete", "--force", "guest").ok()
    equal(folders(), [], "the group is gone with the last one")
    remove_lab()


@suite.table("O-05 CG-05", "the guest's delete leaves the group to its maker", {
    view: view for view in VIEWS})
def shared_group_guest(lab, view):
    maker, other = share(lab, view)
    at(lab, other, "delete", "--force", "guest").ok()
    check(folders(), "the group stays for its maker")
    again = lab.bundle(SLEEP, linux__cgroupsPath=PLACE).write()
    at(lab, other, "run", "-d", "--bundle", again.path, "guest").ok()
    at(lab, other, "kill", "guest", "KILL").ok()
    eventually(lambda: (lab.reap(), state_of(lab, other)["status"] == "stopped")[1], "its end")
    maker.delete().ok()
    equal(folders(), [], "an empty group is its maker's to remove")
    at(lab, other, "delete", "guest").ok()
    remove_lab()


@suite.case("O-05 CG-05", "an inner group of the guest stays, too")
def shared_inner(lab):
    maker, other = share(lab, VIEW)
    inner = f"{top_of('freezer')}{PLACE}/inner"
    os.mkdir(inner)
    maker.delete("--force").ok()
    check(os.path.isdir(inner), "the inner group")
    at(lab, other, "delete", "--force", "guest").ok()
    equal(folders(), [], "groups")
    remove_lab()


def forge_copied(lab, folder):
    """Another container's mark, which is true of another group."""
    _, other = share(lab, VIEW)
    mark = os.getxattr(f"{top_of('freezer')}{PLACE}", MARK)
    return mark, lambda: at(lab, other, "delete", "--force", "guest").ok()


def forge_record(where):
    """A root of the container's making, with a record that has the mark and names the group."""
    def forge(lab, folder):
        root = f"{lab.path}/{where}"
        os.mkdir(root)
        if where == "tmpfs":
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", root], check=True)
        os.mkdir(f"{root}/x")
        write(f"{root}/x/container.json", read(f"{lab.root}/{folder}/container.json"))
        record = json.loads(read(f"{root}/x/container.json"))
        mark = f"1 {root}/x"
        record["state"]["id"] = "x"
        record["cgroup"]["mark"] = mark
        for directory in record["cgroup"]["directories"]:
            directory["found"] = True
        write(f"{root}/x/container.json", json.dumps(record))
        os.chmod(root, 0o777 if where == "open" else 0o700)
        return mark.encode(), lambda: subprocess.run(["umount", "-q", root], check=False)
    return forge


MARK = "trusted.brig.owner"
FORGED = {
    "a word": lambda lab, folder: (b"another", None),
    "nothing": lambda lab, folder: (b"", None),
    "long": lambda lab, folder: (b"1 /" + b"x" * 20000, None),
    "of one that is gone": lambda lab, folder: (f"1 {lab.root}/gone".encode(), None),
    "of one without mark": lambda lab, folder: (f"1 {lab.root}/{folder}".encode(), None),
    "of no folder": lambda lab, folder: (b"1 /etc/passwd", None),
    "of /": lambda lab, folder: (b"1 /", None),
    "relative": lambda lab, folder: (b"1 x/y", None),
    "another's": forge_copied,
    "of a root open to all": forge_record("open"),
    "of a root on another file system": forge_record("tmpfs"),
    "of a root by a process": lambda lab, folder: (
        f"1 /proc/{os.getpid()}/root{lab.root}/{folder}".encode(), None),
}


@suite.table("T-79 R-36 O-05", "a forged mark on its groups saves no container from kill and delete", FORGED)
def forged_mark(lab, forge):
    need_controllers("freezer")
    container = lab.sleeper()
    mark, undo = forge(lab, container.id)
    groups = [folder for folder in oracle.cgroups() if folder.endswith(container.id)]
    check(groups, "its groups")
    for folder in groups:
        os.setxattr(folder, MARK, mark)
    check(str(container.pid) in lab.brig("ps", container.id).ok().out, "ps shows its process")
    stray = lab.popen(["/bin/sleep", "1000"]).process
    for folder in groups:
        write(f"{folder}/cgroup.procs", str(stray.pid))
    container.kill("--all", "KILL").ok()
    equal(stray.wait(), -9, "the end of a process in its group")
    container.wait_stopped()
    stray = lab.popen(["/bin/sleep", "1000"]).process
    for folder in groups:
        write(f"{folder}/cgroup.procs", str(stray.pid))
    container.delete("--force").ok()
    equal(stray.wait(), -9, "the end of another")
    check(not any(os.path.exists(folder) for folder in groups), "its groups are gone")
    if undo:
        undo()
    remove_lab()


# the folders and their files


def planted(kind):
    def make(lab, container, folder):
        os.rename(folder, f"{lab.path}/real")
        if kind == "link":
            os.symlink(f"{lab.path}/outside", folder)
        elif kind == "file":
            write(folder, "")
        else:
            os.mkfifo(folder)
    return make


def spoiled(name, make):
    def change(_, container, folder):
        path = f"{folder}/{name}"
        if os.path.lexists(path):
            os.unlink(path)
        make(path)
    return change


@suite.table("T-79 T-84 R-36", "what stands in for a container's folder is not followed", {
    "a link to a folder with a record": planted("link"), "a file": planted("file"),
    "a fifo": planted("fifo")})
def folder_replaced(lab, make):
    container = lab.sleeper()
    pid, folder = container.pid, f"{lab.root}/{container.id}"
    os.makedirs(f"{lab.path}/outside")
    for name in ("container.json", "config.json"):
        write(f"{lab.path}/outside/{name}", read(f"{folder}/{name}"))
    before = oracle.tree(f"{lab.path}/outside")
    make(lab, container, folder)
    for words in (("state",), ("kill",), ("pause",), ("delete",), ("delete", "--force"), ("ps",),
                  ("exec",), ("start",), ("events", "--stats"), ("update", "--pids-limit", "5")):
        tail = ["/bin/true"] if words[0] == "exec" else []
        lab.brig(*words, container.id, *tail, timeout=5).failed()
    lab.brig("list").ok()
    equal(oracle.tree(f"{lab.path}/outside"), before, "outside")
    check(os.path.exists(f"/proc/{pid}"), "the process")
    os.unlink(folder)
    os.rename(f"{lab.path}/real", folder)


@suite.table("T-79 R-36", "a strange file in a container's folder does not stay with delete --force", {
    "unknown file": spoiled("evil", lambda path: write(path, "")),
    "leftover of a write": spoiled(".container.json.77", lambda path: write(path, "{")),
    "link out": spoiled("evil", lambda path: os.symlink("/etc", path)),
    "empty folder": spoiled("evil", os.mkdir),
    "config is a fifo": spoiled("config.json", os.mkfifo),
    "config is a link": spoiled("config.json", lambda path: os.symlink("/etc/passwd", path)),
    "config is a folder": spoiled("config.json", os.mkdir),
    "config is cut": spoiled("config.json", lambda path: write(path, '{"process": {')),
    "config is sparse": spoiled("config.json", lambda path: (write(path, ""),
                                                             os.truncate(path, 1 << 40))),
    "start socket is a link": spoiled("start.sock", lambda path: os.symlink("/etc/passwd", path)),
    "start socket is a file": spoiled("start.sock", lambda path: write(path, "")),
    "start socket is a fifo": spoiled("start.sock", os.mkfifo),
})
def file_spoiled(lab, change):
    made = lab.bundle(SLEEP)
    made.config["hooks"] = {"poststop": [{"path": "/bin/true"}]}  # delete reads the config, too
    container = lab.create(made)
    passwd = read("/etc/passwd")
    change(lab, container, f"{lab.root}/{container.id}")
    for words in (("start",), ("exec",), ("update", "--pids-limit", "5"), ("state",)):
        tail = ["/bin/true"] if words[0] == "exec" else []
        result = lab.brig(*words, container.id, *tail, timeout=5)
        check(0 <= result.status < 128 or result.status == 255, f"a clean end of {result}")
        check(result.status == 0 or result.err.strip(), f"a reason in {result}")
    container.delete("--force").ok()
    lab.gone(container.id)
    lab.expect_nothing_left("a strange file")
    equal(read("/etc/passwd"), passwd, "/etc/passwd")
    lab.create(lab.bundle(SLEEP), identity=container.id)


@suite.case("T-79", "a folder with content that is not brig's is told of, and kept")
def folder_kept(lab):
    container = lab.sleeper()
    foreign = f"{lab.root}/{container.id}/foreign"
    os.mkdir(foreign)
    write(f"{foreign}/file", "")
    container.delete("--force").failed(container.id)
    check(os.path.exists(f"{foreign}/file"), "the file")
    container.delete("--force").failed("directory not empty")
    os.unlink(f"{foreign}/file")
    container.delete("--force").ok()
    lab.gone(container.id)


@suite.table("T-84 R-36", "a state root that is a link", {
    "to a root": ("root", True), "to a folder open to all": ("open", False),
    "to nothing": ("absent", False)})
def linked_root(lab, target, works):
    made = lab.bundle(SLEEP).write()
    os.mkdir(f"{lab.path}/root", 0o700)
    os.mkdir(f"{lab.path}/open")
    os.chmod(f"{lab.path}/open", 0o777)
    link = f"{lab.path}/linked"
    os.symlink(f"{lab.path}/{target}", link)
    result = at(lab, link, "create", "--bundle", made.path, "s")
    if works:
        result.ok()
        equal(json.loads(at(lab, f"{lab.path}/{target}", "state", "s").ok().out)["id"], "s", "id")
        at(lab, link, "delete", "--force", "s").ok()
    else:
        result.failed()
        equal(os.listdir(f"{lab.path}/open"), [], "the open folder")
    lab.expect_nothing_left("a state root that is a link")


@suite.case("T-85 R-39", "a log file that is swapped with a link out while calls write to it")
def swapped_log(lab):
    canary_ = oracle.Canary(f"{lab.path}/outside")
    log, other = f"{lab.path}/log", f"{lab.path}/log2"
    write(log, "")
    os.symlink(f"{lab.path}/outside/marker", other)
    swapper = lab.popen([f"{PAYLOAD}/swapper", log, other])
    for _ in range(100):
        lab.brig("state", "nobody", globals_=("--log", log)).failed("does not exist")
    swapper.process.kill()
    swapper.process.wait()
    equal(canary_.changes(), [], "the canary")
    file = other if os.path.islink(log) else log
    check("does not exist" in read(file), "what was not swapped away is in the log")


# edits of the record


def edit(lab, container, change):
    path = f"{lab.root}/{container.id}/container.json"
    record = json.loads(read(path))
    change(record, lab)
    write(path, json.dumps(record))


def lead_out(path):
    """Has every cgroup of the record be another folder."""
    def change(record, lab):
        for directory in record["cgroup"]["directories"]:
            directory["path"] = path.replace("{lab}", lab.path)
    return change


def member(name, value):
    def change(record, lab):
        place = record
        *parents, last = name.split(".")
        for parent in parents:
            place = place[parent]
        place[last] = json.loads(json.dumps(value).replace("{lab}", lab.path))
    return change


def canary(lab):
    """A folder that a recursive rmdir or rm would not leave as it is."""
    for name in ("empty", "deep/er/est"):
        os.makedirs(f"{lab.path}/outside/{name}")
    for name in ("cgroup.procs", "cgroup.kill", "freezer.state", "tasks", "memory.limit_in_bytes"):
        write(f"{lab.path}/outside/{name}", f"{os.getpid()}\n")
    write(f"{lab.path}/outside/deep/er/tasks", f"{os.getpid()}\n")
    return oracle.tree(f"{lab.path}/outside")


EDITS = {
    "cgroup elsewhere": lead_out("{lab}/outside"), "cgroup is /": lead_out("/"),
    "cgroup is empty": lead_out(""), "cgroup is relative": lead_out("outside"),
    "cgroup is a link": lead_out("{lab}/link"), "cgroup is a file": lead_out("/etc/passwd"),
    "cgroup with dots": lead_out("/sys/fs/cgroup/../../../{lab}/outside"),
    "cgroup was found": member("cgroup.directories", [
        {"controllers": "freezer", "path": "{lab}/outside", "found": True}]),
    "v2 elsewhere": member("cgroup.directories", [{"controllers": "", "path": "{lab}/outside"}]),
    "no cgroup": member("cgroup.directories", []),
    "controllers of no hierarchy": member("cgroup.directories", [
        {"controllers": "../../x\n", "path": "{lab}/outside"}]),
    "ten thousand cgroups": member("cgroup.directories", [
        {"controllers": "pids", "path": f"{{lab}}/outside/{number}"} for number in range(10000)]),
    "another driver": member("cgroup.driver", "systemd"),
    "an unknown driver": member("cgroup.driver", "evil"),
    "no driver's": member("cgroup.driver", "disabled"),
    "pid 0": member("state.pid", 0), "pid -1": member("state.pid", -1),
    "pid of the test": lambda record, lab: record["state"].update(pid=os.getpid()),
    "a huge pid": member("state.pid", 1 << 40), "a pid in words": member("state.pid", "1"),
    "a creator": lambda record, lab: record.update(creator=os.getpid()),
    "bundle elsewhere": member("state.bundle", "{lab}/outside"),
    "rootfs is /": member("state.rootfs", "/"), "owner": member("state.owner", "-1"),
    "created": member("state.created", "yesterday"), "status": member("state.status", "evil"),
    "status creating": member("state.status", "creating"),
    "a resctrl group": member("resctrl", {"group": "{lab}/outside/empty", "isOwn": True,
                                          "monitoring": "{lab}/outside/deep/er/est"}),
    "a mount": member("sharedRoot", {"id": 1, "uniqueId": 1, "device": 1, "inode": 1}),
    "limits": member("resources", {"memory": {"limit": "1"}}),
}
CALLS = (("state",), ("list",), ("ps",), ("events", "--stats"), ("pause",), ("resume",),
         ("update", "--pids-limit", "7"), ("exec",), ("kill", "0"), ("kill", "--all", "0"))


@suite.table("T-79 R-36", "an edit of the record harms nobody else", EDITS)
def edited(lab, change):
    container = lab.sleeper()
    pid, before = container.pid, canary(lab)
    os.symlink(f"{lab.path}/outside", f"{lab.path}/link")
    saved = read(f"{lab.root}/{container.id}/container.json")
    edit(lab, container, change)
    for verb, *rest in CALLS:
        words = [verb, *[word for word in rest if word.startswith("--") and verb != "update"]]
        if verb == "update":
            words += rest
        if verb != "list":
            words.append(container.id)
        words += ["/bin/true"] if verb == "exec" else ["0"] if verb == "kill" else []
        result = lab.brig(*words, timeout=15)
        check(0 <= result.status < 128 or result.status == 255, f"a clean end of {result}")
        check(result.status == 0 or result.err.strip(), f"a reason in {result}")
        check(os.path.isdir(f"{lab.root}/{container.id}"), f"{words[0]} keeps the state")
    result = lab.brig("delete", "--force", container.id, timeout=25)
    check(0 <= result.status < 128, f"a clean end of {result}")
    after = oracle.tree(f"{lab.path}/outside")
    equal({path for path in before.keys() | after.keys() if before.get(path) != after.get(path)},
          set(), "what changed outside")
    for folder in ("/tmp", "/mnt", "/root", lab.stock):
        check(os.path.isdir(folder), f"{folder} is there")
    # What the record no longer says is cleaned up with the one that says it.
    if os.path.exists(f"/proc/{pid}") or oracle.cgroups() - lab.before.cgroups:
        os.makedirs(f"{lab.root}/{container.id}", 0o700, exist_ok=True)
        write(f"{lab.root}/{container.id}/container.json", saved)


def unit(name, socket="/run/systemd/private", description="x (7 /x/ID)"):
    """Has the container be a unit of systemd's, too."""
    def change(record, lab):
        own = description.replace("ID", record["state"]["id"])
        record["cgroup"]["unit"] = {"name": name, "socket": socket, "description": own}
    return change


@suite.table("T-79 R-36 R-47", "delete --force ends what a record without true cgroups still tells of", {
    "elsewhere": (lead_out("{lab}/outside"), "is no cgroup"),
    "with dots": (lead_out("/sys/fs/cgroup/../x"), "is no cgroup"),
    "relative": (lead_out("x"), "is no cgroup"),
    "a service": (unit("sshd.service"), "is no unit of this container"),
    "a scope of others": (unit("init.scope", description="System and Service Manager"), "is no unit of this container"),
    "a socket of others": (unit("x.scope", socket="/tmp/x/systemd/private"), "is no socket of systemd")})
def misled(lab, change, why):
    made = lab.bundle(SLEEP)
    made.config["hooks"] = {"poststop": [
        {"path": "/bin/touch", "args": ["touch", f"{lab.path}/stopped"]}]}
    container = lab.start(made)
    pid, before = container.pid, canary(lab)
    edit(lab, container, change)
    container.delete().failed(why)
    check(container.id not in lab.brig("list", "-q").ok().out, "list goes on without it")
    check(os.path.exists(f"/proc/{pid}"), "the process, which is alive")
    lab.brig("kill", "--all", container.id, "KILL").failed(why)
    log = f"{lab.path}/log"
    lab.brig("delete", "--force", container.id,
             globals_=("--log", log, "--log-level", "warning")).ok()
    check(why in read(log), "a warning")
    lab.reap()
    check(not os.path.exists(f"/proc/{pid}"), "the end of its process")
    check(os.path.exists(f"{lab.path}/stopped"), "the hook of the kind poststop")
    lab.gone(container.id)
    equal(oracle.tree(f"{lab.path}/outside"), before, "outside")
    for folder in sorted(oracle.cgroups() - lab.before.cgroups, reverse=True):
        os.rmdir(folder)


suite.main()
