# SPDX-License-Identifier: Apache-2.0
"""Engines as a runtime sees them: their globals, environment, signals and streams around a call."""
import json
import os
import re
import signal
import time

from . import oracle, sandbox
from .lab import Result, read, write
from .tap import Failure, check, equal, eventually, patient

PR_SET_PDEATHSIG = 1
DEFAULT_ROOT = f"/run/{sandbox.stand_in() or 'brig'}"
BARE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def die_with_parent():
    """For preexec_fn: the runtime ends with the thread that called it, as go-runc and conmon ask."""
    sandbox.libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Pipe:
    """A pipe whose writing end is given to the runtime; what came out of it, and whether it ended."""

    def __init__(self, mode=None, flags=0):
        self.reader, self.writer = os.pipe2(os.O_CLOEXEC | flags)
        os.set_blocking(self.reader, False)
        if mode is not None:
            os.fchmod(self.reader, mode)
        self.data, self.ended = b"", False

    def shut(self):
        """Closes the caller's copy of the writing end."""
        if self.writer is not None:
            os.close(self.writer)
            self.writer = None

    def pump(self):
        while not self.ended:
            try:
                chunk = os.read(self.reader, 65536)
            except BlockingIOError:
                break
            self.data += chunk
            self.ended = not chunk
        return self.ended

    def text(self):
        self.pump()
        return self.data.decode("utf-8", "surrogateescape")

    def wait_for(self, part, seconds=5):
        eventually(lambda: part in self.text(), f"{part!r} in the pipe", seconds)

    def wait_end(self, seconds=5):
        eventually(self.pump, "the pipe's end", seconds)
        return self.text()


class Caller:
    """One engine and one container of its. Its options stand before the command (globals_)."""

    def __init__(self, lab, made, globals_=(), environment=None, own_root=True):
        self.lab, self.made, self.globals_ = lab, made, tuple(globals_)
        self.environment = dict(os.environ) if environment is None else environment
        self.own_root = own_root  # whether it says --root
        self.id = lab.name()
        self.out, self.err = Pipe(), Pipe()
        if not own_root:
            use_root(lab, DEFAULT_ROOT)
        lab.containers.append(self.id)
        made.write()
        self.pid_file = f"{made.path}/pid"

    def spawn(self, *words, **how):
        how.setdefault("env", self.environment)
        how.setdefault("preexec_fn", die_with_parent)
        how.setdefault("cwd", self.made.path)
        return self.lab.spawn(*words, globals_=self.globals_, root=self.own_root, **how)

    def call(self, *words, joined=False, timeout=10, **how):
        """A call whose output is read until it ends, as Go's Output and CombinedOutput do; a pipe
        that somebody keeps open makes it fail. joined: both streams are one pipe."""
        out = Pipe()
        err = out if joined else Pipe()
        running = self.spawn(*words, stdout=out.writer, stderr=err.writer, **how)
        out.shut()
        err.shut()
        deadline = time.monotonic() + patient(timeout)
        while not (out.pump() & err.pump()) or running.process.poll() is None:
            if time.monotonic() > deadline:
                raise Failure(f"{words} ended: {running.process.poll()}, but not its output: "
                              f"{out.text()!r} {err.text()!r}")
            self.lab.reap()
            time.sleep(0.001)
        for end in {out, err}:
            os.close(end.reader)
        result = Result(running, running.process.returncode, out.text(),
                        "" if joined else err.text(), time.monotonic() - running.begin)
        self.lab.calls.append(str(result))
        return result

    def silent(self, *words, **how):
        """A call that succeeds and says nothing."""
        result = self.call(*words, **how).ok()
        equal((result.out, result.err), ("", ""), f"output of {words[0]}")
        return result

    def give_streams(self, *words, timeout=10, **how):
        """A call whose standard streams are the program's."""
        result = self.spawn(*words, stdout=self.out.writer, stderr=self.err.writer,
                            **how).wait(timeout)
        self.out.shut()
        self.err.shut()
        return result

    def create(self, *options, **how):
        """create with streams and pid file; checks what every engine relies on at its end."""
        with Replaced(self.pid_file):
            self.give_streams("create", "--bundle", self.made.path, "--pid-file", self.pid_file,
                              *options, self.id, **how).ok()
        equal((self.out.text(), self.err.text()), ("", ""), "output of create")
        return self.pid()

    def started(self):
        """Itself, with a container that runs."""
        self.create()
        self.silent("start", self.id)
        return self

    def pid(self):
        """The pid as engines read it: no newline, their own pid namespace."""
        text = read(self.pid_file)
        check(re.fullmatch(r"[1-9]\d*", text), f"pid file {text!r}")
        return int(text)

    def state(self):
        return json.loads(self.call("state", self.id).ok().out)

    def wait_stopped(self):
        def ended():
            self.lab.reap()
            return self.state()["status"] == "stopped"
        eventually(ended, f"{self.id} stopped")

    def process_file(self, args=None, **members):
        """A whole process object, as all but conmon-rs send it."""
        document = {**self.made.process, "args": args or ["/bin/probe"], "terminal": False,
                    **members}
        return write(f"{self.made.path}/{self.lab.name('process')}.json", json.dumps(document))


class Replaced:
    """A file that is there, empty, and that must be replaced as a whole: who has it open sees the
    old one, who opens it the new one."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.old = open(write(self.path, ""), encoding="utf-8")

    def __exit__(self, kind, *_):
        if kind is None:
            check(os.fstat(self.old.fileno()).st_nlink == 0, "the old pid file is not replaced")
            equal(self.old.read(), "", "the old pid file")
        self.old.close()


class UserNamespace:
    """Where a rootless engine lives: root of a user namespace only, so no cgroup can be made. From
    here on all of the lab's calls are made there; what the lab has by now belongs to that root."""
    FIRST = 100000  # its root, outside

    def __init__(self, lab):
        self.lab = lab
        self.holder = lab.popen(["unshare", "--user", "--mount", "sleep", "1000"])
        eventually(lambda: read(f"/proc/{self.holder.pid}/comm") == "sleep\n", "a user namespace")
        for kind in ("uid", "gid"):
            write(f"/proc/{self.holder.pid}/{kind}_map", f"0 {self.FIRST} 65536")
        os.chmod(lab.path, 0o755)
        for folder, _, files in os.walk(lab.path):
            self.give(folder, *(f"{folder}/{file}" for file in files))
        plain = lab.words
        lab.words = lambda *words, **how: ["/usr/bin/nsenter", "-t", str(self.holder.pid), "-U",
                                           "-m", *plain(*words, **how)]

    def give(self, *paths):
        """To its root; but not what other root file systems link to."""
        for path in paths:
            if os.path.isdir(path) or os.stat(path, follow_symlinks=False).st_nlink == 1:
                os.lchown(path, self.FIRST, self.FIRST)


def use_root(lab, root):
    """The lab's state root from here on."""
    if lab.root == root:
        return
    lab.root = root
    lab.before = oracle.Snapshot(root)


class Shim(Caller):
    """containerd's shim, by go-runc: a root for each namespace, one log for all calls."""

    def __init__(self, lab, made):
        use_root(lab, f"{lab.path}/state-of/k8s.io")
        environment = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
        super().__init__(lab, made, ("--log", f"{made.path}/log.json", "--log-format", "json"),
                         environment)
        self.pid_file = f"{made.path}/init.pid"

    def entries(self):
        path = f"{self.made.path}/log.json"
        return [json.loads(line) for line in read(path).splitlines()] if os.path.exists(path) else []

    def last_error(self):
        """As go-runc's callers find it: the last entry of level error."""
        return [entry["msg"] for entry in self.entries() if entry["level"] == "error"][-1]


class Podman(Caller):
    """podman itself; and conmon, which podman starts, with the log that only a create has."""

    def __init__(self, lab, made, environment=None, globals_=()):
        super().__init__(lab, made, globals_, environment or {"XDG_RUNTIME_DIR": ""},
                         own_root=False)


class Conmon(Caller):
    """conmon as podman starts it: SIGPIPE ignored, pipes of mode 0777, one read of what went wrong."""

    def __init__(self, lab, made, globals_=()):
        self.log = f"{made.path}/oci-log"
        super().__init__(lab, made, ("--log-format=json", f"--log={self.log}", *globals_),
                         {"PATH": BARE_PATH, "XDG_RUNTIME_DIR": "", "TERM": "xterm",
                          "_OCI_SYNCPIPE": "3", "_OCI_STARTPIPE": "4"}, own_root=False)
        self.out, self.err = Pipe(0o777), Pipe(0o777)

    def spawn(self, *words, **how):
        def become():
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)
            os.umask(0o022)
            die_with_parent()
            before()
        before = how.pop("preexec_fn", lambda: None)
        return super().spawn(*words, preexec_fn=become, restore_signals=False, **how)


class ConmonRs(Caller):
    """conmon-rs, which says some of its globals twice."""

    def __init__(self, lab, made):
        super().__init__(lab, made, (f"--root={lab.root}", "--systemd-cgroup=false",
                                     f"--root={lab.root}", "--systemd-cgroup=false"))


class Crio(Caller):
    """CRI-O: nothing but --root, and the few variables that it was told to hand on."""

    def __init__(self, lab, made):
        super().__init__(lab, made, (), {"CRI_O_EXTERNAL": "1", "PATH": BARE_PATH})


class Buildah(Caller):
    """buildah: no options at all, folders as names."""

    def __init__(self, lab, made):
        super().__init__(lab, made, own_root=False)


class BuildKit(Caller):
    """BuildKit's own worker, by go-runc: a log, the default root, a process group of its own."""

    def __init__(self, lab, made):
        super().__init__(lab, made, ("--log", f"{lab.path}/runc-log.json", "--log-format", "json"),
                         own_root=False)

    def spawn(self, *words, **how):
        def become():
            os.setpgid(0, 0)
            die_with_parent()
        how.setdefault("preexec_fn", become)
        return super().spawn(*words, **how)
