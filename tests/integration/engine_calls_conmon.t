#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The calls of conmon, as podman and CRI-O start it, and of conmon-rs: streams and signals as they
# leave them, one read of what went wrong.
import json
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.callers import Conmon, ConmonRs, Pipe, Replaced
from harness.cgroups import groups_of, hierarchies, unified
from harness.console import ConsoleSocket, get_size, read_all, read_until
from harness.lab import read, write
from harness.tap import Suite, check, contains, equal

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
USER = {"uid": 1000, "gid": 1000}


def place_descriptors(lab):
    """A preexec_fn: 3 and 5 are open, 4 is not, and what podman holds at 6 and 7 is not meant."""
    def place():
        os.closerange(3, 64)
        for number in (3, 5, 6, 7):
            file = os.open(f"{lab.path}/f{number}", os.O_RDONLY)
            os.dup2(file, 60)
            os.close(file)
            os.dup2(60, number)
            os.close(60)
    for number in (3, 5, 6, 7):
        write(f"{lab.path}/f{number}", f"file {number}\n")
    return {"preexec_fn": place, "close_fds": False}


@suite.case("CALL-28 TRAP-10 TRAP-11 TRAP-16 TRAP-42",
            "create: signals reset, a session of its own, the pipes are the user's")
def create(lab):
    conmon = Conmon(lab, lab.bundle(process__user=USER))
    pid = conmon.create()
    equal(os.getpgid(pid), pid, "process group")
    equal(oracle.processes()[pid][0], os.getpid(), "parent")
    conmon.silent("start", conmon.id)
    report = json.loads(conmon.out.wait_end(), strict=False)
    equal((report["signals_ignored"], report["signals_blocked"]), ([], []), "signals")
    equal((report["sid"], report["pgid"], report["pdeathsig"]), (1, 1, 0), "session")
    equal(report["umask"], 0o022, "umask")
    equal([report["fds"][number]["uid"] for number in "12"], [1000, 1000], "owner of the pipes")
    equal(set(report["fds"]), {"0", "1", "2"}, "descriptors")
    check(not any(entry.startswith("_OCI_") for entry in report["env"]), "conmon's variables")
    equal(lab.exit_of(pid), 0, "exit status")


@suite.case("CALL-29 TRAP-09", "create with terminal, preserved descriptors, holes, and both flags")
def create_all(lab):
    made = lab.bundle(shell="stty size; cat <&3; cat <&5; exec probe",
                      process__terminal=True, process__consoleSize={"height": 24, "width": 80})
    conmon = Conmon(lab, made)
    console = ConsoleSocket(f"{lab.path}/conmon-term.ABCDEF")
    with Replaced(conmon.pid_file):
        conmon.silent("create", "--bundle", made.path, "--pid-file", conmon.pid_file, "--no-pivot",
                      "--no-new-keyring", "--preserve-fds", "3", "--console-socket", console.path,
                      conmon.id, **place_descriptors(lab))
    master = console.accept()
    console.listener.close()
    equal(get_size(master), (24, 80), "size of the master")
    conmon.silent("start", conmon.id)
    text = read_all(master)
    contains(text, "file 3", "descriptor 3")
    contains(text, "file 5", "descriptor 5")
    report = json.loads(text[text.index("{"):].replace("\r", ""), strict=False)
    equal(set(report["fds"]), {"0", "1", "2", "3", "5"}, "descriptors")
    os.close(master)
    console.master = None


@suite.case("CALL-30", "--cgroup-manager disabled: in the caller's cgroup, and stays there")
def no_cgroup(lab):
    made = lab.bundle(shell="cat /proc/self/cgroup; exec sleep 1000")
    made.linux["cgroupsPath"] = ""
    conmon = Conmon(lab, made, ("--cgroup-manager", "disabled"))
    before = oracle.cgroups()
    pid = conmon.started().pid()
    equal(groups_of(pid), groups_of("self"), "cgroups of init")
    equal(oracle.cgroups(), before, "cgroups of the host")
    out = Pipe()
    conmon.globals_ = ()  # podman does not say it again
    path = conmon.process_file(["/bin/cat", "/proc/self/cgroup"])
    conmon.spawn("exec", "--pid-file", f"{lab.path}/exec.pid", "--process", path, "--detach",
                 conmon.id, stdout=out.writer).wait().ok()
    out.shut()
    equal(out.wait_end(), read("/proc/self/cgroup"), "cgroups of exec")
    conmon.silent("kill", conmon.id, "9")
    lab.exit_of(pid)
    conmon.silent("delete", "--force", conmon.id)


@suite.case("CALL-31 TRAP-58", "podman's own cgroup is split: the container's lies beside its runtime's")
def split(lab):
    made = lab.bundle(SLEEP)
    conmon = Conmon(lab, made)
    folders = {*hierarchies().values(), unified()} - {None}
    for folder in folders:
        os.makedirs(f"{folder}/split/runtime")
        for name in ("cpuset.cpus", "cpuset.mems"):
            if folder == hierarchies().get("cpuset"):
                for group in ("split", "split/runtime"):
                    write(f"{folder}/{group}/{name}", read(f"{folder}/{name}"))

    def enter():
        for folder in folders:
            write(f"{folder}/split/runtime/cgroup.procs", str(os.getpid()))
    made.linux["cgroupsPath"] = f"/split/libpod-payload-{conmon.id}"
    made.write()
    pid = conmon.create(preexec_fn=enter)
    managed = hierarchies() or {"": unified()}
    equal({groups_of(pid)[name] for name in managed if name in groups_of(pid)},
          {f"/split/libpod-payload-{conmon.id}"}, "cgroups of init")
    conmon.silent("start", conmon.id)
    conmon.silent("delete", "--force", conmon.id)
    for folder in folders:
        equal([name for name in os.listdir(f"{folder}/split")
               if os.path.isdir(f"{folder}/split/{name}")], ["runtime"], f"left in {folder}")
        os.rmdir(f"{folder}/split/runtime")
        os.rmdir(f"{folder}/split")


def missing_source(made):
    made.mount("/x", "bind", "/absent", ["bind"])


def loud_hook(made):
    made.config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": [
        "sh", "-c", "head -c 100000 /dev/zero | tr '\\0' y >&2; sleep 0.5 & exit 1"]}]}


@suite.table("CALL-32 TRAP-04 TRAP-05 TRAP-37 TRAP-39", "create that fails: one read has it all", {
    "no program": (lambda made: made.process.update(args=["/absent"]), "no such file or directory"),
    "not in PATH": (lambda made: made.process.update(args=["absent"]),
                    "executable file not found in $PATH"),
    "a folder": (lambda made: made.process.update(args=["/etc"]), "permission denied"),
    "a mount": (missing_source, "mounts[6]"),
    "a hook that says much and leaves a child": (loud_hook, "hooks.createRuntime[0]"),
    "no JSON": (lambda made: setattr(made, "text", "{"), "config.json"),
})
def failing(lab, spoil, words):
    made = lab.bundle(SLEEP)
    spoil(made)
    conmon = Conmon(lab, made)
    packets = Pipe(0o777, os.O_DIRECT)  # each write is a read of its own
    call = conmon.spawn("create", "--bundle", made.path, "--pid-file", conmon.pid_file, conmon.id,
                        stdout=conmon.out.writer, stderr=packets.writer)
    packets.shut()
    conmon.out.shut()
    os.set_blocking(packets.reader, True)
    text = os.read(packets.reader, 8191).decode()
    equal(os.read(packets.reader, 8191), b"", "what comes after the one read")
    equal(call.wait().status, 1, "exit status")
    call.refused = True
    equal(conmon.out.wait_end(), "", "standard output")
    contains(text, words, "the read")
    equal(text.count("\n"), 1, "lines")
    entry = json.loads(read(conmon.log))  # podman reads it as one object
    equal((entry["level"], set(entry)), ("error", {"level", "msg", "time"}), "log")
    contains(entry["msg"], words, "message in the log")
    check(not os.path.exists(conmon.pid_file), "no pid file")
    lab.expect_nothing_left("a create that failed")
    conmon.silent("delete", "--force", conmon.id)


@suite.case("CALL-33 TRAP-06 TRAP-07", "exec: an empty pid file is replaced, after success only")
def exec_process(lab):
    conmon = Conmon(lab, lab.bundle(SLEEP)).started()
    conmon.globals_ = conmon.globals_[:2]
    pid_file, out = f"{lab.path}/exec.pid", Pipe(0o777)
    for args, wanted in ((["/bin/true"], 0), (["/bin/sh", "-c", "exit 9"], 9)):
        with Replaced(pid_file):
            conmon.silent("exec", "--pid-file", pid_file, "--process", conmon.process_file(args),
                          "--detach", conmon.id)
        equal(lab.exit_of(int(read(pid_file))), wanted, "exit status that conmon sees")
    with Replaced(pid_file):
        conmon.spawn("exec", "--pid-file", pid_file, "--process", conmon.process_file(), "--detach",
                     "--preserve-fds", "3", conmon.id, stdout=out.writer,
                     **place_descriptors(lab)).wait().ok()
    out.shut()
    report = json.loads(out.wait_end(), strict=False)
    equal(set(report["fds"]), {"0", "1", "2", "3", "5"}, "descriptors")
    equal((report["signals_ignored"], report["pgid"]), ([], report["pid"]), "signals and group")
    for args in (["/absent"], ["/etc"]):
        write(pid_file, "")
        result = conmon.call("exec", "--pid-file", pid_file, "--process",
                             conmon.process_file(args), "--detach", conmon.id)
        result.failed(status=255)
        equal(read(pid_file), "", f"pid file after {args}")


@suite.case("CALL-33 TRAP-55", "exec with a terminal: its size is set, the master sent once")
def exec_terminal(lab):
    conmon = Conmon(lab, lab.bundle(SLEEP)).started()
    console = ConsoleSocket(f"{lab.path}/conmon-term.ABCDEF")
    path = conmon.process_file(["/bin/stty", "size"], terminal=True,
                               consoleSize={"height": 33, "width": 99})
    with Replaced(f"{lab.path}/exec.pid"):
        conmon.silent("exec", "--pid-file", f"{lab.path}/exec.pid", "--process", path, "--detach",
                      "--console-socket", console.path, conmon.id)
    master = console.accept()
    contains(read_all(master), "33 99", "size inside")
    equal(lab.exit_of(int(read(f"{lab.path}/exec.pid"))), 0, "exit status")
    console.close()


# conmon-rs


@suite.case("CALL-35", "conmon-rs: globals twice, joined values, the console taken while create runs")
def rust_create(lab):
    made = lab.bundle(shell="echo up; sleep 1000", process__terminal=True)
    conmon = ConmonRs(lab, made)
    console = ConsoleSocket(f"{lab.path}/attach")
    taken = []
    waiter = threading.Thread(target=lambda: taken.append(console.accept()))
    waiter.start()
    with Replaced(conmon.pid_file):
        conmon.silent("create", "--bundle", made.path, "--pid-file", conmon.pid_file,
                      f"--console-socket={console.path}", conmon.id)
    waiter.join(5)
    check(len(taken) == 1, "the master")
    conmon.silent("start", conmon.id)
    read_until(taken[0], "up")
    console.close()


@suite.table("CALL-35", "conmon-rs: an error is UTF-8, whatever the names are", {
    "program": lambda made: made.process.update(args=["/caf\u00e9\u2028"]),
    "no UTF-8 in the config": lambda made: setattr(
        made, "text", b'{"ociVersion": "1.0.2", "root": {"path": "\xff\xfe"}}'),
    "no UTF-8 in a hook's words": lambda made: made.config.update(hooks={"createRuntime": [
        {"path": "/bin/sh", "args": ["sh", "-c", "printf '\\377\\376' >&2; exit 1"]}]}),
})
def rust_errors(lab, spoil):
    made = lab.bundle(SLEEP)
    spoil(made)
    conmon = ConmonRs(lab, made)
    err = Pipe()
    call = conmon.spawn("create", "--bundle", made.path, "--pid-file", conmon.pid_file, conmon.id,
                        stderr=err.writer)
    err.shut()
    err.wait_end()
    check(err.data.decode("utf-8").strip(), "a reason, in UTF-8")
    equal(call.wait().status, 1, "exit status")
    made.text = None
    made.process["args"] = SLEEP
    made.config.pop("hooks", None)
    made.write()
    conmon.create()


@suite.case("CALL-36", "conmon-rs: exec without a process file; options end at the id")
def rust_exec(lab):
    conmon = ConmonRs(lab, lab.bundle(SLEEP))
    conmon.started()
    pid_file = f"{lab.path}/exec.pid"
    out = Pipe()
    conmon.spawn("exec", "-d", f"--pid-file={pid_file}", conmon.id, "/bin/sh", "-c",
                 'echo "$0" "$@"; exit 3', "-x", "--tty", "-d", "--pid-file=/no", "--",
                 stdout=out.writer).wait().ok()
    out.shut()
    equal(out.wait_end(), "-x --tty -d --pid-file=/no --\n", "words")
    equal(lab.exit_of(int(read(pid_file))), 3, "exit status")
    console = ConsoleSocket(f"{lab.path}/attach")
    conmon.silent("exec", "-d", f"--console-socket={console.path}", "--tty",
                  f"--pid-file={pid_file}", conmon.id, "/bin/sh", "-c", "tty; echo -n $1", "sh", "-x")
    contains(read_all(console.accept()), "/dev/pts/0\r\n-x", "terminal and words")
    console.close()


suite.main()
