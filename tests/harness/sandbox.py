# SPDX-License-Identifier: Apache-2.0
"""Puts a test program where it can see and end everything that a runtime leaves behind."""
import ctypes
import os
import signal
import subprocess
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REPO = os.path.dirname(TESTS)
BUILD = os.environ.get("BUILD", os.path.join(REPO, "build"))
PAYLOAD = os.path.join(BUILD, "test-payload")
MARK = "BRIG_TEST_SANDBOX"  # tests/sandbox sets it
PR_SET_CHILD_SUBREAPER = 36

libc = ctypes.CDLL(None, use_errno=True)


def brig():
    """The runtime under test; runc and crun can stand in."""
    return os.path.abspath(os.environ.get("BRIG", os.path.join(BUILD, "runtime", "brig")))


def stand_in():
    """'runc' or 'crun' when that is what is tested, else ''."""
    name = os.path.basename(brig())
    return name if name in ("runc", "crun") else ""


def with_systemd():
    """Whether the cgroups of an engine's containers are to be units of the machine's systemd."""
    return os.environ.get("ENGINE_CGROUPS") == "systemd"


def leave(reason):
    """Skips the whole program."""
    print(f"1..0 # SKIP {reason}")
    sys.stdout.flush()
    os._exit(77)


def build_payload():
    """Compiles the static programs that run inside containers, once per change."""
    sources = os.path.join(TESTS, "payload")
    os.makedirs(PAYLOAD, exist_ok=True)
    for source in sorted(os.listdir(sources)):
        name, extension = os.path.splitext(source)
        if extension != ".c":
            continue
        source = os.path.join(sources, source)
        program = os.path.join(PAYLOAD, name)
        if (os.path.exists(program) and
                os.stat(program).st_mtime_ns > os.stat(source).st_mtime_ns):
            continue
        fresh = f"{program}.{os.getpid()}"
        with open(source, encoding="utf-8") as file:
            extra = [word for line in file if line.startswith("// build: ")
                     for word in line.split()[2:]]
        subprocess.run(["gcc", "-std=gnu17", "-O1", "-s", "-Wall", "-Wextra", "-D_GNU_SOURCE",
                        "-static", *extra, "-o", fresh, source], check=True)
        os.rename(fresh, program)


def be_no_subreaper():
    """For a program whose engine is the parent that containers get, and PID 1 the engine's."""
    libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def enter(hierarchies=(), view=()):
    """Returns inside the sandbox, as the subreaper that an engine would be.
    hierarchies: controllers that get a v1 hierarchy of their own meanwhile, where the kernel can.
    view: an option of tests/sandbox."""
    if os.environ.get(MARK) != "1":
        if os.geteuid() != 0:
            leave("needs root")
        if not os.access(brig(), os.X_OK):
            leave(f"no runtime at {brig()}")
        build_payload()
        view = view or (["--v1"] if stand_in() == "crun" else [])
        sys.stdout.flush()
        environment = dict(os.environ, BUILD=BUILD, BRIG=brig())
        program = [sys.executable, "-B", os.path.abspath(sys.argv[0]), *sys.argv[1:]]
        command = [os.path.join(TESTS, "sandbox"), *view, "--", *program]
        if hierarchies:
            command = [os.path.join(TESTS, "with-hierarchies"), *hierarchies, "--", *command]
        os.execve(command[0], command, environment)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in (signal.SIGINT, signal.SIGQUIT):  # a shell ignores them for what it leaves behind
        signal.signal(number, signal.SIG_DFL)
    os.setpriority(os.PRIO_PROCESS, 0, 0)  # a nice(1) around the suite is not the runtime's doing
    # Leaked descriptors would be the test's own fault: only 0, 1 and 2 are handed on.
    os.closerange(3, 256)
    os.umask(0o022)
