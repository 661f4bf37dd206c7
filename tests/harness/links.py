# SPDX-License-Identifier: Apache-2.0
"""Network devices of the sandbox, whose network namespace plays the host's."""
import json
import subprocess

from .lab import need
from .tap import eventually


def ip(*words, namespace=None):
    """What iproute2 says as data; in the network namespace at a path if one is given."""
    enter = ["nsenter", f"--net={namespace}"] if namespace else []
    done = subprocess.run([*enter, "ip", "-json", "-details", *words], check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout or "[]")


def names(namespace=None):
    return {found["ifname"] for found in ip("link", "show", namespace=namespace)}


def link(name, namespace=None):
    [found] = ip("link", "show", name, namespace=namespace)
    return found


def veth(name, *addresses, up=True):
    """A veth pair NAME and NAME-peer: one end to move, its peer to stay."""
    for end in (name, f"{name}-peer"):
        subprocess.run(["ip", "link", "del", end], stderr=subprocess.DEVNULL, check=False)
    # A namespace that has just ended takes its time to destroy its end of an older pair.
    eventually(lambda: not {name, f"{name}-peer"} & names(), f"no {name}")
    made = subprocess.run(["ip", "link", "add", name, "type", "veth", "peer", "name",
                           f"{name}-peer"], capture_output=True, check=False)
    need(made.returncode == 0, "this kernel has no veth devices")
    if up:
        ip("link", "set", name, "up")
    for address in addresses:
        ip("address", "add", *address.split(), "dev", name)
    return name


def bridge(name):
    if name not in names():
        ip("link", "add", name, "type", "bridge")
    return name


STATE = ("dadfailed", "tentative", "dynamic", "deprecated")


def addresses(name, namespace=None):
    """The global addresses of a device, without what the kernel keeps account of itself."""
    [found] = ip("address", "show", "dev", name, namespace=namespace)
    return [{key: value for key, value in address.items() if key not in STATE}
            for address in found["addr_info"] if address.get("scope") == "global"]


def host(name):
    """Everything about a host's device that a failed create has to leave alone."""
    found = link(name)
    kept = ("ifindex", "ifname", "mtu", "address", "ifalias", "txqlen", "master", "link")
    routes = [{key: value for key, value in route.items() if key != "flags"}
              for family in ("-4", "-6")
              for route in ip(family, "route", "show", "table", "all", "dev", name)
              if route.get("protocol") != "kernel"]
    return ({key: found.get(key) for key in kept}, "UP" in found["flags"], addresses(name), routes)
