#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Races (T-19 to T-25): another process exchanges a folder of the image for a link to the outside
# while containers are made; and exec meets a container's end (O-06). Each case runs for
# BRIG_ATTACK_SECONDS (1 unless set).
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import inject, oracle, sandbox
from harness.lab import need, write
from harness.tap import Suite, check, equal

suite = Suite()
SECONDS = float(os.environ.get("BRIG_ATTACK_SECONDS", "1"))


class Swap:
    """Exchanges path with a link to target, over and over."""

    def __init__(self, lab, *pairs):
        self.paths = [path for path, _ in pairs]
        words = [os.path.join(sandbox.PAYLOAD, "swapper")]
        for path, target in pairs:
            other = f"{path}.swap"
            os.symlink(target, other)
            words += [path, other]
        self.run = lab.popen(words)

    def end(self):
        self.run.process.kill()
        self.run.process.wait()

    def undo(self):
        """Puts the folders back and removes the links."""
        for path in self.paths:
            if os.path.islink(path):
                os.unlink(path)
                os.rename(f"{path}.swap", path)
            else:
                os.unlink(f"{path}.swap")


def rounds(lab, made, swap, judge=None, *options):
    """Runs the bundle until the time is up; gives how many succeeded and how many failed."""
    made.write()
    before = oracle.mounts()
    devices = oracle.host_devices()
    deadline = time.monotonic() + SECONDS
    good = bad = 0
    reasons = set()
    while time.monotonic() < deadline or good + bad <= 5:  # a slow machine takes longer for them
        lab.calls.clear()
        result = lab.brig("run", "--bundle", made.path, *options, "race", timeout=15)
        check(result.status < 128, f"a clean end of {result}")
        if result.status == 0:
            good += 1
            if judge:
                judge(result.out)
        else:
            bad += 1
            check(result.err.strip() or judge, f"a reason in {result}")
            reasons.add(result.err.strip()[:200])
    swap.end()
    equal(lab.canary.changes(), [], "the canary")
    equal(oracle.mounts(), before, "the host's mounts")
    equal(oracle.host_devices(), devices, "the host's devices")
    lab.expect_nothing_left("races")
    return f"{good} containers, {bad} clean errors"


def canary(lab):
    lab.canary = oracle.Canary(f"{lab.path}/outside")
    return f"{lab.path}/outside"


def no_host(out):
    check("canary" not in out, f"the canary inside: {out!r}")


SHOW = "cat /v/t/marker /v/t/x/marker /v/marker 2>/dev/null; true"
KINDS = {"tmpfs": ("tmpfs", "tmpfs", ["size=4k"]), "bind": ("bind", "{volume}", ["bind"]),
         "file": ("bind", "{volume}/file", ["bind"]), "devpts": ("devpts", "devpts", []),
         "proc": ("proc", "proc", []), "sysfs": ("sysfs", "sysfs", ["ro"])}


@suite.table("T-20", "the target of a mount is swapped", {kind: kind for kind in KINDS})
def target(lab, kind):
    outside = canary(lab)
    made = lab.bundle(shell=SHOW)
    volume = f"{lab.path}/volume"
    os.makedirs(volume)
    write(f"{volume}/file", "")
    os.makedirs(made.inside("/v/t"))
    fs, source, options = KINDS[kind]
    destination = "/v/t/file" if kind == "file" else "/v/t"
    made.mount(destination, fs, source.replace("{volume}", volume), options)
    swap = Swap(lab, (made.inside("/v/t"), outside))
    return rounds(lab, made, swap, no_host)


@suite.table("T-20", "a parent of the target is swapped", {kind: kind for kind in KINDS})
def parent(lab, kind):
    outside = canary(lab)
    made = lab.bundle(shell=SHOW)
    volume = f"{lab.path}/volume"
    os.makedirs(volume)
    write(f"{volume}/file", "")
    os.makedirs(made.inside("/v/t"))
    fs, source, options = KINDS[kind]
    destination = "/v/t/new/file" if kind == "file" else "/v/t/new"
    made.mount(destination, fs, source.replace("{volume}", volume), options)
    swap = Swap(lab, (made.inside("/v"), outside))
    return rounds(lab, made, swap, no_host)


@suite.case("T-19", "a shared volume: a mount inside of it, then a bind from below it")
def volume(lab):
    outside = canary(lab)
    made = lab.bundle(shell="cat /dst/marker 2>/dev/null; true")
    shared = f"{lab.path}/volume"
    os.makedirs(f"{shared}/dir/x")
    made.mount("/v", "bind", shared, ["bind"])
    made.mount("/v/dir/x", "tmpfs", "tmpfs", ["size=4k"])
    made.mount("/v/dir/x/y", "tmpfs", "tmpfs", ["size=4k"])
    made.mount("/dst", "bind", f"{made.rootfs}/tmp", ["bind"])
    swap = Swap(lab, (f"{shared}/dir", "/"), (made.inside("/tmp"), outside))
    return rounds(lab, made, swap)


@suite.table("T-22", "the names of the image's /dev are swapped while they are made", {
    name: name for name in ("dev", "null", "ptmx", "pts", "shm")})
def dev(lab, name):
    outside = canary(lab)
    made = lab.bundle(shell="echo x > /dev/null; true")
    made.bare_dev()
    for folder in ("pts", "shm"):
        os.makedirs(made.inside(f"/dev/{folder}"))
    made.mount("/dev/pts", "devpts", "devpts", ["newinstance", "ptmxmode=0666"])
    made.mount("/dev/shm", "tmpfs", "shm", ["mode=1777"])
    path = made.inside("/dev") if name == "dev" else made.inside(f"/dev/{name}")
    if name in ("null", "ptmx"):
        write(path, "")
    swap = Swap(lab, (path, outside if name in ("dev", "pts", "shm") else f"{outside}/{name}"))
    return rounds(lab, made, swap)


@suite.table("T-14 T-20", "a masked or read-only path is swapped", {
    "masked file": ("maskedPaths", "/s/file"), "masked folder": ("maskedPaths", "/s/dir"),
    "read-only": ("readonlyPaths", "/s/dir")})
def masks(lab, key, path):
    outside = canary(lab)
    made = lab.bundle(["/bin/true"])
    made.file("/s/file", "secret")
    os.makedirs(made.inside("/s/dir"))
    made.linux[key] = [path]
    swap = Swap(lab, (made.inside("/s"), outside))
    return rounds(lab, made, swap)


@suite.case("T-13 T-20", "cwd is swapped while it is made and entered")
def cwd(lab):
    outside = canary(lab)
    made = lab.bundle(shell="ls; pwd", process__cwd="/w/a/b")
    os.makedirs(made.inside("/w"))
    swap = Swap(lab, (made.inside("/w"), outside))

    def judge(out):
        check("marker" not in out.split(), f"outside: {out!r}")
    return rounds(lab, made, swap, judge)


@suite.case("T-21 R-8", "the image's /proc is swapped")
def proc(lab):
    outside = canary(lab)
    made = lab.bundle(shell="stat -f -c %T /proc")
    swap = Swap(lab, (made.inside("/proc"), outside))

    def judge(out):
        equal(out, "proc\n", "file system of /proc")
    return rounds(lab, made, swap, judge)


@suite.case("T-23", "exec's cwd and program are swapped inside a running container")
def exec_(lab):
    made = lab.bundle(shell="while :; do mv /w /w2; ln -s /proc/1/root/tmp /w; rm /w; mv /w2 /w; "
                            "done 2>/dev/null")
    os.makedirs(made.inside("/w"))
    container = lab.start(made)
    deadline = time.monotonic() + SECONDS
    good, reasons = 0, set()
    while time.monotonic() < deadline:
        lab.calls.clear()
        result = container.exec("/bin/pwd", options=("--cwd", "/w"))
        check(0 <= result.status < 128 or result.status == 255, f"a clean end of {result}")
        if result.status == 0:
            good += 1
            check(result.out.strip() in ("/w", "/w2", "/tmp"), f"cwd {result.out!r}")
        else:
            reasons.add(result.err)
    check(good, f"some exec succeeds: {reasons}")
    return f"{good} execs, {len(reasons)} kinds of clean errors"


WINDOWS = ("openat2", "mkdirat", "mknodat", "move_mount", "mount_setattr", "fchownat", "symlinkat",
           "unlinkat", "open_tree", "openat")


@suite.table("T-24", "one swap in the window after a call", {call: call for call in WINDOWS})
def window(lab, call):
    import shutil
    need(shutil.which("strace"), "no strace")
    outside = canary(lab)
    made = lab.bundle(["/bin/true"])
    made.bare_dev()
    os.makedirs(made.inside("/v/t"))
    made.mount("/v/t/x", "tmpfs", "tmpfs", ["size=4k"])
    made.mount("/v/t/y", "bind", made.path, ["bind", "ro"])
    made.linux["devices"] = [{"path": "/v/t/dev/mine", "type": "c", "major": 1, "minor": 3}]
    made.linux["maskedPaths"] = ["/v/t/secret"]
    made.file("/v/t/secret", "x")
    made.write()
    words = lab.words("run", "--bundle", made.path, "window")
    _, counts = inject.census(lab, words)
    before = oracle.mounts()
    devices = oracle.host_devices()
    last = counts.get(call, 0)
    tried = 0
    for number in sorted({max(1, last * step // 5) for step in range(1, 6)} if last else ()):
        swap = Swap(lab, (made.inside("/v"), outside))
        run = inject.traced(lab, call, f"delay_exit=30000:when={number}", words)
        result = run.wait(20)
        swap.end()
        inject.settle_tracer(lab)
        check(result.status == 0 or result.err.strip(), f"a reason in {result}")
        equal(lab.canary.changes(), [], f"the canary after {call} no. {number}")
        swap.undo()
        tried += 1
    equal(oracle.mounts(), before, "the host's mounts")
    equal(oracle.host_devices(), devices, "the host's devices")
    lab.expect_nothing_left("a window")
    return f"{tried} windows of {last} calls"


@suite.case("T-25 R-2", "a storm of renames costs retries, not success")
def storm(lab):
    made = lab.bundle(["/bin/true"])
    os.makedirs(made.inside("/a/b"))
    os.makedirs(made.inside("/c/b"))
    made.mount("/a/../c/../a/b", "tmpfs", "tmpfs", ["size=4k"])
    swaps = [lab.popen([os.path.join(sandbox.PAYLOAD, "swapper"), f"{lab.path}/{name}-1",
                        f"{lab.path}/{name}-2"]) for name in ("one", "two")]
    for name in ("one", "two"):
        os.makedirs(f"{lab.path}/{name}-1")
        os.makedirs(f"{lab.path}/{name}-2")
    deadline = time.monotonic() + SECONDS
    results = []
    while time.monotonic() < deadline:
        lab.calls.clear()
        results.append(lab.run(made, identity="storm"))
    for swap in swaps:
        swap.process.kill()
        swap.process.wait()
    failed = [str(result) for result in results if result.status != 0]
    check(len(failed) * 100 <= len(results), f"{len(failed)} of {len(results)}: {failed[:2]}")
    return f"{len(results)} containers, {len(failed)} failed"


@suite.table("O-06 X-03", "exec meets the end of its container", {
    "killed": (), "deleted": ("delete", "--force")})
def exec_at_the_end(lab, *words):
    made = lab.bundle(["/bin/sleep", "1000"]).write()
    deadline = time.monotonic() + SECONDS
    ends = {}
    while time.monotonic() < deadline or len(ends) < 2:
        lab.calls.clear()
        container = lab.start(made)
        pid = container.pid
        call = lab.spawn("exec", container.id, "/bin/true")
        time.sleep(sum(ends.values()) % 16 * 0.0002)
        if words:
            lab.brig(*words, container.id).ok()
        else:
            os.kill(pid, 9)
        result = call.wait()
        reason = result.err.replace(container.id, "ID")
        ends[(result.status, reason)] = ends.get((result.status, reason), 0) + 1
        if not words:
            container.wait_stopped()
            container.delete().ok()
        check(time.monotonic() < deadline + 20, f"both ends are met: {ends}")
    wanted = {(0, ""), (137, ""), (255, "brig: exec ID: cannot exec in a stopped container\n")}
    if words:
        wanted.add((255, "brig: exec ID: container does not exist\n"))
    equal(set(ends) - wanted, set(), "other ends")
    return "; ".join(f"{count} of status {status}" for (status, _), count in ends.items())


suite.main()
