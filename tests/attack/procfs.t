#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Writes to procfs that somebody wants elsewhere, or to fail (T-26, T-30, T-35), and annotations that
# other runtimes obey (T-102).
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.lab import need, read, write
from harness.tap import Suite, check, contains, equal

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
FORWARD = "net.ipv4.ip_forward"
LABEL = "kernel"  # the only one of a kernel whose SELinux has no policy


def hook(lab, name, script):
    path = write(f"{lab.path}/{name}", f"#!/bin/sh\n{script}\n")
    os.chmod(path, 0o755)
    return [{"path": path}]


COVERS = {
    "proc": "mount -t tmpfs x $ROOT/proc; mkdir -p $ROOT/proc/sys/net/ipv4 $ROOT/proc/self/attr "
            "$ROOT/proc/thread-self/attr; for i in sys/net/ipv4/ip_forward self/attr/exec "
            "thread-self/attr/exec; do echo fake > $ROOT/proc/$i; done",
    "proc/sys": "mount -t tmpfs x $ROOT/proc/sys; mkdir -p $ROOT/proc/sys/net/ipv4; "
                "echo fake > $ROOT/proc/sys/net/ipv4/ip_forward",
    "the parameter by sysrq-trigger":
        "mount --bind $ROOT/proc/sysrq-trigger $ROOT/proc/sys/net/ipv4/ip_forward",
    "the parameter by another one":
        "mount --bind $ROOT/proc/sys/net/ipv4/ip_default_ttl $ROOT/proc/sys/net/ipv4/ip_forward",
    "the label by another attribute":
        "for i in 1 self thread-self; do mount --bind $ROOT/proc/$i/sched $ROOT/proc/$i/attr/exec; done",
    "the parameter is a link": "mount -t tmpfs x $ROOT/proc/sys; mkdir -p $ROOT/proc/sys/net/ipv4; "
                               "ln -s /canary/marker $ROOT/proc/sys/net/ipv4/ip_forward",
}


@suite.table("T-26 R-9 R-10", "a peer mounts over the container's /proc while it is made", COVERS)
def peer(lab, cover):
    canary = oracle.Canary(f"{lab.path}/outside")
    made = lab.bundle(SLEEP, linux__sysctl={FORWARD: "1"})
    has_selinux = os.path.exists("/sys/fs/selinux")
    if has_selinux:
        made.process["selinuxLabel"] = LABEL
    made.set("linux.maskedPaths", [])
    made.set("linux.readonlyPaths", [])
    made.mount("/canary", "bind", f"{lab.path}/outside", ["rbind"])
    made.config["hooks"] = {"createContainer": hook(
        lab, "peer", f"ROOT={made.rootfs}\n{cover}\ntouch {lab.path}/covered")}
    container = lab.create(made)
    check(os.path.exists(f"{lab.path}/covered"), "the peer was there")
    container.start()
    pid = container.pid
    inside = subprocess.run(["nsenter", "-t", str(pid), "-n", "cat", "/proc/sys/net/ipv4/ip_forward"],
                            capture_output=True, text=True, check=True)
    equal(inside.stdout, "1\n", "the parameter, as the kernel has it")
    equal(canary.changes(), [], "the canary")
    if has_selinux:
        equal(read(f"/proc/{pid}/attr/current").rstrip("\0\n"), LABEL, "the label")
    fake = container.exec("/bin/cat", "/proc/sys/net/ipv4/ip_forward")
    check("fake" in fake.out or "fake" not in cover, f"what was mounted over it stays: {fake}")


@suite.table("T-30 R-9 R-10", "without privilege on the host, what is mounted over /proc is noticed", {
    "the parameter": "sys/net/ipv4/ip_forward", "sys": "sys", "net": "sys/net"})
def rootless(lab, place):
    made = lab.bundle(shell="touch /mark", linux__sysctl={FORWARD: "1"})
    made.set("linux.maskedPaths", [])
    made.set("linux.readonlyPaths", [])
    fake = f"{lab.path}/fake"
    if os.path.isdir(f"/proc/{place}"):
        os.makedirs(f"{fake}/ipv4" if place == "sys/net" else f"{fake}/net/ipv4")
        fakes = f"{fake}/ipv4/ip_forward" if place == "sys/net" else f"{fake}/net/ipv4/ip_forward"
    else:
        fakes = fake
    write(fakes, "fake")
    lab.containers.append("c")
    words = lab.words("run", "--bundle", made.write().path, "c",
                      globals_=("--cgroup-manager", "disabled"))
    script = f'mount --bind {fake} /proc/{place} && exec "$@"'
    result = lab.popen(["unshare", "-U", "-r", "-m", "sh", "-c", script, "sh", *words]).wait()
    equal(read(fakes), "fake", "the fake")
    if result.status != 0:
        contains(result.err, "brig: ", "the runtime's own reason")
        check(not os.path.exists(made.inside("/mark")), "the program has not run")
    lab.expect_nothing_left("a covered /proc")


# label writes that fail

# A kernel that seems to have SELinux: the folder is all that is looked for.
PRETEND = ("mkdir $0 && mount --rbind /sys/fs/cgroup $0 && mount -t tmpfs x /sys/fs && "
           "mkdir /sys/fs/selinux /sys/fs/cgroup && mount --rbind $0 /sys/fs/cgroup && exec \"$@\"")


@suite.table("T-35 R-31", "a label that the kernel does not take, or not whole, runs no program", {
    "refused": None, "wrong": "error=EINVAL", "denied": "error=EACCES", "short": "retval=3",
    "nothing of it": "retval=0", "taken, but not there when read back": f"retval={len(LABEL)}"})
def label_fails(lab, action):
    need(not os.path.exists("/sys/fs/selinux"), "a kernel without SELinux")
    made = lab.bundle(["/bin/touch", "/mark"])
    made.process["selinuxLabel"] = LABEL
    lab.containers.append("c")
    words = ["unshare", "-m", "--propagation", "private", "sh", "-c", PRETEND, f"{lab.path}/groups"]
    seen = 0
    for number in range(1, 10):
        inner = lab.words("run", "--bundle", made.write().path, "c")
        if action:
            inner = ["strace", "-f", "-qq", "-o", f"{lab.path}/trace", "-e", "trace=pwrite64", "-e",
                     f"inject=pwrite64:{action}:when={number}", *inner]
        result = lab.popen([*words, *inner]).wait()
        os.rmdir(f"{lab.path}/groups")
        result.failed("process.selinuxLabel", LABEL)
        check(not os.path.exists(made.inside("/mark")), "the program has not run")
        seen += not action or any(LABEL in line and "INJECTED" in line
                                  for line in read(f"{lab.path}/trace").splitlines())
        if seen:
            break
    check(seen, "the fault met the label")
    lab.expect_nothing_left("an unwritten label")


# annotations

# Those that brig obeys, if it is allowed to, are in integration/annotations.t, and told in features.
ANNOTATIONS = {
    "a plugin": {"run.oci.seccomp.plugins": "{lab}/evil.so"},
    "a handler": {"run.oci.handler": "krun", "run.oci.handler.path": "{lab}/evil"},
    "systemd": {"org.systemd.property.ExecStartPost": "[('/bin/touch', ['touch', '{lab}/out'], true)]",
                "org.systemd.property.User": "'root'", "run.oci.systemd.subgroup": "../../evil",
                "run.oci.systemd.force_cgroup_v1": "{lab}/out"},
    "a cgroup": {"run.oci.cgroup_path": "/"},
    "mounts": {"run.oci.mount_context_type": "context", "run.oci.timens_offset": "boottime 9 9"},
    "podman's": {"io.podman.annotations.privileged": "TRUE", "io.podman.annotations.seccomp":
                 "unconfined", "io.podman.annotations.userns": "host"},
    "groups": {"run.oci.keep_original_groups": "1 "}, "groups in words": {
        "run.oci.keep_original_groups": "true"},
    "CRIU's": {"org.criu.config": "{lab}/evil.conf"},
    "hooks'": {"run.oci.hooks.stdout": "{lab}/out", "run.oci.hooks.stderr": "{lab}/out"},
    "sockets": {"run.oci.pidfd_receiver": "{lab}/none", "run.oci.seccomp.receiver": "{lab}/none"},
    "a filter": {"run.oci.seccomp_bpf_data": "BgAAAAAA/38="},
    "strange names": {"../../etc/passwd": "../..", "a\nb": "c\u001b[2J", "x" * 5000: "y"},
}


@suite.table("T-102 R-40 A-05", "an annotation that others obey has no effect", ANNOTATIONS)
def annotation(lab, given):
    annotations = {name: text.replace("{lab}", lab.path) for name, text in given.items()}
    write(f"{lab.path}/evil.so", "\x7fELF")
    write(f"{lab.path}/evil", f"#!/bin/sh\ntouch {lab.path}/out\n")
    os.chmod(f"{lab.path}/evil", 0o755)
    write(f"{lab.path}/evil.conf", f"action-script {lab.path}/evil\n")
    plain = lab.probe(lab.bundle(["/bin/probe"]))
    made = lab.bundle(["/bin/sh", "-c", "/bin/probe; sleep 1000"])
    made.config["annotations"] = annotations
    made.config["hooks"] = {"prestart": hook(lab, "loud", "echo loud; echo loud >&2")}
    before = set(os.listdir(lab.path))
    container = lab.start(made, preexec_fn=lambda: os.setgroups([77]))
    container.wait_out("}")
    equal(container.state()["annotations"], annotations, "annotations are told as they are")
    made_files = {name for name in set(os.listdir(lab.path)) - before
                  if not name.startswith(("out-", "err-"))}
    equal(made_files, set(), "files beside the container")
    there = json.loads(container.out(), strict=False)
    for name in ("cap_bounding", "cap_effective", "cap_permitted", "cap_inheritable", "groups",
                 "no_new_privs", "uids", "gids", "rlimits", "personality", "timens_offsets"):
        equal(there[name], plain[name], name)
    check("77" not in read(f"/proc/{container.pid}/status").split("Groups:")[1].split("\n")[0],
          "the caller's groups")


suite.main()
