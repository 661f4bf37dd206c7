#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Network devices on their way into a namespace that others rule, and with each system call failed
# once: the host's device is in the container or as it was, and no other comes in its place.
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import inject
from harness.links import host, ip, link, names, veth
from harness.namespaces import hold, path_of
from harness.tap import Failure, Suite, check, contains, equal

suite = Suite()
SECONDS = float(os.environ.get("BRIG_ATTACK_SECONDS", "1"))
SLEEP = ["/bin/sleep", "1000"]
CALLS = ("socket", "setsockopt", "sendto", "recvfrom", "setns")

# Tells every port of the namespace, as the kernel would, that all went well.
LIAR = """
import os, socket, struct, sys
liar = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
error = struct.pack("=iIHHII", 0, 36, 19, 5, 0, 0)
print("up", flush=True)
while True:
    ports = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    for port in range(max(ports) - 3, max(ports) + 3):
        for sequence in range(1, 12):
            text = struct.pack("=IHHII", 16 + len(error), 2, 0x100, sequence, 0) + error
            try:
                liar.sendto(text, socket.MSG_DONTWAIT, (port, 0))
            except OSError:
                pass
"""


def prepared(lab, name, program=None):
    """A bundle that joins a namespace that others rule and takes a device along."""
    path = path_of(hold(lab, "--net", kind="network"), "network")
    made = lab.bundle(program or SLEEP)
    made.linux["netDevices"] = {name: {"name": "eth0"}}
    made.namespace("network", path)
    return made, path


def spoil(made, path, *commands):
    """Lets a hook change the container's network namespace and fail."""
    script = "; ".join(f"nsenter --net={path} ip {command}" for command in commands)
    made.config["hooks"] = {"createRuntime": [{
        "path": "/bin/sh", "args": ["sh", "-c", f"{script}; exit 1"],
        "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}]}


@suite.case("G-05 ND-06", "a device that others put in place of the moved one is not taken for it")
def replaced(lab):
    veth("nd0", "10.1.0.1/24")
    made, path = prepared(lab, "nd0")
    index = link("nd0")["ifindex"]
    spoil(made, path, "link del eth0",
          f"link add eth0 index {index} type veth peer name trap")
    before = names() - {"nd0", "nd0-peer"}
    result = lab.try_create(made, globals_=["--log-level", "warning"])
    result.failed("exit status 1")
    equal(link("eth0", path)["ifindex"], index, "index of the impostor")
    equal(names(), before, "the host's devices")
    contains(result.err, "has left the container", "what the user is told")


@suite.case("G-05 ND-06", "a device that others have moved on is not searched for")
def moved_on(lab):
    veth("nd0")
    made, path = prepared(lab, "nd0")
    other = hold(lab, "--net", kind="network")
    spoil(made, path, f"link set eth0 netns {other}")
    result = lab.try_create(made, globals_=["--log-level", "warning"])
    result.failed("exit status 1")
    contains(result.err, "has left the container", "what the user is told")
    check("eth0" in names(path_of(other, "network")), "where the others put it")
    check("nd0" not in names(), "the host's devices")


@suite.case("G-05 ND-06", "a device that others have renamed comes back under its old name")
def renamed(lab):
    veth("nd0", "10.1.0.1/24", up=False)
    before = host("nd0")
    made, path = prepared(lab, "nd0")
    spoil(made, path, "link set eth0 down", "link set eth0 name other", "link add eth0 type bridge",
          "address add 10.66.0.1/24 dev other")
    lab.try_create(made).failed("exit status 1")
    equal((host("nd0"), names(path)), (before, {"lo", "eth0"}), "the host's device, the others")


@suite.case("G-05", "a device whose old name was taken meanwhile is not lost")
def name_taken(lab):
    veth("nd0", "10.1.0.1/24")
    made, path = prepared(lab, "nd0")
    index = link("nd0")["ifindex"]
    spoil(made, path)
    made.config["hooks"]["createRuntime"][0]["args"][2] = (
        "ip link add nd0 type bridge; ip link add nd0-b type bridge; exit 1")
    result = lab.try_create(made, globals_=["--log-level", "warning"])
    result.failed("exit status 1")
    contains(result.err, "not as it was", "what the user is told")
    equal(link("eth0")["ifindex"], index, "the device, under the name that was free")
    for name in ("eth0", "nd0", "nd0-b"):
        ip("link", "del", name)


@suite.case("ND-01 R-38", "messages of other processes are not taken for the kernel's")
def liar(lab):
    made, path = prepared(lab, "nd0")
    process = lab.popen(["nsenter", f"--net={path}", sys.executable, "-c", LIAR])
    while "up" not in process.out():
        check(process.process.poll() is None, f"the liar ended: {process.err()}")
        time.sleep(0.01)
    deadline = time.monotonic() + SECONDS
    rounds = 0
    process.signal(signal.SIGSTOP)
    while rounds < 3 or time.monotonic() < deadline:
        rounds += 1
        veth("nd0", "10.1.0.1/24")
        process.signal(signal.SIGCONT)
        container = lab.start(made)
        process.signal(signal.SIGSTOP)  # it deceives iproute2 as well
        found = link("eth0", path)
        check("UP" in found["flags"], f"flags {found['flags']}")
        [shown] = ip("-4", "address", "show", "dev", "eth0", namespace=path)
        equal([one["local"] for one in shown["addr_info"]], ["10.1.0.1"], "addresses")
        container.delete("--force").ok()
        ip("link", "del", "eth0", namespace=path)


@suite.case("G-05 T-81", "each system call of a move failed once")
def faults(lab):
    made = lab.bundle(SLEEP)
    made.linux["netDevices"] = {"nd0": {"name": "eth0"}}
    made.write()

    def words(identity):
        return lab.words("create", "--bundle", made.path, identity)

    veth("nd0", "10.1.0.1/24", "fd00:1::1/64 nodad")
    result, counts = inject.census(lab, words("census"))
    result.ok()
    lab.brig("delete", "--force", "census").ok()
    points = [(call, number) for call in CALLS for number in range(1, counts[call] + 1)]
    check(len(points) > 20, f"too few calls: {counts}")
    complaints = []
    for call, number in points:
        veth("nd0", "10.1.0.1/24", "fd00:1::1/64 nodad")
        before = host("nd0")
        identity = f"f-{call}-{number}"
        run = inject.traced(lab, call, f"error=ENOMEM:when={number}", words(identity))
        try:
            result = run.wait(8)
        except Failure as failure:
            complaints.append(f"{call} {number}: {failure}")
            continue
        if result.status == 0:
            lab.brig("delete", "--force", identity).ok()
        elif "nd0" not in names() or host("nd0") != before:
            complaints.append(f"{call} {number}: {result.err.strip()}: {names()}")
        inject.settle_tracer(lab)
    check(not complaints, "\n".join(complaints))
    lab.expect_nothing_left("failed moves")


suite.main()
