#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Network devices: ND-01 to ND-07. The sandbox has a network namespace of its own, in which veth
# pairs play the host's devices: one end moves, its peer stays.
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.lab import kernel_is, read
from harness.links import addresses, bridge, host, ip, link, names, veth
from harness.namespaces import give, hold, path_of, userns
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


def net_of(container):
    return f"/proc/{container.pid}/ns/net"


def lasting(name, namespace=None):
    return [address for address in addresses(name, namespace)
            if address["valid_life_time"] == 4294967295]


def holder(lab):
    """A network namespace that some other program holds; gives its path."""
    return path_of(hold(lab, "--net", kind="network"), "network")


def with_device(lab, name, wanted=None, **settings):
    settings.setdefault("args", SLEEP)
    made = lab.bundle(settings.pop("args"), **settings)
    made.linux["netDevices"] = {name: {} if wanted is None else {"name": wanted}}
    return made


# What moves, and as what.


@suite.case("ND-01 ND-05 ND-06", "a device moves into the new namespace, is up, and is left alone")
def moves(lab):
    veth("nd0", up=False)
    ip("link", "set", "nd0", "mtu", "1400", "alias", "uplink of nobody", "txqueuelen", "77")
    before = link("nd0")
    container = lab.start(with_device(lab, "nd0"))
    check("nd0" not in names(), "the device is still the host's")
    inside = link("nd0", net_of(container))
    check("UP" in inside["flags"], f"flags {inside['flags']}")
    for key in ("mtu", "address", "ifalias", "txqlen"):
        equal(inside[key], before[key], key)
    contains(container.exec("ip", "link").ok().out, "nd0", "what the container sees")
    subprocess.run(["nsenter", f"--net={net_of(container)}", "ip", "link", "set", "nd0", "down"],
                   check=True)
    container.exec("true").ok()
    check("UP" not in link("nd0", net_of(container))["flags"], "somebody set it up again")
    container.delete("--force").ok()
    # The kernel destroys a virtual device with its namespace, and the peer with it.
    eventually(lambda: not {"nd0", "nd0-peer"} & names(), "both ends gone")


@suite.case("ND-01", "several devices, and a configuration without them beside")
def several(lab):
    for name in ("nd0", "nd1", "nd2"):
        veth(name)
    made = lab.bundle(SLEEP)
    made.linux["netDevices"] = {"nd0": {}, "nd1": {"name": "web1"}, "nd2": {"name": "nd1"}}
    container = lab.start(made)
    equal(names(net_of(container)), {"lo", "nd0", "web1", "nd1"}, "devices inside")
    equal(link("nd1", net_of(container))["link_index"], link("nd2-peer")["ifindex"], "nd1's peer")
    other = lab.sleeper()
    equal(names(net_of(other)), {"lo"}, "devices of another container")
    for each in (container, other):
        each.delete("--force").ok()


@suite.case("ND-03", "the device has its new name")
def renamed(lab):
    veth("nd0")
    container = lab.start(with_device(lab, "nd0", "uplink"))
    equal(names(net_of(container)), {"lo", "uplink"}, "devices inside")
    contains(container.exec("ip", "link").ok().out, "uplink", "what the container sees")
    container.delete("--force").ok()


@suite.case("ND-01 ND-07", "a device moves into a namespace that is joined, and stays in it")
def joined(lab):
    path = holder(lab)
    veth("nd0", "10.9.8.7/24")
    made = with_device(lab, "nd0", "eth7")
    made.namespace("network", path)
    container = lab.start(made)
    equal(names(path), {"lo", "eth7"}, "devices of the joined namespace")
    equal([address["local"] for address in addresses("eth7", path)], ["10.9.8.7"], "its address")
    container.delete("--force").ok()
    # ND-06: the namespace's owner looks after it now.
    equal(names(path), {"lo", "eth7"}, "devices after delete")
    check("nd0" not in names(), "brought back by delete")


@suite.case("ND-01 N-09", "a device moves into a namespace that a user namespace owns")
def user_namespace(lab):
    veth("nd0", "10.9.8.7/24", "fd00:9::7/64 nodad")
    made = with_device(lab, "nd0", "eth0")
    userns(made)
    container = lab.start(made)
    equal([address["local"] for address in addresses("eth0", net_of(container))],
          ["10.9.8.7", "fd00:9::7"], "addresses")
    container.delete("--force").ok()


@suite.case("ND-01 N-04", "a device moves where a user namespace does not own the network's")
def joined_not_owned(lab):
    path = holder(lab)
    veth("nd0", "10.9.8.7/24")
    made = userns(with_device(lab, "nd0", "eth0"))
    made.config["mounts"] = [one for one in made.mounts if one["destination"] != "/sys"]
    made.namespace("network", path)
    container = lab.start(made)
    equal([address["local"] for address in addresses("eth0", path)], ["10.9.8.7"], "address")
    contains(container.exec("ip", "addr").ok().out, "10.9.8.7", "what the container sees")
    container.delete("--force").ok()


@suite.case("ND-01 SY-01", "a sysctl may be about the device")
def sysctl(lab):
    veth("nd0")
    made = with_device(lab, "nd0", "up.link")
    made.linux["sysctl"] = {"net/ipv4/conf/up.link/rp_filter": "2",
                            "net.ipv6.conf.up/link.accept_ra": "0"}
    container = lab.start(made)
    out = container.exec("cat", "/proc/sys/net/ipv4/conf/up.link/rp_filter",
                         "/proc/sys/net/ipv6/conf/up.link/accept_ra").ok().out
    equal(out.split(), ["2", "0"], "values inside")
    container.delete("--force").ok()


@suite.case("ND-01 H-02", "createRuntime hooks find the device in the container")
def hooks(lab):
    veth("nd0")
    made = with_device(lab, "nd0", "uplink")
    script = (f"pid=$(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/' | tr -dc 0-9); "
              f"nsenter --net=/proc/$pid/ns/net ip -o link > {lab.path}/seen")
    made.config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", script],
                                               "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}]}
    container = lab.start(made)
    contains(read(f"{lab.path}/seen"), "uplink", "devices seen by the hook")
    container.delete("--force").ok()


# Names.


@suite.table("ND-03", "a template takes the next free name in the container", {
    "free": ((), "eth%d", "eth0"), "taken": (("eth0", "eth1"), "eth%d", "eth2"),
})
def template(lab, taken, wanted, got):
    path = holder(lab)
    for name in taken:
        ip("link", "add", name, "type", "bridge", namespace=path)
    veth("nd0", "10.9.8.7/24 label nd0:web")
    made = with_device(lab, "nd0", wanted)
    made.namespace("network", path)
    container = lab.start(made)
    equal(names(path) - {"lo", *taken}, {got}, "its name")
    equal([(each["local"], each["label"]) for each in addresses(got, path)],
          [("10.9.8.7", f"{got}:web")], "address, label")
    container.delete("--force").ok()


@suite.case("ND-03", "a template works where even the host's name is taken")
def template_taken(lab):
    path = holder(lab)
    ip("link", "add", "nd0", "type", "bridge", namespace=path)
    veth("nd0", "10.9.8.7/24")
    made = with_device(lab, "nd0", "nd%d")
    made.namespace("network", path)
    container = lab.start(made)
    [got] = names(path) - {"lo", "nd0"}
    contains(got, "nd", "name by the kernel")
    equal([each["local"] for each in addresses(got, path)], ["10.9.8.7"], "address")
    container.delete("--force").ok()


@suite.table("ND-03 G-05", "a name that is taken in the container is an error", {
    "of its own": (None, "nd0"), "new": ("web0", "web0"),
})
def collision(lab, wanted, taken):
    path = holder(lab)
    ip("link", "add", taken, "type", "bridge", namespace=path)
    veth("nd0", "10.9.8.7/24")
    before = host("nd0")
    made = with_device(lab, "nd0", wanted)
    made.namespace("network", path)
    lab.try_create(made).failed("linux.netDevices.nd0", "file exists", taken)
    equal((host("nd0"), names(path)), (before, {"lo", taken}), "the host's device; the others")
    lab.expect_nothing_left("a refused device")


@suite.table("ND-01 T-77", "what is no name of a device is refused", {
    "empty": "", "16 bytes": "n" * 16, "slash": "a/b", "up": "../x", "dot": ".", "dots": "..",
    "blank": "a b", "colon": "a:b", "newline": "a\nb", "tab": "a\tb",
})
def no_name(lab, name):
    veth("nd0")
    before = host("nd0")
    lab.try_create(with_device(lab, "nd0", name)).failed("linux.netDevices.nd0.name",
                                                         "not a network interface's name")
    lab.try_create(with_device(lab, name)).failed("linux.netDevices", "not a network interface's")
    equal(host("nd0"), before, "the host's device")
    lab.expect_nothing_left("a refused name")


@suite.table("ND-03 T-77", "of templates only a closing %d is one", {
    "in the middle": "a%db", "other": "a%s", "two": "a%d%d", "alone": "a%",
})
def no_template(lab, name):
    lab.try_create(with_device(lab, "nd0", name)).failed("linux.netDevices.nd0.name")


@suite.case("ND-03", "two devices cannot have the same new name")
def same_name(lab):
    made = lab.bundle(SLEEP)
    made.linux["netDevices"] = {"nd0": {"name": "eth0"}, "nd1": {"name": "eth0"}}
    lab.try_create(made).failed("linux.netDevices.nd1", '"nd0"')


@suite.case("ND-01", "names of 15 bytes")
def long_name(lab):
    veth("nd-12345678901"[:10])
    container = lab.start(with_device(lab, "nd-1234567", "w" * 15))
    check("w" * 15 in names(net_of(container)), "the new name")
    container.delete("--force").ok()


# What cannot be moved.


@suite.case("ND-01 ND-02", "a device that is not there is an error that names it")
def absent(lab):
    lab.try_create(with_device(lab, "nd9")).failed("linux.netDevices.nd9", "no such device")
    lab.expect_nothing_left("an absent device")


@suite.table("ND-02", "a device that is bound to its namespace cannot be moved", {
    "lo": "lo", "bridge": "ndbr0"})
def bound(lab, name):
    if name != "lo":
        bridge(name)
    before = link(name)
    lab.try_create(with_device(lab, name, "moved")).failed(
        f"linux.netDevices.{name}", "invalid argument", "bound to their network namespace")
    equal(link(name), before, "the host's device")
    lab.expect_nothing_left("a bound device")


@suite.table("ND-07", "without a network namespace of the container's own nothing moves", {
    "none": None, "the runtime's by path": "/proc/self/ns/net"})
def no_namespace(lab, path):
    veth("nd0")
    before = host("nd0")
    made = with_device(lab, "nd0")
    made.without_namespace("network")
    if path:
        made.namespace("network", path)
    lab.try_create(made).failed("linux.netDevices")
    equal(host("nd0"), before, "the host's device")
    lab.expect_nothing_left("a refused device")


# Addresses.


@suite.case("ND-04", "global permanent addresses move along, whatever they are made of")
def kept(lab):
    veth("nd0", "10.1.0.1/24 broadcast 10.1.0.200 label nd0:web", "10.1.0.2/24",
         "10.2.0.1 peer 10.3.0.9/32 metric 77", "fd00:1::1/64 nodad",
         "fd00:2::1 peer fd00:2::9/128 nodad", "fd00:3::1/48 nodad preferred_lft 0",
         "10.4.0.1/16 noprefixroute")
    before = lasting("nd0")
    equal(len(before), 7, "addresses to begin with")
    container = lab.start(with_device(lab, "nd0"))
    equal(addresses("nd0", net_of(container)), before, "addresses inside")
    container.delete("--force").ok()


@suite.case("ND-04", "addresses of other scopes or for a time stay behind")
def not_kept(lab):
    veth("nd0", "10.1.0.1/24", "10.1.1.1/24 scope link", "10.1.2.1/24 scope host",
         "10.1.3.1/24 valid_lft 1000 preferred_lft 500",
         "fd00:1::1/64 nodad valid_lft 1000 preferred_lft 900")
    container = lab.start(with_device(lab, "nd0"))
    [found] = ip("-4", "address", "show", "dev", "nd0", namespace=net_of(container))
    equal([each["local"] for each in found["addr_info"]], ["10.1.0.1"], "IPv4 addresses")
    equal([each for each in addresses("nd0", net_of(container)) if each["family"] == "inet6"], [],
          "global IPv6 addresses")
    container.delete("--force").ok()


@suite.case("ND-04", "a label follows the new name")
def label(lab):
    veth("nd0", "10.1.0.1/24 label nd0:web", "10.1.1.1/24")
    container = lab.start(with_device(lab, "nd0", "uplink"))
    equal([each["label"] for each in addresses("uplink", net_of(container))],
          ["uplink:web", "uplink"], "labels")
    container.delete("--force").ok()


@suite.case("ND-04", "other devices' addresses are not taken for it")
def many(lab):
    veth("nd1", "10.8.0.1/24")
    veth("nd0", *(f"10.1.{i // 250}.{i % 250 + 1}/16" for i in range(300)))
    container = lab.start(with_device(lab, "nd0"))
    found = [each["local"] for each in addresses("nd0", net_of(container))]
    equal((len(found), found[0]), (300, "10.1.0.1"), "addresses, in more than one datagram")
    container.delete("--force").ok()


@suite.case("ND-04 G-05", "an address that the container refuses is an error, and all is undone")
def refused_address(lab):
    path = holder(lab)
    subprocess.run(["nsenter", f"--net={path}", "sh", "-c",
                    "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6"], check=True)
    veth("nd0", "10.1.0.1/24", "fd00:1::1/64 nodad")
    before = host("nd0")
    made = with_device(lab, "nd0", "web0")
    made.namespace("network", path)
    # The kernel's own words since Linux 6.6.
    why = "IPv6 is disabled" if kernel_is((6, 6)) else "permission denied"
    lab.try_create(made).failed("linux.netDevices.nd0", 'add address("web0")', why)
    equal((host("nd0"), names(path)), (before, {"lo"}), "the host's device; what is left there")
    lab.expect_nothing_left("a refused address")


# A create that fails.


def hook(kind, script):
    return {kind: [{"path": "/bin/sh", "args": ["sh", "-c", script]}]}


FAILURES = {
    "createRuntime hook": lambda made: made.set("hooks", hook("createRuntime", "exit 1")),
    "prestart hook": lambda made: made.set("hooks", hook("prestart", "exit 1")),
    "sysctl": lambda made: made.set("linux.sysctl", {"net.ipv4.absent": "1"}),
    "mount": lambda made: made.mount("/x", "nofs", "none"),
    "program": lambda made: made.process.update(args=["/bin/absent"]),
    "killed child": lambda made: made.set("hooks", hook(
        "createRuntime", "kill -9 $(sed 's/.*\"pid\": *\\([0-9]*\\).*/\\1/' | tr -dc 0-9)")),
}


@suite.table("G-05 ND-06", "a failed create brings the device back as it was", FAILURES)
def undone(lab, spoil):
    veth("nd0", "10.1.0.1/24 broadcast 10.1.0.200 label nd0:web", "fd00:1::1/64 nodad",
         "10.2.0.1 peer 10.3.0.9/32")
    veth("nd1", up=False)
    ip("link", "set", "nd0", "mtu", "1400", "alias", "of the host")
    before = host("nd0"), host("nd1")
    made = lab.bundle(SLEEP)
    made.linux["netDevices"] = {"nd0": {"name": "web0"}, "nd1": {"name": "eth%d"}}
    spoil(made)
    lab.try_create(made).failed()
    equal((host("nd0"), host("nd1")), before, "the host's devices")
    lab.expect_nothing_left("a failed create")


@suite.case("G-05 ND-06", "a failed create brings back the routes over the device")
def undone_routes(lab):
    veth("nd0", "10.1.0.1/24", "fd00:1::1/64 nodad")
    ip("link", "set", "nd0-peer", "up")
    for words in ("default via 10.1.0.254", "10.7.0.0/16 via 10.1.0.253 metric 50 mtu 1300",
                  "10.8.0.0/16 table 77 proto static scope link", "10.9.9.9 src 10.1.0.1",
                  "fd00:7::/64 via fd00:1::9 metric 60", "default via fd00:1::8 table 78",
                  "10.6.0.0/16 via 10.66.0.1 onlink"):
        ip("-6" if "fd00" in words else "-4", "route", "add", *words.split(), "dev", "nd0")
    before = host("nd0")
    equal(len(before[3]), 7, "routes to begin with")
    lab.try_create(with_device(lab, "nd0", "eth0", args=["/bin/absent"])).failed()
    equal(host("nd0"), before, "the host's device")


@suite.case("G-05 ND-06", "a failed create takes the device out of a joined namespace, too")
def undone_joined(lab):
    path = holder(lab)
    veth("nd0", "10.1.0.1/24")
    before = host("nd0")
    made = with_device(lab, "nd0", "eth0", args=["/bin/absent"])
    made.namespace("network", path)
    lab.try_create(made).failed("no such file or directory")
    equal((host("nd0"), names(path)), (before, {"lo"}), "the host's device; what is left there")


@suite.case("G-05 ND-06", "a create that is ended while a hook hangs brings the device back")
def interrupted(lab):
    veth("nd0", "10.1.0.1/24")
    before = host("nd0")
    made = with_device(lab, "nd0", "eth0")
    made.set("hooks", hook("createRuntime", f"echo > {lab.path}/there; exec sleep 1000"))
    call = lab.spawn("create", "--bundle", made.write().path, lab.name())
    eventually(lambda: os.path.exists(f"{lab.path}/there"), "the hook")
    check("nd0" not in names(), "the device is still the host's")
    call.signal(15)
    check(call.wait().status != 0, "an ended create succeeds")
    equal(host("nd0"), before, "the host's device")
    lab.expect_nothing_left("an ended create")


@suite.case("G-05 ND-06", "a device whose name was taken meanwhile gets all else back, and it is told")
def undone_without_name(lab):
    veth("nd0", "10.1.0.1/24", "fd00:1::1/64 nodad")
    ip("link", "set", "nd0-peer", "up")
    ip("route", "add", "10.7.0.0/16", "via", "10.1.0.253", "dev", "nd0")
    before = host("nd0")
    made = with_device(lab, "nd0", "ndaway")
    made.set("hooks", hook("createRuntime", "ip link add nd0 type bridge; exit 1"))
    lab.try_create(made).failed(
        "createRuntime", 'network device "nd0" is not as it was', 'it is "ndaway" now')
    after = host("ndaway")
    ip("link", "delete", "nd0")
    ip("link", "delete", "ndaway")
    for address in after[2]:
        address.update(label="nd0") if "label" in address else None
    equal(after[1:], before[1:], "up, addresses, routes")


@suite.case("ND-02", "a device that is named twice is refused before it is moved")
def named_twice(lab):
    veth("nd0")
    ip("link", "property", "add", "dev", "nd0", "altname", "altnd0")
    before = host("nd0")
    made = lab.bundle(SLEEP)
    made.linux["netDevices"] = {"nd0": {"name": "eth0"}, "altnd0": {"name": "eth1"}}
    lab.try_create(made).failed("linux.netDevices.nd0", "same device as linux.netDevices.altnd0")
    equal(host("nd0"), before, "the host's device")


@suite.case("G-05", "a bridge's port is one again after a failed create")
def undone_port(lab):
    bridge("ndbr1")
    veth("nd0")
    ip("link", "set", "nd0", "master", "ndbr1")
    before = host("nd0")
    equal(before[0]["master"], "ndbr1", "master")
    lab.try_create(with_device(lab, "nd0", "eth0", args=["/bin/absent"])).failed()
    equal(host("nd0"), before, "the host's device")


@suite.case("G-05", "if the second device cannot be moved the first is brought back")
def undone_first(lab):
    veth("nd0", "10.1.0.1/24")
    before = host("nd0")
    made = lab.bundle(SLEEP)
    made.linux["netDevices"] = {"lo": {"name": "lo9"}, "nd0": {"name": "aa"}}
    lab.try_create(made).failed("linux.netDevices.lo")
    made.linux["netDevices"] = {"nd0": {"name": "aa"}, "ndbr0": {}}
    bridge("ndbr0")
    lab.try_create(made).failed("linux.netDevices.ndbr0")
    equal(host("nd0"), before, "the host's device")


@suite.case("ND-02", "without the right to do so the error says it")
def no_right(lab):
    veth("nd0")
    before = host("nd0")
    made = with_device(lab, "nd0")
    made.namespace("network", holder(lab))  # a new one would fail before, at its loopback device
    made.write()
    # On v2 the kernel wants it for device rules, too.
    binary, *words = lab.words("create", "--bundle", made.path, lab.name())
    lab.popen(["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", binary,
               "--cgroup-manager", "disabled", *words]).wait().failed(
                   "linux.netDevices", "not permitted", "CAP_NET_ADMIN")
    equal(host("nd0"), before, "the host's device")


@suite.case("ND-02 N-09", "a rootless runtime says that it cannot")
def rootless(lab):
    veth("nd0")
    before = host("nd0")
    alone = [{"containerID": 0, "hostID": 1000, "size": 1}]
    made = userns(with_device(lab, "nd0"), alone, alone).write()
    give(lab.path, 1000, 1000)
    os.chmod(os.path.dirname(lab.path), 0o755)
    lab.popen(["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups",
               *lab.words("create", "--bundle", made.path, lab.name(),
                          globals_=["--cgroup-manager", "disabled"])]).wait().failed(
                              "linux.netDevices", "not permitted", "CAP_NET_ADMIN")
    equal(host("nd0"), before, "the host's device")
    lab.expect_nothing_left("a refused device")


@suite.case("ND-01", "a configuration without devices opens no netlink socket")
def nothing_to_pay(lab):
    made = lab.bundle(["/bin/true"]).write()
    trace = f"{lab.path}/trace"
    lab.popen(["strace", "-f", "-o", trace, "-e", "trace=socket",
               *lab.words("run", "--bundle", made.path, lab.name())]).wait(30).ok()
    check("AF_INET" in read(trace) and "NETLINK" not in read(trace), read(trace))


suite.main()
