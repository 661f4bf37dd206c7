#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The command line itself: globals, logs, exit statuses, descriptors, odd ids, spec, features.
import itertools
import json
import os
import pty
import re
import shutil
import socket
import stat
import subprocess
import sys
import termios

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import sandbox
from harness.lab import read, write
from harness.tap import Skip, Suite, check, contains, equal

suite = Suite()


# Words


@suite.case("TRAP-40 1.2 1.5", "--version is four lines on standard output, with an empty environment")
def version(lab):
    shown = lab.brig("--version", root=False, env={}).ok()
    lines = shown.out.splitlines()
    equal(len(lines), 4, "lines")
    check(re.fullmatch(r"brig version \d+\.\d+\.\d+", lines[0]), lines[0])
    check(re.fullmatch(r"commit: \S+", lines[1]), lines[1])
    check(re.fullmatch(r"spec: 1\.\d+\.\d+", lines[2]), lines[2])
    check(re.fullmatch(r"(\+[A-Z]+ ?)+", lines[3]), lines[3])
    equal(shown.out.count("version"), 1, "the word version")
    equal(shown.err, "", "standard error")


@suite.case("1.6", "engines' probes: checkpoint --help succeeds, a missing argument is named so")
def probes(lab):
    contains(lab.brig("checkpoint", "--help").ok().out, "--image-path", "help")
    lab.brig("restore", "--lsm-mount-context").failed("requires an argument", status=1)
    lab.brig("create", "--bundle").failed("requires an argument", status=1)


@suite.case("1.1", "go-runc's single dash, repeated globals and flags with values")
def spellings(lab):
    made = lab.bundle(shell="echo ran")
    made.write()
    done = lab.brig("-root", "/nowhere", "--root=" + lab.root, "-log-format", "json",
                    "--rootless=true", "run", "-bundle", made.path, "-no-subreaper",
                    "--no-new-keyring=false", "--no-new-keyring", "one", root=False).ok()
    equal(done.out, "ran\n", "output")


@suite.case("1.2", "relative paths count from the caller's folder")
def relative(lab):
    made = lab.bundle(["/bin/sleep", "1000"])
    made.write()
    lab.containers.append("one")
    lab.brig("--root", "state", "--log", "log", "create", "--bundle", os.path.basename(made.path),
             "--pid-file", "pid", "one", root=False).ok()
    equal(int(read(f"{lab.path}/pid")), lab.state("one")["pid"], "pid file")
    lab.brig("--root", "state", "--log", "log", "start", "none", root=False).failed()
    contains(read(f"{lab.path}/log"), "does not exist", "log")


@suite.case("1.2", "a state root that is the host's / is refused, however it is spelt")
def slash(lab):
    os.symlink("/", f"{lab.path}/link")
    for root in ("/", "//", "/tmp/..", "/proc/self/root", f"{lab.path}/link"):
        for words in (["delete", "--force", "x"], ["list"], ["state", "x"]):
            lab.brig("--root", root, *words, root=False).failed("is the host's root", status=1)


@suite.case("1.3 R-36", "XDG_RUNTIME_DIR counts for a caller without privileges who owns it")
def runtime_directory(lab):
    os.chmod(lab.path, 0o755)
    for name, owner in (("own", 1000), ("foreign", 0)):
        os.mkdir(f"{lab.path}/{name}")
        os.chmod(f"{lab.path}/{name}", 0o755)
        os.chown(f"{lab.path}/{name}", owner, owner)

    def ask(directory, **who):
        run = subprocess.run([sandbox.brig(), "state", "none"], capture_output=True, check=False,
                             text=True, env={"XDG_RUNTIME_DIR": directory}, **who)
        equal(run.returncode, 1, "status")
        return run.stderr
    user = {"user": 1000, "group": 1000, "extra_groups": []}
    contains(ask(f"{lab.path}/own", **user), "container does not exist", "own")
    contains(ask(f"{lab.path}/foreign", **user), "belongs to another user", "foreign")
    contains(ask(f"{lab.path}/none", **user), "no such file or directory", "missing")
    contains(ask("relative", **user), "not absolute", "relative")
    contains(ask("", **user), "container does not exist", "empty is unset")
    contains(ask(f"{lab.path}/foreign"), "container does not exist", "root does not look at it")


IDS = ["..", ".", "", "a/b", "../x", "/etc", "a\n", "a b", "\xe4", "%n/", "x" * 1025, "\x1b[2J"]


@suite.case("T-95", "an id that is no id is refused by every command before anything is touched")
def ids(lab):
    made = lab.bundle(shell="true")
    made.write()
    for name in ("beside", "x"):
        os.mkdir(f"{lab.path}/{name}")
    before = sorted(os.walk(lab.path + "/state")), sorted(os.listdir(lab.path + "/beside"))
    create = ["create", "--bundle", made.path]
    for identity, words in itertools.product(
            IDS, (create, ["run", "--bundle", made.path], ["start"], ["state"], ["kill"], ["delete"],
                  ["delete", "--force"], ["pause"], ["resume"], ["ps"], ["exec"])):
        rest = ["ls"] if words == ["exec"] else []
        result = lab.brig(*words, identity, *rest).failed(("invalid container ID", "container ID must not be empty"))
        equal(result.err.count("\n"), 1, f"lines of {result}")
        check(result.err.isprintable() or result.err[:-1].isprintable(), f"raw bytes in {result}")
    equal((sorted(os.walk(lab.path + "/state")), sorted(os.listdir(lab.path + "/beside"))), before,
          "the state root and what is beside it")


@suite.case("T-95", "an id that looks like an option is no option behind --")
def dashes(lab):
    lab.brig("delete", "-xf").failed("unknown option", status=1)
    equal(lab.brig("delete", "--help").ok().out[:6], "remove", "help")
    lab.brig("delete", "--", "--help").failed(("does not exist", "invalid container ID"))
    lab.brig("state", "--", "-rf").failed(("does not exist", "invalid container ID"))


# Streams


@suite.case("T-41 R-19", "closed standard streams are /dev/null, for every combination")
def closed_streams(lab):
    script = 'exec {closes}; exec "$@"'
    for number, closed in enumerate(
            c for n in (1, 2, 3) for c in itertools.combinations((0, 1, 2), n)):
        closes = " ".join(f"{fd}>&-" for fd in closed)
        made = lab.bundle(shell="echo out; echo err >&2; ls -l /proc/self/fd >/seen")
        made.write()
        name = f"closed-{number}"
        lab.containers.append(name)
        for words in (["create", "--bundle", made.path, name], ["state", name], ["start", name],
                      ["list"], ["features"], ["kill", "none"], ["delete", "--force", name]):
            expected = 1 if "none" in words else 0
            result = lab.popen(["/bin/sh", "-c", script.format(closes=closes), "sh",
                                *lab.words(*words)]).wait()
            equal(result.status, expected, f"{closed} {result}")
            if words[0] == "create":
                state = os.path.join(lab.root, name)
                for file in os.listdir(state):
                    path = os.path.join(state, file)
                    if stat.S_ISREG(os.stat(path).st_mode) and os.path.getsize(path) < 100000:
                        check("out\n" not in read(path), f"output in {path}")


@suite.case("R-19 TRAP-08", "what the caller left open does not reach the container")
def inherited(lab):
    made = lab.bundle(["/bin/ls", "/proc/self/fd"])
    folder = os.open("/", os.O_RDONLY)
    pair = socket.socketpair()
    os.set_inheritable(folder, True)
    os.dup2(pair[0].fileno(), 77, inheritable=True)
    try:
        result = lab.run(made, close_fds=False).ok()
    finally:
        os.close(folder)
        os.close(77)
    equal(result.out.split(), ["0", "1", "2", "3"], "descriptors of ls, 3 is the folder it reads")


@suite.case("3.3 TRAP-09", "--preserve-fds passes what is open at the same numbers, holes are fine")
def preserved(lab):
    made = lab.bundle(shell="ls /proc/$$/fd; cat <&4")
    write(f"{lab.path}/four", "fourth\n")

    def open_four():
        os.dup2(os.open(f"{lab.path}/four", os.O_RDONLY), 4)
        os.dup2(4, 9)
    result = lab.run(made, "--preserve-fds", "3", close_fds=False, preexec_fn=open_four).ok()
    contains(result.out, "fourth\n", "content")
    listed = result.out.split()
    check("4" in listed and "9" not in listed, f"descriptors {listed}")


@suite.case("3.3", "--preserve-fds of more descriptors than there can be is refused at once")
def preserved_too_many(lab):
    result = lab.run(lab.bundle(["/bin/true"]), "--preserve-fds", "4000000000")
    result.failed("--preserve-fds", status=1)


@suite.table("R-22", "a brig with privileges of its own refuses to run", {
    "set-user-ID": ("chmod", "4755"), "set-group-ID": ("chmod", "2755"),
    "capabilities": ("setcap", "cap_kill+ep")})
def privileged_file(lab, *words):
    os.chmod(lab.path, 0o755)
    for folder in (os.path.dirname(lab.path), lab.path):
        os.chmod(folder, 0o755)
    program = f"{lab.path}/program"
    shutil.copy(sandbox.brig(), program)
    user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", program]
    os.chmod(program, 0o755)
    lab.popen([*user, "--version"]).wait().ok()
    if subprocess.run([*words, program], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        raise Skip(f"{words[0]} is not possible here")
    lab.popen([*user, "--version"]).wait().failed("privileges", status=1)


@suite.case("R-19", "output that cannot be written is a failure with a reason")
def full(lab):
    with open("/dev/full", "w", encoding="ascii") as target:
        for words in (["features"], ["--version"], ["list"], ["help"]):
            result = lab.popen(lab.words(*words, root=False), stdout=target).wait()
            equal(result.status, 1, f"status of {words}")
            contains(result.err, "no space left on device", "reason")


@suite.case("TRAP-10", "a reader that goes away ends brig with an error, and no signal reaches the container")
def broken_pipe(lab):
    reader, writer = os.pipe()
    os.close(reader)
    result = lab.popen(lab.words("features", root=False), stdout=writer).wait()
    os.close(writer)
    equal(result.status, 1, "status")
    contains(result.err, "broken pipe", "reason")
    made = lab.bundle(["/bin/grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"])
    shown = lab.run(made, restore_signals=False).ok().out
    equal(set(re.findall(r":\s*([0-9a-f]+)", shown)), {"0" * 16}, "masks")


# Errors


@suite.case("TRAP-05 4.5", "an error is one line, printable and below 8 KiB, whatever the names are")
def long_error(lab):
    result = lab.brig("state", "x" * 100000)
    equal(result.err.count("\n"), 1, "lines")
    check(len(result.err) < 8192, f"{len(result.err)} bytes")
    check(result.err.startswith("brig: state xxx"), result.err[:40])


@suite.case("TRAP-36 4.1 4.2", "the log gets the error in its format, standard error the text")
def logs(lab):
    log = f"{lab.path}/log"
    for number, globals_ in enumerate((["--log-format", "json"], ["--log-format=text"], [])):
        lab.brig("--log", log, *globals_, "start", "none").failed(
            "brig: start none: container does not exist\n", status=1)
        equal(len(read(log).splitlines()), number + 1, "lines: appended, never truncated")
    first, second, third = read(log).splitlines()
    entry = json.loads(first)
    equal(set(entry), {"level", "msg", "time"}, "keys")
    equal((entry["level"], entry["msg"]), ("error", "start none: container does not exist"), "entry")
    for line in (second, third):
        check(re.fullmatch(r'time="[0-9T:.-]+Z" level=error msg="start none: .*"', line), line)
    alone = lab.brig("--log-format", "json", "start", "none").failed()
    equal(json.loads(alone.err)["level"], "error", "JSON on standard error")


@suite.case("4.2", "--log file:PATH, syslog:NAME and journald:NAME")
def log_targets(lab):
    lab.brig("--log", f"file:{lab.path}/log", "start", "none").failed()
    contains(read(f"{lab.path}/log"), "does not exist", "file:")
    # The services' sockets, in a mount namespace of the call's own.
    script = ("mount -t tmpfs none /dev && mount -t tmpfs none /run/systemd && "
              "mkdir /run/systemd/journal && touch /dev/log /run/systemd/journal/socket && "
              f"mount --bind {lab.path}/service /dev/log && "
              f'mount --bind {lab.path}/service /run/systemd/journal/socket && exec "$@"')
    os.mkdir("/run/systemd")
    message = "start none: container does not exist"
    for target, wanted in (("syslog:web", rf"<3>web\[\d+\]: {message}"),
                           ("journald:web", f"PRIORITY=3\nSYSLOG_IDENTIFIER=web\nMESSAGE={message}\n")):
        service = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        service.bind(f"{lab.path}/service")
        service.settimeout(5)
        lab.popen(["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, "sh",
                   *lab.words("--log", target, "start", "none")]).wait().failed(message)
        text = service.recv(4096).decode()
        check(re.fullmatch(wanted, text), f"{target} got {text!r}")
        service.close()
        os.unlink(f"{lab.path}/service")
        lab.brig("--log", target, "start", "none").failed(f"brig: {message}")  # no service
    os.rmdir("/run/systemd")


@suite.case("TRAP-25 R-39", "a log that cannot be written, or is a symlink, does not stop the work")
def bad_log(lab):
    os.symlink(f"{lab.path}/target", f"{lab.path}/link")
    os.mkfifo(f"{lab.path}/fifo")
    for log in ("/no/such/folder/log", f"{lab.path}/link", f"{lab.path}/fifo", lab.path):
        container = lab.create(lab.bundle(["/bin/sleep", "1000"]))
        lab.brig("--log", log, "--log-format", "json", "delete", "--force", container.id).ok()
        lab.gone(container.id)
        lab.brig("--log", log, "start", "none").failed("brig: start none: ")
    check(not os.path.lexists(f"{lab.path}/target"), "written through the symlink")


@suite.case("4.3", "success logs nothing; --debug logs no error entry")
def quiet_log(lab):
    log = f"{lab.path}/log"
    made = lab.bundle(shell="true")
    lab.run(made, globals_=["--log", log, "--log-format", "json"]).ok()
    check(not os.path.exists(log), "a log without entries")
    lab.run(made, globals_=["--log", log, "--log-format", "json", "--debug"]).ok()
    levels = [json.loads(line)["level"] for line in read(log).splitlines()]
    check(levels and set(levels) == {"debug"}, f"levels {levels}")


@suite.case("2.0 2.4", "exec fails with 255, other commands with 1, usage with 1")
def statuses(lab):
    container = lab.sleeper()
    container.exec("/no/such").failed("no such file or directory", status=255)
    equal(container.exec("/bin/sh", "-c", "exit 9").status, 9, "status of the program")
    equal(container.exec("/bin/sh", "-c", "kill -9 $$").status, 137, "status of a killed program")
    lab.brig("exec").failed("missing operand", status=1)
    lab.brig("exec", container.id).failed("args", status=255)
    lab.brig("start", container.id).failed(status=1)


@suite.case("1.1", "exec keeps the words behind the id as they are")
def exec_words(lab):
    container = lab.sleeper()
    said = container.exec("/bin/echo", "-n", "--", "--detach", "--user=1").ok().out
    equal(said, "-- --detach --user=1", "words")
    equal(lab.brig("exec", "--", container.id, "--", "/bin/echo", "-e", "x").ok().out, "x\n", "--")


@suite.case("2.4 3.2", "exec --tty without a terminal of its own loses no output")
def tty_output(lab):
    container = lab.sleeper()
    for _ in range(30):
        said = container.exec("/bin/echo", "all of it", options=["--tty"]).ok().out
        equal(said.splitlines(), ["all of it"], "output")


# What needs no container


@suite.case("2.13", "features is JSON on standard output with what engines look for")
def features(lab):
    shown = lab.brig("features", root=False, env={}).ok()
    equal(shown.err, "", "standard error")
    document = json.loads(shown.out)
    for key in ("ociVersionMin", "ociVersionMax", "hooks", "mountOptions", "annotations"):
        check(document[key], f"{key} in {document}")
    contains(document["mountOptions"], "rro", "mount options")
    contains(document["linux"]["namespaces"], "user", "namespaces")
    contains(document["linux"]["capabilities"], "CAP_BPF", "capabilities")
    equal(document["linux"]["seccomp"]["enabled"], True, "seccomp")


@suite.case("2.15", "spec writes a config that runs, and never overwrites one")
def spec(lab):
    made = lab.bundle(shell="true")
    made.write()
    lab.brig("spec", "--bundle", made.path).failed("file exists", status=1)
    os.unlink(f"{made.path}/config.json")
    os.symlink(f"{lab.path}/target", f"{made.path}/config.json")
    lab.brig("spec", "--bundle", made.path).failed("file exists", status=1)
    check(not os.path.lexists(f"{lab.path}/target"), "written through a symlink")
    os.unlink(f"{made.path}/config.json")
    lab.brig("spec", "--bundle", made.path, "--", "/bin/sh", "-c", "echo $$").ok()
    config = json.loads(read(f"{made.path}/config.json"))
    equal(config["process"]["args"], ["/bin/sh", "-c", "echo $$"], "args")
    config["process"]["terminal"] = False
    write(f"{made.path}/config.json", json.dumps(config))
    lab.containers.append("one")
    equal(lab.brig("run", "--bundle", made.path, "one").ok().out, "1\n", "output")


@suite.table("2.15", "spec's options", {
    "--user": (["--user", "1000:100"], lambda c: (c["process"]["user"]["uid"], c["process"]["user"]["gid"]),
               (1000, 100)),
    "--hostname": (["--hostname", "h"], lambda c: c["hostname"], "h"),
    "--cap-add": (["--cap-add", "chown", "--cap-drop=ALL"],
                  lambda c: c["process"]["capabilities"]["bounding"], ["CAP_CHOWN"]),
    "--cap-drop": (["--cap-drop", "CAP_KILL"],
                   lambda c: "CAP_KILL" in c["process"]["capabilities"]["effective"], False),
    "--privileged": (["--privileged"],
                     lambda c: ("CAP_SYS_ADMIN" in c["process"]["capabilities"]["bounding"],
                                c["linux"].get("maskedPaths", [])), (True, [])),
    "--read-only": (["--read-only"], lambda c: c["root"]["readonly"], True),
    "--read-only=false": (["--read-only=false"], lambda c: c["root"].get("readonly", False), False),
    "--rootless": (["--rootless"],
                   lambda c: "user" in [n["type"] for n in c["linux"]["namespaces"]], True),
})
def spec_options(lab, words, look, wanted):
    lab.brig("spec", *words).ok()
    equal(look(json.loads(read(f"{lab.path}/config.json"))), wanted, f"{words}")


@suite.case("2.15", "spec refuses what makes no sense, and writes nothing then")
def bad_spec(lab):
    for words in (["--user", "me"], ["--cap-add", "FLY"], ["--cap-drop", "FLY"], ["--user", ""]):
        lab.brig("spec", *words).failed(words[0], status=1)
    check(not os.path.exists(f"{lab.path}/config.json"), "a file was written")


# Showing containers


@suite.case("2.9", "list aligns its table; a named root must exist")
def list_table(lab):
    container = lab.sleeper()
    lines = lab.brig("list").ok().out.splitlines()
    equal(lines[0].split(), ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"], "header")
    column = lines[0].index("STATUS")
    check(lines[1][column:].startswith("running "), lines)
    state = container.state()
    equal(lines[1].split()[:3], [container.id, str(state["pid"]), "running"], "row")
    equal(json.loads(lab.brig("list", "--format=json").ok().out), [state], "JSON")
    lab.brig("--root", f"{lab.path}/none", "list", root=False).failed("no such file or directory")
    equal(os.path.exists(f"{lab.path}/none"), False, "a root made by list")


@suite.case("2.8", "ps shows the host's ps lines of the container only")
def ps_table(lab):
    container = lab.sleeper()
    pid = container.pid
    lines = lab.brig("ps", container.id).ok().out.splitlines()
    contains(lines[0].split(), "PID", "header")
    equal(len(lines), 2, f"lines {lines}")
    contains(lines[1], "/bin/sleep 1000", "command")
    own = lab.brig("ps", "--format", "table", container.id, "-eo", "pid,args", env={}).ok().out
    equal(own.splitlines()[1].split(), [str(pid), "/bin/sleep", "1000"], "own columns, no PATH")
    lab.brig("ps", container.id, "-eo", "args").failed("no column PID", status=1)
    lab.brig("ps", container.id, "--no-such-option").failed("ps", status=1)
    equal(json.loads(lab.brig("ps", "-f", "json", container.id).ok().out), [pid], "JSON")


@suite.case("2.3 3.2", "run with a terminal gives the program one of its own, and ours back as it was")
def run_tty(lab):
    made = lab.bundle(shell="tty; stty size", process__terminal=True)
    made.write()
    lab.containers.append("one")
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    result = lab.popen(lab.words("run", "--bundle", made.path, "one"), stdin=slave).wait().ok()
    contains(result.out, "/dev/", "terminal")
    equal(termios.tcgetattr(slave), before, "terminal settings")
    os.close(master)
    os.close(slave)


suite.main()
