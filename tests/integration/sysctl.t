#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Kernel parameters: SY-01 to SY-03; each seen from inside and from the host.
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.lab import need, read
from harness.namespaces import bind, hold, path_of, unbind, userns
from harness.tap import Suite, equal

suite = Suite()


@suite.case("SY-01", "sysctls are set inside and not on the host")
def sysctl(lab):
    before = read("/proc/sys/net/ipv4/ip_forward"), read("/proc/sys/kernel/shm_rmid_forced")
    made = lab.bundle(shell="cd /proc/sys; cat net/ipv4/ip_forward kernel/shm_rmid_forced "
                            "fs/mqueue/msg_max net/ipv4/conf/lo/forwarding")
    made.linux["sysctl"] = {"net.ipv4.ip_forward": "1", "kernel.shm_rmid_forced": "1",
                            "fs.mqueue.msg_max": "5", "net/ipv4/conf/lo/forwarding": "0"}
    out = lab.run(made).ok().out.split()
    equal(out[1:], ["1", "5", "0"], "values")
    after = read("/proc/sys/net/ipv4/ip_forward"), read("/proc/sys/kernel/shm_rmid_forced")
    equal(after, before, "the host's values")


# Every parameter that is the container's own: name, a value, the namespace that holds it.
OWN = {
    "kernel.msgmax": ("8000", "ipc"), "kernel.msgmnb": ("16000", "ipc"),
    "kernel.msgmni": ("99", "ipc"), "kernel.sem": ("100 1000 10 20", "ipc"),
    "kernel.shmall": ("1000", "ipc"), "kernel.shmmax": ("100000", "ipc"),
    "kernel.shmmni": ("50", "ipc"), "kernel.shm_rmid_forced": ("1", "ipc"),
    "fs.mqueue.msg_max": ("7", "ipc"), "fs.mqueue.msgsize_max": ("4096", "ipc"),
    "fs.mqueue.queues_max": ("9", "ipc"), "net.ipv4.ip_forward": ("1", "network"),
    "net.core.somaxconn": ("77", "network"), "net.ipv6.conf.all.forwarding": ("1", "network"),
    "kernel.domainname": ("by.sysctl", "uts"), "user.max_net_namespaces": ("3", "user"),
}


def file_of(key):
    return "/proc/sys/" + key.replace(".", "/")


@suite.table("SY-01 SY-02", "a parameter of the container's own", {
    key: (key, *entry) for key, entry in OWN.items()})
def each(lab, key, value, kind):
    before = read(file_of(key))
    made = lab.bundle(shell=f"cat {file_of(key)}", linux__sysctl={key: value})
    if kind == "user":
        userns(made)
    equal(lab.run(made).ok().out.split(), value.split(), "value inside")
    equal(read(file_of(key)), before, "the host's value")


@suite.table("SY-02 N-03 T-33", "and without a namespace of its own", {
    f"{key}{' by path' if by_path else ''}": (key, *OWN[key], by_path)
    for key in OWN for by_path in (False, True) if not (by_path and OWN[key][1] == "user")})
def each_refused(lab, key, value, kind, by_path):
    before = read(file_of(key))
    made = lab.bundle(linux__sysctl={key: value})
    del made.config["hostname"]
    made.without_namespace(kind)
    place = None
    if by_path:
        # By another name: only what it is tells that it is the runtime's own.
        place = bind(lab, path_of("self", kind), kind)
        made.namespace(kind, place)
    try:
        lab.try_create(made).failed(f'linux.sysctl["{key}"]', "would change the host")
    finally:
        if place:
            unbind(place)
    equal(read(file_of(key)), before, "the host's value")
    lab.expect_nothing_left("a refused sysctl")


@suite.case("SY-01 N-04", "a sysctl is set in a namespace that is joined")
def joined(lab):
    path = path_of(hold(lab, "--net", kind="network"), "network")
    made = lab.bundle(["/bin/true"], linux__sysctl={"net.ipv4.ip_forward": "1"})
    made.namespace("network", path)
    lab.run(made).ok()
    seen = subprocess.run(["nsenter", f"--net={path}", "cat", "/proc/sys/net/ipv4/ip_forward"],
                          capture_output=True, text=True, check=True).stdout
    equal(seen, "1\n", "value that its other processes see")


@suite.table("SY-01", "an interface whose name has a dot", {
    "slashes": "net/ipv4/conf/br0.100/forwarding", "dots": "net.ipv4.conf.br0/100.forwarding"})
def dotted(lab, key):
    path = path_of(hold(lab, "--net", kind="network"), "network")
    subprocess.run(["nsenter", f"--net={path}", "ip", "link", "add", "br0.100", "type", "bridge"],
                   check=True)
    made = lab.bundle(shell="cat /proc/sys/net/ipv4/conf/br0.100/forwarding",
                      linux__sysctl={key: "1"})
    made.namespace("network", path)
    equal(lab.run(made).ok().out, "1\n", "value inside")


@suite.table("SY-03", "a value is written as it is", {
    "newline": ("2001 3001\n", "2001 3001"), "tab": ("2001\t3001", "2001 3001"),
    "blanks": (" 2001  3001 ", "2001 3001"), "empty": ("", "32768 60999"),
})
def verbatim(lab, value, wanted):
    name = "net/ipv4/ip_local_port_range"
    made = lab.bundle(shell=f"cat /proc/sys/{name}", linux__sysctl={name: value})
    equal(lab.run(made).ok().out.split(), wanted.split(), "value inside")


@suite.table("SY-03 T-33", "a value cannot bring another parameter along", {
    "newline": "1\nkernel.core_pattern=|/bin/x", "plus": "1+kernel.core_pattern=|/bin/x",
    "comma": "1,kernel.core_pattern=|/bin/x"})
def smuggled(lab, value):
    before = read("/proc/sys/kernel/core_pattern"), read("/proc/sys/net/ipv4/ip_forward")
    lab.run(lab.bundle(["/bin/true"], linux__sysctl={"net.ipv4.ip_forward": value}))
    equal((read("/proc/sys/kernel/core_pattern"), read("/proc/sys/net/ipv4/ip_forward")), before,
          "the host's values")


@suite.table("SY-01", "where the system calls of newer kernels are missing", {
    "no openat2": "openat2:error=ENOSYS", "openat2 filtered": "openat2:error=EPERM",
})
def no_openat2(lab, fault):
    need(shutil.which("strace"), "no strace")
    name = "net/ipv4/ip_local_port_range"
    made = lab.bundle(shell=f"cat /proc/sys/{name}", linux__sysctl={name: "2001 3001"}).write()
    out = lab.popen(["strace", "-f", "-o", "/dev/null", "-e", "trace=openat2", "-e",
                     f"inject={fault}", *lab.words("run", "--bundle", made.path, lab.name())]
                    ).wait(30).ok().out
    equal(out.split(), ["2001", "3001"], "value inside")


@suite.case("SY-01 N-09", "a user namespace in the host's pid namespace, which gets no procfs")
def no_procfs(lab):
    made = userns(lab.bundle(shell="cat /proc/sys/net/ipv4/ip_forward", linux__sysctl={
        "net.ipv4.ip_forward": "1", "user.max_ipc_namespaces": "3"}))
    made.without_namespace("pid")
    made.config["mounts"] = [one for one in made.mounts if one["destination"] != "/proc"]
    made.mount("/proc", "bind", "/proc", ["rbind"])
    before = read("/proc/sys/net/ipv4/ip_forward")
    equal(lab.run(made).ok().out, "1\n", "value inside")
    equal(read("/proc/sys/net/ipv4/ip_forward"), before, "the host's value")


@suite.table("SY-02 T-33", "a sysctl that is not the container's own is refused", {
    "core_pattern": ("kernel.core_pattern", "|/bin/x"), "hostname": ("kernel.hostname", "x"),
    "absent": ("net.ipv4.absent", "1"), "up": ("net/../kernel/core_pattern", "x"),
    "dots": ("net..ipv4", "1"), "up by dots": ("net.ipv4.../../kernel/core_pattern", "1"),
    "up in the end": ("net/ipv4/..", "1"), "folder": ("net/ipv4", "1"),
    "one word": ("net", "1"), "NUL": ("net.ipv4.ip_forward\0x", "1"), "glob": ("net.*", "1"),
    "plus": ("net.ipv4.ip_forward+x", "1"), "trailing slash": ("net/ipv4/", "1"),
    "other case": ("NET.ipv4.ip_forward", "1"), "like ipc": ("kernel.shmmax2", "1"),
    "below ipc": ("kernel.shmmax.x", "1"), "read-only": ("net.core.rps_default_mask2", "1"),
    "host's part of net": ("net.core.bpf_jit_enable", "0"), "empty": ("", "1"),
    "slash first": ("/net.x", "1"),
    "newline": ("net.ipv4.ip_forward\nx", "1"), "vm": ("vm.swappiness", "1"),
    "equals": ("net.ipv4.ip_forward=1", "1"), "no namespace": ("user.max_user_namespaces", "1"),
    "bad value": ("net.ipv4.ip_forward", "no number"),
    "long value": ("net.ipv4.ip_forward", "1" * 5000),
})
def sysctl_refused(lab, name, value):
    made = lab.bundle(linux__sysctl={name: value})
    before = read("/proc/sys/kernel/core_pattern")
    lab.try_create(made).failed("linux.sysctl")
    equal(read("/proc/sys/kernel/core_pattern"), before, "the host's core_pattern")
    lab.expect_nothing_left("a refused sysctl")


@suite.table("SY-02 T-33", "net.* needs a network namespace of its own", {
    "absent": None, "the host's by path": "/proc/self/ns/net",
})
def sysctl_host_net(lab, path):
    made = lab.bundle(linux__sysctl={"net.ipv4.ip_forward": "1"})
    made.without_namespace("network")
    if path:
        made.namespace("network", path)
    lab.try_create(made).failed("linux.sysctl", "net.ipv4.ip_forward")


suite.main()
