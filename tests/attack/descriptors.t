#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The binary, the descriptors and the joining process (T-37 to T-47): what a container that waits
# for exec can get hold of.
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import sandbox
from harness.lab import need, read, write
from harness.rootless import UID, USER, as_caller
from harness.tap import Failure, Suite, check, equal, eventually

suite = Suite()
SECONDS = float(os.environ.get("BRIG_ATTACK_SECONDS", "1"))
EVERYTHING = ("CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH",
              "CAP_KILL", "CAP_CHOWN", "CAP_FOWNER")


def digest(binary=None):
    with open(binary or sandbox.brig(), "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


@suite.table("E-09 T-37 R-18", "the program is the runtime itself", {
    "/proc/self/exe": ["/proc/self/exe", "--version"],
    "/proc/thread-self/exe": ["/proc/thread-self/exe", "--version"],
    "/proc/1/exe": ["/proc/1/exe", "--version"], "script": ["/script", "--version"],
    "script of a descriptor": ["/script3", "--version"],
    "descriptor up": ["/proc/self/fd/7/../../../../bin/sh", "-c", "ls /"],
})
def own_program(lab, words):
    before = digest()
    made = lab.bundle(words)
    made.file("/script", "#!/proc/self/exe\n", 0o755)
    made.file("/script3", "#!/proc/self/fd/3\n", 0o755)
    made.capabilities(*EVERYTHING)
    result = lab.run(made, timeout=10)
    check(result.status is not None and result.status < 128, f"a clean end of {result}")
    check("boot" not in result.out.split(), f"the host's root: {result.out!r}")
    container = lab.start(_sleeper(made))
    container.exec(*words, timeout=10)
    equal(digest(), before, "the runtime's binary")


def _sleeper(made):
    made.process["args"] = ["/bin/sleep", "1000"]
    return made


@suite.table("T-38 T-44 R-18 R-20 R-22", "a container that preys on joining processes", {
    "every capability": "all", "capabilities of the default": "plain", "user namespace": "user"})
def prey(lab, kind):
    before = digest()
    made = lab.bundle(["/bin/prey"])
    if kind != "plain":
        made.capabilities(*EVERYTHING)
    if kind == "user":
        made.namespace("user")
        made.linux["uidMappings"] = made.linux["gidMappings"] = [
            {"containerID": 0, "hostID": 0, "size": 65536}]
    container = lab.start(made)
    deadline = time.monotonic() + SECONDS * 2
    count = 0
    while time.monotonic() < deadline:
        lab.calls.clear()
        container.exec("/bin/true", timeout=10)
        count += 1
    lines = set(container.out().splitlines())
    caught = sorted(line for line in lines if line.startswith(("UNWRAPPED", "WRITABLE", "HOST")))
    equal(caught, [], "what it got hold of")
    folders = {line.split(" ", 1)[1] for line in lines if line.startswith("FOLDER")}
    strange = {path for path in folders if path.startswith(("/sys/fs/cgroup", "/run/"))}
    equal(strange, set(), "folders of the host in joining processes")
    equal(digest(), before, "the runtime's binary")
    return f"{count} execs, {container.out().count('GLIMPSE')} glimpses"


@suite.table("T-38 T-44 R-18", "a container of an ordinary user that preys on joining processes", {
    "the runtime is root's": 0, "the runtime is his own": UID})
def prey_of_user(lab, owner):
    caller = as_caller(lab, USER)
    binary = shutil.copy(sandbox.brig(), f"{lab.path}/runtime")
    os.chown(binary, owner, owner)
    os.chmod(binary, 0o755)
    words = lab.words
    lab.words = lambda *rest, **how: [binary if word == sandbox.brig() else word for word in words(*rest, **how)]
    made = lab.bundle(["/bin/prey"])
    made.capabilities(*EVERYTHING)
    container = lab.create(caller.fit(made))
    runs = os.stat(f"/proc/{container.pid}/exe")
    equal(os.path.samestat(runs, os.stat(binary)), owner == 0, "what waits is the file itself")
    container.start()
    before = digest(binary)
    # What the container's root could do if it got hold of the file.
    inside = lab.popen(["nsenter", f"--target={container.pid}", "--user", "--setuid=0", "--setgid=0",
                        "test", "-w", binary]).wait()
    equal(inside.status == 0, owner != 0, "whether the container's root may write it")
    deadline = time.monotonic() + SECONDS * 2
    count = 0
    while time.monotonic() < deadline:
        lab.calls.clear()
        container.exec("/bin/true", timeout=10).ok()
        count += 1
    caught = [line for line in set(container.out().splitlines()) if line.startswith(("UNWRAPPED", "WRITABLE"))]
    equal(caught, [], "what it got hold of")
    equal(digest(binary), before, "the runtime's binary")
    return f"{count} execs, {container.out().count('GLIMPSE')} glimpses"


@suite.case("T-38 T-44", "a container that preys on those that are created in its pod")
def prey_pod(lab):
    before = digest()
    made = lab.bundle(["/bin/prey"])
    made.capabilities(*EVERYTHING)
    container = lab.start(made)
    other = lab.bundle(["/bin/true"])
    other.namespace("pid", f"/proc/{container.pid}/ns/pid")
    deadline = time.monotonic() + SECONDS * 2
    count = 0
    while time.monotonic() < deadline:
        lab.calls.clear()
        lab.run(other)
        count += 1
    lines = set(container.out().splitlines())
    caught = sorted(line for line in lines if line.startswith(("UNWRAPPED", "WRITABLE")))
    equal(caught, [], "what it got hold of")
    equal(digest(), before, "the runtime's binary")
    folders = {line.split(" ", 1)[1] for line in lines if line.startswith(("FOLDER", "HOST"))}
    return f"{count} runs, {container.out().count('GLIMPSE')} glimpses, {len(folders)} folders seen"


@suite.case("T-38", "the mount of the binary cannot be made writable from inside")
def unwrap(lab):
    made = lab.bundle(shell="while :; do for p in /proc/[0-9]*; do mount -o remount,bind,rw $p/exe "
                            "2>/dev/null && echo REMOUNTED; done; done")
    made.capabilities(*EVERYTHING)
    before = digest()
    container = lab.start(made)
    for _ in range(10):
        container.exec("/bin/true")
    check("REMOUNTED" not in container.out(), "remount")
    equal(digest(), before, "the runtime's binary")


@suite.case("T-39 R-20", "at execve the program has 0, 1, 2 and nothing that outlives it")
def at_execve(lab):
    import shutil
    need(shutil.which("strace"), "no strace")
    made = lab.bundle(["/bin/nothing"]).write()
    container = lab.create(made)
    pid = container.pid
    tracer = lab.popen(["strace", "-f", "-y", "-qq", "-o", f"{lab.path}/tr", "-p", str(pid)])
    eventually(lambda: "TracerPid:\t0" not in read(f"/proc/{pid}/status"), "traced")
    container.start()
    tracer.wait()
    text = read(f"{lab.path}/tr")
    lines = text.splitlines()
    last = max(i for i, line in enumerate(lines) if "execve(" in line)
    strange = [line for line in lines[:last] if re.search(r"<(/sys/fs/cgroup|/proc)[^>]*>", line)
               and " close" not in line and "openat" not in line]
    check(last > 0, "an execve in the trace")
    equal([line[:120] for line in strange if "cgroup" in line], [], "cgroups after start")


@suite.table("T-41 R-19", "state is not written to by way of closed streams", {
    "0": (0,), "1": (1,), "2": (2,), "all": (0, 1, 2)})
def closed_state(lab, *closed):
    closed = closed[0] if isinstance(closed[0], tuple) else closed

    def close():
        for number in closed:
            os.close(number)
    made = lab.bundle(shell="echo OUT; echo ERR >&2; sleep 1000").write()
    lab.containers.append("s")
    call = lab.spawn("run", "-d", "--bundle", made.path, "s", preexec_fn=close)
    equal(call.process.wait(10), 0, "exit status")
    for folder, _, files in os.walk(lab.root):
        for name in files:
            path = f"{folder}/{name}"
            if os.path.isfile(path) and not os.path.islink(path):
                text = read(path)
                check("OUT\n" not in text and "ERR\n" not in text, f"output in {path}")
    json.loads(read(f"{lab.root}/s/container.json"))


@suite.case("T-42", "a preserved descriptor that is a folder is handed on only when asked for")
def preserve_folder(lab):
    def place():
        os.dup2(os.open("/etc", os.O_RDONLY), 5)
        os.set_inheritable(5, True)
    made = lab.bundle(process__cwd="/proc/self/fd/5").write()
    lab.containers.append("f")
    result = lab.brig("run", "--bundle", made.path, "f", preexec_fn=place, close_fds=False)
    result.failed()


@suite.case("T-45", "a container that stops whatever joins it cannot hang exec for ever")
def stopped(lab):
    made = lab.bundle(shell="while :; do for p in /proc/[0-9]*; do n=${p#/proc/}; "
                            "[ $n -gt 1 ] && kill -STOP $n; done; done 2>/dev/null")
    made.capabilities("CAP_KILL")
    container = lab.start(made)
    calls = [lab.spawn("exec", container.id, "/bin/true") for _ in range(5)]
    time.sleep(0.3)
    container.delete("--force").ok()
    for call in calls:
        try:
            call.process.wait(5)
        except subprocess.TimeoutExpired as late:
            raise Failure("exec hangs after the container's end") from late
    lab.expect_nothing_left("stopped joiners")


@suite.case("T-45", "a container that kills whatever joins it gives clean errors")
def killed(lab):
    made = lab.bundle(shell="while :; do for p in /proc/[0-9]*; do n=${p#/proc/}; "
                            "[ $n -gt 1 ] && kill -KILL $n; done; done 2>/dev/null")
    made.capabilities("CAP_KILL")
    container = lab.start(made)
    for _ in range(20):
        lab.calls.clear()
        result = container.exec("/bin/true", timeout=5)
        check(result.status in (0, 255, 137), f"a clean end of {result}")
    container.delete("--force").ok()
    lab.expect_nothing_left("killed joiners")


@suite.case("T-46", "exec, kill, state and delete around the end of init")
def init_gone(lab):
    for _ in range(5):
        container = lab.start(lab.bundle(["/bin/sleep", "1000"]))
        os.kill(container.pid, 9)
        result = container.exec("/bin/true", timeout=5)
        # The signal may come last, and /bin/true be quicker.
        check(result.status in (0, 137) or (result.status == 255 and result.err),
              f"a clean end of {result}")
        container.kill("KILL")
        container.wait_stopped()
        container.delete().ok()
    lab.expect_nothing_left("dead inits")


@suite.table("T-47", "exec where the container's /proc is not what it seems", {
    "none": "none", "hidepid": "hidepid", "covered": "covered"})
def strange_proc(lab, kind):
    made = lab.bundle(shell="mount -t tmpfs x /proc; echo up; sleep 1000")
    made.capabilities("CAP_SYS_ADMIN")
    if kind == "none":
        made.config["mounts"] = [entry for entry in made.mounts if entry["destination"] != "/proc"]
        made.linux["maskedPaths"] = made.linux["readonlyPaths"] = []
        made.process["args"][2] = "echo up; sleep 1000"
    elif kind == "hidepid":
        made.mounts[0]["options"] = ["hidepid=2"]
        made.process["args"][2] = "echo up; sleep 1000"
    container = lab.start(made)
    container.wait_out("up")
    equal(container.exec("/bin/echo", "here", options=("--user", "1000")).ok().out, "here\n",
          "output")


@suite.table("T-48", "sockets that are none, or whose peer never reads", {
    "pidfd socket absent": ("--pidfd-socket", None),
    "pidfd socket is a file": ("--pidfd-socket", "file"),
})
def sockets(lab, option, kind):
    place = f"{lab.path}/socket"
    if kind == "file":
        write(place, "")
    made = lab.bundle(["/bin/sleep", "1000"])
    lab.try_create(made, option, place, timeout=5).failed()
    lab.expect_nothing_left("a refused socket")


suite.main()
