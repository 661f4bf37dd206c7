#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Crashes, exhaustion and calls side by side (T-82 to T-97).
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.lab import read, write
from harness.tap import Skip, Suite, check, contains, equal, eventually, patient

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
SECONDS = float(os.environ.get("BRIG_ATTACK_SECONDS", "2"))


def clean_end(result, *statuses):
    check(result.status in statuses or 0 <= result.status < 128 or result.status == 255,
          f"a clean end of {result}")
    check(result.status == 0 or result.status > 128 or result.err.strip() or result.out,
          f"a reason in {result}")


# signals


@suite.table("T-82", "a signal at a random moment of", {
    "run": ("run", 0.03), "create": ("create", 0.02), "exec": ("exec", 0.02),
    "delete": ("delete", 0.02)})
def random_signal(lab, verb, span):
    made = lab.bundle(SLEEP).write()
    dice = random.Random(7)
    deadline = time.monotonic() + SECONDS
    count = 0
    lab.containers.append("v")
    while time.monotonic() < deadline:
        lab.calls.clear()
        count += 1
        number = dice.choice([signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT,
                              signal.SIGPIPE, signal.SIGKILL])
        if verb in ("exec", "delete"):
            lab.brig("run", "-d", "--bundle", made.path, "v").ok()
        words = {"run": ("run", "--bundle", made.path, "v"),
                 "create": ("create", "--bundle", made.path, "v"),
                 "exec": ("exec", "v", "/bin/sleep", "5"),
                 "delete": ("delete", "--force", "v")}[verb]
        call = lab.spawn(*words)
        time.sleep(dice.random() * span)
        call.signal(number)
        if verb == "run" and number != signal.SIGKILL:
            time.sleep(0.02)
            call.signal(signal.SIGKILL)
        if verb == "exec":
            time.sleep(0.02)
            call.signal(signal.SIGKILL)
        call.process.wait(10)
        lab.brig("delete", "--force", "v", timeout=15).ok()
        left = lab.settle(1.5)
        check(not left, f"{verb} by {number!r} leaves {left}")
    return f"{count} signals"


# storage


@suite.table("T-83", "the state root is on a full file system", {
    "no blocks": "size=4k", "no inodes": "nr_inodes=2", "few inodes": "nr_inodes=4"})
def full_root(lab, option):
    root = f"{lab.path}/full"
    os.mkdir(root, 0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=700,{option}", "full", root], check=True)
    if option.startswith("size"):
        write(f"{root}/.fill", "")
        with open(f"{root}/.fill", "wb") as file:
            try:
                file.write(b"x" * 100000)
                file.flush()
            except OSError:
                pass
    before = lab.leaks()
    made = lab.bundle(SLEEP).write()
    words = lab.words("--root", root, "create", "--bundle", made.path, "f", root=False)
    result = lab.popen(words).wait()
    if result.status == 0:
        lab.popen(lab.words("--root", root, "delete", "--force", "f", root=False)).wait().ok()
    else:
        result.failed("no space left on device")
    equal([name for name in os.listdir(root) if not name.startswith(".")], [], "names in the root")
    left = [line for line in lab.settle(1) if line not in before and "full" not in line]
    subprocess.run(["umount", root], check=True)
    equal(left, [], "leaks")


@suite.table("T-84 R-36", "a state root that is not to be trusted", {
    "file": lambda path: write(path, ""), "open to all": lambda path: (os.mkdir(path),
                                                                      os.chmod(path, 0o777)),
    "another's": lambda path: (os.mkdir(path, 0o700), os.chown(path, 1000, 1000)),
    "fifo": os.mkfifo,
})
def strange_root(lab, make):
    root = f"{lab.path}/strange"
    make(root)
    made = lab.bundle(SLEEP).write()
    for words in (("create", "--bundle", made.path, "s"), ("state", "s"), ("delete", "s"),
                  ("run", "--bundle", made.path, "s")):
        result = lab.popen(lab.words("--root", root, *words, root=False)).wait(5)
        result.failed()
    lab.expect_nothing_left("a strange root")


@suite.case("T-84", "a read-only state root")
def readonly_root(lab):
    root = f"{lab.path}/ro"
    os.mkdir(root, 0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,mode=700", "ro", root], check=True)
    made = lab.bundle(SLEEP).write()
    result = lab.popen(lab.words("--root", root, "create", "--bundle", made.path, "s",
                                 root=False)).wait(5)
    lab.popen(lab.words("--root", root, "list", root=False)).wait(5)
    subprocess.run(["umount", root], check=True)
    result.failed("read-only file system")
    lab.expect_nothing_left("a read-only root")


@suite.table("T-85 R-39", "a pid file that cannot be or leads out", {
    "link to a canary": lambda lab, path: os.symlink(f"{lab.path}/outside/marker", path),
    "folder": lambda lab, path: os.mkdir(path), "no folder": lambda lab, path: None,
    "fifo": lambda lab, path: os.mkfifo(path),
})
def pid_file(lab, make):
    canary = oracle.Canary(f"{lab.path}/outside")
    path = f"{lab.path}/pid"
    make(lab, path)
    if not os.path.lexists(path):
        path = f"{lab.path}/absent/pid"
    made = lab.bundle(SLEEP)
    result = lab.try_create(made, "--pid-file", path, timeout=5)
    equal(canary.changes(), [], "the canary")
    if result.status == 0:
        check(os.path.isfile(path) and not os.path.islink(path), "a pid file of its own")
    else:
        check(result.err.strip(), "a reason")
        lab.expect_nothing_left("a refused pid file")


@suite.table("T-85 R-39", "a log file that leads out", {
    "link": lambda lab, path: os.symlink(f"{lab.path}/outside/marker", path),
    "fifo": lambda lab, path: os.mkfifo(path), "folder": lambda lab, path: os.mkdir(path)})
def log_file(lab, make):
    canary = oracle.Canary(f"{lab.path}/outside")
    path = f"{lab.path}/log"
    make(lab, path)
    lab.brig("state", "nobody", globals_=("--log", path), timeout=5).failed("does not exist")
    equal(canary.changes(), [], "the canary")


# side by side


@suite.case("T-86 O-02", "of 32 creates of one id exactly one wins, and it works")
def create_race(lab):
    made = lab.bundle(SLEEP).write()
    lab.containers.append("one")
    calls = [lab.spawn("create", "--bundle", made.path, "one") for _ in range(32)]
    results = [call.wait(30) for call in calls]
    winners = [result for result in results if result.status == 0]
    equal(len(winners), 1, "winners")
    for result in results:
        if result.status:
            contains(result.err, "already exist", "reason of a loser")
    lab.brig("start", "one").ok()
    equal(lab.state("one")["status"], "running", "status")


PAIRS = {
    "create and delete": (("create",), ("delete", "--force")),
    "start and delete": (("start",), ("delete", "--force")),
    "start and kill": (("start",), ("kill", "KILL")),
    "exec and delete": (("exec",), ("delete", "--force")),
    "pause and delete": (("pause",), ("delete", "--force")),
    "kill and delete": (("kill", "KILL"), ("delete", "--force")),
    "delete and delete": (("delete", "--force"), ("delete", "--force")),
    "state and delete": (("state",), ("delete", "--force")),
    "list and create": (("list",), ("create",)),
    "ps and delete": (("ps",), ("delete", "--force")),
}


@suite.table("T-87", "side by side", {name: pair for name, pair in PAIRS.items()})
def pair(lab, first, second):
    made = lab.bundle(SLEEP).write()
    dice = random.Random(3)
    lab.containers.append("p")

    def words(verb, *tail):
        if verb == "create":
            return ("create", "--bundle", made.path, "p")
        if verb == "list":
            return ("list", "-f", "json")
        if verb == "exec":
            return ("exec", "p", "/bin/true")
        if verb == "kill":
            return ("kill", "p", *tail)
        return (verb, *tail, "p")

    deadline = time.monotonic() + SECONDS / 2
    count = 0
    while time.monotonic() < deadline:
        lab.calls.clear()
        count += 1
        if "create" not in (first[0], second[0]):
            lab.brig("create", "--bundle", made.path, "p").ok()
            if first[0] not in ("start",):
                lab.brig("start", "p").ok()
        calls = []
        for verb in dice.sample([first, second], 2):
            calls.append(lab.spawn(*words(*verb)))
            time.sleep(dice.random() * 0.003)
        for call in calls:
            result = call.wait(15)
            check(0 <= result.status < 128 or result.status in (137, 255), f"the end of {result}")
            check(result.status in (0, 137) or result.err.strip(), f"a reason in {result}")
            if call.words[3:4] == ["list"]:
                check(result.status == 0, f"list always works: {result}")
        lab.brig("delete", "--force", "p", timeout=15).ok()
        left = lab.settle(1.5)
        check(not left, f"left: {left}")
    return f"{count} rounds"


@suite.case("T-88 TRAP-34", "delete --force and kill while a createRuntime hook sleeps")
def slow_hook(lab):
    made = lab.bundle(SLEEP)
    made.config["hooks"] = {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "1"]}]}
    lab.containers.append("h")
    call = lab.spawn("create", "--bundle", made.write().path, "h")
    eventually(lambda: os.path.isdir(f"{lab.root}/h"), "the container's folder")
    for words in (("state", "h"), ("kill", "h", "TERM"), ("list",)):
        clean_end(lab.brig(*words, timeout=5))
    lab.brig("delete", "--force", "h", timeout=20)
    call.wait(20)
    lab.brig("delete", "--force", "h", timeout=15).ok()
    lab.expect_nothing_left("a slow hook")


# identity of processes


@suite.case("TRAP-28 T-89 O-07 R-37", "a reused pid is nobody's container")
def pid_reuse(lab):
    container = lab.create(lab.bundle(SLEEP))
    pid = container.pid
    time.sleep(0.02)  # the kernel tells the start of a process in steps of 10 ms
    os.kill(pid, 9)
    lab.exit_of(pid)
    write("/proc/sys/kernel/ns_last_pid", str(pid - 1))
    stranger = lab.popen(["sleep", "300"])
    check(stranger.pid == pid, f"the pid is reused: {stranger.pid}, wanted {pid}")
    equal(container.status(), "stopped", "status")
    container.kill("KILL").failed("container not running")
    check(container.exec("/bin/true").status == 255, "exec is refused")
    lab.brig("pause", container.id).failed()
    container.delete().ok()
    check(stranger.process.poll() is None, "the stranger lives")


@suite.case("T-90", "after a reboot a container is stopped and can be deleted")
def reboot(lab):
    container = lab.create(lab.bundle(SLEEP))
    pid = container.pid
    path = f"{lab.root}/{container.id}/container.json"
    record = json.loads(read(path))
    check(record.get("bootId"), "the record knows the boot")
    record["bootId"] = "00000000-0000-0000-0000-000000000000"
    write(path, json.dumps(record))
    equal(container.status(), "stopped", "status")
    container.delete().ok()
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        pass
    lab._sweep()


@suite.case("TRAP-17 T-91", "init dies between create and start")
def dead_start(lab):
    container = lab.create(lab.bundle(SLEEP))
    os.kill(container.pid, 9)
    begin = time.monotonic()
    lab.brig("start", container.id, timeout=5).failed()
    check(time.monotonic() - begin < patient(2), "time")
    container.wait_stopped()
    container.delete().ok()


# exhaustion


@suite.table("T-92", "limits on the runtime itself", {
    "16 descriptors": (resource.RLIMIT_NOFILE, 16), "32 descriptors": (resource.RLIMIT_NOFILE, 32),
    "8 descriptors": (resource.RLIMIT_NOFILE, 8), "64 MB": (resource.RLIMIT_AS, 64 << 20),
    "16 MB": (resource.RLIMIT_AS, 16 << 20), "8 MB": (resource.RLIMIT_AS, 8 << 20),
    "no file size": (resource.RLIMIT_FSIZE, 0), "tiny file size": (resource.RLIMIT_FSIZE, 100),
    "small stack": (resource.RLIMIT_STACK, 128 << 10), "no processes": (resource.RLIMIT_NPROC, 0),
    "no core": (resource.RLIMIT_CORE, 0), "no keys": (resource.RLIMIT_MEMLOCK, 0),
})
def limited(lab, kind, value):
    made = lab.bundle(["/bin/nothing"]).write()
    lab.containers.append("l")
    result = lab.brig("run", "--bundle", made.path, "l",
                      preexec_fn=lambda: resource.setrlimit(kind, (value, value)))
    check(result.status is not None, "it ends")
    died_early = result.status < 0 and kind in (resource.RLIMIT_AS, resource.RLIMIT_STACK)
    check(result.status >= 0 or died_early or result.status == -signal.SIGXFSZ,
          f"a clean end of {result}")
    lab.expect_nothing_left(f"a limit of {value}")


@suite.table("T-93", "the kernel is at a limit", {
    "mounts": ("/proc/sys/fs/mount-max", "100"),
    "user namespaces": ("/proc/sys/user/max_user_namespaces", "0"),
    "network namespaces": ("/proc/sys/user/max_net_namespaces", "0"),
    "pid namespaces": ("/proc/sys/user/max_pid_namespaces", "0"),
    "mount namespaces": ("/proc/sys/user/max_mnt_namespaces", "0"),
})
def kernel_limit(lab, path, value):
    made = lab.bundle(["/bin/nothing"])
    if "user_namespaces" in path:
        made.namespace("user")
        made.linux["uidMappings"] = made.linux["gidMappings"] = [
            {"containerID": 0, "hostID": 0, "size": 65536}]
    if "mount-max" in path:
        for number in range(120):
            made.mount(f"/m/{number}", "tmpfs", "t", ["size=4k"])
    before = read(path)
    try:
        write(path, value)
    except PermissionError as error:
        raise Skip(f"{path} cannot be written here") from error
    try:
        result = lab.run(made)
    finally:
        write(path, before)
    result.failed("no space left on device")
    lab.expect_nothing_left("a limit of the kernel")


@suite.case("T-94 TRAP-12", "the engine dies after create: the container stays")
def engine_dies(lab):
    made = lab.bundle(SLEEP).write()
    lab.containers.append("e")
    words = lab.words("create", "--bundle", made.path, "e")
    call = lab.popen(["sh", "-c", '"$@"; kill -9 $$', "sh", *words])
    call.process.wait()
    equal(lab.state("e")["status"], "created", "status")
    lab.brig("start", "e").ok()
    equal(lab.state("e")["status"], "running", "status")


@suite.case("T-94", "a runtime that dies in the middle of set-up takes its child along")
def runtime_dies(lab):
    made = lab.bundle(SLEEP)
    made.config["hooks"] = {"createRuntime": [{"path": "/bin/sleep", "args": ["sleep", "0.3"]}]}
    lab.containers.append("e")
    call = lab.spawn("create", "--bundle", made.write().path, "e")
    eventually(lambda: any(name == "sleep" for _, _, name in oracle.processes().values()), "hook")
    call.signal(signal.SIGKILL)
    call.process.wait()
    lab.brig("delete", "--force", "e").ok()
    lab.expect_nothing_left("a dead runtime")


@suite.case("T-97", "500 lives leave nothing behind and do not slow down")
def soak(lab):
    made = lab.bundle(["/bin/nothing"]).write()
    deadline = time.monotonic() + SECONDS * 2
    times = []
    while time.monotonic() < deadline and len(times) < 500:
        lab.calls.clear()
        begin = time.monotonic()
        lab.brig("run", "--bundle", made.path, "s").ok()
        times.append(time.monotonic() - begin)
    lab.expect_nothing_left("a soak")
    third = max(1, len(times) // 3)
    first, last = sorted(times[:third])[third // 2], sorted(times[-third:])[third // 2]
    check(last < first * 3 + 0.01, f"median {first:.4f} s at first, {last:.4f} s at last")
    return f"{len(times)} lives, median {sorted(times)[len(times) // 2] * 1000:.1f} ms"


suite.main()
