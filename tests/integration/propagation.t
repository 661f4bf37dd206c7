#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Propagation: of single mounts, and of the root; shown by mounting on either side afterwards.
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import mountinfo, oracle
from harness.lab import read, write
from harness.mounting import call, mounted
from harness.tap import Suite, check, contains, equal

suite = Suite()


def sleeper(lab, **settings):
    made = lab.bundle(["/bin/sleep", "1000"], **settings)
    made.capabilities("CAP_SYS_ADMIN")
    return made


def table(container):
    return read(f"/proc/{container.pid}/mountinfo")


def peers(container, place):
    """shared, master, unbindable: the kinds of tags that a mount has inside."""
    return {tag.split(":")[0] for tag in mountinfo.at(table(container), place)["peers"]}


def goes_in(container, host, inside):
    """Whether a mount that the host makes now is seen inside."""
    os.makedirs(f"{host}/late", exist_ok=True)
    call("mount", "-t", "tmpfs", "late", f"{host}/late")
    write(f"{host}/late/file", "")
    seen = os.path.exists(f"/proc/{container.pid}/root{inside}/late/file")
    call("umount", f"{host}/late")
    return seen


def comes_out(container, host, inside):
    """Whether a mount that the container makes now is seen on the host."""
    os.makedirs(f"{host}/own", exist_ok=True)
    container.exec("/bin/mount", "-t", "tmpfs", "own", f"{inside}/own").ok()
    seen = any(f" {host}/own " in line for line in oracle.mounts())
    container.exec("/bin/umount", f"{inside}/own").ok()
    return seen


# The source is shared, and so is a mount below it; rootfsPropagation keeps both so.
# What the host mounts appears on the bind, below it; what the container mounts likewise.
SHARED_BASE = {
    "private": ((False, True), (False, True), set()),
    "rprivate": ((False, False), (False, False), set()),
    "slave": ((True, True), (False, True), {"master"}),
    "rslave": ((True, True), (False, False), {"master"}),
    "shared": ((True, True), (True, True), {"shared"}),
    "rshared": ((True, True), (True, True), {"shared"}),
    "unbindable": ((False, True), (False, True), {"unbindable"}),
    "runbindable": ((False, False), (False, False), {"unbindable"}),
}


def add_option(option, into, out, tags):
    @suite.case(f"MO-{option} RF-01", f"{option}: what goes in and what comes out")
    def on_bind(lab):
        with mounted(f"{lab.path}/source", shared=True) as source, mounted(f"{source}/sub") as sub:
            made = sleeper(lab, linux__rootfsPropagation="shared")
            made.mount("/mnt", "bind", source, ["rbind", option])
            container = lab.start(made)
            pairs = ((source, "/mnt"), (sub, "/mnt/sub"))
            equal(tuple(goes_in(container, *pair) for pair in pairs), into, "seen inside")
            equal(tuple(comes_out(container, *pair) for pair in pairs), out, "seen on the host")
            equal(peers(container, "/mnt"), tags, "tags of the bind")
            bound = container.exec("/bin/mount", "--bind", "/mnt", "/tmp")
            equal(bound.status == 0, "unbindable" not in tags, "it can be bound again")
            container.delete("--force").ok()

    @suite.case(f"MO-{option}", f"{option} on a new tmpfs, beside one that is not asked to be it")
    def on_tmpfs(lab):
        # Beneath a shared mount a new one is shared, unless it is asked to be otherwise.
        made = sleeper(lab)
        made.mount("/srv", "tmpfs", "tmpfs", ["private" if "shared" in tags else "shared"])
        made.mount("/srv/plain", "tmpfs", "tmpfs")
        made.mount("/srv/asked", "tmpfs", "tmpfs", [option])
        container = lab.start(made)
        equal(peers(container, "/srv/plain"), {"shared"} - tags, "tags without the option")
        equal(peers(container, "/srv/asked"), tags - {"master"}, "tags")
        container.delete("--force").ok()


for name, row in SHARED_BASE.items():
    add_option(name, *row)


@suite.table("MO-rshared MO-shared", "of a private mount below the source", {
    "shared leaves it": ("shared", set()), "rshared shares it": ("rshared", {"shared"}),
})
def private_below(lab, option, tags):
    with mounted(f"{lab.path}/source", shared=True) as source, mounted(f"{source}/sub") as sub:
        call("mount", "--make-private", sub)
        made = sleeper(lab, linux__rootfsPropagation="shared")
        made.mount("/mnt", "bind", source, ["rbind", option])
        container = lab.start(made)
        equal((peers(container, "/mnt"), peers(container, "/mnt/sub")), ({"shared"}, tags), "tags")
        container.delete("--force").ok()


@suite.table("RF-01 M-07", "a bind without propagation has that of rootfsPropagation", {
    "absent": (None, True, False), "slave": ("slave", True, False),
    "rslave": ("rslave", True, False), "private": ("private", False, False), "rprivate": ("rprivate", False, False),
    "shared": ("shared", True, True), "rshared": ("rshared", True, True),
    "unbindable": ("unbindable", False, False),
})
def inherited(lab, value, into, out):
    with mounted(f"{lab.path}/source", shared=True) as source:
        made = sleeper(lab)
        if value is not None:
            made.set("linux.rootfsPropagation", value)
        made.mount("/mnt", "bind", source, ["rbind"])
        container = lab.start(made)
        equal(goes_in(container, source, "/mnt"), into, "seen inside")
        equal(comes_out(container, source, "/mnt"), out, "seen on the host")
        container.delete("--force").ok()


@suite.case("MO-rshared MO-rslave", "more than one: each in its turn, slave and then shared")
def several(lab):
    with mounted(f"{lab.path}/source", shared=True) as source:
        made = sleeper(lab)
        made.mount("/mnt", "bind", source, ["rbind", "rslave", "rshared"])
        container = lab.start(made)
        equal(peers(container, "/mnt"), {"shared", "master"}, "tags")
        check(goes_in(container, source, "/mnt"), "the host's mounts go in")
        check(not comes_out(container, source, "/mnt"), "none comes out")
        container.delete("--force").ok()


@suite.case("MO-shared MO-private", "a mount inside of a shared one is shared only as it was asked to be")
def inside_shared(lab):
    made = sleeper(lab)
    made.mount("/mnt", "tmpfs", "tmpfs", ["shared"])
    made.mount("/mnt/plain", "tmpfs", "tmpfs")
    made.mount("/mnt/private", "tmpfs", "tmpfs", ["private"])
    container = lab.start(made)
    equal(peers(container, "/mnt/private"), set(), "the one that is to be private")
    equal(peers(container, "/mnt/plain"), {"shared"}, "one that says nothing, as with mount(8)")
    container.delete("--force").ok()


# the root


# What the host mounts in the root goes in; tags of the root; tags of /proc.
ROOT = {
    "private": (False, set(), set()), "rprivate": (False, set(), set()),
    "slave": (True, {"master"}, set()), "rslave": (True, {"master"}, set()),
    "shared": (False, {"shared"}, set()), "rshared": (False, {"shared"}, {"shared"}),
    "unbindable": (False, {"unbindable"}, set()),
    "runbindable": (False, {"unbindable"}, {"unbindable"}), None: (True, {"master"}, set()),
}


def add_root(value, into, tags, below):
    @suite.case("RF-01 T-104", f"rootfsPropagation {value}: what goes in, what comes out, the tags")
    def root(lab):
        with mounted(f"{lab.path}/top", shared=True) as top:
            made = sleeper(lab)
            call("cp", "-a", made.rootfs, f"{top}/rootfs")
            made.set("root.path", f"{top}/rootfs")
            if value is not None:
                made.set("linux.rootfsPropagation", value)
            before = oracle.mounts()
            container = lab.start(made)
            equal(peers(container, "/"), tags, "tags of the root")
            equal(peers(container, "/proc"), below, "tags of /proc")
            equal(goes_in(container, f"{top}/rootfs", ""), into, "the host's mount is seen inside")
            check(not comes_out(container, f"{top}/rootfs", ""), "nothing comes out of the root")
            bound = container.exec("/bin/mount", "--bind", "/", "/tmp")
            equal(bound.status == 0, "unbindable" not in tags, "the root can be bound")
            equal(oracle.mounts(), before, "the host's mounts")
            container.delete("--force").ok()


for name, row in ROOT.items():
    add_root(name, *row)


@suite.case("RF-01", "a bind's own propagation outlives rootfsPropagation")
def own_wish(lab):
    with mounted(f"{lab.path}/source", shared=True) as source:
        made = sleeper(lab, linux__rootfsPropagation="rprivate")
        made.mount("/mnt", "bind", source, ["rbind", "rslave"])
        container = lab.start(made)
        equal((peers(container, "/"), peers(container, "/mnt")), (set(), {"master"}), "tags")
        container.delete("--force").ok()


@suite.case("RF-01", "a word that is no propagation is refused")
def unknown(lab):
    for value in ("sideways", "Shared", "", "rw"):
        made = lab.bundle(linux__rootfsPropagation=value)
        lab.try_create(made).failed("linux.rootfsPropagation")
    lab.expect_nothing_left("a refused propagation")


@suite.case("M-07 T-18", "nothing that the container mounts reaches the host")
def no_leak_out(lab):
    made = lab.bundle(shell="mount -t tmpfs x /tmp && mount --bind /tmp /root && echo done")
    made.capabilities("CAP_SYS_ADMIN")
    contains(lab.run(made).ok().out, "done", "mounts inside")
    lab.expect_nothing_left("mounts inside")


@suite.case("R-01", "a root that is a mount of its own, on shared propagation, stays unseen")
def root_shared(lab):
    made = lab.bundle(shell="mount -t tmpfs x /tmp && echo done")
    made.capabilities("CAP_SYS_ADMIN")
    call("mount", "--bind", made.path, made.path)
    call("mount", "--make-rshared", made.path)
    before = oracle.mounts()
    contains(lab.run(made).ok().out, "done", "mount inside")
    equal(oracle.mounts(), before, "the host's mounts")
    call("umount", "--lazy", made.path)


suite.main()
