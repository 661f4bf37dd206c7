#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# T-31, T-32: kernels and outer filters without the calls that brig likes best. Either the same
# container as ever, or a clean error; never a weaker one.
import errno
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import caps, mountinfo, oracle, sandbox
from harness.tap import Suite, check, contains, equal

suite = Suite()
# Numbers above 424 are the same on every architecture.
CALLS = {"openat2": 437, "fsopen": 430, "fsmount": 432, "open_tree": 428, "move_mount": 429,
         "mount_setattr": 442, "close_range": 436, "pidfd_open": 434, "clone3": 435,
         "pidfd_send_signal": 424, "fchmodat2": 452, "fsconfig": 431}
X86 = {"statx": 332, "seccomp": 317, "execveat": 322, "memfd_create": 319, "keyctl": 250,
       "pivot_root": 155, "renameat2": 316, "prlimit64": 302, "getrandom": 318, "setns": 308}
if os.uname().machine == "x86_64":
    CALLS.update(X86)
ERRORS = {"ENOSYS": errno.ENOSYS, "EPERM": errno.EPERM}


def masked(lab, call, error, *words, **how):
    mask = [os.path.join(sandbox.PAYLOAD, "mask"), str(error), str(CALLS[call])]
    return lab.popen([*mask, *lab.words(*words)], **how).wait(15)


def bundle(lab):
    """One with everything whose loss would weaken it."""
    made = lab.bundle()
    made.set("root.readonly", True)
    made.set("process.user", {"uid": 1000, "gid": 1000, "additionalGids": [7]})
    made.set("process.rlimits", [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 100}])
    made.set("linux.seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}]})
    made.set("linux.resources", {"pids": {"limit": 50}})
    made.file("/secret", "secret")
    made.linux["maskedPaths"].append("/secret")
    made.mount("/data", "bind", lab.path, ["rbind", "ro", "nosuid", "nodev", "noexec"])
    return made


def same_container(report, lab):
    equal(report["uids"], [1000] * 4, "uids")
    equal((report["gids"][0], report["groups"]), (1000, [7]), "groups")
    equal(caps.sets(report)["bounding"], set(caps.DEFAULT), "bounding set")
    equal(report["no_new_privs"], 1, "no_new_privs")
    contains(report["status"], "Seccomp:\t2\n", "filter")
    equal(set(report["fds"]), {"0", "1", "2"}, "descriptors")
    equal(report["rlimits"]["RLIMIT_NOFILE"], [100, 100], "rlimit")
    text = report["mountinfo"]
    check("ro" in mountinfo.flags(text, "/"), "read-only root")
    check({"ro", "nosuid", "nodev", "noexec"} <= mountinfo.flags(text, "/data"), "bind's flags")
    check({"ro", "nosuid", "nodev", "noexec"} <= mountinfo.flags(text, "/sys"), "flags of /sys")
    check("ro" in mountinfo.flags(text, "/proc/sys"), "/proc/sys")
    check(mountinfo.at(text, "/secret") is not None, "the mask")
    equal([entry["target"] for entry in mountinfo.parse(text)
           if entry["target"].startswith(("/run", "/boot", "/home"))], [], "host mounts")
    for name in ("pid", "net", "mnt", "ipc", "uts"):
        check(report["namespaces"][name] != os.readlink(f"/proc/self/ns/{name}"), f"{name} is new")


@suite.table("T-31 T-32", "without", {
    f"{call}, {name}": (call, error) for call in CALLS for name, error in ERRORS.items()})
def without(lab, call, error):
    made = bundle(lab).write()
    lab.containers.append("m")
    result = masked(lab, call, error, "run", "--bundle", made.path, "m")
    verdict = "a fallback"
    if result.status == 0:
        same_container(json.loads(result.out, strict=False), lab)
    else:
        check(0 < result.status < 128, f"a clean end of {result}")
        check(result.err.strip(), f"a reason in {result}")
        verdict = "refused: " + result.err.strip()[:120]
    lab.expect_nothing_left(f"a run without {call}")
    return verdict


@suite.table("T-31 T-32", "exec, kill and delete without", {
    call: call for call in ("openat2", "pidfd_open", "pidfd_send_signal", "clone3", "close_range",
                            "setns") if call in CALLS})
def verbs(lab, call):
    container = lab.sleeper()
    notes = []
    for words in (("exec", container.id, "/bin/true"), ("state", container.id),
                  ("kill", container.id, "0"), ("kill", container.id, "KILL"),
                  ("delete", "--force", container.id)):
        result = masked(lab, call, errno.ENOSYS, *words)
        check(0 <= result.status < 128 or result.status == 255, f"a clean end of {result}")
        check(result.status == 0 or result.err.strip(), f"a reason in {result}")
        if result.status:
            notes.append(result.err.strip()[:120])
    return "\n".join(notes)


@suite.table("T-31 T-9", "openat2 is not there and the image is hostile", {
    f"{name}, {path}": (error, path) for name, error in ERRORS.items()
    for path in ("/target", "/target/below")})
def hostile(lab, error, path):
    canary = oracle.Canary(f"{lab.path}/outside")
    for target in (canary.path, "../../../../.." + canary.path, "/proc/self/root" + canary.path):
        made = lab.bundle(["/bin/true"])
        os.symlink(target, made.inside("/target"))
        made.mount(path, "tmpfs", "tmpfs", ["size=4k"])
        before = oracle.mounts()
        masked(lab, "openat2", error, "run", "--bundle", made.write().path, "h")
        equal(canary.changes(), [], "the canary")
        equal(oracle.mounts(), before, "the host's mounts")


suite.main()
