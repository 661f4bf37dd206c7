#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# What runs, where and with what: P-03 to P-05, and what is said when it cannot.
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.lab import read
from harness.tap import Suite, check, equal

suite = Suite()


# cwd


@suite.case("P-03", "cwd is the program's working directory")
def cwd(lab):
    made = lab.bundle(process__cwd="/tmp")
    equal(lab.probe(made)["cwd"], "/tmp", "raw getcwd")


@suite.case("P-03 R-24 TRAP-47", "a missing cwd is made for init")
def cwd_missing(lab):
    made = lab.bundle(process__cwd="/a/b/c")
    equal(lab.probe(made)["cwd"], "/a/b/c", "raw getcwd")
    equal(oct(os.stat(made.inside("/a/b/c")).st_mode), "0o40755", "mode of the new folder")


@suite.case("P-03 R-24", "a cwd that only the user may enter works")
def cwd_of_user(lab):
    made = lab.bundle(process__cwd="/home/user", process__user={"uid": 1000, "gid": 1000})
    os.makedirs(made.inside("/home/user"), 0o755)
    os.chown(made.inside("/home/user"), 1000, 1000)
    os.chmod(made.inside("/home/user"), 0o700)
    made.capabilities()
    equal(lab.probe(made)["cwd"], "/home/user", "raw getcwd")


@suite.case("P-03", "a cwd that is a file is an error that names it")
def cwd_file(lab):
    made = lab.bundle(process__cwd="/etc/passwd")
    lab.try_create(made).failed("/etc/passwd", "not a directory")


@suite.table("P-03", "a cwd that cannot be made or entered is an error that names it", {
    "below a file": ("/etc/passwd/x", "not a directory"),
    "on a read-only volume": ("/ro/missing", "no such file or directory"),
    "a link to itself": ("/loop", "too many levels of symbolic links"),
})
def cwd_refused(lab, path, reason):
    made = lab.bundle(["/bin/true"], process__cwd=path)
    os.mkdir(f"{lab.path}/volume")
    os.symlink("/loop", made.inside("/loop"))
    made.mount("/ro", "bind", f"{lab.path}/volume", ["bind", "ro"])
    lab.try_create(made).failed("process.cwd", path, reason)
    equal(os.listdir(f"{lab.path}/volume"), [], "the volume")
    lab.expect_nothing_left("a refused cwd")


@suite.case("P-03", "a missing cwd is made with a read-only root too, before it is")
def cwd_readonly_root(lab):
    made = lab.bundle(process__cwd="/a/b", root__readonly=True)
    equal(lab.probe(made)["cwd"], "/a/b", "raw getcwd")


@suite.case("P-03 T-36", "a cwd may be a mount, and goes through the image's own links")
def cwd_mount(lab):
    made = lab.bundle(process__cwd="/link/sub")
    os.makedirs(f"{lab.path}/volume/sub")
    os.makedirs(made.inside("/volume"))
    os.symlink("/volume", made.inside("/link"))
    made.mount("/volume", "bind", f"{lab.path}/volume", ["bind"])
    equal(lab.probe(made)["cwd"], "/volume/sub", "raw getcwd")


@suite.case("P-03 R-24", "a cwd that is no more when the program starts is told, not left")
def cwd_removed(lab):
    made = lab.bundle(shell="pwd", process__cwd="/gone")
    container = lab.create(made)
    os.rmdir(made.inside("/gone"))
    result = lab.brig("start", container.id)
    container.wait_stopped()
    check("unreachable" not in container.out(), f"{result}: {container.out()!r}")


# env


@suite.table("P-04", "entries", {
    "none": ([], ["HOME=/root"]),
    "without =": (["NAKED", "A=1"], ["A=1", "HOME=/root", "NAKED"]),
    "twice": (["A=first", "B=x", "A=last"], ["A=last", "B=x", "HOME=/root"]),
    "empty values and names": (["E=", "=x", "Q==="], ["=x", "E=", "HOME=/root", "Q==="]),
    "lines and quotes": (["N=a\nb", "M='\"$(x)"], ["HOME=/root", "M='\"$(x)", "N=a\nb"]),
    "HOME empty": (["HOME="], ["HOME=/root"]),
    "HOME twice": (["HOME=/a", "HOME=/b"], ["HOME=/b"]),
})
def env_entries(lab, entries, wanted):
    made = lab.bundle(process__env=entries)
    equal(sorted(lab.probe(made)["env"]), wanted, "env")
    container = lab.sleeper(process__env=entries)
    equal(sorted(filter(None, read(f"/proc/{container.pid}/environ").split("\0"))), wanted,
          "env from the host")


@suite.case("P-04", "no env at all is an empty one and HOME; the order stays")
def env_absent(lab):
    made = lab.bundle()
    del made.process["env"]
    equal(lab.probe(made)["env"], ["HOME=/root"], "env")
    made.process["env"] = ["Z=1", "HOME=/h", "A=2", "M=3"]
    equal(lab.probe(made)["env"], ["Z=1", "HOME=/h", "A=2", "M=3"], "order")


@suite.case("P-04", "a thousand entries arrive")
def env_many(lab):
    entries = [f"N{i}={'v' * 50}" for i in range(1000)] + ["HOME=/"]
    equal(lab.probe(lab.bundle(process__env=entries))["env"], entries, "env")


@suite.case("P-04", "a NUL in an entry is refused")
def env_nul(lab):
    made = lab.bundle(process__env=["A=b\0C=d"])
    lab.try_create(made).failed("process.env[0]")


@suite.case("P-04", "env is exactly the config's, and HOME from the image's passwd")
def env(lab):
    made = lab.bundle(process__env=["A=1", "B=two words", "PATH=/bin", "EMPTY="])
    how = {"env": {"SECRET": "x", "LD_PRELOAD": "", "_OCI_SYNCPIPE": "3", "HOME": "/host"}}
    lab.containers.append("e")
    report = json.loads(lab.brig("run", "--bundle", made.write().path, "e", **how).ok().out)
    equal(sorted(report["env"]), ["A=1", "B=two words", "EMPTY=", "HOME=/root", "PATH=/bin"],
          "env")


@suite.table("TRAP-46 P-04", "HOME", {
    "of a user of passwd": ({"uid": 1000, "gid": 0}, [], "/home/user"),
    "of an unknown user": ({"uid": 4321, "gid": 0}, [], "/"),
    "of the config": ({"uid": 1000, "gid": 0}, ["HOME=/x"], "/x"),
})
def home(lab, who, extra, wanted):
    made = lab.bundle(process__user=who, process__env=["PATH=/bin", *extra])
    homes = [entry for entry in lab.probe(made)["env"] if entry.startswith("HOME=")]
    equal(homes, [f"HOME={wanted}"], "HOME")


@suite.case("TRAP-46 P-04", "HOME without a passwd file is /")
def home_without_passwd(lab):
    made = lab.bundle()
    os.unlink(made.inside("/etc/passwd"))
    check("HOME=/" in lab.probe(made)["env"], "HOME=/")


# args


@suite.case("P-05", "args arrive as written; args[0] is looked up in the container's PATH")
def args(lab):
    made = lab.bundle(["probe", "", "two words", "ä", "-x"], process__env=["PATH=/none:/bin"])
    # The probe prints bytes as Latin-1.
    equal(lab.probe(made)["args"], ["probe", "", "two words", "ä".encode().decode("latin-1"),
                                    "-x"], "args")


@suite.case("P-05 TRAP-45", "the host's PATH has no say")
def args_host_path(lab):
    made = lab.bundle(["probe"], process__env=["PATH=/none"])
    os.makedirs(made.inside("/sbin2"))
    lab.try_create(made, env={"PATH": "/bin:/sbin2"}).failed(
        'executable file not found in $PATH')


@suite.case("P-05", "a relative args[0] with a slash starts from cwd")
def args_relative(lab):
    made = lab.bundle(["./probe"], process__cwd="/bin")
    equal(lab.probe(made)["args"], ["./probe"], "args")


@suite.case("P-05", "without PATH a default one is searched")
def args_no_path(lab):
    made = lab.bundle(["probe"], process__env=["A=1"])
    equal(lab.probe(made)["args"], ["probe"], "args")


def prepare_programs(made):
    made.file("/bin/noexec", "#!/bin/sh\n", 0o644)
    made.file("/bin/script", "#!/bin/absent -x\necho\n", 0o755)
    made.file("/bin/crlf", "#!/bin/sh\r\necho\n", 0o755)
    elf = bytearray(open(made.inside("/bin/probe"), "rb").read(4096))
    elf[18:20] = (183).to_bytes(2, "little")  # e_machine: AArch64
    with open(made.inside("/bin/foreign"), "wb") as file:
        file.write(elf)
    made.file("/bin/text", "no program\n", 0o755)
    for name in ("foreign",):
        os.chmod(made.inside(f"/bin/{name}"), 0o755)


@suite.table("TRAP-45 P-05 X-05 X-06 4.6", "a program that cannot run is refused with why", {
    "not in PATH": (["absent"], ['exec: "absent": executable file not found in $PATH']),
    "empty": ([""], [("process.args[0]", "executable file")]),
    "absent path": (["/bin/absent"], ["/bin/absent", "no such file or directory"]),
    "directory": (["/etc"], ["/etc", ("is a directory", "permission denied")]),
    "no x-bit": (["/bin/noexec"], ["/bin/noexec", "permission denied"]),
    "no x-bit in PATH": (["noexec"], ["noexec", ("permission denied",
                                                 "executable file not found in $PATH")]),
    "below a file": (["/etc/passwd/x"], ["not a directory"]),
})
def program_refused(lab, words, parts):
    made = lab.bundle(words)
    prepare_programs(made)
    result = lab.try_create(made, "--pid-file", f"{lab.path}/pid")
    result.failed(*parts)
    equal(result.err.count("\n"), 1, "lines of the reason")
    check(not os.path.exists(f"{lab.path}/pid"), "no pid file")
    lab.expect_nothing_left("a refused program")
    lab.run(made).failed(*parts)
    lab.expect_nothing_left("a refused program")


@suite.table("TRAP-18 P-05 4.6", "a failing execve is reported by start and run, and says why", {
    "missing interpreter": (["/bin/script"], ["/bin/absent", "no such file or directory"]),
    "CRLF": (["/bin/crlf"], ["/bin/crlf", ("CRLF", "carriage return", "\\r"),
                             "no such file or directory"]),
    "wrong architecture": (["/bin/foreign"], ["/bin/foreign", "exec format error"]),
    "no format": (["/bin/text"], ["/bin/text", "exec format error"]),
})
def execve_fails(lab, words, parts):
    made = lab.bundle(words)
    prepare_programs(made)
    result = lab.run(made)
    result.failed(*parts)
    lab.expect_nothing_left("a failed execve")
    if lab.try_create(made, identity="two").status == 0:
        lab.brig("start", "two").failed(*parts)
        lab.brig("delete", "--force", "two").ok()
    lab.expect_nothing_left("a failed execve")


@suite.table("P-05", "PATH", {
    "the first of two": ("/one:/two", "one"), "past a missing folder": ("/absent:/two", "two"),
    "past a file without x-bit": ("/plain:/two", "two"), "past a folder": ("/folder:/two", "two"),
    "an empty element is cwd": ("/absent::/two", "cwd"), "a relative element": ("cwd", "cwd"),
    "the last PATH": ("/two", "two"),
})
def path_search(lab, path, wanted):
    made = lab.bundle(["tool"], process__env=["PATH=/one", f"PATH={path}"], process__cwd="/")
    for folder in ("one", "two", "cwd"):
        made.file(f"/{folder}/tool", f"#!/bin/sh\necho {folder}\n", 0o755)
    made.file("/plain/tool", "#!/bin/sh\n", 0o644)
    made.file("/tool", "#!/bin/sh\necho cwd\n", 0o755)
    os.makedirs(made.inside("/folder/tool"))
    equal(lab.run(made).ok().out, f"{wanted}\n", "the program that ran")


@suite.case("P-05", "only the effective user's right to execute counts")
def execute_right(lab):
    made = lab.bundle(["/bin/mine"], process__user={"uid": 1000, "gid": 1000})
    made.capabilities()
    made.file("/bin/mine", "#!/bin/sh\necho ran\n", 0o700)
    lab.try_create(made).failed("/bin/mine", "permission denied")
    os.chown(made.inside("/bin/mine"), 1000, 1000)
    equal(lab.run(made).ok().out, "ran\n", "output")


@suite.case("P-05", "args are not looked at before start, the program's file is at create")
def args_at_start(lab):
    made = lab.bundle(["/bin/late"])
    made.file("/bin/late", "#!/bin/sh\necho old\n", 0o755)
    container = lab.create(made)
    made.file("/bin/late", "#!/bin/sh\necho new\n", 0o755)
    container.start()
    container.wait_out("new")


@suite.case("P-05 X-05", "a program that vanishes after create fails start with the words for 127")
def args_vanish(lab):
    made = lab.bundle(["/bin/late"])
    made.file("/bin/late", "#!/bin/sh\n", 0o755)
    container = lab.create(made)
    os.unlink(made.inside("/bin/late"))
    lab.brig("start", container.id).failed('exec: "/bin/late"', "no such file or directory",
                                           status=1)
    container.wait_stopped()
    container.delete().ok()


@suite.case("P-05", "a program on a noexec mount is refused")
def noexec_mount(lab):
    made = lab.bundle(["/mnt/probe"])
    os.makedirs(f"{lab.path}/programs")
    os.link(f"{lab.stock}/probe", f"{lab.path}/programs/probe")
    made.mount("/mnt", "bind", f"{lab.path}/programs", ["bind", "noexec"])
    lab.run(made).failed("/mnt/probe", "permission denied")


@suite.case("G-09", "too long an argument list is an error that says so")
def too_long(lab):
    lab.run(lab.bundle(["/bin/probe", "x" * (1 << 18)])).failed("argument list too long")
    lab.expect_nothing_left("E2BIG")


suite.main()
