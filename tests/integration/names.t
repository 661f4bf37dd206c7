#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# brig under the names of runc and crun, as a symlink in their place.
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import sandbox
from harness.tap import Suite, check, contains, equal

suite = Suite()
NAMES = {name: (name, name) for name in ("runc", "crun")}
NAMES.update({"another": ("brig-debug", "brig"), "one that only begins so": ("runc-old", "brig")})


def link(lab, name):
    os.symlink(sandbox.brig(), f"{lab.path}/{name}")
    return f"{lab.path}/{name}"


@suite.table("1.5", "--version names what was called, and brig as the maker", NAMES)
def version(lab, called, shown):
    text = lab.popen([link(lab, called), "--version"], env={}).wait().ok()
    equal(text.err, "", "standard error")
    lines = text.out.splitlines()
    check(re.fullmatch(shown + r" version \d+\.\d+\.\d+", lines[0]), lines[0])
    equal(text.out.count("version"), 1, "the word version, of which dockerd takes the last line")
    check(any(re.fullmatch(r"commit: \S+", line) for line in lines), text.out)
    check(any(re.fullmatch(r"spec: 1\.\S+", line) for line in lines), text.out)
    equal(lines.count("implementation: brig"), int(shown != "brig"), "lines on the implementation")


@suite.table("1.6", "the usage texts name what was called", NAMES)
def usage(lab, called, shown):
    program = link(lab, called)
    contains(lab.popen([program, "--help"]).wait().ok().out, f"\nusage: {shown} [OPTION]...", "overview")
    contains(lab.popen([program, "checkpoint", "--help"]).wait().ok().out,
             f"\nusage: {shown} checkpoint [OPTION]... ID\n", "checkpoint --help")
    contains(lab.popen([program, "kill"]).wait().failed(status=1).err, f"usage: {shown} kill ", "usage")


@suite.table("1.3", "a whole life under the name, in the same state root, by a path or by PATH", {
    "runc": ("runc",), "crun": ("crun",)})
def life(lab, name):
    program = link(lab, name)
    made = lab.bundle(["/bin/sleep", "1000"])
    made.write()
    lab.containers.append("one")

    def call(word, *words):
        return lab.popen([word, "--root", lab.root, *words], env={"PATH": lab.path}).wait()
    call(program, "create", "--bundle", made.path, "one").ok()
    os.chdir(lab.path)
    call(f"./{name}", "start", "one").ok()
    equal(lab.state("one")["status"], "running", "status as brig sees it")
    call(program, "kill", "one", "KILL").ok()
    contains(call(program, "state", "none").failed(status=1).err, "state none: container does not exist",
             "error")
    call(program, "delete", "--force", "one").ok()
    os.chdir("/")


suite.main()
