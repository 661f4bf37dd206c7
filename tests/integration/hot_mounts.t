#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# mounts add, mounts remove: mounts that come to a running container and go, also where it is hostile.
import ctypes
import json
import os
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle, sandbox
from harness.lab import read, write
from harness.tap import Suite, check, contains, equal, eventually, patient

suite = Suite()
SECONDS = float(os.environ.get("BRIG_ATTACK_SECONDS", "1"))


def bind(source, destination, *options):
    return {"destination": destination, "type": "bind", "source": source, "options": ["bind", *options]}


def tmpfs(destination, *options):
    return {"destination": destination, "type": "tmpfs", "source": "tmpfs", "options": list(options)}


def fragment(lab, *mounts):
    return write(f"{lab.path}/{lab.name('mounts')}.json", json.dumps(list(mounts)))


def change(lab, verb, container, *mounts):
    return lab.brig("mounts", verb, container.id, fragment(lab, *mounts))


def folder(lab):
    path = f"{lab.path}/{lab.name('data')}"
    os.mkdir(path)
    write(f"{path}/marker", "outside\n")
    return path


def inside(container):
    """{place: (type, options)} of the mounts, by the container's own mountinfo; the last one counts."""
    table = {}
    for line in read(f"/proc/{container.pid}/mountinfo").splitlines():
        words = line.split()
        rest = words[words.index("-") + 1:]
        table[words[4]] = (rest[0], set(words[5].split(",")))
    return table


@suite.case("R-3 R-4", "a folder, a file and a tmpfs come, with their options, and go again")
def life(lab):
    data = folder(lab)
    container = lab.sleeper()
    before, host = inside(container), oracle.mounts()
    mounts = [bind(data, "/data", "ro", "nosuid"), bind(f"{data}/marker", "/etc/marker"),
              tmpfs("/new/place", "size=64k", "noexec", "mode=700")]
    equal(change(lab, "add", container, *mounts).ok().err, "", "standard error")
    equal(oracle.mounts(), host, "the host's mounts")
    equal([mount.get("mountNamespace", 0) for mount in recorded(lab, container)], [0, 0, 0], "namespaces")
    seen = inside(container)
    equal(set(seen) - set(before), {"/data", "/etc/marker", "/new/place"}, "new mounts")
    check({"ro", "nosuid"} <= seen["/data"][1], f"options {seen['/data']}")
    check(seen["/new/place"][0] == "tmpfs" and "noexec" in seen["/new/place"][1], f"{seen['/new/place']}")
    out = container.exec("/bin/sh", "-c", "cat /data/marker /etc/marker; touch /new/place/x && "
                         "stat -c %a /new/place; touch /data/y || echo read-only").ok().out
    equal(out, "outside\noutside\n700\nread-only\n", "output inside")
    # Only the destinations count.
    change(lab, "remove", container, *({"destination": mount["destination"]} for mount in mounts)).ok()
    equal(inside(container), before, "mounts")


def recorded(lab, container):
    return json.loads(read(f"{lab.root}/{container.id}/container.json")).get("addedMounts", [])


@suite.case("R-3 R-4", "mounts in each other go together, in either order, and leave no record")
def nested(lab):
    container = lab.sleeper()
    before = inside(container)
    mounts = [tmpfs("/data"), tmpfs("/data/inner")]
    for order in (mounts, mounts[::-1]):
        change(lab, "add", container, *mounts).ok()
        equal(len(recorded(lab, container)), 2, "records")
        change(lab, "remove", container, *order).ok()
        equal((inside(container), recorded(lab, container)), (before, []), "what is left")


@suite.case("R-3 R-4", "mounts on each other go one by one, the topmost first")
def stacked(lab):
    container = lab.sleeper()
    before = inside(container)
    change(lab, "add", container, tmpfs("/data", "size=64k"), tmpfs("/data", "ro")).ok()
    change(lab, "remove", container, tmpfs("/data"), tmpfs("/data")).failed(
        "mounts[1] (/data): the same mount a second time", status=1)
    check("ro" in inside(container)["/data"][1], "the topmost")
    change(lab, "remove", container, tmpfs("/data")).ok()
    check("ro" not in inside(container)["/data"][1], "the other")
    change(lab, "remove", container, tmpfs("/data")).ok()
    equal((inside(container), recorded(lab, container)), (before, []), "what is left")


@suite.case("R-4", "a read-only tmpfs is one, and a created container takes mounts as well")
def created(lab):
    container = lab.create(lab.bundle(shell="echo $(cat /data/marker); touch /ro/x"))
    change(lab, "add", container, bind(folder(lab), "/data"), tmpfs("/ro", "ro")).ok()
    container.start().wait_stopped()
    equal(container.out(), "outside\n", "output")
    contains(container.err(), "Read-only file system", "errors")


@suite.case("M-06", "in a user namespace what is made belongs to its root, and an idmapped bind is mapped")
def user_namespace(lab):
    made = lab.bundle(["/bin/sleep", "1000"])
    maps = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    made.set("linux.uidMappings", maps)
    made.set("linux.gidMappings", maps)
    made.config["linux"]["namespaces"].append({"type": "user"})
    rootfs = f"{made.path}/rootfs"
    for place, _, _ in os.walk(rootfs):
        os.chown(place, 100000, 100000)
    os.chmod(lab.path, 0o755)
    container = lab.start(made)
    data = folder(lab)
    change(lab, "add", container, bind(data, "/data", "idmap"), tmpfs("/new", "mode=755")).ok()
    out = container.exec("/bin/stat", "-c", "%u", "/data/marker", "/new", "/data").ok().out
    equal(out.split(), ["0", "0", "0"], "owners inside")
    equal(os.stat(f"{rootfs}/new").st_uid, 100000, "owner of the place outside")
    change(lab, "remove", container, bind(data, "/data"), tmpfs("/new")).ok()


@suite.case("R-27", "the caller's groups open nothing in a container with a user namespace")
def groups(lab):
    made = lab.bundle(["/bin/sleep", "1000"])
    maps = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    made.set("linux.uidMappings", maps)
    made.set("linux.gidMappings", maps)
    made.config["linux"]["namespaces"].append({"type": "user"})
    guarded = f"{made.path}/rootfs/guarded"
    os.mkdir(guarded)
    os.chown(guarded, 4242, 4242)  # no ids of the container, so its root has no power over them
    os.chmod(guarded, 0o770)
    os.chmod(lab.path, 0o755)
    container = lab.start(made)
    file = fragment(lab, tmpfs("/guarded/x"))
    lab.brig("mounts", "add", container.id, file, extra_groups=[4242]).failed("permission denied", status=1)
    equal(os.listdir(guarded), [], "what was made")


@suite.table("R-3", "what cannot come is refused whole, with its place", {
    "missing source": ([bind("/no/such", "/x")], 'mounts[1] (/x): open_tree("/no/such"): no such file'),
    "missing type": ([{"destination": "/x"}], "mounts[1] (/x): "),
    "another file system": ([{"destination": "/x", "type": "sysfs", "source": "sysfs"}],
                            "mounts[1] (/x): only a bind or a tmpfs"),
    "remount": ([{"destination": "/tmp", "options": ["remount", "ro"]}], "only a bind or a tmpfs"),
    "a folder on a file": ([bind("/tmp", "/etc/passwd")], "a directory cannot be mounted on what is none"),
    "the root": ([bind("/tmp", "/")], "the destination is the root itself"),
    "unknown option": ([tmpfs("/x", "size=much")], "mounts[1] (/x): ")})
def refused(lab, mounts, reason):
    container = lab.sleeper()
    before = inside(container)
    change(lab, "add", container, tmpfs("/first"), *mounts).failed(
        f"brig: mounts add {container.id}: ", reason, status=1)
    equal(inside(container), before, "mounts")
    change(lab, "remove", container, tmpfs("/first")).failed(
        "mounts[0] (/first): ", ("there is no mount that was added", "no such file"), status=1)


@suite.table("M-11", "nothing comes onto proc or sysfs", {
    "on /proc": "/proc", "below": "/proc/self", "a mask": "/proc/kcore", "on /sys": "/sys",
    "by dots": "/tmp/../proc/sys", "by a link of the image": "/link",
    "on /sys by a link of the image": "/kernel"})
def kernel_files(lab, destination):
    made = lab.bundle(["/bin/sleep", "1000"])
    os.symlink("/proc/sys", f"{made.path}/rootfs/link")
    os.symlink("/sys", f"{made.path}/rootfs/kernel")
    container = lab.start(made)
    before = inside(container)
    for mount in (bind("/proc", destination), tmpfs(destination), bind("/tmp", destination)):
        change(lab, "add", container, mount).failed("mounts[0]", status=1)
    equal(inside(container), before, "mounts")


@suite.case("R-1 T-20", "a destination that is a symlink ends inside, whatever it names")
def symlinked(lab):
    outside = oracle.Canary(f"{lab.path}/outside")
    made = lab.bundle(["/bin/sleep", "1000"])
    os.symlink(f"../../../../../..{lab.path}/outside", f"{made.path}/rootfs/up")
    os.symlink(f"{lab.path}/outside", f"{made.path}/rootfs/absolute")
    container = lab.start(made)
    host, before = oracle.mounts(), inside(container)
    change(lab, "add", container, tmpfs("/up/x"), tmpfs("/absolute/y")).ok()
    equal(set(inside(container)) - set(before), {f"{lab.path}/outside/x", f"{lab.path}/outside/y"},
          "places inside")
    equal((oracle.mounts(), outside.changes()), (host, []), "the host")
    change(lab, "remove", container, tmpfs("/up/x"), tmpfs("/absolute/y")).ok()
    equal(inside(container), before, "mounts")


@suite.case("R-3", "a source below the root is looked up inside, not by the host's path")
def source_inside(lab):
    outside = folder(lab)
    made = lab.bundle(["/bin/sleep", "1000"])
    os.mkdir(f"{made.path}/rootfs/own")
    os.symlink(outside, f"{made.path}/rootfs/trap")
    container = lab.start(made)
    change(lab, "add", container, bind(f"{made.path}/rootfs/trap", "/a")).failed("no such file", status=1)
    change(lab, "add", container, bind(f"{made.path}/rootfs/own", "/b")).ok()
    check("/b" in inside(container), "the mount")


@suite.case("R-16", "mounts of config.json, masks above all, cannot be removed, under whatever name")
def masks(lab):
    made = lab.bundle(shell="mkdir -p /data && mv /data /gone && mv /secrets /data; echo moved; sleep 1000")
    os.makedirs(f"{made.path}/rootfs/secrets/key")
    made.set("linux.maskedPaths", ["/secrets/key"])
    container = lab.start(made)
    container.wait_out("moved")
    before = inside(container)
    check("/data/key" in before, "the mask was not moved along")
    for destination in ("/data/key", "/proc/sys", "/dev/shm", "/proc", "/tmp", "/"):
        change(lab, "remove", container, tmpfs(destination)).failed("no mount that was added", status=1)
    change(lab, "add", container, tmpfs("/data/other")).ok()
    # One that may not go keeps the others.
    change(lab, "remove", container, tmpfs("/data/other"), tmpfs("/data/key")).failed(status=1)
    equal(set(inside(container)) - set(before), {"/data/other"}, "mounts")
    change(lab, "remove", container, tmpfs("/data/other")).ok()
    equal(inside(container), before, "mounts")


@suite.case("T-20 R-1", "places that are swapped meanwhile: inside or refused, never outside or on proc")
def race(lab):
    outside = oracle.Canary(f"{lab.path}/outside")
    made = lab.bundle(["/bin/sleep", "1000"])
    rootfs = f"{made.path}/rootfs"
    os.makedirs(f"{rootfs}/swap/deep")
    os.symlink("/proc/sys", f"{rootfs}/other")
    container = lab.start(made)
    host, before = oracle.mounts(), inside(container)
    swapper = lab.popen([os.path.join(sandbox.PAYLOAD, "swapper"), f"{rootfs}/swap", f"{rootfs}/other"])
    deadline, good, bad = time.monotonic() + patient(SECONDS), 0, 0
    while time.monotonic() < deadline:
        added = change(lab, "add", container, tmpfs("/swap/kernel"), tmpfs("/swap/deep"))
        check(added.status in (0, 1), f"{added}")
        for place in set(inside(container)) - set(before):
            check(place in {f"/{name}/{last}" for name in ("swap", "other") for last in ("kernel", "deep")},
                  f"a mount on {place}")
        if added.status == 0:
            good += 1
            while change(lab, "remove", container, tmpfs("/swap/kernel"), tmpfs("/swap/deep")).status:
                check(time.monotonic() < deadline + patient(5), "it does not go")
        else:
            bad += 1
        equal(inside(container), before, "mounts left behind")
    swapper.process.kill()
    swapper.process.wait()
    equal((oracle.mounts(), outside.changes()), (host, []), "the host")
    check(good and bad, f"{good} added, {bad} refused: no race")
    return f"{good} added, {bad} refused"


@suite.case("R-47", "a call that is killed leaves none or all, and what it left can be removed or deleted")
def killed(lab):
    container = lab.sleeper()
    before = inside(container)
    mounts = [tmpfs(f"/m{number}") for number in range(20)]
    file = fragment(lab, *mounts)
    seen = set()
    for step in range(40):
        call = lab.spawn("mounts", "add", container.id, file)
        time.sleep(0.0005 * step)
        call.process.kill()
        call.process.wait()
        deadline = time.monotonic() + 5
        while (left := len(set(inside(container)) - set(before))) not in (0, len(mounts)):
            check(time.monotonic() < deadline, f"{left} of {len(mounts)} mounts are left")
        seen.add(left)
        if left:
            change(lab, "remove", container, *mounts).ok()
        equal(inside(container), before, "mounts")
    return f"left: {sorted(seen)}"


class Fuse:
    """A filesystem that takes requests and answers none but the first, INIT."""

    def __init__(self, path):
        os.mkdir(path)
        self.path, self.device = path, os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self.device},rootmode=40755,user_id=0,group_id=0"
        if sandbox.libc.mount(b"silent", path.encode(), b"fuse", 0, options.encode()) != 0:
            raise OSError(ctypes.get_errno(), "mount(fuse)")
        unique = struct.unpack_from("Q", self.request(), 8)[0]
        answer = struct.pack("4I2H2I32x", 7, 31, 0, 0, 0, 0, 4096, 1)
        os.write(self.device, struct.pack("IiQ", 16 + len(answer), 0, unique) + answer)

    def request(self):
        return os.read(self.device, 1 << 17)

    def close(self):
        os.close(self.device)
        sandbox.libc.umount2(self.path.encode(), 2)


def residents(container):
    """The processes in the container's mount namespace."""
    wanted = os.stat(f"/proc/{container.pid}/ns/mnt").st_ino
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat(f"/proc/{pid}/ns/mnt").st_ino == wanted:
                found.add(int(pid))
        except OSError:
            pass
    return found


@suite.table("R-47 R-1", "a filesystem of the container that does not answer holds nothing up", {
    "the call gives up and takes back": False, "the call is killed": True})
def silent(lab, is_killed):
    made = lab.bundle(["/bin/sleep", "1000"])
    fuse = Fuse(f"{made.path}/rootfs/fuse")
    try:
        container = lab.start(made)
        before, own = inside(container), residents(container)
        call = lab.spawn("mounts", "add", container.id, fragment(lab, tmpfs("/first"), tmpfs("/fuse/x")))
        fuse.request()  # nobody who waits for this can be killed
        equal(set(inside(container)) - set(before), {"/first"}, "mounts so far")
        if is_killed:
            call.process.kill()
            call.process.wait()
        else:
            call.wait(20).failed("a filesystem of the container does not answer within 10 s", status=1)
            equal(inside(container), before, "mounts")
        # The lock is free.
        lab.brig("mounts", "add", container.id, fragment(lab, tmpfs("/other")), timeout=3).ok()
        lab.brig("mounts", "remove", container.id, fragment(lab, tmpfs("/other")), timeout=3).ok()
    finally:
        fuse.close()
    eventually(lambda: residents(container) == own, "the end of the child")
    equal(set(inside(container)) - set(before), set(), "mounts")
    lab.brig("delete", "--force", container.id, timeout=3).ok()


@suite.case("R-47", "a killed call that has attached nothing leaves no process either")
def killed_early(lab):
    made = lab.bundle(["/bin/sleep", "1000"])
    fuse = Fuse(f"{made.path}/rootfs/fuse")
    try:
        container = lab.start(made)
        own = residents(container)
        call = lab.spawn("mounts", "add", container.id, fragment(lab, tmpfs("/fuse/x")))
        eventually(lambda: residents(container) != own, "the child")
        time.sleep(0.2)  # for its request, which nobody reads
        call.process.kill()
        call.process.wait()
        eventually(lambda: residents(container) == own, "the end of the child")
        lab.brig("delete", "--force", container.id, timeout=3).ok()
    finally:
        fuse.close()


@suite.case("O-06", "containers that are not there, stopped, or without a mount namespace")
def wrong_states(lab):
    file = fragment(lab, tmpfs("/x"))
    lab.brig("mounts", "add", "none", file).failed("mounts add none: container does not exist", status=1)
    stopped = lab.start(lab.bundle(shell="true"))
    stopped.wait_stopped()
    lab.brig("mounts", "add", stopped.id, file).failed("container not running", status=1)
    lab.brig("mounts", "turn", stopped.id, file).failed('unknown word "turn" (want add or remove)')
    lab.brig("mounts", "add", stopped.id).failed("usage: brig mounts add|remove ID FILE")
    lab.brig("mounts", "add", stopped.id, "/no/such").failed("no such file or directory", status=1)
    lab.brig("mounts", "add", stopped.id, write(f"{lab.path}/bad", '{"mounts": []}')).failed("bad:1:1", status=1)


@suite.case("T-32", "the child that goes in is no way out: nothing of the host is open in the container")
def descriptors(lab):
    made = lab.bundle(["/bin/sleep", "1000"], linux__namespaces=[{"type": "mount"}, {"type": "uts"}])
    container = lab.start(made)
    change(lab, "add", container, tmpfs("/x")).ok()
    equal(sorted(os.listdir(f"/proc/{container.pid}/fd")), ["0", "1", "2"], "descriptors")


suite.main()
