#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# AppArmor profiles and SELinux labels. Where the kernel has neither, what asks for one is refused.
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.lab import need, read, write
from harness.tap import Suite, check, contains, equal

suite = Suite()
APPARMOR = "/sys/module/apparmor/parameters/enabled"
SELINUX = "/sys/fs/selinux"
EXEC = "/attr/exec`"
# Where the label goes, and what engines find in the error: a path in back quotes (engines 4.6).
LABELS = {"process.apparmorProfile": "`/proc/thread-self/attr/apparmor/exec`",
          "process.selinuxLabel": "`/proc/thread-self/attr/exec`",
          "linux.mountLabel": "SELinux is not enabled"}
WRONG = "system_u:object_r:no_such_type_t:s0"


def has_apparmor():
    return os.path.exists(APPARMOR) and read(APPARMOR).startswith("Y")


def has_selinux():
    """With a policy, so that there are labels."""
    return os.path.exists(f"{SELINUX}/policyvers") and own_context() != "kernel"


def own_context():
    return read("/proc/self/attr/current").rstrip("\0\n")


def is_missing(member):
    return not (has_apparmor() if "apparmor" in member else os.path.exists(SELINUX))


@suite.table("R-31 T-34", "a label without its security module is refused, nothing is left", LABELS)
def refused(lab, member_text):
    member = next(name for name, text in LABELS.items() if text == member_text)
    need(is_missing(member), "a kernel without the security module")
    made = lab.bundle(["/bin/touch", "/mark"])
    made.set(member, "system_u:system_r:web_t:s0")
    lab.try_create(made).failed(member, "system_u:system_r:web_t:s0", member_text, "not enabled")
    lab.run(made).failed(member)
    check(not os.path.exists(made.inside("mark")), "the program has not run")
    lab.expect_nothing_left("a refused container")


@suite.table("R-31 T-34", "what asks for nothing is no label", {
    f"{member} {value!r}": (member, value)
    for member, value in (("process.apparmorProfile", ""), ("process.apparmorProfile", "unconfined"),
                          ("process.selinuxLabel", ""), ("linux.mountLabel", ""))})
def nothing_asked(lab, member, value):
    made = lab.bundle(["/bin/sleep", "1000"])
    made.set(member, value)
    container = lab.start(made)
    container.exec("/bin/true").ok()
    if member.startswith("process."):
        option = "--apparmor" if "apparmor" in member else "--process-label"
        container.exec("/bin/true", options=[option, value]).ok()


@suite.table("R-31 T-34 2.4", "exec: a label of its own is refused, and the container lives on", {
    "--apparmor": ("process.apparmorProfile", "--apparmor"),
    "--process-label": ("process.selinuxLabel", "--process-label"),
    "apparmorProfile of a process file": ("process.apparmorProfile", None),
    "selinuxLabel of a process file": ("process.selinuxLabel", None),
})
def exec_refused(lab, member, option):
    need(is_missing(member), "a kernel without the security module")
    made = lab.bundle(["/bin/sleep", "1000"])
    container = lab.start(made)
    if option:
        result = container.exec("/bin/touch", "/mark", options=[option, "web"])
    else:
        process = {"args": ["/bin/touch", "/mark"], "cwd": "/", member.split(".")[1]: "web"}
        file = write(f"{lab.path}/process.json", json.dumps(process))
        result = lab.brig("exec", "--process", file, container.id)
    result.failed(member, "web", LABELS[member], "not enabled", status=255)
    check(not os.path.exists(made.inside("mark")), "the program has not run")
    equal(container.status(), "running", "status")


@suite.case("R-31 G-04", "labels of another type are told of")
def wrong_type(lab):
    for member in LABELS:
        made = lab.bundle()
        made.set(member, 1)
        lab.try_create(made).failed(member)
    lab.expect_nothing_left("refused configurations")


@suite.case("G-04", "a context type that is none is refused")
def context_type(lab):
    made = lab.bundle(linux__mountLabel=WRONG)
    made.config["annotations"] = {"run.oci.mount_context_type": "seclabel"}
    lab.try_create(made).failed("run.oci.mount_context_type", "seclabel")
    lab.expect_nothing_left("a refused container")


# Where the kernel has AppArmor

PROFILE = """
profile {name} flags=(attach_disconnected) {{
  file,
  capability,
  network,
  mount,
  umount,
  pivot_root,
  signal,
  ptrace,
  unix,
  deny /denied rw,
  deny /**/denied rw,
}}
"""
SECURITYFS = "/sys/kernel/security"
MAP = [{"containerID": 0, "hostID": 100000, "size": 65536}]


class Profile:
    """A profile, loaded for a case: whoever it confines can neither read nor write /denied."""
    count = 0

    def __init__(self, lab):
        need(has_apparmor(), "a kernel with AppArmor")
        need(shutil.which("apparmor_parser", path="/sbin:/usr/sbin"), "apparmor_parser")
        Profile.count += 1
        self.name = f"brig-test-{os.getpid()}-{Profile.count}"
        self.file = write(f"{lab.path}/profile-{Profile.count}", PROFILE.format(name=self.name))

    def call(self, *options):
        """The parser; it wants to see securityfs, which a sandbox does not have."""
        subprocess.run(["unshare", "--mount", "sh", "-c",
                        'mount -t securityfs none "$0" && exec /sbin/apparmor_parser "$@"',
                        SECURITYFS, "--skip-cache", *options, self.file], check=True)

    def __enter__(self):
        self.call("--replace")
        return self

    def __exit__(self, *_):
        self.call("--remove")

    @property
    def enforced(self):
        return f"{self.name} (enforce)\n"


WRITE = "(echo changed > /denied) 2>&1; (echo x > /tmp/allowed) 2>&1 && echo can write"


def confined(lab, shell, **settings):
    """A bundle with a file that the profile denies to root and to everybody."""
    made = lab.bundle(shell=shell, **settings)
    made.file("/denied", "secret", mode=0o666)
    os.chmod(made.inside("tmp"), 0o777)
    return made


def as_user(made):
    made.process["user"] = {"uid": 1000, "gid": 1000}


def in_user_namespace(made):
    made.namespace("user")
    made.linux["uidMappings"] = made.linux["gidMappings"] = MAP


@suite.table("P-08", "the programs of init and of exec are confined by the profile", {
    f"{who}, {'no_new_privs' if nnp else 'without no_new_privs'}": (change, nnp)
    for nnp in (True, False) for who, change in (
        ("root", lambda made: None), ("another user", as_user),
        ("in a user namespace", in_user_namespace))})
def apparmor(lab, change, nnp):
    with Profile(lab) as profile:
        made = confined(lab, f"cat /proc/1/attr/current; {WRITE}; exec sleep 1000",
                        process__apparmorProfile=profile.name, process__noNewPrivileges=nnp)
        change(made)
        container = lab.start(made)
        container.wait_out("can write")
        contains(container.out(), profile.enforced, "init's profile, seen inside")
        contains(container.out(), "denied: Permission denied", "what the profile denies to init")
        equal(read(f"/proc/{container.pid}/attr/current"), profile.enforced, "init's profile")
        script = f"cat /proc/self/attr/current; {WRITE}"
        out = container.exec("/bin/sh", "-c", script).ok().out
        contains(out, profile.enforced, "the profile of exec, inherited from the container")
        contains(out, "denied: Permission denied", "what the profile denies to exec")
        equal(read(made.inside("/denied")), "secret", "the file that neither may write")
        container.delete("--force").ok()


@suite.table("P-08 2.4", "exec: a profile of its own in place of the container's", {
    "--apparmor": True, "a process file": False})
def apparmor_exec(lab, by_option):
    with Profile(lab) as outer, Profile(lab) as inner:
        container = lab.start(confined(lab, "exec sleep 1000",
                                       process__apparmorProfile=outer.name))
        for name, wanted in ((inner.name, inner.enforced), ("unconfined", "unconfined\n")):
            words = ("/bin/cat", "/proc/self/attr/current")
            if by_option:
                result = container.exec(*words, options=["--apparmor", name])
            else:
                file = lab.process_file(args=words, apparmorProfile=name)
                result = lab.brig("exec", "--process", file, container.id)
            equal(result.ok().out, wanted, f"exec's profile, asked for {name}")
        out = container.exec("/bin/cat", "/denied", options=["--apparmor", "unconfined"]).ok().out
        equal(out, "secret", "what only the container's own profile denies")
        equal(read(f"/proc/{container.pid}/attr/current"), outer.enforced, "init's profile")
        container.delete("--force").ok()


@suite.table("P-08", "no profile, or the profile unconfined, leaves the program unconfined", {
    "absent": None, "empty": "", "unconfined": "unconfined"})
def apparmor_unconfined(lab, name):
    need(has_apparmor(), "a kernel with AppArmor")
    made = confined(lab, f"cat /proc/1/attr/current; {WRITE}")
    if name is not None:
        made.set("process.apparmorProfile", name)
    equal(lab.run(made).ok().out, "unconfined\ncan write\n", "output")
    equal(read(made.inside("/denied")), "changed\n", "the file")


@suite.table("P-08", "profiles are stacked, as a nested engine writes it", {
    "beneath the own": "&{0}", "two of them": "{0}//&{1}"})
def apparmor_stacked(lab, form):
    with Profile(lab) as first, Profile(lab) as second:
        made = confined(lab, f"cat /proc/1/attr/current; {WRITE}",
                        process__apparmorProfile=form.format(first.name, second.name))
        out = lab.run(made).ok().out
        for name in [first.name, second.name][:form.count("{")]:
            contains(out.splitlines()[0], name, "profiles")
        contains(out, "denied: Permission denied", "what they deny")


@suite.case("P-08 R-31", "a runtime that is confined itself stacks nothing in silence")
def apparmor_confined_runtime(lab):
    with Profile(lab) as own, Profile(lab) as wanted:
        made = confined(lab, "cat /proc/1/attr/current", process__apparmorProfile=wanted.name)
        words = lab.words("run", "--bundle", made.write().path, lab.name())
        result = lab.popen(["sh", "-c", 'echo "exec $0" > /proc/self/attr/exec && exec "$@"',
                            own.name, *words]).wait()
        result.failed("process.apparmorProfile", wanted.name, status=1)
        lab.expect_nothing_left("a refused container")


@suite.case("P-08 H-04", "a startContainer hook is confined, a createContainer hook is not")
def apparmor_hooks(lab):
    with Profile(lab) as profile:
        made = confined(lab, "true", process__apparmorProfile=profile.name)
        hook = {"path": "/bin/sh", "args": ["sh", "-c", "cat /proc/self/attr/current > /tmp/start"]}
        host = {"path": "/bin/sh", "args": [
            "sh", "-c", f"cat /proc/self/attr/current > {lab.path}/create"]}
        made.config["hooks"] = {"startContainer": [hook], "createContainer": [host]}
        lab.run(made).ok()
        equal(read(made.inside("/tmp/start")), profile.enforced, "profile of startContainer")
        equal(read(f"{lab.path}/create"), "unconfined\n", "profile of createContainer")


@suite.table("P-08 T-34", "a profile that is not loaded is an error that names it", {
    f"{verb}, {'no_new_privs' if nnp else 'without no_new_privs'}": (verb, nnp)
    for verb in ("create", "run") for nnp in (True, False)})
def apparmor_missing(lab, verb, nnp):
    need(has_apparmor(), "a kernel with AppArmor")
    made = lab.bundle(["/bin/touch", "/mark"], process__apparmorProfile="no-such-profile",
                      process__noNewPrivileges=nnp)
    call = lab.try_create if verb == "create" else lab.run
    call(made).failed("process.apparmorProfile", '"no-such-profile" is not loaded',
                      LABELS["process.apparmorProfile"], "no such file or directory")
    check(not os.path.exists(made.inside("mark")), "the program has not run")
    lab.expect_nothing_left("a refused container")


@suite.table("P-08 T-34 2.4", "exec: a profile that is not loaded, and the container lives on", {
    "--apparmor": "no-such-profile", "the container's, unloaded since": None})
def apparmor_exec_missing(lab, name):
    with Profile(lab) as profile:
        container = lab.start(confined(lab, "exec sleep 1000",
                                       process__apparmorProfile=profile.name))
    options = ["--apparmor", name] if name else []
    container.exec("/bin/touch", "/mark", options=options).failed(
        "process.apparmorProfile", f'"{name or profile.name}" is not loaded', status=255)
    equal(container.status(), "running", "status")
    check(not os.path.exists(f"/proc/{container.pid}/root/mark"), "the program has not run")
    container.delete("--force").ok()


# Where the kernel has SELinux and a policy: the test's own context is one that is allowed.

@suite.case("P-15", "the program of init and of exec, and its keyring, have the label")
def selinux(lab):
    need(has_selinux(), "a kernel with SELinux and a policy")
    label = own_context()
    made = lab.bundle(["/bin/sleep", "1000"], process__selinuxLabel=label)
    container = lab.start(made)
    equal(read(f"/proc/{container.pid}/attr/current").rstrip("\0\n"), label, "init's context")
    out = container.exec("/bin/cat", "/proc/self/attr/current").ok().out
    equal(out.rstrip("\0\n"), label, "context of exec")


@suite.case("P-15 T-34", "a label that the policy does not know is an error that names it")
def selinux_wrong(lab):
    need(has_selinux(), "a kernel with SELinux and a policy")
    made = lab.bundle(process__selinuxLabel=WRONG)
    lab.try_create(made).failed("process.selinuxLabel", WRONG, EXEC, "invalid argument")
    lab.expect_nothing_left("a refused container")


@suite.table("M-12 RF-04", "the filesystems of a container have the mount label", {
    "context": None, "rootcontext": "rootcontext"})
def mount_label(lab, kind):
    need(has_selinux(), "a kernel with SELinux and a policy")
    label = os.getxattr(lab.path, "security.selinux").decode().rstrip("\0")
    made = lab.bundle(["/bin/sleep", "1000"], linux__mountLabel=label)
    if kind:
        made.config["annotations"] = {"run.oci.mount_context_type": kind}
    made.mount("/run", "tmpfs", "tmpfs")
    made.linux["maskedPaths"] = ["/tmp"]
    container = lab.start(made)
    for place in ("/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/run", "/tmp"):
        path = f"/proc/{container.pid}/root{place}"
        equal(os.getxattr(path, "security.selinux").decode().rstrip("\0"), label, place)
    for place in ("/proc", "/sys"):
        path = f"/proc/{container.pid}/root{place}"
        check(os.getxattr(path, "security.selinux").decode().rstrip("\0") != label, place)


suite.main()
