# SPDX-License-Identifier: Apache-2.0
"""The place where one case works: its own state root, bundles, runtime calls and clean-up."""
import json
import os
import shutil
import signal
import subprocess
import time

from . import bundle, oracle, sandbox
from .tap import Failure, Skip, check, equal, eventually, patient

# What brig says of a part of the config that it gives no effect to yet.
NOT_BUILT = "not supported by this build of brig yet"
SCRATCH = os.environ.get("SCRATCH", "/run/scratch")


class Result:
    """What a call of the runtime gave back."""

    def __init__(self, call, status, out, err, seconds):
        self.call, self.status, self.out, self.err = call, status, out, err
        self.words, self.seconds = call.words, seconds

    def __str__(self):
        return (f"{' '.join(self.words)} -> {self.status}\n  out: {self.out[:400]!r}"
                f"\n  err: {self.err[:1500]!r}")

    def ok(self):
        check(self.status == 0, f"wanted success of {self}")
        return self

    def failed(self, *parts, status=None):
        """Ended by itself, not zero, with a one-line reason that holds every part."""
        check(0 < self.status < 128 or self.status == 255, f"wanted a clean error of {self}")
        if status is not None:
            equal(self.status, status, f"exit status of {self.words}")
        check(self.err.strip(), f"no reason given by {self}")
        for part in parts:
            options = part if isinstance(part, tuple) else (part,)
            check(any(option in self.err for option in options), f"no {part!r} in {self}")
        self.call.refused = True
        return self


class Running:
    """A call of the runtime that is still under way."""

    def __init__(self, lab, words, process, outs):
        self.lab, self.words, self.process, self.outs = lab, words, process, outs
        self.pid = process.pid
        self.refused = False  # as the case wanted
        self.begin = time.monotonic()

    def signal(self, number):
        self.process.send_signal(number)

    def out(self):
        return read(self.outs[0]) if self.outs[0] else ""

    def err(self):
        return read(self.outs[1]) if self.outs[1] else ""

    def wait(self, timeout=10):
        timeout = patient(timeout)
        pause = 0.0005
        while (status := self.process.poll()) is None:
            if time.monotonic() - self.begin > timeout:
                self.process.kill()
                self.process.wait()
                self.lab.calls.append(f"{' '.join(self.words)} -> hung\n  err: {self.err()!r}")
                raise Failure(f"hung for {timeout} s: {' '.join(self.words)}: {self.err()}")
            # A pid namespace ends only when every process in it has been reaped, and those that
            # exec left to us are ours to reap.
            self.lab.reap()
            time.sleep(pause)
            pause = min(pause * 1.5, 0.01)
        result = Result(self, status, self.out(), self.err(), time.monotonic() - self.begin)
        self.lab.calls.append(str(result))
        return result


class Container:
    """One container by id."""

    def __init__(self, lab, identity, outs):
        self.lab, self.id, self.outs = lab, identity, outs

    @property
    def pid(self):
        return self.state()["pid"]

    def state(self):
        return json.loads(self.lab.brig("state", self.id).ok().out)

    def status(self):
        return self.state()["status"]

    def start(self):
        self.lab.brig("start", self.id).ok()
        return self

    def exec(self, *words, options=(), **how):
        return self.lab.brig("exec", *options, self.id, *words, **how)

    def kill(self, *words):
        return self.lab.brig("kill", self.id, *words)

    def delete(self, *options):
        return self.lab.brig("delete", *options, self.id)

    def out(self):
        return read(self.outs[0])

    def err(self):
        return read(self.outs[1])

    def wait_out(self, part, seconds=5):
        eventually(lambda: part in self.out(), f"{part!r} in the output", seconds)

    def wait_stopped(self, seconds=5):
        """Waits for the program's end; gives its exit status as an engine's reaper sees it."""
        def ended():
            self.lab.reap()
            return self.status() == "stopped"
        eventually(ended, f"{self.id} stopped", seconds)


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    return path


class Lab:
    serial = 0
    globals = ()  # options in front of every command

    def __init__(self, own_root=True):
        Lab.serial += 1
        self.path = f"{SCRATCH}/{Lab.serial}"
        os.makedirs(self.path)
        self.root = f"{self.path}/state"
        if own_root:
            os.mkdir(self.root, 0o700)
        self.stock = bundle.stock(SCRATCH)
        self.calls, self.started, self.exits = [], [], {}
        self.acts = []  # the calls that were to run a program
        self.containers = []
        self.reaping = True
        self.count = 0
        self.before = oracle.Snapshot(self.root)

    # Bundles and containers.

    def name(self, kind="c"):
        self.count += 1
        return f"{kind}{Lab.serial}-{self.count}"

    def bundle(self, args=None, shell=None, **settings):
        """A new bundle; settings: dotted members with __ for the dot."""
        made = bundle.Bundle(f"{self.path}/{self.name('bundle')}", self.stock, args, shell)
        for name, value in settings.items():
            made.set(name.replace("__", "."), value)
        return made

    def create(self, made, *options, identity=None, **how):
        identity = identity or self.name()
        outs = self.outs()
        container = Container(self, identity, outs)
        self.containers.append(identity)
        self.brig("create", "--bundle", made.write().path, *options, identity, outs=outs,
                  **how).ok()
        return container

    def try_create(self, made, *options, identity=None, **how):
        """A create that may fail."""
        identity = identity or self.name()
        self.containers.append(identity)
        return self.brig("create", "--bundle", made.write().path, *options, identity, **how)

    def start(self, made, *options, **how):
        return self.create(made, *options, **how).start()

    def run(self, made, *options, identity=None, **how):
        """run in the foreground."""
        identity = identity or self.name()
        self.containers.append(identity)
        return self.brig("run", "--bundle", made.write().path, *options, identity, **how)

    def probe(self, made, *options, **how):
        """Runs the bundle's probe and gives what it printed."""
        return json.loads(self.run(made, *options, **how).ok().out, strict=False)

    def process_file(self, **members):
        """A process object for exec: a probe, unless the members say otherwise."""
        document = {"args": ["/bin/probe"], "cwd": "/", "env": ["PATH=/bin"],
                    "user": {"uid": 0, "gid": 0}, **members}
        return write(f"{self.path}/{self.name('process')}.json", json.dumps(document))

    def probe_exec(self, container, **members):
        """What exec sees: of a process file that has these members, or of none."""
        words = (["--process", self.process_file(**members), container.id] if members else
                 [container.id, "/bin/probe"])
        return json.loads(self.brig("exec", *words).ok().out, strict=False)

    def sleeper(self, **settings):
        """A running container that only waits."""
        made = self.bundle(["/bin/sleep", "1000"], **settings)
        return self.start(made)

    # Calls.

    def outs(self):
        self.count += 1
        return (f"{self.path}/out-{self.count}", f"{self.path}/err-{self.count}")

    def words(self, *words, globals_=(), root=True):
        place = ["--root", self.root] if root else []
        return [sandbox.brig(), *place, *self.globals, *globals_, *words]

    def popen(self, words, outs=None, stdin=subprocess.DEVNULL, **how):
        """Starts a program with its output going to files, so that nothing waits for pipes."""
        outs = outs or self.outs()
        files = [open(path, "ab") if path else subprocess.DEVNULL for path in outs]
        how.setdefault("stdout", files[0])
        how.setdefault("stderr", files[1])
        how.setdefault("cwd", self.path)
        try:
            process = subprocess.Popen(words, stdin=stdin, **how)
        finally:
            for file in files:
                if file is not subprocess.DEVNULL:
                    file.close()
        self.started.append(process)
        shown = [os.path.basename(words[0]), *words[1:]]
        running = Running(self, shown, process, outs)
        if {"create", "run", "exec"} & set(words):
            self.acts.append(running)
        return running

    def spawn(self, *words, globals_=(), root=True, **how):
        """A call of the runtime in the background."""
        return self.popen(self.words(*words, globals_=globals_, root=root), **how)

    def brig(self, *words, timeout=10, **how):
        return self.spawn(*words, **how).wait(timeout)

    def state(self, identity):
        return json.loads(self.brig("state", identity).ok().out)

    def gone(self, identity):
        self.brig("state", identity).failed("does not exist")

    def only_refuses(self):
        """Whether the case wanted each create, run and exec of its own to fail."""
        return bool(self.acts) and all(call.refused for call in self.acts)

    # Processes.

    def own_pids(self):
        return {process.pid for process in self.started if process.poll() is None}

    def reap(self):
        """Reaps what the runtime left to its caller, as an engine's subreaper does."""
        own = {process.pid: process for process in self.started}
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        while self.reaping:
            try:
                ended = os.waitid(os.P_ALL, 0, flags)
            except ChildProcessError:
                return
            if ended is None:
                return
            if ended.si_pid in own:
                own[ended.si_pid].poll()
            else:
                _, status = os.waitpid(ended.si_pid, 0)
                self.exits[ended.si_pid] = os.waitstatus_to_exitcode(status)

    def exit_of(self, pid, seconds=5):
        def ended():
            self.reap()
            return pid in self.exits
        eventually(ended, f"exit of {pid}", seconds)
        return self.exits[pid]

    # Oracles.

    def leaks(self):
        self.reap()
        return self.before.leaks(self.own_pids())

    def settle(self, seconds=2.0):
        """The leaks that are still there after the kernel had a moment."""
        deadline = time.monotonic() + patient(seconds)
        while True:
            left = self.leaks()
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.01)

    def expect_nothing_left(self, what):
        left = self.settle()
        check(not left, f"{what} left behind:\n" + "\n".join(left))

    def expect_clean(self):
        """Ends what the case started; nothing may be left then."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait()
        for identity in self.containers:
            if os.path.lexists(os.path.join(self.root, identity)):
                self.brig("delete", "--force", identity).ok()
        self.expect_nothing_left("after delete --force")

    def story(self):
        return "\n".join(self.calls[-6:])

    def close(self):
        """Leaves the sandbox as it was, whatever happened."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait()
        if self.containers and not self.settle(0):
            shutil.rmtree(self.path, ignore_errors=True)
            return
        self._sweep()
        shutil.rmtree(self.path, ignore_errors=True)

    def _sweep(self):
        for _ in range(20):
            now = oracle.processes()
            for folder in oracle.cgroups() - self.before.cgroups:
                thaw = os.path.join(folder, "freezer.state")
                if os.path.exists(thaw):
                    write(thaw, "THAWED")
            strays = [pid for pid in now if pid not in self.before.processes]
            for pid in strays:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.reap()
            for folder in sorted(oracle.cgroups() - self.before.cgroups, reverse=True):
                try:
                    os.rmdir(folder)
                except OSError:
                    pass
            if not strays and not oracle.cgroups() - self.before.cgroups:
                break
            time.sleep(0.02)
        with open("/proc/self/mountinfo", encoding="latin-1") as file:
            targets = [line.split()[4] for line in file]
        for target in reversed(targets):
            if target.startswith(self.path + "/"):
                sandbox.libc.umount2(target.encode(), 2)


def kernel_is(least):
    """Whether the kernel is of that release, (major, minor), or newer."""
    return tuple(int(part) for part in os.uname().release.split(".")[:2]) >= least


def need(condition, reason):
    """Skips the case unless the machine has what it needs."""
    if not condition:
        raise Skip(reason)
