#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The reasons that create, start, run and exec give, read as podman, dockerd and the docker command
# read them: by their words alone users get 125, 126 or 127 (TRAP-39, TRAP-41, TRAP-45, TRAP-59).
import errno
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.tap import Suite, check, contains, equal

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


# What each makes of a text; the first match counts. Only podman looks at the one line that matches.
PODMAN = ([("permission denied|operation not permitted", 126),
           ("executable file not found in|no such file or directory|open executable", 127)], 126)
DOCKERD = ([("permission denied|is a directory", 126), ("not a directory", 127),
            ("executable file not found|no such file or directory", 127)], 128)
DOCKER = ([("executable file not found|no such file or directory", 127),
           ("permission denied|is a directory", 126)], 125)


def read_by(engine, text):
    table, otherwise = engine
    return next((code for words, code in table if re.search(words, text)), otherwise)


def codes(text):
    return (read_by(PODMAN, text.lower()), read_by(DOCKERD, text.lower()), read_by(DOCKER, text))


def one_line(result, *parts):
    """What both say of every reason: one line, errno texts in lower case, the reason last."""
    equal(result.err.count("\n"), 1, f"lines of {result}")
    for number in errno.errorcode:
        check(os.strerror(number) not in result.err, f"{os.strerror(number)!r} in {result.err!r}")
    for part in parts:
        contains(result.err, part, "the reason")


def programs(lab, made):
    """What can be wrong with a program, below /p of the image."""
    made.file("/p/plain", "#!/bin/sh\n", 0o644)
    made.file("/p/script", "#!/bin/absent\n", 0o755)
    made.file("/p/dos", "#!/bin/sh\r\n", 0o755)
    made.file("/p/text", "no program\n", 0o755)
    made.file("/p/empty", "", 0o755)
    made.file("/p/private", "#!/bin/sh\n", 0o700)
    made.file("/p/locked/tool", "#!/bin/sh\n", 0o755)
    os.chmod(made.inside("/p/locked"), 0o700)
    os.symlink("/p/loop", made.inside("/p/loop"))
    os.symlink("/p/nowhere", made.inside("/p/dangling"))
    os.mkfifo(made.inside("/p/fifo"), 0o755)
    os.link(f"{lab.stock}/probe", f"{made.path}/probe")
    with open(made.inside("/bin/probe"), "rb") as file:
        elf = bytearray(file.read(4096))
    elf[18:20] = (183).to_bytes(2, "little")  # e_machine: AArch64
    with open(made.inside("/p/foreign"), "wb") as file:
        file.write(elf)
    os.chmod(made.inside("/p/foreign"), 0o755)
    os.mkdir(f"{made.path}/noexec")
    os.link(f"{lab.stock}/probe", f"{made.path}/noexec/probe")
    made.mount("/noexec", "bind", f"{made.path}/noexec", ["bind", "noexec"])


# Row: the words, the verb that tells (exec always does), (podman, dockerd, docker), parts.
NOT_FOUND, DENIED, OTHER = (127, 127, 127), (126, 126, 126), (126, 128, 125)
PROGRAMS = {
    "not in PATH": ("nothere", "create", NOT_FOUND,
                    ['exec: "nothere": executable file not found in $PATH']),
    "an empty name": ("", "create", NOT_FOUND, ['exec: "": executable file not found in $PATH']),
    "absent": ("/p/nothere", "create", NOT_FOUND,
               ['exec: "/p/nothere": stat /p/nothere: no such file or directory']),
    "a relative name": ("p/nothere", "create", NOT_FOUND, ['exec: "p/nothere"']),
    "below an absent folder": ("/q/r/s", "create", NOT_FOUND, ['exec: "/q/r/s"']),
    "a link to nowhere": ("/p/dangling", "create", NOT_FOUND, ['exec: "/p/dangling"']),
    "a folder": ("/etc", "create", DENIED, ['exec: "/etc"', "is a directory"]),
    "no x-bit": ("/p/plain", "create", DENIED, ['exec: "/p/plain"']),
    "no x-bit, by PATH": ("plain", "create", DENIED, ['exec: "plain"']),
    "another user's": ("/p/private", "create", DENIED, ['exec: "/p/private"']),
    "in a folder of others": ("/p/locked/tool", "create", DENIED, ['exec: "/p/locked/tool"']),
    "a FIFO": ("/p/fifo", "create", DENIED, ['exec: "/p/fifo": it is not a regular file: ']),
    "a FIFO, by PATH": ("fifo", "create", DENIED, ['exec: "fifo"']),
    "a device": ("/dev/null", "create", DENIED, ["it is not a regular file"]),
    "on a noexec mount": ("/noexec/probe", "create", DENIED, ['exec: "/noexec/probe"', "noexec"]),
    "below a file": ("/etc/passwd/x", "create", (126, 127, 125), ["not a directory"]),
    "a link to itself": ("/p/loop", "create", OTHER, ["too many levels of symbolic links"]),
    "an absent interpreter": ("/p/script", "start", NOT_FOUND, ["/p/script", "/bin/absent"]),
    "DOS line ends": ("/p/dos", "start", NOT_FOUND, ["/p/dos", "DOS line ends"]),
    "no format": ("/p/text", "start", OTHER, ["/p/text", "exec format error"]),
    "an empty file": ("/p/empty", "start", OTHER, ["/p/empty", "exec format error"]),
    "another machine's": ("/p/foreign", "start", OTHER, ["/p/foreign", "exec format error"]),
}


@suite.table("TRAP-39 TRAP-45 TRAP-59 CALL-32", "a program that cannot be", PROGRAMS)
def program(lab, name, verb, wanted, parts):
    made = lab.bundle([name], process__user={"uid": 1000, "gid": 1000})
    made.process["env"] = ["PATH=/p:/bin"]
    programs(lab, made)
    made.capabilities()
    reasons = {}
    created = lab.try_create(made, "--pid-file", "pid", identity="c")
    if verb == "create":
        reasons["create"] = created.failed(status=1)
        check(not os.path.exists(f"{lab.path}/pid"), "a pid file")
        lab.expect_nothing_left("create")
    else:
        reasons["start"] = lab.brig("start", created.ok() and "c").failed(status=1)
        lab.brig("delete", "--force", "c").ok()
        os.unlink(f"{lab.path}/pid")
    reasons["run"] = lab.run(made).failed(status=1)
    lab.expect_nothing_left("run")
    made.process["args"] = SLEEP
    made.process["env"] = ["PATH=/p:/bin"]
    container = lab.start(made)
    for options in ((), ("-d", "--pid-file", "pid")):
        reasons[f"exec {options}"] = container.exec(name, options=options).failed(status=255)
        check(not os.path.exists(f"{lab.path}/pid"), "a pid file")
    for verb, result in reasons.items():
        one_line(result, *parts)
        equal(codes(result.err), wanted, f"podman, dockerd and docker read {verb}: {result.err!r}")


# Row: cwd, what is read of exec's reason, and of create's; None: it works.
FOLDERS = {
    "absent": ("/nothere", NOT_FOUND, None), "a link to itself": ("/p/loop", OTHER, OTHER),
    "a file": ("/etc/passwd", (126, 127, 125), (126, 127, 125)),
    "another user's, that root may enter": ("/p/locked", None, None),
}


@suite.table("TRAP-39 TRAP-47 TRAP-59", "a working folder that cannot be", FOLDERS)
def working_folder(lab, path, of_exec, of_create):
    made = lab.bundle(SLEEP, process__user={"uid": 1000, "gid": 1000})
    programs(lab, made)
    made.capabilities()
    result = lab.start(made).exec("/bin/true", options=("--cwd", path))
    if of_exec is None:
        result.ok()
    else:
        one_line(result.failed(status=255),
                 f'chdir to cwd ("{path}") set in config.json failed: ')
        equal(codes(result.err), of_exec, f"exec's reason: {result.err!r}")
    made.process.update(cwd=path, args=["/bin/true"])
    result = lab.run(made)
    if of_create is None:
        result.ok()
    else:
        one_line(result.failed(status=1), path)
        equal(codes(result.err), of_create, f"create's reason: {result.err!r}")


suite.main()
