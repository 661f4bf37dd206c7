#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Calls of engines that want systemd's cgroups, and the properties that they send by annotation. engines 6, 7.2.
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.systemd import SLICE, SystemdSuite, show, units
from harness.callers import Conmon, Crio, Pipe
from harness.tap import check, contains, equal, eventually

suite = SystemdSuite()
SLEEP = ["/bin/sleep", "1000"]
PROPERTY = "org.systemd.property."


def in_scope(caller, prefix):
    """The unit that the caller's container will be; later calls say nothing of it."""
    caller.made.linux["cgroupsPath"] = f"{SLICE}:{prefix}:{caller.id}"
    caller.made.write()
    return f"{prefix}-{caller.id}.scope"


def create(caller, **how):
    own = caller.globals_
    caller.globals_ = (*own, "--systemd-cgroup")
    caller.create(**how)
    caller.globals_ = own
    caller.silent("start", caller.id)


def end(caller, unit):
    caller.silent("delete", "--force", caller.id)
    eventually(lambda: unit not in units(), "the unit is gone")


@suite.case("CALL-54 CALL-46", "CRI-O's properties by annotation: those of the caller go before the defaults")
def crio(lab):
    caller = Crio(lab, lab.bundle(SLEEP, annotations={
        f"{PROPERTY}DefaultDependencies": "true", f"{PROPERTY}After": "['crio.service']",
        f"{PROPERTY}TimeoutStopUSec": "uint64 10000000"}))
    unit = in_scope(caller, "brigcrio")
    create(caller)
    got = show(unit, "DefaultDependencies", "After", "TimeoutStopUSec", "Slice", "Delegate")
    check("crio.service" in got.pop("After").split(), "it is ordered after crio.service")
    equal(got, {"DefaultDependencies": "yes", "TimeoutStopUSec": "10s", "Slice": SLICE, "Delegate": "yes"}, "properties")
    equal(caller.state()["status"], "running", "status")
    end(caller, unit)


@suite.case("CALL-54", "a property that is no value of systemd's, or that it does not know, fails and leaves nothing")
def refused(lab):
    for name, value in (("TimeoutStopUSec", "uint64 many"), ("NoSuchProperty", "true")):
        caller = Crio(lab, lab.bundle(SLEEP, annotations={PROPERTY + name: value}))
        unit = in_scope(caller, "brigcrio")
        result = caller.call("--systemd-cgroup", "create", "--bundle", caller.made.path, caller.id)
        check(result.status != 0, "create fails")
        contains(result.err, name, "the error")
        check(unit not in units(), "no unit")


@suite.case("CALL-45", "podman's annotations: systemd's KillSignal and TimeoutStopUSec, the groups of the caller")
def podman(lab):
    caller = Conmon(lab, lab.bundle(shell="id -G; exec sleep 1000", annotations={
        "run.oci.keep_original_groups": "1", f"{PROPERTY}KillSignal": "37",
        f"{PROPERTY}TimeoutStopUSec": "uint64 7000000", "run.oci.mount_context_type": "rootcontext",
        "io.container.manager": "libpod"}))
    unit = in_scope(caller, "brigpod")
    groups = {"preexec_fn": lambda: os.setgroups([0, 4242, 4243])}
    create(caller, **groups)
    equal(show(unit, "KillSignal", "TimeoutStopUSec"), {"KillSignal": "37", "TimeoutStopUSec": "7s"}, "properties")
    caller.out.wait_for("\n")
    equal(caller.out.text(), "0 4242 4243\n", "groups of init")
    out = Pipe()
    caller.spawn("exec", "--process", caller.process_file(["/bin/id", "-G"]), "--pid-file", f"{lab.path}/exec.pid",
                 "--detach", caller.id, stdout=out.writer, **groups).wait().ok()
    out.shut()
    equal(out.wait_end(), "0 4242 4243\n", "groups of exec")
    end(caller, unit)


suite.main()
