#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# exec: every flag of engines' contract, the process object, identity, terminal, pid file, errors.
import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import caps, oracle
from harness.console import ConsoleSocket, get_size, read_all, read_until
from harness.cgroups import V1
from harness.lab import need, read, write
from harness.tap import Suite, check, contains, equal, eventually

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


def probe(container, *options, **how):
    return json.loads(container.exec("/bin/probe", options=options, **how).ok().out, strict=False)


# placement


@suite.case("2.4", "exec joins every namespace and the cgroup of the container")
def joins(lab):
    made = lab.bundle(SLEEP)
    made.namespace("cgroup")
    made.namespace("time")
    container = lab.start(made)
    report = probe(container)
    for name, link in report["namespaces"].items():
        equal(link, os.readlink(f"/proc/{container.pid}/ns/{name}"), name)
    check(report["pid"] != 1, "not PID 1")
    # A hybrid host's v2 hierarchy has no group for the container.
    lines = [line.split(":") for line in report["cgroup"].splitlines()
             if not (V1 and line.startswith("0"))]
    equal({path for _, _, path in lines}, {"/"}, "cgroup paths inside")


@suite.case("2.4 cgroup", "the host sees exec's process in the container's cgroup")
def cgroup(lab):
    container = lab.sleeper()
    container.exec("/bin/sleep", "500", options=("-d", "--pid-file", "pid")).ok()
    pid = int(read(f"{lab.path}/pid"))
    equal(read(f"/proc/{pid}/cgroup"), read(f"/proc/{container.pid}/cgroup"), "cgroup")
    check(pid in json.loads(lab.brig("ps", "-f", "json", container.id).ok().out), "in ps")


@suite.case("TRAP-02 3.7", "exec's detached process is a child of the subreaper; its exit is seen")
def parent(lab):
    container = lab.sleeper()
    container.exec("/bin/sh", "-c", "sleep 0.05; exit 33",
                   options=("--detach", "--pid-file", "pid")).ok()
    pid = int(read(f"{lab.path}/pid"))
    equal(lab.exit_of(pid), 33, "exit")
    others = set(oracle.processes()) - set(lab.before.processes) - {container.pid}
    equal(others, set(), "processes beside init")


@suite.case("TRAP-01 2.4 3.7", "exec into a container of a joined pid namespace keeps the parent outside")
def parent_pod(lab):
    first = lab.sleeper()
    made = lab.bundle(SLEEP)
    made.namespace("pid", f"/proc/{first.pid}/ns/pid")
    second = lab.start(made)
    second.exec("/bin/sh", "-c", "exit 21", options=("-d", "--pid-file", "pid")).ok()
    equal(lab.exit_of(int(read(f"{lab.path}/pid"))), 21, "exit")
    second.delete("--force").ok()
    first.delete("--force").ok()


@suite.case("2.4 9.5.1", "exec in a created container works, in a user namespace too")
def created(lab):
    container = lab.create(lab.bundle(SLEEP))
    equal(container.exec("/bin/echo", "here").ok().out, "here\n", "output")
    equal(container.status(), "created", "status")


# status


@suite.table("X-09 X-10", "foreground exec gives the program's status", {
    "0": ("exit 0", 0), "3": ("exit 3", 3), "255": ("exit 255", 255),
    "TERM": ("kill -TERM $$; sleep 1", 143), "KILL": ("kill -KILL $$; sleep 1", 137),
})
def status(lab, shell, wanted):
    container = lab.sleeper()
    equal(container.exec("/bin/sh", "-c", shell).status, wanted, "exit status")


@suite.table("TRAP-07 2.4 X-10", "exec that fails gives 255, the reason, and no pid file", {
    "not in PATH": (["absent"], ['executable file not found in $PATH']),
    "absent": (["/bin/absent"], ["/bin/absent", "no such file or directory"]),
    "directory": (["/etc"], [("is a directory", "permission denied")]),
    "not executable": (["/etc/passwd"], ["permission denied"]),
    "no format": (["/bin/text"], ["exec format error"]),
    "missing interpreter": (["/bin/script"], ["no such file or directory"]),
})
def fails(lab, words, parts):
    made = lab.bundle(SLEEP)
    made.file("/bin/text", "no program\n", 0o755)
    made.file("/bin/script", "#!/bin/absent\n", 0o755)
    container = lab.start(made)
    for detach in ((), ("--detach",)):
        result = container.exec(*words, options=("--pid-file", "pid", *detach))
        equal(result.status, 255, f"exit status of {result}")
        result_text = result.err
        for part in parts:
            check(any(option in result_text for option in
                      (part if isinstance(part, tuple) else (part,))), f"no {part!r} in {result}")
        equal(result.err.count("\n"), 1, "lines of the reason")
        check(not os.path.exists(f"{lab.path}/pid"), "no pid file")
    equal(container.status(), "running", "the container")
    others = set(oracle.processes()) - set(lab.before.processes) - {container.pid}
    equal(others, set(), "processes beside init")


@suite.case("2.4", "exec in a stopped, paused or unknown container is refused")
def refused_states(lab):
    container = lab.sleeper()
    lab.brig("pause", container.id).ok()
    container.exec("/bin/true", timeout=3).failed("paused", status=255)
    lab.brig("resume", container.id).ok()
    container.exec("/bin/true").ok()
    container.kill("KILL").ok()
    container.wait_stopped()
    container.exec("/bin/true").failed("stopped", status=255)
    lab.brig("exec", "nobody", "/bin/true").failed("container does not exist", status=255)


@suite.case("2.4", "exec --ignore-paused waits in the frozen container")
def ignore_paused(lab):
    container = lab.sleeper()
    lab.brig("pause", container.id).ok()
    call = lab.spawn("exec", "--ignore-paused", container.id, "/bin/true")
    time.sleep(0.1)
    check(call.process.poll() is None, "exec waits")
    lab.brig("resume", container.id).ok()
    call.wait().ok()


@suite.case("2.4", "exec without a command is refused")
def no_command(lab):
    container = lab.sleeper()
    result = lab.brig("exec", container.id)
    check(result.status not in (0, None) and result.err, f"wanted an error of {result}")


@suite.case("2.4 TRAP-07", "the pid file of a short-lived command is there")
def pid_file_short(lab):
    container = lab.sleeper()
    for _ in range(5):
        container.exec("/bin/true", options=("-d", "--pid-file", f"{lab.path}/pid")).ok()
        text = read(f"{lab.path}/pid")
        equal(text, str(int(text)), "pid file")
        os.unlink(f"{lab.path}/pid")


@suite.case("2.1 TRAP-06", "a pid file that exists empty is replaced")
def pid_file_replaced(lab):
    container = lab.sleeper()
    write(f"{lab.path}/pid", "")
    container.exec("/bin/sleep", "100", options=("-d", "--pid-file", "pid")).ok()
    check(int(read(f"{lab.path}/pid")) in oracle.processes(), "pid file")


# identity


@suite.case("2.4", "exec takes cwd, env, capabilities and NNP from the config")
def from_config(lab):
    made = lab.bundle(SLEEP, process__cwd="/tmp", process__user={"uid": 1000, "gid": 1001,
                                                                "additionalGids": [7]})
    made.process["env"].append("A=config")
    made.capabilities("CAP_KILL", "CAP_CHOWN")
    container = lab.start(made)
    report = probe(container)
    equal(report["cwd"], "/tmp", "cwd")
    check("A=config" in report["env"] and "HOME=/home/user" in report["env"], "env")
    equal((report["uids"][0], report["gids"][0], report["groups"]), (1000, 1001, [7]), "user")
    equal(caps.sets(report)["bounding"], {"CAP_KILL", "CAP_CHOWN"}, "bounding set")
    equal(report["umask"], 0o22, "umask")


@suite.table("2.4 P-19 T-57", "--user", {
    "uid": ("1000", (1000, 0)), "uid and gid": ("1000:1001", (1000, 1001)), "0": ("0", (0, 0)),
    "largest": ("4294967294:4294967294", (4294967294, 4294967294)),
})
def user(lab, text, wanted):
    report = probe(lab.sleeper(), "--user", text)
    equal((report["uids"][0], report["gids"][0]), wanted, "ids")


@suite.table("R-26 T-57", "--user refuses what is no id", {
    "colon": "1:", "gid only": ":2", "three": "1:2:3", "plus": "+1", "minus": "-1", "x": "1x",
    "hex": "0x1", "empty": "", "blank": " 1", "2^32": "4294967296", "2^64": str(2**64),
    "2^32-1": "4294967295", "name": "root",
})
def user_refused(lab, text):
    container = lab.sleeper()
    result = lab.brig("exec", f"--user={text}", container.id, "/bin/id")
    check(result.status not in (0, None) and "uid=" not in result.out and result.err,
          f"wanted an error of {result}")


@suite.case("T-58", "a passwd line cannot change who --user is")
def user_passwd(lab):
    made = lab.bundle(SLEEP)
    made.file("/etc/passwd", "1000:x:0:0::/root:/bin/sh\nroot:x:0:0::/root:/bin/sh\n")
    report = probe(lab.start(made), "--user", "1000")
    equal(report["uids"], [1000] * 4, "uids")


@suite.case("2.4", "--env, --cwd, --additional-gids, --no-new-privs")
def flags(lab):
    made = lab.bundle(SLEEP, process__noNewPrivileges=False)
    container = lab.start(made)
    report = probe(container, "-e", "A=1", "--env", "B=x y", "--cwd", "/tmp", "-g", "5",
                   "--additional-gids", "6", "--no-new-privs")
    check({"A=1", "B=x y"} <= set(report["env"]), "env")
    equal(report["cwd"], "/tmp", "cwd")
    equal(sorted(report["groups"]), [5, 6], "groups")
    equal(report["no_new_privs"], 1, "no_new_privs")
    equal(probe(container)["no_new_privs"], 0, "no_new_privs without the flag")


@suite.case("R-25 T-49 T-50", "--cap adds to bounding, effective and permitted, never inheritable")
def cap_flag(lab):
    made = lab.bundle(SLEEP)
    made.capabilities("CAP_KILL")
    container = lab.start(made)
    got = caps.sets(probe(container, "--cap", "CAP_CHOWN"))
    for name in ("bounding", "effective", "permitted"):
        equal(got[name], {"CAP_KILL", "CAP_CHOWN"}, name)
    equal((got["inheritable"], got["ambient"]), (set(), set()), "inheritable and ambient")


@suite.case("P-03 TRAP-47", "a missing cwd is an error for exec")
def cwd_missing(lab):
    made = lab.bundle(SLEEP)
    container = lab.start(made)
    result = container.exec("/bin/true", options=("--cwd", "/absent"))
    result.failed("/absent", "no such file or directory", status=255)
    check(not os.path.exists(made.inside("/absent")), "nothing is made")


# process object


@suite.case("2.4", "all mistakes of a process file are told with their places")
def process_file_mistakes(lab):
    container = lab.sleeper()
    path = f"{lab.path}/bad.json"
    write(path, '{"args": ["/bin/true"],\n "cwd": "relative",\n "rlimits": [\n'
                '  {"type": "RLIMIT_CORE", "soft": 2, "hard": 1}]}\n')
    lab.brig("exec", "--process", path, container.id).failed(
        "bad.json:2:", "process.cwd", "bad.json:4:", "process.rlimits[0]", status=255)


@suite.case("2.4 CG-06", "--cgroup finds a group below without openat2, too")
def cgroup_without_openat2(lab):
    container = lab.sleeper()
    group = next(line.split(":")[2] for line in read(f"/proc/{container.pid}/cgroup").splitlines()
                 if ":freezer:" in line or line.startswith("0::"))
    # Not just any hierarchy of v1: a new group of cpuset takes no process yet.
    folder = next(place for place in (f"/sys/fs/cgroup/freezer{group}", f"/sys/fs/cgroup{group}")
                  if os.path.exists(f"{place}/cgroup.procs"))
    os.makedirs(f"{folder}/inner/most")
    calls = {}
    for fault in ("", "ENOSYS", "EPERM"):
        inject_ = ["-e", f"inject=openat2:error={fault}"] if fault else []
        calls[fault] = lab.popen(["strace", "-f", "-o", "/dev/null", "-e", "trace=openat2", *inject_,
                                  *lab.words("exec", "--cgroup", "inner/most", container.id,
                                             "/bin/cat", "/proc/self/cgroup")]).wait(30).ok().out
        check("inner/most" in calls[fault], calls[fault])
    container.delete("--force").ok()


def v1_groups(text):
    """{controller: path} of the hierarchies of v1 in a /proc/PID/cgroup."""
    rows = (line.split(":", 2) for line in text.splitlines())
    return {name: path for _, names, path in rows for name in names.split(",") if name}


@suite.case("2.4 CG-06", "--cgroup CONTROLLER:PATH is for that hierarchy of v1 alone, and can be repeated")
def cgroup_by_controller(lab):
    container = lab.sleeper()
    own = v1_groups(read(f"/proc/{container.pid}/cgroup"))
    need({"memory", "pids", "freezer"} <= set(own), "memory, pids and freezer are not all on v1")
    for name in ("memory", "pids", "freezer"):
        folder = next(place for place in oracle.cgroups()
                      if place.endswith(own[name]) and place.startswith(f"/sys/fs/cgroup/{name}/"))
        os.makedirs(f"{folder}/in/{name}")

    def enter(*groups):
        options = [word for group in groups for word in ("--cgroup", group)]
        return lab.brig("exec", *options, container.id, "/bin/cat", "/proc/self/cgroup")

    def moved(*groups):
        seen = v1_groups(enter(*groups).ok().out)
        return {name: path.removeprefix(own[name]) for name, path in seen.items() if path != own[name]}
    equal(moved("memory:in/memory"), {"memory": "/in/memory"}, "one")
    equal(moved("memory:in/memory", "pids:in/pids"), {"memory": "/in/memory", "pids": "/in/pids"}, "two")
    equal(moved("memory,pids,freezer:in"), {name: "/in" for name in ("memory", "pids", "freezer")}, "three")
    for groups, reason in ((("memory:in/pids",), 'the hierarchy of memory has no cgroup "in/pids"'),
                           (("memory:in", "in"), "needs a controller"),
                           (("memory:in", "pids,memory:in"), "names the controller memory again"),
                           ((":in",), "a controller has no name"),
                           (("none:in",), "has no cgroup with the controller none"),
                           (("memory:/in",), "absolute"), (("memory:../x",), "..")):
        enter(*groups).failed(reason, status=255)


@suite.case("2.4", "--process is the whole process, and wins over the flags")
def process(lab):
    container = lab.sleeper()
    path = lab.process_file(user={"uid": 12, "gid": 34, "additionalGids": [56], "umask": 0o27},
                        env=["PATH=/bin", "X=y"], cwd="/etc", noNewPrivileges=True,
                        oomScoreAdj=77,
                        capabilities={name: ["CAP_KILL"] for name in ("bounding", "permitted")},
                        rlimits=[{"type": "RLIMIT_NOFILE", "soft": 99, "hard": 100}])
    report = json.loads(lab.brig("exec", "--process", path, "--user", "7", container.id).ok().out,
                        strict=False)
    equal((report["uids"][0], report["gids"][0], report["groups"]), (12, 34, [56]), "user")
    equal(sorted(report["env"]), ["HOME=/", "PATH=/bin", "X=y"], "env")
    equal((report["cwd"], report["umask"]), ("/etc", 0o27), "cwd and umask")
    equal(report["no_new_privs"], 1, "no_new_privs")
    equal(report["oom_score_adj"].strip(), "77", "oom_score_adj")
    equal(report["rlimits"]["RLIMIT_NOFILE"], [99, 100], "rlimit")
    equal(caps.sets(report)["bounding"], {"CAP_KILL"}, "bounding set")


@suite.case("2.4", "what the process object leaves out falls back to the container's")
def process_fallback(lab):
    made = lab.bundle(SLEEP)
    made.capabilities("CAP_KILL")
    made.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 88}]
    made.set("process.oomScoreAdj", 44)
    made.set("process.user.umask", 0o77)
    container = lab.start(made)
    report = json.loads(lab.brig("exec", "-p", lab.process_file(), container.id).ok().out,
                        strict=False)
    equal(caps.sets(report)["bounding"], {"CAP_KILL"}, "bounding set")
    equal(report["rlimits"]["RLIMIT_NOFILE"], [77, 88], "rlimit")
    equal(report["oom_score_adj"].strip(), "44", "oom_score_adj")
    equal(report["umask"], 0o77, "umask")
    equal(report["no_new_privs"], 0, "no_new_privs")


@suite.table("2.4 R-42", "a wrong process object is refused with its JSON path", {
    "empty cwd": ({"cwd": ""}, "cwd"), "relative cwd": ({"cwd": "tmp"}, "cwd"),
    "no args": ({"args": []}, "args"), "uid text": ({"user": {"uid": "1"}}, "user.uid"),
    "rlimit": ({"rlimits": [{"type": "X", "soft": 1, "hard": 1}]}, "rlimits[0].type"),
})
def process_wrong(lab, members, part):
    container = lab.sleeper()
    lab.brig("exec", "--process", lab.process_file(**members), container.id
             ).failed(part, status=255)


@suite.case("2.4", "a process file that is missing or no JSON is refused")
def process_unreadable(lab):
    container = lab.sleeper()
    lab.brig("exec", "--process", "absent.json", container.id).failed("absent.json", status=255)
    write(f"{lab.path}/bad.json", "{")
    lab.brig("exec", "--process", "bad.json", container.id).failed("bad.json", status=255)


# descriptors and terminals


@suite.case("3.1 TRAP-03", "detached exec leaves the caller's descriptors to the process only")
def stdio(lab):
    container = lab.sleeper()
    reader, writer = os.pipe()
    lab.brig("exec", "-d", container.id, "/bin/sh", "-c", "echo one; sleep 0.2; echo two",
             stdout=writer).ok()
    os.close(writer)
    text = b""
    while chunk := os.read(reader, 100):
        text += chunk
    os.close(reader)
    equal(text, b"one\ntwo\n", "output until the end of the process")


@suite.case("3.3", "--preserve-fds hands descriptors on, holes are fine, others are closed")
def preserve(lab):
    container = lab.sleeper()
    files = [os.open(write(f"{lab.path}/f{i}", f"file{i}"), os.O_RDONLY) for i in range(3)]

    def place():
        for number, file in zip((3, 5, 6), files):
            os.dup2(file, 20 + number)
        for number in (3, 5, 6):
            os.dup2(20 + number, number)
            os.close(20 + number)
        os.set_inheritable(3, True)
    report = json.loads(lab.brig("exec", "--preserve-fds", "3", container.id, "/bin/probe",
                                 preexec_fn=place, close_fds=False).ok().out, strict=False)
    for file in files:
        os.close(file)
    equal(set(report["fds"]), {"0", "1", "2", "3", "5"}, "descriptors")


@suite.case("3.2 P-01", "exec --tty --detach sends the master over the console socket")
def console(lab):
    container = lab.sleeper()
    console_socket = ConsoleSocket(f"{lab.path}/console")
    lab.brig("exec", "-t", "-d", "--pid-file", "pid", "--console-socket", "console", container.id,
             "/bin/sh", "-c", "tty; test -t 0 && test -t 1 && test -t 2 && echo all; read x; "
             "echo got $x; stty size").ok()
    master = console_socket.accept()
    check(console_socket.payload, "payload bytes")
    read_until(master, "all")
    os.write(master, b"hello\n")
    read_until(master, "got hello")
    console_socket.close()


@suite.case("TRAP-55 3.2 P-02", "consoleSize of the process object is set before the program runs")
def console_size(lab):
    container = lab.sleeper()
    console_socket = ConsoleSocket(f"{lab.path}/console")
    path = lab.process_file(args=["/bin/stty", "size"], terminal=True,
                        consoleSize={"height": 31, "width": 97})
    lab.brig("exec", "-d", "-p", path, "--console-socket", "console", container.id).ok()
    master = console_socket.accept()
    equal(get_size(master), (31, 97), "size of the master")
    read_until(master, "31 97")
    console_socket.close()


@suite.case("2.4", "tty and detach without console socket is refused")
def console_missing(lab):
    container = lab.sleeper()
    result = lab.brig("exec", "-t", "-d", container.id, "/bin/true")
    check(result.status not in (0, None), f"wanted an error of {result}")
    contains(result.err, "console socket", "reason")


@suite.case("3.2", "the terminal is the container's own: /dev/pts of its devpts")
def console_own(lab):
    container = lab.sleeper()
    console_socket = ConsoleSocket(f"{lab.path}/console")
    lab.brig("exec", "-t", "-d", "--console-socket", "console", "--user", "1000", container.id,
             "/bin/sh", "-c", "ls -ln $(tty); cat /proc/self/stat | cut -d' ' -f6,7").ok()
    text = read_all(console_socket.accept())
    console_socket.close()
    contains(text, "/dev/pts/0", "name")
    contains(text, " 1000 ", "owner")


@suite.case("9.2", "foreground exec forwards signals")
def forwards(lab):
    container = lab.sleeper()
    call = lab.spawn("exec", container.id, "/bin/sh", "-c",
                     "trap 'echo got; exit 6' TERM; echo up; while :; do sleep 0.01; done")
    eventually(lambda: "up" in call.out(), "start")
    call.signal(signal.SIGTERM)
    equal(call.wait().status, 6, "exit status")


@suite.case("X-09", "a foreground exec that is killed leaves nothing to clean up")
def killed(lab):
    container = lab.sleeper()
    call = lab.spawn("exec", container.id, "/bin/sleep", "500")
    eventually(lambda: "sleep 500" in lab.brig("exec", container.id, "/bin/ps").out or None,
               "start")
    call.signal(signal.SIGKILL)
    call.process.wait()
    container.delete("--force").ok()
    lab.expect_nothing_left("a killed exec")


@suite.case("9.34", "many at once: exec, state, ps and list side by side")
def together(lab):
    container = lab.sleeper()
    calls = []
    for i in range(6):
        calls.append((lab.spawn("exec", container.id, "/bin/sh", "-c", f"exit {i}"), i))
        calls.append((lab.spawn("state", container.id), 0))
        calls.append((lab.spawn("ps", "-f", "json", container.id), 0))
        calls.append((lab.spawn("list"), 0))
    for call, wanted in calls:
        equal(call.wait(20).status, wanted, f"status of {call.words}")


suite.main()
