# SPDX-License-Identifier: Apache-2.0
"""Faults and deaths at chosen system calls, by strace's injection (H-7)."""
import functools
import os
import random
import re
import shutil
import subprocess
import time

from . import oracle
from .lab import read
from .tap import Skip, patient

# Calls that cannot fail, or not in a way that strace can play: the kernel's brk never answers -1,
# glibc knows that a futex never answers ENOMEM, and a failing close closes all the same.
NEVER = {"brk", "futex", "close", "exit", "exit_group", "rt_sigreturn", "execve", "restart_syscall",
         "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "getpid", "gettid", "getppid",
         "getuid", "geteuid", "getgid", "getegid"}
# What the call may really answer while the other side lives; the first is used unless all are
# asked for.
ERRORS = {
    "openat": ["EMFILE", "EIO"], "openat2": ["EMFILE", "EIO"], "open": ["EMFILE", "EIO"],
    "read": ["EIO", "EINTR"], "pread64": ["EIO"], "write": ["ENOSPC", "EIO", "EINTR"],
    "pwrite64": ["ENOSPC", "EIO"], "writev": ["ENOSPC"],
    "clone": ["EAGAIN", "ENOMEM"], "clone3": ["EAGAIN", "ENOMEM"], "fork": ["EAGAIN"],
    "vfork": ["EAGAIN"], "mkdirat": ["ENOSPC", "EROFS"], "mkdir": ["ENOSPC"],
    "mount": ["EPERM", "ENOMEM"], "fsopen": ["EPERM", "ENODEV"], "fsmount": ["EPERM", "ENOMEM"],
    "fsconfig": ["EINVAL"], "move_mount": ["EPERM", "EBUSY"], "open_tree": ["EPERM", "ENOMEM"],
    "mount_setattr": ["EPERM", "EINVAL"], "umount2": ["EBUSY"], "pivot_root": ["EINVAL"],
    "unlink": ["EROFS", "EBUSY"], "unlinkat": ["EBUSY", "EROFS"], "rmdir": ["EBUSY"],
    "renameat": ["ENOSPC"], "renameat2": ["ENOSPC"], "rename": ["ENOSPC"],
    "waitid": ["EINTR", "ECHILD"], "wait4": ["EINTR", "ECHILD"], "poll": ["EINTR", "ENOMEM"],
    "ppoll": ["EINTR", "ENOMEM"], "epoll_wait": ["EINTR"], "epoll_pwait": ["EINTR"],
    "recvmsg": ["EINTR", "ENOMEM"], "recvfrom": ["EINTR"], "sendmsg": ["ENOBUFS", "ENOMEM"],
    "sendto": ["ENOBUFS", "ENOMEM"], "mmap": ["ENOMEM"], "brk": ["ENOMEM"],
    "mprotect": ["ENOMEM"], "socketpair": ["EMFILE"], "socket": ["EMFILE"], "pipe2": ["EMFILE"],
    "dup3": ["EMFILE"], "dup2": ["EMFILE"], "fcntl": ["EMFILE", "EINVAL"],
    "memfd_create": ["EMFILE", "ENOSYS"], "keyctl": ["EDQUOT", "ENOSYS"],
    "seccomp": ["EINVAL", "ENOMEM"], "setresuid": ["EAGAIN", "EPERM"], "kill": ["EPERM"],
    "pidfd_send_signal": ["EPERM"], "pidfd_open": ["EMFILE", "ENOSYS"],
    "flock": ["EINTR", "ENOLCK"], "getdents64": ["EIO"],
}
DEFAULT_ERRORS = ["EPERM", "ENOMEM"]
ALONE = ["--detach-on=execve"]


def census(lab, words, alone=False):
    """{call: most invocations by one process} over one run of words; waits for its end.
    alone: not those of other programs that it executes."""
    if shutil.which("strace") is None:
        raise Skip("no strace")
    trace = f"{lab.path}/census"
    run = lab.popen(["strace", "-D", "-f", "-qq", *ALONE[:alone], "-o", trace, *words])
    result = run.wait(30)
    settle_tracer(lab)
    counts = {}
    for line in read(trace).splitlines():
        match = re.match(r"(\d+) +([a-z_0-9]+)\(", line)
        if match:
            key = (match.group(2), match.group(1))
            counts[key] = counts.get(key, 0) + 1
    most = {}
    for (call, _), count in counts.items():
        most[call] = max(most.get(call, 0), count)
    return result, {call: count for call, count in most.items() if call not in NEVER}


def forget_filters():
    """Empties the cache of compiled seccomp filters: the next run compiles and keeps one."""
    shutil.rmtree("/run/brig", ignore_errors=True)


def settle_tracer(lab, seconds=3):
    """Waits for the end of strace, which stays as long as what it traces."""
    deadline = time.monotonic() + patient(seconds)
    while tracers() and time.monotonic() < deadline:
        lab.reap()
        time.sleep(0.002)


def tracers():
    return [pid for pid, (_, state, name) in oracle.processes().items()
            if name == "strace" and state != "Z"]


@functools.cache
def seed():
    """Another sample for each state of the sources, and the same when a run is repeated."""
    tree = subprocess.run(["git", "-C", os.path.dirname(__file__), "rev-parse", "HEAD^{tree}"],
                          capture_output=True, text=True, check=False).stdout[:6] or "1"
    chosen = int(os.environ.get("BRIG_FAULTS_SEED", int(tree, 16)))
    print(f"# BRIG_FAULTS_SEED={chosen}", flush=True)
    return chosen


def points(counts):
    """Every (call, n), in an order that samples evenly."""
    # glibc's loader does not look whether its first mmap succeeded; that is before any of our code.
    found = [(call, number) for call in sorted(counts) for number in range(1, counts[call] + 1)
             if (call, number) != ("mmap", 1)]
    random.Random(seed()).shuffle(found)
    return found


def errors(call, every):
    names = ERRORS.get(call, DEFAULT_ERRORS)
    return names if every else names[:1]


class Budget:
    """How long a sweep may take: BRIG_FAULTS=all has no limit."""

    def __init__(self, seconds):
        self.every = os.environ.get("BRIG_FAULTS") == "all"
        self.seconds = float(os.environ.get("BRIG_FAULTS_SECONDS", seconds))
        self.begin = time.monotonic()

    def over(self):
        return not self.every and time.monotonic() - self.begin > self.seconds


def traced(lab, call, action, words, alone=False, **how):
    """Starts words with one injection; the process is the runtime itself, not strace."""
    trace = f"{lab.path}/trace"
    if os.path.exists(trace):
        os.unlink(trace)
    # The quick way of tracing does not deliver injected signals, nor let go of anybody.
    quick = ALONE[:alone] if alone or action.startswith("signal=") else ["--seccomp-bpf"]
    return lab.popen(["strace", "-D", "-f", "-q", *quick, "-o", trace, "-e", f"trace={call}",
                      "-e", f"inject={call}:{action}", *words], **how)
