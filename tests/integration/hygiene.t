#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# What must not get in: descriptors, environment, streams, working directories (T-36 to T-43).
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.lab import read
from harness.tap import Suite, check, contains, equal

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


def leak_many():
    """Descriptors that a careless engine may leave open: folders, sockets, namespaces, O_PATH."""
    for path, flags in (("/", os.O_PATH), ("/etc", os.O_RDONLY), ("/sys/fs/cgroup", os.O_RDONLY),
                        ("/etc/shadow", os.O_RDONLY), ("/proc/self/ns/mnt", os.O_RDONLY),
                        ("/proc", os.O_PATH), ("/dev/null", os.O_RDWR)):
        os.set_inheritable(os.open(path, flags), True)
    for number in os.pipe():
        os.set_inheritable(number, True)
    os.set_inheritable(os.memfd_create("x", 0), True)
    base = os.open("/", os.O_RDONLY)
    for number in range(50, 250):
        os.dup2(base, number, True)


def run_probe(lab, made, *options, **how):
    lab.containers.append("p")
    result = lab.brig("run", "--bundle", made.write().path, *options, "p", **how)
    return json.loads(result.ok().out, strict=False)


@suite.case("TRAP-08 E-06 R-19 T-36 T-40", "no descriptor of the caller gets in")
def run_closed(lab):
    report = run_probe(lab, lab.bundle(), preexec_fn=leak_many, close_fds=False)
    equal(set(report["fds"]), {"0", "1", "2"}, "descriptors")


@suite.case("TRAP-08 E-06 T-40", "nor by exec")
def exec_closed(lab):
    container = lab.sleeper()
    result = container.exec("/bin/probe", preexec_fn=leak_many, close_fds=False).ok()
    equal(set(json.loads(result.out, strict=False)["fds"]), {"0", "1", "2"}, "descriptors")


@suite.case("R-20 T-39", "created and running, init holds no folder, namespace or host file")
def init_holds(lab):
    container = lab.create(lab.bundle(SLEEP), preexec_fn=leak_many, close_fds=False)
    allowed = (container.outs[0], container.outs[1], "/dev/null")
    for step in ("created", "running"):
        if step == "running":
            container.start()
        folder = f"/proc/{container.pid}/fd"
        links = {number: os.readlink(f"{folder}/{number}") for number in os.listdir(folder)}
        strange = {number: link for number, link in links.items()
                   if link not in allowed
                   and not link.startswith(("pipe:", "socket:", "anon_inode"))
                   and not (step == "created" and "fifo" in link)
                   and not (step == "created" and link.startswith(("/memfd:", "/run/scratch"))
                            and not os.path.isdir(link))}
        equal(strange, {}, f"descriptors when {step}")
        if step == "running":
            equal(set(links), {"0", "1", "2"}, "numbers when running")
    equal(os.readlink(f"/proc/{container.pid}/cwd"), "/", "its working folder")


@suite.table("TRAP-09 3.3 T-42", "--preserve-fds", {
    "one": (1, {3}), "two": (2, {3, 4}), "three with a hole": (3, {3, 4}), "none": (0, set()),
})
def preserve(lab, count, wanted):
    def place():
        os.closerange(3, 256)
        os.open("/dev/null", os.O_RDONLY)
        os.open("/dev/zero", os.O_RDONLY)
        os.dup2(3, 6)
        for number in (3, 4, 6):
            os.set_inheritable(number, True)
    report = run_probe(lab, lab.bundle(), "--preserve-fds", str(count), preexec_fn=place,
                       close_fds=False)
    equal({int(number) for number in report["fds"]}, {0, 1, 2} | wanted, "descriptors")


@suite.table("R-21 T-42", "--preserve-fds refuses what is no count", {
    "negative": "-1", "text": "x", "huge": "99999999999", "fraction": "1.5", "empty": "",
})
def preserve_refused(lab, text):
    made = lab.bundle().write()
    result = lab.brig("run", "--bundle", made.path, f"--preserve-fds={text}", "x")
    check(result.status not in (0, None) and result.err, f"wanted an error of {result}")
    lab.expect_nothing_left("a refused option")


@suite.case("3.3 LISTEN_FDS", "socket activation: descriptors and LISTEN_FDS arrive")
def listen_fds(lab):
    launcher = ["/bin/sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3</dev/zero', "sh"]
    made = lab.bundle().write()
    lab.containers.append("l")
    words = launcher + lab.words("run", "--bundle", made.path, "l")
    report = json.loads(lab.popen(words).wait().ok().out, strict=False)
    equal(set(report["fds"]), {"0", "1", "2", "3"}, "descriptors")
    check({"LISTEN_FDS=1", "LISTEN_PID=1"} <= set(report["env"]), f"env {report['env']}")


@suite.table("R-21 T-43", "LISTEN_FDS that is not ours or no number is not obeyed", {
    "other pid": ("1", "1"), "negative": ("-1", None), "text": ("3abc", None),
    "huge": ("99999999999", None), "zero": ("0", None), "empty": ("", None),
})
def listen_fds_wrong(lab, count, pid):
    setting = f"LISTEN_PID={pid or '$$'} LISTEN_FDS={count}"
    made = lab.bundle().write()
    lab.containers.append("l")
    words = ["/bin/sh", "-c", f'{setting} exec "$@" 3</etc/passwd', "sh",
             *lab.words("run", "--bundle", made.path, "l")]
    result = lab.popen(words).wait()
    if result.status == 0:
        report = json.loads(result.out, strict=False)
        equal(set(report["fds"]), {"0", "1", "2"}, "descriptors")
        check(not any(entry.startswith("LISTEN_") for entry in report["env"]), "env")
    else:
        check(result.err, "reason")


@suite.table("R-19 T-41", "closed standard streams", {
    " ".join(map(str, closed)): closed for closed in
    ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2))})
def closed_streams(lab, *closed):
    closed = closed if not isinstance(closed[0], tuple) else closed[0]

    def close():
        for number in closed:
            os.close(number)
    made = lab.bundle(shell="for i in 0 1 2; do readlink /proc/self/fd/$i; done > /fds; "
                            "ls /proc/self/fd > /count").write()
    lab.containers.append("s")
    call = lab.spawn("run", "--bundle", made.path, "s", preexec_fn=close)
    status = call.process.wait(10)
    equal(status, 0, f"exit status: {call.err()}")
    links = read(made.inside("/fds")).split("\n")
    for number in closed:
        if number != 1:
            equal(links[number], "/dev/null", f"descriptor {number}")
    for words in (("list",), ("state", "nobody")):
        lab.spawn(*words, preexec_fn=close).process.wait(5)
    lab.expect_nothing_left("closed streams")


@suite.table("R-24 T-36", "a cwd that could lead out never runs a program", {
    **{f"/proc/self/fd/{n}": f"/proc/self/fd/{n}" for n in (3, 4, 5, 6, 7, 8, 9, 10, 12, 15)},
    "fd with ..": "/proc/self/fd/7/../../..", "/proc/self/cwd/..": "/proc/self/cwd/..",
    "root of 1": "/proc/1/root", "thread": "/proc/thread-self/fd/8",
})
def cwd_descriptor(lab, cwd):
    made = lab.bundle(["/bin/sh", "-c", "pwd; ls -d /boot 2>/dev/null; ls"],
                      process__cwd=cwd)
    lab.containers.append("c")

    def leak():
        os.closerange(3, 256)
        for path in ("/", "/etc", "/sys/fs/cgroup", "/", "/", "/", "/", "/", "/", "/", "/"):
            os.set_inheritable(os.open(path, os.O_RDONLY), True)
    result = lab.brig("run", "--bundle", made.write().path, "c", preexec_fn=leak, close_fds=False)
    if result.status == 0:
        check("boot" not in result.out.split(), f"a host folder: {result.out!r}")
    container = lab.start(lab.bundle(SLEEP))
    result = container.exec("/bin/ls", options=("--cwd", cwd), preexec_fn=leak, close_fds=False)
    if result.status == 0:
        check("boot" not in result.out.split(), f"a host folder: {result.out!r}")


@suite.case("3.4 R-43", "nothing of the caller's environment gets in")
def environment(lab):
    how = {"env": {"PATH": "/bin:/usr/bin", "SECRET": "1", "_OCI_STARTPIPE": "4", "TERM": "vt52",
                   "NOTIFY_SOCKET": "", "LD_LIBRARY_PATH": "/x"}}
    report = run_probe(lab, lab.bundle(), **how)
    names = {entry.split("=")[0] for entry in report["env"]}
    equal(names, {"PATH", "TERM", "HOME"}, "variables")
    check("TERM=xterm" in report["env"], "TERM is the config's")
    container = lab.sleeper()
    report = json.loads(container.exec("/bin/probe", **how).ok().out, strict=False)
    equal({entry.split("=")[0] for entry in report["env"]}, {"PATH", "TERM", "HOME"}, "in exec")


@suite.case("TRAP-26 3.4", "an empty environment is enough for every verb")
def no_environment(lab):
    made = lab.bundle(SLEEP).write()
    lab.containers.append("e")
    for words in (("create", "--bundle", made.path, "e"), ("start", "e"), ("state", "e"),
                  ("exec", "e", "/bin/true"), ("ps", "-f", "json", "e"), ("list",),
                  ("kill", "e", "9")):
        lab.brig(*words, env={}).ok()


@suite.case("TRAP-03 3.1", "after create only init holds the pipes; they end with it")
def pipes(lab):
    reader, writer = os.pipe()
    lab.containers.append("p")
    made = lab.bundle(SLEEP).write()
    lab.brig("create", "--bundle", made.path, "p", stdout=writer, stderr=writer).ok()
    os.close(writer)
    holders = set()
    target = os.readlink(f"/proc/self/fd/{reader}")
    for pid in oracle.processes():
        if pid == os.getpid():
            continue
        for number in os.listdir(f"/proc/{pid}/fd"):
            if os.readlink(f"/proc/{pid}/fd/{number}") == target:
                holders.add(pid)
    equal(holders, {lab.state("p")["pid"]}, "holders of the pipe")
    lab.brig("delete", "--force", "p").ok()
    equal(os.read(reader, 10), b"", "end of file after delete")
    os.close(reader)


@suite.case("TRAP-04 4.5", "a failed create lets go of the pipes at once")
def pipes_failed(lab):
    reader, writer = os.pipe()
    made = lab.bundle(["/bin/absent"]).write()
    call = lab.spawn("create", "--bundle", made.path, "p", stdout=writer, stderr=writer)
    os.close(writer)
    text = b""
    while chunk := os.read(reader, 8192):
        text += chunk
    os.close(reader)
    contains(text.decode(), "no such file or directory", "reason")
    call.process.wait(1)


@suite.case("TRAP-15 3.5", "pid file, console socket and log are found from the caller's folder")
def relative_paths(lab):
    os.mkdir(f"{lab.path}/cwd")
    made = lab.bundle(["/bin/absent"]).write()
    lab.brig("create", "--bundle", made.path, "--pid-file", "pid", "x", cwd=f"{lab.path}/cwd",
             globals_=("--log", "log.json", "--log-format", "json"))
    contains(read(f"{lab.path}/cwd/log.json"), "no such file", "log")
    good = lab.bundle(SLEEP).write()
    lab.containers.append("y")
    lab.brig("create", "--bundle", good.path, "--pid-file", "pid", "y", cwd=f"{lab.path}/cwd").ok()
    equal(read(f"{lab.path}/cwd/pid"), str(lab.state("y")["pid"]), "pid file")
    root = f"{lab.path}/cwd/own-root"
    lab.brig("--root", "own-root", "create", "--bundle", good.path, "z", root=False,
             cwd=f"{lab.path}/cwd").ok()
    check(os.path.isdir(f"{root}/z"), "relative --root")
    lab.brig("--root", "own-root", "delete", "--force", "z", root=False,
             cwd=f"{lab.path}/cwd").ok()


@suite.case("R-36 T-84", "the state root is private, and so are its files")
def state_private(lab):
    root = f"{lab.path}/new/root"
    made = lab.bundle(SLEEP).write()
    lab.brig("--root", root, "create", "--bundle", made.path, "s", root=False,
             preexec_fn=lambda: os.umask(0)).ok()
    for folder, _, files in os.walk(root):
        mode = os.stat(folder).st_mode & 0o777
        check(mode & 0o066 == 0, f"mode of {folder}: {mode:o}")
        for name in files:
            if not os.path.isfile(f"{folder}/{name}"):
                continue  # sockets and FIFOs are as private as their folder
            mode = os.lstat(f"{folder}/{name}").st_mode & 0o777
            check(mode & 0o022 == 0, f"mode of {folder}/{name}: {mode:o}")
    lab.brig("--root", root, "delete", "--force", "s", root=False).ok()


@suite.case("R-44", "the image is not changed but for mount points and default devices")
def image_untouched(lab):
    made = lab.bundle(["/bin/true"])
    before = oracle.tree(made.rootfs)
    lab.run(made).ok()
    equal(oracle.tree(made.rootfs), before, "the root file system")


suite.main()
