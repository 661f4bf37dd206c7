#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# AppArmor profiles and SELinux labels. Where the kernel has neither, what asks for one is refused.
import json
import os
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
  signal,
  ptrace,
  unix,
  deny /denied r,
}}
"""


class Profile:
    """A profile, loaded for a case."""

    def __init__(self, lab):
        need(has_apparmor(), "a kernel with AppArmor")
        need(os.path.exists("/sbin/apparmor_parser"), "apparmor_parser")
        self.name = f"brig-test-{os.getpid()}"
        self.file = write(f"{lab.path}/profile", PROFILE.format(name=self.name))

    def __enter__(self):
        subprocess.run(["/sbin/apparmor_parser", "-Kr", self.file], check=True)
        return self

    def __exit__(self, *_):
        subprocess.run(["/sbin/apparmor_parser", "-R", self.file], check=True)


@suite.table("P-08", "the program of init and of exec is confined by the profile", {
    "no_new_privs": True, "without no_new_privs": False})
def apparmor(lab, nnp):
    with Profile(lab) as profile:
        made = lab.bundle(["/bin/sleep", "1000"], process__apparmorProfile=profile.name)
        made.process["noNewPrivileges"] = nnp
        made.file("/denied", "secret")
        container = lab.start(made)
        contains(read(f"/proc/{container.pid}/attr/current"), profile.name, "init's profile")
        out = container.exec("/bin/cat", "/proc/self/attr/current", "/denied")
        contains(out.out, profile.name, "the profile of exec, inherited from the container")
        contains(out.err, "Permission denied", "what the profile denies")
        out = container.exec("/bin/cat", "/denied", options=["--apparmor", "unconfined"]).ok().out
        equal(out, "secret", "exec with a profile of its own")
        container.kill("KILL")
        container.wait_stopped()


@suite.case("P-08 T-34", "a profile that is not loaded is an error that names it")
def apparmor_missing(lab):
    need(has_apparmor(), "a kernel with AppArmor")
    made = lab.bundle(process__apparmorProfile="no-such-profile")
    lab.try_create(made).failed("process.apparmorProfile", "no-such-profile", "exec`")
    lab.expect_nothing_left("a refused container")


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
