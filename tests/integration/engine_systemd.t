#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Calls of engines that want systemd's cgroups, and the properties that they send by annotation. engines 6, 7.2.
import os
import pwd
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.systemd import SLICE, SystemdSuite, show, systemctl, units
from harness import sandbox
from harness.callers import Conmon, Crio, Pipe
from harness.lab import need
from harness.tap import check, contains, equal, eventually, patient

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
    equal(got, {"DefaultDependencies": "yes", "TimeoutStopUSec": "10s", "Slice": SLICE, "Delegate": "yes"},
          "properties")
    equal(caller.state()["status"], "running", "status")
    end(caller, unit)


@suite.case("CALL-54", "a property whose value is none of systemd's: create fails and leaves nothing")
def refused(lab):
    for name, value in (("TimeoutStopUSec", "uint64 many"), ("KillSignal", "garbage(")):
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


def lingering_user():
    """An ordinary user whose systemd runs, or None."""
    for entry in os.listdir("/run/user") if os.path.isdir("/run/user") else ():
        if entry != "0" and os.path.exists(f"/run/user/{entry}/bus"):
            return pwd.getpwuid(int(entry))
    return None


def give(folder, user):
    """To the user; but not what other root file systems link to."""
    for path, _, files in os.walk(folder):
        os.chown(path, user.pw_uid, user.pw_gid)
        for name in files:
            if os.lstat(f"{path}/{name}").st_nlink == 1:
                os.lchown(f"{path}/{name}", user.pw_uid, user.pw_gid)


# As rootlesskit's child, root of a user namespace, by a service of the user's: a whole life, and what there is to see.
ROOTLESS_LIFE = """
set -e
call() { "$BRIG" --root "$1/state" --log "$1/log.json" --log-format json "${@:2}"; }
call "$1" --systemd-cgroup create --bundle "$1" --pid-file "$1/pid" "$2" >/dev/null </dev/null
call "$1" start "$2"
cat "/proc/$(cat "$1/pid")/cgroup"
systemctl --user show --property=ActiveState,TasksMax "docker-$2.scope" | sort
call "$1" exec "$2" /bin/id -u
call "$1" kill "$2" 9
until call "$1" state "$2" | grep -q stopped; do sleep 0.1; done
call "$1" delete "$2"
systemctl --user list-units --all --plain --no-legend "docker-$2.scope"
"""


@suite.case("CALL-27", "dockerd rootless: user.slice:docker:ID on the user's bus, for root of a user namespace")
def rootless(lab):
    user = lingering_user()
    need(user, "no ordinary user's systemd runs here")
    made = lab.bundle(SLEEP, linux__resources={"pids": {"limit": 55}})
    identity = lab.name()
    made.linux["cgroupsPath"] = f"user.slice:docker:{identity}"
    made.write()
    os.chmod(lab.path, 0o755)
    give(lab.path, user)
    done = subprocess.run(
        ["systemd-run", "--quiet", "--wait", "--pipe", "--collect", "--user", "--machine", f"{user.pw_name}@",
         f"--setenv=BRIG={sandbox.brig()}", "unshare", "--user", "--map-root-user", "--map-auto", "--mount",
         "bash", "-c", ROOTLESS_LIFE, "life", made.path, identity],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=patient(30), check=False)
    equal((done.returncode, done.stderr), (0, ""), "status and standard error")
    group, *rest = done.stdout.splitlines()
    check(group.startswith(f"0::/user.slice/user-{user.pw_uid}.slice/user@{user.pw_uid}.service/") and
          group.endswith(f"/docker-{identity}.scope"), f"its cgroup: {group}")
    equal(rest, ["ActiveState=active", "TasksMax=55", "0"], "its unit, exec, and no unit after delete")
    check(not systemctl("list-units", "--all", "--plain", "--no-legend", f"docker-{identity}*").stdout,
          "no unit of the host's")


suite.main()
