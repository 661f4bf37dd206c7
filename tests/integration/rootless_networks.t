#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# An ordinary user's container gets its network as podman gives it one: from a program of the same user that enters its
# namespaces between create and start, and takes part in the host's network without any right over it.
import contextlib
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.lab import need
from harness.rootless import USER, as_caller
from harness.tap import Suite, contains

suite = Suite()
PROGRAMS = {"slirp4netns": ["slirp4netns", "--configure", "PID", "tap0"],
            "passt": ["pasta", "--config-net", "--foreground", "--quiet", "PID"]}


def call(*words):
    subprocess.run(words, check=True)


@contextlib.contextmanager
def uplink(lab):
    """The host has a way out, and lets everybody make tap devices, as distributions do."""
    tun = f"{lab.path}/tun"
    call("mknod", "-m", "666", tun, "c", "10", "200")
    call("ip", "link", "add", "up0", "type", "veth", "peer", "name", "up1")
    call("mount", "--bind", tun, "/dev/net/tun")
    try:
        for name in ("up0", "up1"):
            call("ip", "link", "set", name, "up")
        call("ip", "addr", "add", "192.0.2.2/24", "dev", "up0")
        call("ip", "route", "add", "default", "via", "192.0.2.1")
        yield
    finally:
        call("umount", "/dev/net/tun")
        call("ip", "link", "delete", "up0")


@suite.table("X-12 LC-02", "a user's container is plugged in between create and start", {
    "slirp4netns": ("slirp4netns", "tap0", "10.0.2.100/24", "default via 10.0.2.2 dev tap0"),
    "passt": ("passt", "up0", "192.0.2.2/24", "default via 192.0.2.1 dev up0"),
})
def plugged_in(lab, program, device, address, route):
    words = PROGRAMS[program]
    need(shutil.which(words[0]), f"no {words[0]}")
    need(os.path.exists("/dev/net/tun"), "no /dev/net/tun")
    with uplink(lab):
        caller = as_caller(lab, USER)
        made = caller.fit(lab.bundle(shell=f"until ip addr show {device} | grep -q {address}; do sleep 0.1; done; "
                                           "ip addr; ip route; echo plugged; exec sleep 1000"))
        container = lab.create(made)
        pid = str(container.pid)
        plug = lab.popen([*caller.prefix, *(pid if word == "PID" else word for word in words)])
        container.start().wait_out("plugged")
        contains(container.out(), f"inet {address}", "its address")
        contains(container.out(), route, "its way out")
        inside = container.exec("ip", "addr", "show", device).ok().out
        contains(inside, address, "what exec sees")
        container.delete("--force").ok()
        plug.process.terminate()
        plug.wait()


suite.main()
