#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The annotations of crun and systemd that have an effect, and those that have none (engines 6).
import array
import base64
import errno
import json
import os
import socket
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.lab import Lab, need, read, write
from harness.supervisor import Supervisor
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
Lab.globals = ("--allow-annotations", "all")
KINDS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
GETUID, GETGID = 102, 104  # of x86-64
ALLOW, ERRNO = 0x7fff0000, 0x00050000


def hooked(lab, annotations, last="exit 0", **settings):
    """A bundle with a hook of each kind that says its kind on both streams."""
    made = lab.bundle(["/bin/sleep", "1000"], annotations=annotations, **settings)
    for kind in KINDS:
        script = f"cat >/dev/null; echo {kind} out; echo {kind} err >&2; {last}"
        made.set(f"hooks.{kind}", [{"path": "/bin/sh", "args": ["sh", "-c", script]}])
    return made


def life(lab, made):
    container = lab.start(made)
    container.delete("--force").ok()


def lines(stream):
    return "".join(f"{kind} {stream}\n" for kind in KINDS)


@suite.case("6 H-16", "run.oci.hooks.stdout and stderr: the output of all kinds, at the files' ends")
def hook_files(lab):
    out, err = write(f"{lab.path}/hooks.out", "before\n"), f"{lab.path}/hooks.err"
    life(lab, hooked(lab, {"run.oci.hooks.stdout": out, "run.oci.hooks.stderr": err}))
    equal(read(out), "before\n" + lines("out"), "standard output")
    equal(read(err), lines("err"), "standard error")
    equal(os.stat(err).st_mode & 0o777, 0o600, "mode of a new file")
    both = f"{lab.path}/both"
    life(lab, hooked(lab, {"run.oci.hooks.stdout": both, "run.oci.hooks.stderr": both}))
    equal(len(read(both).splitlines()), 2 * len(KINDS), "lines of one file for both")


@suite.case("H-16", "output that goes to no file is still part of the error")
def hook_error(lab):
    out = f"{lab.path}/hooks.out"
    made = hooked(lab, {"run.oci.hooks.stdout": out}, last="exit 3")
    failed = lab.try_create(made).failed("hooks.prestart[0]", "exit status 3: prestart err", status=1)
    check("prestart out" not in failed.err, failed.err)
    equal(read(out), "prestart out\npoststop out\n", "the file")


@suite.case("R-39", "a file that cannot be had is an error before any hook, and at the end a warning")
def no_hook_file(lab):
    place = 'annotations["run.oci.hooks.stderr"]: '
    for path, reason in (("relative", "must be an absolute path"), ("/no/such/file", "no such file"),
                         (lab.path, "is a directory")):
        made = hooked(lab, {"run.oci.hooks.stderr": path})
        lab.try_create(made).failed(place, reason, status=1)
    os.symlink(f"{lab.path}/elsewhere", f"{lab.path}/link")
    lab.try_create(hooked(lab, {"run.oci.hooks.stderr": f"{lab.path}/link"})).failed(place, status=1)
    check(not os.path.exists(f"{lab.path}/elsewhere"), "the target of a link")
    os.mkfifo(f"{lab.path}/fifo")
    lab.try_create(hooked(lab, {"run.oci.hooks.stderr": f"{lab.path}/fifo"})).failed(place, status=1)
    os.mkdir(f"{lab.path}/logs")
    container = lab.start(hooked(lab, {"run.oci.hooks.stdout": f"{lab.path}/logs/out"}))
    os.rename(f"{lab.path}/logs", f"{lab.path}/gone")
    container.delete("--force").ok()


@suite.case("T-32", "the container's process has none of these files open")
def hook_files_closed(lab):
    made = hooked(lab, {"run.oci.hooks.stdout": f"{lab.path}/out"})
    container = lab.start(made)
    equal(sorted(os.listdir(f"/proc/{container.pid}/fd")), ["0", "1", "2"], "descriptors")


@suite.table("3.8", "run.oci.pidfd_receiver: a pidfd of the container's process", {
    "create": ("create",), "run": ("run", "--detach")})
def pidfd(lab, *words):
    path = f"{lab.path}/receiver"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()
    made = lab.bundle(["/bin/sleep", "1000"], annotations={"run.oci.pidfd_receiver": path})
    made.write()
    identity = lab.name()
    lab.containers.append(identity)
    lab.brig(*words, "--bundle", made.path, identity).ok()
    connection, _ = listener.accept()
    text, control, _, _ = connection.recvmsg(100, 100)
    equal(text, b"standard", "payload")
    fd = array.array("i", control[0][2])[0]
    told = next(line for line in read(f"/proc/self/fdinfo/{fd}").splitlines() if line.startswith("Pid:"))
    equal(int(told.split()[1]), lab.state(identity)["pid"], "process")
    os.close(fd)
    connection.close()
    listener.close()


@suite.case("3.8", "without a receiver nothing is made")
def no_pidfd(lab):
    made = lab.bundle(["/bin/true"], annotations={"run.oci.pidfd_receiver": f"{lab.path}/none"})
    lab.try_create(made).failed("no such file or directory", status=1)
    lab.expect_nothing_left("create")


def answers(out):
    return [tuple(int(word) for word in line.split()[1:]) for line in out.splitlines()]


def caller(lab, *calls, **settings):
    need(os.uname().machine == "x86_64", "numbers of x86_64")
    return lab.bundle(["/bin/syscalls", *(str(call) for call in calls)], **settings)


def notifying(**more):
    return {"defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": ["getuid"], "action": "SCMP_ACT_NOTIFY"}], **more}


@suite.table("SC-05", "run.oci.seccomp.receiver and its variable stand in for listenerPath", {
    "annotation": ("annotation",), "variable": ("variable",), "annotation wins": ("both",)})
def receiver(lab, how):
    path = f"{lab.path}/supervisor"
    made = caller(lab, GETUID, linux__seccomp=notifying())
    env = dict(os.environ)
    if how != "variable":
        made.set("annotations", {"run.oci.seccomp.receiver": path})
    if how != "annotation":
        env["RUN_OCI_SECCOMP_RECEIVER"] = path if how == "variable" else "/no/such"
    with Supervisor(path, lambda number, pid, arguments: (4242, 0) if number == GETUID else None) as seen:
        equal(answers(lab.run(made, env=env).ok().out), [(4242, 0)], "run")
        container = lab.create(made, env=env)
        lab.brig("start", container.id, env=env).ok()
        eventually(lambda: container.out(), "output")
        equal(answers(container.out()), [(4242, 0)], "create and start")
        equal(len(seen.states), 2, "states")


@suite.table("SC-05", "start and exec go to the supervisor that create found, whatever their environment", {
    "annotation": ("annotation",), "variable": ("variable",)})
def kept_receiver(lab, how):
    path = f"{lab.path}/supervisor"
    made = caller(lab, GETUID, linux__seccomp=notifying())
    made.process["args"] = ["/bin/sh", "-c", f"/bin/syscalls {GETUID}; sleep 1000"]
    first = {"PATH": os.environ["PATH"]}
    if how == "variable":
        first["RUN_OCI_SECCOMP_RECEIVER"] = path
    else:
        made.set("annotations", {"run.oci.seccomp.receiver": path})
    bare = {"PATH": os.environ["PATH"]}
    with Supervisor(path, lambda number, pid, arguments: (4242, 0) if number == GETUID else None) as seen:
        container = lab.create(made, env=first)
        lab.brig("start", container.id, env=bare).ok()
        container.wait_out("4242")
        for env in (bare, {**bare, "RUN_OCI_SECCOMP_RECEIVER": "/no/such"}):
            equal(answers(container.exec("/bin/syscalls", str(GETUID), env=env).ok().out), [(4242, 0)], "exec")
        equal(len(seen.states), 3, "states")
        container.delete("--force").ok()


@suite.case("SC-05", "listenerPath itself counts first; a path that is none is told of")
def receiver_order(lab):
    path = f"{lab.path}/supervisor"
    made = caller(lab, GETUID, linux__seccomp=notifying(listenerPath=path),
                  annotations={"run.oci.seccomp.receiver": "/no/such"})
    with Supervisor(path, lambda number, pid, arguments: (7, 0) if number == GETUID else None):
        equal(answers(lab.run(made).ok().out), [(7, 0)], "answers")
    for given, reason in (("relative", "must be an absolute path"), ("/no/such", "no such file"),
                          ("", "required by SCMP_ACT_NOTIFY")):
        made = caller(lab, GETUID, linux__seccomp=notifying(),
                      annotations={"run.oci.seccomp.receiver": given})
        lab.try_create(made).failed("linux.seccomp.listenerPath", reason, status=1)


@suite.case("6", "run.oci.seccomp_fail_unknown_syscall: there at all, and an unknown name is an error")
def unknown_names(lab):
    profile = {"defaultAction": "SCMP_ACT_ALLOW",
               "syscalls": [{"names": ["no_such_call", "getuid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5}]}
    plain = caller(lab, GETUID, linux__seccomp=profile)
    equal(answers(lab.run(plain).ok().out), [(-1, 5)], "without")  # and in the cache by now
    for value in ("1", "", "false"):
        made = caller(lab, GETUID, linux__seccomp=profile,
                      annotations={"run.oci.seccomp_fail_unknown_syscall": value})
        lab.try_create(made).failed("run.oci.seccomp_fail_unknown_syscall", "no_such_call", status=1)
    profile["syscalls"][0]["names"].remove("no_such_call")
    made.set("linux.seccomp", profile)
    equal(answers(lab.run(made).ok().out), [(-1, 5)], "all known")


def program(number, code):
    """BPF: system call `number` fails with `code`, all others are allowed."""
    instructions = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, ERRNO | code), (0x06, 0, 0, ALLOW)]
    return b"".join(struct.pack("HBBI", *one) for one in instructions)


@suite.case("6", "run.oci.seccomp_bpf_data is loaded in the place of linux.seccomp, for exec, too")
def raw(lab):
    data = base64.b64encode(program(GETUID, errno.EXDEV)).decode()
    profile = {"defaultAction": "SCMP_ACT_ALLOW",
               "syscalls": [{"names": ["getgid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 5}]}
    for given in ({}, {"linux__seccomp": profile}):
        made = caller(lab, GETUID, GETGID, annotations={"run.oci.seccomp_bpf_data": data}, **given)
        equal(answers(lab.run(made).ok().out), [(-1, errno.EXDEV), (0, 0)], f"with {list(given)}")
    container = lab.sleeper(annotations={"run.oci.seccomp_bpf_data": data})
    contains(read(f"/proc/{container.pid}/status"), "Seccomp:\t2\n", "mode")
    equal(answers(container.exec("/bin/syscalls", str(GETUID)).ok().out), [(-1, errno.EXDEV)], "exec")


@suite.table("6", "data that is no program is refused before anything is made", {
    "no base64": ("????", "is no base64"), "cut short": ("AAA", "is no base64"), "empty": ("", "is no base64"),
    "bits behind the end": ("AB==", "is no base64"), "half an instruction": ("AAAA", "whole number"),
    "too long": (base64.b64encode(program(1, 1) * 1025).decode(), "4096")})
def bad_raw(lab, data, reason):
    made = lab.bundle(["/bin/true"], annotations={"run.oci.seccomp_bpf_data": data})
    lab.try_create(made).failed('annotations["run.oci.seccomp_bpf_data"]: ', reason, status=1)


@suite.case("6", "what the kernel does not take is an error of the filter")
def rejected_raw(lab):
    data = base64.b64encode(b"\xff" * 8).decode()
    lab.try_create(lab.bundle(["/bin/true"], annotations={"run.oci.seccomp_bpf_data": data}))
    made = lab.bundle(["/bin/true"], annotations={"run.oci.seccomp_bpf_data": data})
    lab.run(made).failed("linux.seccomp", "invalid argument", status=1)


@suite.case("6", "properties for systemd count with its driver only, right or wrong")
def systemd_properties(lab):
    given = {"org.systemd.property.KillSignal": "15", "org.systemd.property.TimeoutStopUSec": "uint64 10000000",
             "org.systemd.property.DefaultDependencies": "true", "org.systemd.property.After": "['crio.service']",
             "org.systemd.property.Bad": "garbage("}
    container = lab.sleeper(annotations=given)
    equal(container.state()["annotations"], given, "annotations of the state")


@suite.case("6 7.4 G-05", "a subgroup for systemd counts with its driver only; a cgroup to be ruled is refused without")
def subgroups(lab):
    given = {"run.oci.systemd.subgroup": "a/../b"}
    made = lab.bundle(["/bin/sleep", "1000"], annotations=given)
    equal(lab.start(made).state()["annotations"], given, "annotations of the state")
    for driver in ("cgroupfs", "disabled"):
        identity = lab.name()
        made.set("annotations", {"run.oci.systemd.subgroup": "a", "run.oci.delegate-cgroup": "b"})
        lab.try_create(made, identity=identity, globals_=("--cgroup-manager", driver)).failed(
            'annotations["run.oci.delegate-cgroup"]: needs the systemd cgroup driver', status=1)
        lab.gone(identity)


@suite.case("6", "what brig leaves out has no effect and does no harm")
def left_out(lab):
    given = {"run.oci.handler": "krun", "run.oci.seccomp.plugins": "/no/such.so",
             "module.wasm.image/variant": "compat", "io.kubernetes.cri.container-type": "sandbox",
             "krun.cpus": "2", "run.oci.systemd.force_cgroup_v1": "/opt"}
    made = lab.bundle(shell="echo ran; grep -c ' /opt ' /proc/self/mountinfo; true", annotations=given)
    os.mkdir(made.inside("opt"))
    equal(lab.run(made).ok().out, "ran\n0\n", "output")


@suite.case("R-40", "what reaches the host counts for a container that was created so, and for no other")
def allowed(lab):
    Lab.globals = ()
    try:
        for words, wanted in ((("--allow-annotations", "run.oci.hooks.stdout"), lines("out")),
                              (("--allow-annotations", "org.criu.config,run.oci.hooks.stdout"), lines("out")),
                              (("--allow-annotations", "org.criu.config"), ""), ((), "")):
            out = f"{lab.path}/{len(os.listdir(lab.path))}.out"
            made = hooked(lab, {"run.oci.hooks.stdout": out, "run.oci.hooks.stderr": f"{lab.path}/never"})
            container = lab.create(made, globals_=(*words, "--log", f"{lab.path}/log", "--log-level", "warning"))
            container.start()
            other = () if words else ("--allow-annotations", "all")
            lab.brig("delete", "--force", container.id, globals_=other).ok()
            equal(read(out) if os.path.exists(out) else "", wanted, f"output with {words}")
            contains(read(f"{lab.path}/log"), "annotation run.oci.hooks.stderr has no effect", "the log")
        check(not os.path.exists(f"{lab.path}/never"), "the other file")
        lab.brig("list", globals_=("--allow-annotations", "run.oci.handler")).failed("run.oci.handler", "brig(1)")
    finally:
        Lab.globals = ("--allow-annotations", "all")


@suite.case("FE-potentiallyUnsafeConfigAnnotations", "those with an effect on what is confined are in the features")
def listed(lab):
    names = json.loads(lab.brig("features", root=False).ok().out)["potentiallyUnsafeConfigAnnotations"]
    for name in ("hooks.stdout", "hooks.stderr", "pidfd_receiver", "seccomp.receiver", "seccomp_bpf_data"):
        check(f"run.oci.{name}" in names, name)


suite.main()
