#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# checkpoint and restore by CRIU: engines 2.14. CRIU=PROGRAM names another one than that of tests/setup.
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.cgroups import V1, groups_of, need_controllers
from harness.console import ConsoleSocket, read_until
from harness.criu import CRIU, need_criu
from harness.lab import need, read, write
from harness.oracle import processes
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
COUNT = "i=0; while true; do i=$((i+1)); echo $i; sleep 0.05; done"


class Output:
    """A pipe as an engine gives it to a container, with what came out of it."""

    def __init__(self):
        self.reader, self.writer = os.pipe()
        self.text = ""

    def read(self, enough, what):
        os.set_blocking(self.reader, False)

        def got():
            try:
                self.text += os.read(self.reader, 65536).decode()
            except BlockingIOError:
                pass
            return enough(self.text)
        eventually(got, f"{what} in {self.text!r}", 10)
        return self.text

    def numbers(self, count):
        self.read(lambda text: text.count("\n") >= count, f"{count} lines")
        return [int(word) for word in self.text.rsplit("\n", 1)[0].split()]

    def close(self):
        os.close(self.reader)
        os.close(self.writer)


class Mover:
    """One container that is checkpointed and restored."""

    def __init__(self, lab, made, *options, globals_=()):
        need_criu()
        self.lab, self.made, self.id = lab, made, lab.name()
        self.first, self.second = Output(), Output()
        self.image, self.work = f"{lab.path}/image", f"{lab.path}/work"
        lab.containers.append(self.id)
        self.call(self.first, *globals_, "create", "--bundle", made.write().path, *options, self.id)
        lab.brig("start", self.id).ok()

    def call(self, output, *words):
        result = self.lab.brig(*words, globals_=("--criu", CRIU, "--log", f"{self.lab.path}/log"),
                               stdout=output.writer, stderr=output.writer, timeout=30)
        if result.status != 0:
            os.set_blocking(output.reader, False)
            raise AssertionError(f"{result} {os.read(output.reader, 65536)!r}")

    def checkpoint(self, *options, image=None):
        return self.lab.brig("checkpoint", "--image-path", image or self.image, "--work-path",
                             self.work, *options, self.id, globals_=("--criu", CRIU), timeout=30)

    def restore(self, *options, image=None):
        self.call(self.second, "restore", "--bundle", self.made.path, "--detach", "--image-path",
                  image or self.image, "--work-path", self.work, *options, self.id)

    def state(self):
        return self.lab.state(self.id)

    def inside(self, *words):
        return self.lab.brig("exec", self.id, *words).ok().out.strip()

    def end(self):
        self.lab.brig("delete", "--force", self.id).ok()
        self.first.close()
        self.second.close()


@suite.case("X-02.checkpoint 2.14", "a program's memory and pipes go on after checkpoint and restore")
def counter(lab):
    mover = Mover(lab, lab.bundle(shell=COUNT))
    mover.first.numbers(3)
    pid = mover.state()["pid"]
    mover.checkpoint().ok()
    lab.gone(mover.id)
    equal(lab.exit_of(pid), -signal.SIGKILL, "end of the first process")
    before = mover.first.numbers(3)
    mover.restore("--pid-file", f"{lab.path}/pid")
    after = mover.second.numbers(3)
    equal(before + after, list(range(1, len(before) + len(after) + 1)), "numbers, none lost or doubled")
    state = mover.state()
    equal(state["status"], "running", "status")
    with open(f"{lab.path}/pid", encoding="ascii") as file:
        equal(file.read(), str(state["pid"]), "pid file")
    check(state["pid"] != pid, "another process")
    equal(mover.inside("cat", "/proc/1/comm"), "sh", "exec")
    equal(mover.inside("readlink", "/proc/self/ns/time"),
          os.readlink(f"/proc/{state['pid']}/ns/time"), "time namespace of exec")
    for name in ("inventory.img", "descriptors.json"):
        check(os.path.exists(f"{mover.image}/{name}"), f"{name} in the image")
    for name in ("dump.log", "stats-dump", "restore.log", "stats-restore"):
        check(os.path.exists(f"{mover.work}/{name}"), f"{name} in the work folder")
    equal(os.stat(mover.image).st_mode & 0o777, 0o700, "mode of the image folder")
    lab.brig("kill", mover.id, "KILL").ok()
    equal(lab.exit_of(state["pid"]), -signal.SIGKILL, "the caller is the restored process' parent")
    lab.brig("delete", mover.id).ok()
    mover.end()


@suite.case("2.14", "tmpfs content, binds of folders and files, masked paths come back")
def mounts(lab):
    os.makedirs(f"{lab.path}/data/below")
    write(f"{lab.path}/data/note", "outside\n")
    write(f"{lab.path}/single", "one file\n")
    made = lab.bundle(shell=COUNT)
    made.mount("/data", "bind", f"{lab.path}/data", options=["rbind", "rw"])
    made.mount("/etc/single", "bind", f"{lab.path}/single", options=["bind", "ro"])
    made.mount("/scratch", "tmpfs", "tmpfs", options=["size=1m"])
    made.set("linux.maskedPaths", made.linux["maskedPaths"] + ["/etc/passwd"])
    made.mount("/scratch/deep", "bind", f"{lab.path}/data", options=["bind"])
    mover = Mover(lab, made)
    mover.inside("sh", "-c", "echo kept > /scratch/file")
    mover.checkpoint().ok()
    # A root file system as an engine makes it anew, without the mount points.
    os.unlink(f"{made.path}/rootfs/etc/single")
    os.rmdir(f"{made.path}/rootfs/data")
    os.rmdir(f"{made.path}/rootfs/scratch")
    mover.restore()
    equal(mover.inside("cat", "/scratch/file", "/data/note", "/etc/single", "/scratch/deep/note"),
          "kept\noutside\none file\noutside", "contents")
    mover.inside("sh", "-c", "echo inside > /data/below/new")
    check(os.path.exists(f"{lab.path}/data/below/new"), "the bind is the host's folder")
    lab.brig("exec", mover.id, "sh", "-c", "echo x > /etc/single").failed("Read-only")
    equal(mover.inside("wc", "-c", "/etc/passwd"), "0 /etc/passwd", "masked file")
    lab.brig("exec", mover.id, "sh", "-c", "echo 1 > /proc/sys/vm/swappiness").failed("Read-only")
    mover.end()


@suite.case("2.14", "a terminal: another console socket gets the master of the restored one")
def terminal(lab):
    console = ConsoleSocket(f"{lab.path}/console")
    made = lab.bundle(shell="stty -echo; while read x; do n=$((n+1)); echo $n:$x; done",
                      process__terminal=True)
    mover = Mover(lab, made, "--console-socket", console.path)
    master = console.accept()
    os.write(master, b"one\n")
    read_until(master, "1:one")
    mover.checkpoint().ok()
    console.close()
    again = ConsoleSocket(f"{lab.path}/again")
    mover.restore("--console-socket", again.path)
    master = again.accept()
    os.write(master, b"two\n")
    read_until(master, "2:two")
    again.close()
    mover.end()


@suite.case("2.14", "--leave-running, twice as podman says it: the container goes on, its image is good")
def leave_running(lab):
    mover = Mover(lab, lab.bundle(shell=COUNT))
    mover.first.numbers(2)
    mover.checkpoint("--leave-running", "--leave-running").ok()
    seen = len(mover.first.numbers(2))
    mover.first.numbers(seen + 3)
    equal(mover.state()["status"], "running", "status")
    lab.brig("delete", "--force", mover.id).ok()
    mover.restore()
    check(mover.second.numbers(1)[0] <= seen + 2, "it goes on from the checkpoint")
    mover.end()


@suite.case("2.14", "--pre-dump and --parent-path: an image in two steps")
def pre_dump(lab):
    mover = Mover(lab, lab.bundle(shell=COUNT))
    mover.first.numbers(2)
    first = mover.checkpoint("--pre-dump", image=f"{lab.path}/pre")
    if "cannot track changes of memory" in first.err:
        first.failed("--pre-dump")
        equal(mover.state()["status"], "running", "status")
        mover.end()
        need(False, "the kernel has no CONFIG_MEM_SOFT_DIRTY")
    first.ok()
    seen = len(mover.first.numbers(2))
    mover.first.numbers(seen + 2)
    mover.checkpoint("--parent-path", "../pre").ok()
    check(os.path.lexists(f"{mover.image}/parent"), "the image knows its parent")
    before = mover.first.numbers(1)
    mover.restore()
    equal(mover.second.numbers(1)[0], before[-1] + 1, "next number")
    mover.end()


@suite.case("2.14", "limits and cgroup mounts are those of the new cgroup")
def cgroups(lab):
    need_controllers("pids")
    made = lab.bundle(shell=COUNT, linux__resources={"pids": {"limit": 77}})
    made.mount("/sys/fs/cgroup", "cgroup", source="cgroup", options=["ro", "nosuid"])
    mover = Mover(lab, made)
    mover.checkpoint().ok()
    mover.restore()
    name = "pids" if "pids" in V1 else ""
    place = groups_of(mover.state()["pid"])[name]
    check(place.endswith(mover.id), f"cgroup {place}")
    inside = f"/sys/fs/cgroup/{name}"
    equal(mover.inside("cat", f"{inside}/pids.max"), "77", "limit")
    contains(mover.inside("cat", f"{inside}/cgroup.procs"), "1", "processes")
    mover.end()


@suite.case("2.14", "a restored container can be checkpointed again")
def again(lab):
    mover = Mover(lab, lab.bundle(shell=COUNT))
    before = mover.first.numbers(2)
    mover.checkpoint().ok()
    before = mover.first.numbers(2)
    mover.restore()
    mover.second.numbers(2)
    mover.checkpoint(image=f"{lab.path}/second").ok()
    before += mover.second.numbers(2)
    third, mover.second = mover.second, Output()
    third.close()
    mover.restore(image=f"{lab.path}/second")
    after = before + mover.second.numbers(2)
    equal(after, list(range(1, len(after) + 1)), "numbers")
    mover.end()


@suite.case("2.14", "a network namespace that was joined by path stays outside")
def joined_network(lab):
    holder = lab.popen(["unshare", "-n", "sleep", "1000"])
    path = f"/proc/{holder.pid}/ns/net"
    own = os.readlink("/proc/self/ns/net")
    eventually(lambda: os.readlink(path) != own, "a network namespace")
    made = lab.bundle(shell=COUNT)
    made.namespace("network", path=path)
    mover = Mover(lab, made)
    mover.checkpoint().ok()
    mover.restore()
    equal(os.readlink(f"/proc/{mover.state()['pid']}/ns/net"), os.readlink(path), "namespace")
    mover.end()
    holder.signal(signal.SIGKILL)


@suite.case("2.14", "a user namespace of its own: ids and devices are those of before")
def user_namespace(lab):
    made = lab.bundle(shell="i=0; while true; do i=$((i+1)); echo $i; sleep 0.05; done")
    made.namespace("user")
    mapping = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    made.set("linux.uidMappings", mapping)
    made.set("linux.gidMappings", mapping)
    for folder, _, files in os.walk(made.inside("/")):
        for name in [folder, *(os.path.join(folder, file) for file in files)]:
            if os.stat(name, follow_symlinks=False).st_nlink == 1 or os.path.isdir(name):
                os.lchown(name, 100000, 100000)
    mover = Mover(lab, made)
    mover.first.numbers(2)
    mover.checkpoint().ok()
    mover.restore()
    equal(os.stat(mover.image).st_mode & 0o777, 0o700, "mode of the image folder")
    mover.second.numbers(2)
    with open(f"/proc/{mover.state()['pid']}/status", encoding="ascii") as file:
        contains(file.read(), "Uid:\t100000", "uid outside")
    equal(mover.inside("id", "-u"), "0", "uid inside")
    equal(mover.inside("stat", "-c", "%t:%T", "/dev/null"), "1:3", "/dev/null")
    mover.end()


@suite.case("2.14 R-47", "a restore that is killed leaves nothing that delete --force does not end")
def killed_restore(lab):
    mover = Mover(lab, lab.bundle(shell=COUNT))
    mover.checkpoint().ok()
    slow = {"path": "/bin/sleep", "args": ["sleep", "0.01"]}
    mover.made.set("hooks", {"createRuntime": [slow]})
    mover.made.write()
    for delay in (0.005, 0.02, 0.05, 0.1, 0.15):
        call = lab.spawn("restore", "--bundle", mover.made.path, "--detach", "--image-path",
                         mover.image, "--work-path", mover.work, mover.id,
                         globals_=("--criu", CRIU), stdout=mover.second.writer)
        time.sleep(delay)
        call.signal(signal.SIGKILL)
        call.wait(10)
        lab.brig("delete", "--force", mover.id).ok()
        lab.expect_nothing_left(f"a restore killed after {delay} s")
    mover.restore()
    mover.second.numbers(1)
    mover.end()


@suite.case("2.14", "a restore that is asked to end undoes itself")
def interrupted_restore(lab):
    mover = Mover(lab, lab.bundle(shell=COUNT))
    mover.checkpoint().ok()
    mover.made.set("hooks", {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "100"]}]})
    mover.made.write()
    call = lab.spawn("restore", "--bundle", mover.made.path, "--detach", "--image-path",
                     mover.image, "--work-path", mover.work, mover.id,
                     globals_=("--criu", CRIU), stdout=mover.second.writer)
    eventually(lambda: any(name == "sleep" for _, _, name in processes().values()), "the hook")
    call.signal(signal.SIGTERM)
    call.wait(10).failed("interrupted")
    lab.gone(mover.id)
    lab.expect_nothing_left("a restore that was interrupted")
    mover.end()


@suite.case("2.14 H-01", "a restore runs the prestart and createRuntime hooks, a checkpoint poststop")
def hooks(lab):
    made = lab.bundle(shell=COUNT)
    note = [{"path": "/bin/sh", "args": ["sh", "-c", f"echo {kind} >> {lab.path}/ran"]}
            for kind in ("prestart", "createRuntime", "poststop")]
    made.set("hooks", {"prestart": note[:1], "createRuntime": note[1:2], "poststop": note[2:]})
    mover = Mover(lab, made)
    os.unlink(f"{lab.path}/ran")
    mover.checkpoint().ok()
    mover.restore()
    with open(f"{lab.path}/ran", encoding="ascii") as file:
        equal(file.read().split(), ["poststop", "prestart", "createRuntime"], "hooks")
    mover.end()


@suite.case("2.14", "restore in the foreground gives the exit status and deletes the container")
def foreground(lab):
    made = lab.bundle(shell="trap 'exit 7' TERM; " + COUNT)
    mover = Mover(lab, made)
    mover.first.numbers(2)
    mover.checkpoint().ok()
    call = lab.spawn("restore", "--bundle", made.path, "--image-path", mover.image, "--work-path",
                     mover.work, mover.id, globals_=("--criu", CRIU), stdout=mover.second.writer)
    mover.second.numbers(2)
    call.signal(signal.SIGTERM)
    equal(call.wait(20).status, 7, "exit status")
    lab.gone(mover.id)
    mover.end()


@suite.case("2.14 6", "org.criu.config names CRIU's configuration file")
def config_file(lab):
    made = lab.bundle(shell=COUNT)
    made.set("annotations", {"org.criu.config": write(f"{lab.path}/criu.conf",
                                                      "log-file annotated.log\n")})
    for allowed in (False, True):
        mover = Mover(lab, made, globals_=("--allow-annotations", "org.criu.config") if allowed else ())
        mover.checkpoint("--leave-running").ok()
        equal(os.path.exists(f"{mover.work}/annotated.log"), allowed, "log of that name")
        mover.end()


@suite.case("2.14", "a checkpoint that fails tells CRIU's reason, and the container goes on")
def failing_checkpoint(lab):
    need_criu()
    container = lab.start(lab.bundle(shell=COUNT))  # its output is a file of the host
    work = f"{lab.path}/work"
    lab.brig("checkpoint", "--image-path", f"{lab.path}/image", "--work-path", work, container.id,
             globals_=("--criu", CRIU), timeout=30).failed(
                 "criu failed", "(criu/", f"see {work}/dump.log", status=1)
    equal(container.status(), "running", "status")
    seen = len(container.out())
    eventually(lambda: len(container.out()) > seen, "more output")


@suite.case("2.14", "a restore that fails leaves nothing")
def failing_restore(lab):
    mover = Mover(lab, lab.bundle(shell=COUNT))
    mover.checkpoint().ok()
    os.unlink(f"{mover.image}/core-1.img")
    lab.brig("restore", "--bundle", mover.made.path, "--detach", "--image-path", mover.image,
             "--work-path", mover.work, "--pid-file", f"{lab.path}/pid", mover.id,
             globals_=("--criu", CRIU), timeout=30).failed("criu failed", "restore.log", status=1)
    check(not os.path.exists(f"{lab.path}/pid"), "no pid file")
    lab.gone(mover.id)
    mover.end()
    lab.expect_nothing_left("a failed restore")


@suite.table("2.14 RDT-01 ND-01", "a restore does not pass over what CRIU cannot bring back", {
    "a class of resctrl": ("linux.intelRdt", {"closID": "gold"}),
    "network devices": ("linux.netDevices", {"eth0": {}}),
})
def not_restored(lab, key, value):
    mover = Mover(lab, lab.bundle(shell=COUNT))
    mover.checkpoint().ok()
    mover.made.set(key, value)
    lab.brig("restore", "--bundle", mover.made.write().path, "--detach", "--image-path", mover.image,
             mover.id, globals_=("--criu", CRIU)).failed(key, "not supported by restore")
    lab.gone(mover.id)
    mover.end()


@suite.case("2.14", "Ctrl-C at a terminal does not reach CRIU in the middle of a dump")
def process_group(lab):
    mover = Mover(lab, lab.bundle(shell=COUNT))
    noted = f"{lab.path}/groups"
    wrapper = write(f"{lab.path}/criu", "#!/bin/sh\n"
                    f"cut -d ' ' -f 5 /proc/$$/stat /proc/$PPID/stat > {noted}\n"
                    f"exec {CRIU} \"$@\"\n")
    os.chmod(wrapper, 0o755)
    lab.brig("checkpoint", "--image-path", mover.image, mover.id, globals_=("--criu", wrapper),
             timeout=30).ok()
    groups = read(noted).split()
    equal(len(groups), 2, "process groups of CRIU and of its caller")
    check(groups[0] != groups[1], f"a group of its own: {groups}")
    mover.end()


@suite.case("2.14", "what cannot be is refused before CRIU is asked")
def refusals(lab):
    made = lab.bundle(["/bin/sleep", "1000"])
    container = lab.create(made)
    lab.brig("checkpoint", container.id).failed("cannot checkpoint", "created")
    container.start()
    image = f"{lab.path}/deep/below/image"
    lab.brig("checkpoint", "--image-path", image, "--work-path", f"{lab.path}/deep/work", container.id,
             globals_=("--criu", "/nowhere/criu")).failed("/nowhere/criu", "no such file")
    lab.brig("checkpoint", "--image-path", image, container.id, env={"PATH": "/nowhere"}).failed(
        "criu: executable file not found in $PATH")
    check(not os.path.exists(f"{lab.path}/deep"), "no image folder, and none above it")
    lab.brig("checkpoint", "--parent-path", "/abs", container.id).failed("relative")
    lab.brig("checkpoint", "--parent-path", "../none", container.id).failed("--parent-path")
    lab.brig("checkpoint", "--manage-cgroups-mode", "some", container.id).failed("soft")
    lab.brig("checkpoint", "--network-lock", "none", container.id).failed("iptables")
    lab.brig("checkpoint", "--page-server", "nowhere", container.id).failed("ADDRESS:PORT")
    lab.brig("checkpoint", "--empty-ns", "ipc", container.id).failed("ipc")
    lab.brig("checkpoint", "--status-fd", "77", container.id).failed("--status-fd 77")
    lab.brig("restore", "--bundle", made.path, "--image-path", f"{lab.path}/none", "x").failed(
        "--image-path")
    lab.brig("checkpoint", "nobody").failed("does not exist")
    equal(container.status(), "running", "status")
    equal(json.loads(lab.brig("features").ok().out)["annotations"][
        "org.opencontainers.runc.checkpoint.enabled"], "true", "features")


suite.main()
