#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Units of systemd's when brig is killed, or systemd cannot be asked. Engines 7.2.
import json
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.systemd import DRIVER, SLICE, TOP, SystemdSuite, expect_no_unit, made, show, start, units
from harness.lab import need, read
from harness.tap import check, equal, eventually

suite = SystemdSuite()


@suite.table("G-05 LC-02 CG-08", "a create that is killed leaves what delete --force removes: unit and all", {
    "before the request": "sendmsg:when=2", "before it knows the cgroup": "sendmsg:when=3",
    "before the cgroup is marked": "setxattr:when=1", "before the birth": "clone3:when=2"})
def killed(lab, where):
    call = where.split(":", maxsplit=1)[0]
    bundle, identity, unit = made(lab)
    bundle.write()
    strace = shutil.which("strace")
    need(strace, "no strace")
    lab.containers.append(identity)
    lab.popen([strace, "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:"
               + where.split(":", maxsplit=1)[1], *lab.words("create", "--bundle", bundle.path, identity,
                                                             globals_=DRIVER)]).wait(60)
    check(not lab.brig("start", identity).status == 0, "the create was not killed")
    lab.brig("delete", "--force", identity).ok()
    expect_no_unit(unit)
    check(not os.path.exists(f"{TOP}/{SLICE}/{unit}"), "the scope's folder is gone")
    lab.gone(identity)


def hide(*folders):
    """Words that run a command where these folders are empty."""
    script = "".join(f"mount -t tmpfs none {folder} && " for folder in folders) + 'exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh"]


@suite.case("G-05", "without a systemd that answers: where it was looked for, and nothing is left")
def nobody(lab):
    bundle, identity, _ = made(lab)
    words = lab.words("create", "--bundle", bundle.write().path, identity, globals_=DRIVER)
    called = lab.popen([*hide("/run/systemd", "/run/dbus"), *words]).wait()
    called.failed("cgroup driver systemd: no systemd runs here", "/run/systemd/private", status=1)
    check("no such file" not in called.err, "engines would take that for a missing program")
    lab.gone(identity)


@suite.table("TRAP-24", "one of the two sockets is enough, for create and delete", {
    "the bus": ("/run/systemd", "/run/dbus/system_bus_socket"),
    "systemd's own": ("/run/dbus", "/run/systemd/private")})
def by_one(lab, absent, socket):
    bundle, identity, unit = made(lab)
    lab.containers.append(identity)
    words = lab.words("create", "--bundle", bundle.write().path, identity, globals_=DRIVER)
    lab.popen([*hide(absent), *words]).wait(60).ok()
    record = json.loads(read(f"{lab.root}/{identity}/container.json"))["cgroup"]
    equal(record["unit"]["socket"], socket, "the socket in the record")
    equal(show(unit, "ActiveState")["ActiveState"], "active", "state")
    lab.brig("delete", "--force", identity).ok()
    expect_no_unit(unit)


@suite.case("G-05 O-05", "delete when systemd cannot be asked: the processes end, and with them the scope")
def unreachable(lab):
    container, unit = start(lab)
    lab.popen([*hide("/run/systemd", "/run/dbus"), *lab.words("delete", "--force", container.id)]).wait(60)
    eventually(lambda: unit not in units(), "the end of the scope")


suite.main()
