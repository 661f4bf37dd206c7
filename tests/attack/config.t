#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Hostile configs through the binary (T-68 to T-79): a clean error within a second that names the
# place, and nothing made; or exactly what the config says. Unit tests and fuzzer do the mass.
import json
import os
import re
import resource
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import caps
from harness.lab import read, write
from harness.tap import Suite, check, equal

suite = Suite()


def refused(lab, made, *parts, seconds=2.0):
    """A create that must fail, quickly and without a trace."""
    begin = time.monotonic()
    result = lab.try_create(made, timeout=20)
    took = time.monotonic() - begin
    result.failed(*parts)
    check(took < seconds, f"it took {took:.1f} s")
    lab.expect_nothing_left("a refused config")
    return result


def text_of(lab, **edits):
    made = lab.bundle(["/bin/true"], **edits)
    return made, json.dumps(made.config)


# wrong types

FULL = {
    "process.terminal": "x", "process.noNewPrivileges": "true", "process.user": [],
    "process.user.uid": "0", "process.user.gid": True, "process.user.additionalGids": 5,
    "process.user.additionalGids.0": "5", "process.user.umask": "022", "process.args": "sh",
    "process.args.0": 1, "process.env": {}, "process.env.0": None, "process.cwd": 1,
    "process.capabilities": [], "process.capabilities.bounding": "CAP_KILL",
    "process.capabilities.bounding.0": 5, "process.rlimits": {}, "process.rlimits.0": "x",
    "process.rlimits.0.soft": "1", "process.rlimits.0.hard": 1.5, "process.rlimits.0.type": 7,
    "process.oomScoreAdj": "1", "root": "rootfs", "root.path": 1, "root.readonly": "false",
    "hostname": 1, "mounts": {}, "mounts.0": "x", "mounts.0.destination": 1,
    "mounts.0.options": "ro", "mounts.0.options.0": 1, "mounts.0.source": [], "hooks": [],
    "annotations": [], "annotations.a": 1, "linux": [], "linux.namespaces": {},
    "linux.namespaces.0": "pid", "linux.namespaces.0.type": 1, "linux.namespaces.0.path": 1,
    "linux.maskedPaths": "x", "linux.maskedPaths.0": None, "linux.readonlyPaths": {},
    "linux.sysctl": [], "linux.sysctl.a": 1, "linux.seccomp": [], "linux.resources": [],
    "linux.resources.pids": 1, "linux.resources.pids.limit": "1",
    "linux.resources.memory.limit": "1", "linux.resources.devices": {}, "linux.devices": {},
    "linux.uidMappings": {}, "linux.rootfsPropagation": 1, "linux.cgroupsPath": 1,
    "ociVersion": 1,
}


def shape(made):
    """Gives the members that the table of wrong types replaces."""
    made.process.update(rlimits=[{"type": "RLIMIT_NOFILE", "soft": 9, "hard": 9}])
    made.process["user"]["additionalGids"] = [5]
    made.config.update(annotations={"a": "b"}, hooks={})
    made.linux.update(sysctl={}, resources={"pids": {"limit": 1}, "memory": {}})
    made.mounts[0]["options"] = ["nosuid"]


@suite.table("T-68 G-04", "wrong type", {
    f"{path} = {json.dumps(value)}": (path, value) for path, value in FULL.items()})
def wrong_type(lab, path, value):
    made = lab.bundle(["/bin/true"])
    shape(made)
    made.set(path, value)
    parts = path.split(".")
    shown = "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in parts)[1:]
    # A member of a map may be shown in brackets.
    refused(lab, made, (shown, shown.replace(".a", '["a"]'), shown.rsplit(".", 1)[0] + '["a"]'))


@suite.table("T-68", "null is not absent where a value is needed", {
    path: path for path in ("process.user.uid", "root.path", "mounts.0.destination",
                            "linux.namespaces.0.type", "process.args", "ociVersion")})
def null_value(lab, path):
    made = lab.bundle(["/bin/true"])
    made.set(path, None)
    refused(lab, made)


# duplicate keys


@suite.table("T-69 G-02", "a duplicate key", {
    "top": ('"hostname": "brig"', '"hostname": "brig", "hostname": "x"', "hostname"),
    "nested": ('"uid": 0', '"uid": 1000, "uid": 0', "process.user"),
    "three times": ('"uid": 0', '"uid": 1, "uid": 2, "uid": 0', "process.user"),
    "escaped": ('"uid": 0', '"uid": 1000, "\\u0075id": 0', "process.user"),
    "in an array": ('"destination": "/proc"', '"destination": "/x", "destination": "/proc"',
                    "mounts[0]"),
    "security": ('"noNewPrivileges": true', '"noNewPrivileges": true, "noNewPrivileges": false',
                 "noNewPrivileges"),
    "unknown key": ('"hostname"', '"x-new": 1, "x-new": 2, "hostname"', "x-new"),
})
def duplicate(lab, old, new, part):
    made, text = text_of(lab)
    check(old in text, "the place to edit")
    made.text = text.replace(old, new, 1)
    refused(lab, made, part)


@suite.case("T-69", "another case is another key")
def other_case(lab):
    made, text = text_of(lab)
    made.text = text.replace('"hostname"', '"Process": {"user": {"uid": 5}}, "hostname"', 1)
    lab.run(made).ok()


# numbers


@suite.table("T-70 G-04", "a number that no uid is", {
    text: text for text in ("-1", "-0.0", "1e3", "1.0", "0.5", "1E400", "4294967295", "4294967296",
                            "9007199254740993", "9223372036854775808", "18446744073709551616",
                            "1" * 100, "01", "0x10", "NaN", "Infinity", "+1", "1_000", "--1", ".5",
                            "1.")})
def number(lab, number_text):
    made, text = text_of(lab)
    made.text = text.replace('"uid": 0', f'"uid": {number_text}', 1)
    refused(lab, made)


@suite.table("T-70", "a number at the border", {"2^31": 2**31, "2^32-2": 2**32 - 2})
def number_border(lab, value):
    made = lab.bundle(process__user={"uid": value, "gid": value})
    report = lab.probe(made)
    equal((report["uids"][0], report["gids"][0]), (value, value), "ids")


# strings


@suite.table("T-71", "a string that C would cut", {
    path: path for path in ("hostname", "process.cwd", "process.args.0", "process.env.0",
                            "root.path", "mounts.0.destination", "mounts.0.source",
                            "linux.maskedPaths.0", "linux.cgroupsPath", "linux.namespaces.0.type")})
def nul(lab, path):
    made = lab.bundle(["/bin/true"])
    made.set(path, "/bin/true\0/../../evil")
    refused(lab, made)


@suite.table("T-71", "bytes that are no JSON text", {
    "lone surrogate": b'"\\ud800"', "overlong": b'"\xc0\xaf"', "invalid UTF-8": b'"\xff\xfe"',
    "surrogate bytes": b'"\xed\xa0\x80"', "control": b'"a\x01b"', "raw NUL": b'"a\x00b"',
    "raw newline": b'"a\nb"', "bad escape": b'"\\x41"', "cut escape": b'"\\u12"',
    "beyond Unicode": b'"\xf4\x90\x80\x80"',
})
def bad_bytes(lab, string):
    made, text = text_of(lab)
    made.text = text.encode().replace(b'"brig"', string, 1)
    refused(lab, made)


@suite.case("T-71", "text beyond ASCII arrives as written")
def text_beyond(lab):
    made, text = text_of(lab)
    made.process["args"] = ["/bin/echo", "ä\U0001f6a2"]
    made.text = json.dumps(made.config)
    equal(lab.run(made).ok().out, "ä\U0001f6a2\n", "from escapes")
    made.text = json.dumps(made.config, ensure_ascii=False)
    equal(lab.run(made).ok().out, "ä\U0001f6a2\n", "from bytes")


# depth and size


@suite.table("T-72 R-42", "depth and size", {
    "arrays": "[" * 100000, "objects": '{"a":' * 100000, "closed arrays": "[" * 5000 + "]" * 5000,
    "unknown member": None, "string of 20 MB": "string", "blanks of 20 MB": "blanks",
})
def depth(lab, kind):
    made, text = text_of(lab)
    if kind is None:
        kind = '{"x":' + "[" * 50000 + "]" * 50000 + "," + text[1:]
    elif kind == "string":
        kind = '{"x":"' + "a" * (20 << 20) + '",' + text[1:]
    elif kind == "blanks":
        kind = " " * (20 << 20) + text
    made.text = kind
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    refused(lab, made)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    check(peak < max(before, 96 << 10), f"peak memory {peak} KiB")


@suite.table("T-72", "config.json is no file", {
    "fifo": os.mkfifo, "folder": os.mkdir, "device": lambda path: os.symlink("/dev/zero", path),
    "loop": lambda path: os.symlink("config.json", path),
})
def no_file(lab, make):
    made = lab.bundle(["/bin/true"])
    make(f"{made.path}/config.json")
    result = lab.brig("create", "--bundle", made.path, "x", timeout=5)
    result.failed("config.json")
    lab.expect_nothing_left("a refused config")


@suite.table("T-73 G-09", "many of them work", {
    "env": ("process.env", [f"V{i}={i}" for i in range(20000)]),
    "annotations": ("annotations", {f"k{i}": "v" for i in range(20000)}),
    "masked paths": ("linux.maskedPaths", [f"/absent/{i}" for i in range(20000)]),
    "mounts": ("mounts", [{"destination": f"/m/{i}", "type": "tmpfs", "source": "t",
                           "options": ["size=4k"]} for i in range(300)]),
    "groups": ("process.user.additionalGids", list(range(1, 60000))),
})
def many(lab, path, value):
    made = lab.bundle(["/bin/true"])
    if path == "mounts":
        value = made.mounts + value
    made.set(path, value)
    lab.run(made, timeout=30).ok()
    lab.expect_nothing_left("a large config")


@suite.case("T-73", "too many groups is a clean error")
def many_groups(lab):
    made = lab.bundle(["/bin/true"])
    made.set("process.user.additionalGids", list(range(65537)))
    refused(lab, made, "additionalGids")


# framing


@suite.table("T-74 G-01", "a document that is none", {
    "empty": "", "blank": " \n", "null": "null", "array": "[]", "string": '"x"', "number": "5",
    "trailing text": "{config}x", "two documents": "{config}{config}", "comment": "/* c */{config}",
    "line comment": "// c\n{config}", "BOM": "\ufeff{config}", "NUL after": "{config}\0",
    "single quotes": "{'ociVersion': '1.0.2'}", "bare keys": "{ociVersion: 1}",
})
def framing(lab, document):
    made, text = text_of(lab)
    made.text = document.replace("{config}", text)
    refused(lab, made, "config.json")


@suite.case("T-74", "trailing commas are errors")
def trailing_commas(lab):
    made, text = text_of(lab)
    for old, new in (("]", ",]"), ("}", ",}")):
        made.text = text.replace(old, new, 1)
        refused(lab, made, "config.json")


@suite.case("T-74", "a document cut anywhere is an error with line and column")
def truncated(lab):
    made, text = text_of(lab)
    for cut in range(1, len(text), max(1, len(text) // 60)):
        made.text = text[:cut]
        refused(lab, made, "config.json:")


# unknown and missing keys


@suite.case("T-75 G-03", "unknown keys at every level change nothing")
def unknown_keys(lab):
    made = lab.bundle()

    def add(value):
        if isinstance(value, dict):
            for inner in list(value.values()):
                add(inner)
            value["x-unknown"] = {"a": [1, None, True, 2.5]}
        elif isinstance(value, list):
            for inner in value:
                add(inner)
    add(made.config)
    report = lab.probe(made)
    equal(caps.sets(report)["effective"], set(caps.DEFAULT), "capabilities")
    equal(report["no_new_privs"], 1, "no_new_privs")


@suite.table("T-76 C-01 C-02", "a required key is missing", {
    "ociVersion": ("ociVersion", "ociVersion"), "root": ("root", "root"),
    "root.path": ("root.path", "root.path"), "cwd": ("process.cwd", "process.cwd"),
    "args": ("process.args", "process.args"),
    "destination": ("mounts.0.destination", "mounts[0].destination"),
    "namespace type": ("linux.namespaces.0.type", "linux.namespaces[0].type"),
})
def missing(lab, path, part):
    made = lab.bundle(["/bin/true"])
    place = made.config
    *parents, last = path.split(".")
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    del place[last]
    if path == "process.args":
        result = lab.run(made)
        result.failed(part)
    else:
        refused(lab, made, part)


@suite.table("T-76 C-01", "ociVersion", {
    **{text: (text, False) for text in ("", "1", "1.0", "v1.0.0", "2.0.0", "0.9.0", "1.0.0.0",
                                        "1.0.x", "invalid", " 1.0.0", "1.0.0 ")},
    **{text: (text, True) for text in ("1.0.0", "1.0.2-dev", "1.0.0-rc5", "1.2.1+dev", "1.3.0",
                                       "1.9.0")}})
def oci_version(lab, text, works):
    made = lab.bundle(["/bin/true"], ociVersion=text)
    if works:
        lab.run(made).ok()
    else:
        refused(lab, made, "ociVersion")


@suite.table("T-77", "values that make no sense", {
    "umask": ("process.user.umask", 0o1000, "umask"),
    "umask 2^31": ("process.user.umask", 2**31, "umask"),
    "oom 1001": ("process.oomScoreAdj", 1001, "oomScoreAdj"),
    "oom -1001": ("process.oomScoreAdj", -1001, "oomScoreAdj"),
    "soft above hard": ("process.rlimits", [{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}],
                        "rlimits[0]"),
    "duplicate rlimit": ("process.rlimits", [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}] * 2,
                         "rlimits[1]"),
    "unknown rlimit": ("process.rlimits", [{"type": "RLIMIT_X", "soft": 0, "hard": 0}],
                       "rlimits[0].type"),
    "relative cwd": ("process.cwd", "tmp", "process.cwd"),
    "empty cwd": ("process.cwd", "", "process.cwd"),
    "empty args": ("process.args", [], "process.args"),
    "empty annotation": ("annotations", {"": "x"}, "annotations"),
    "effective without permitted": ("process.capabilities", {"effective": ["CAP_KILL"]},
                                    "capabilities"),
    "personality": ("linux.personality", {"domain": "MINIX"}, "personality"),
    "scheduler": ("process.scheduler", {"policy": "SCHED_X"}, "scheduler"),
    "ioPriority": ("process.ioPriority", {"class": "IOPRIO_CLASS_X"}, "ioPriority"),
    "netDevices": ("linux.netDevices", {"../x": {}}, "netDevices"),
    "netDevices long": ("linux.netDevices", {"a" * 16: {}}, "netDevices"),
    "memoryPolicy": ("linux.memoryPolicy", {"mode": "MPOL_X"}, "memoryPolicy"),
})
def senseless(lab, path, value, part):
    made = lab.bundle(["/bin/true"])
    made.set(path, value)
    refused(lab, made, part)


@suite.case("G-04 4", "all mistakes of a file are reported together, each with its place")
def together(lab):
    made = lab.bundle(["/bin/true"])
    made.set("process.cwd", "relative")
    made.set("process.user.umask", 0o7777)
    made.set("process.rlimits", [{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}])
    refused(lab, made, "process.cwd", "process.user.umask", "process.rlimits[0]", "config.json:1:")
    made.set("process.user.umask", "x")
    made.set("root", 5)
    made.set("linux.namespaces.0.type", "nope")
    refused(lab, made, "process.user.umask", "root", "linux.namespaces[0].type", "config.json:1:")


# state files


@suite.table("T-79 R-36", "a hostile state file", {
    "truncated": lambda path: os.truncate(path, 20), "empty": lambda path: os.truncate(path, 0),
    "garbage": lambda path: write(path, "\xff\x00garbage"),
    "other id": lambda path: write(path, read(path).replace('"id":"', '"id":"x')),
    "huge": lambda path: write(path, '{"version":1,"x":"' + "a" * (4 << 20) + '"}'),
    "unknown version": lambda path: write(path, read(path).replace('"version":1', '"version":9')),
    "link": lambda path: (os.rename(path, path + "x"), os.symlink(path + "x", path)),
    "fifo": lambda path: (os.unlink(path), os.mkfifo(path)),
    "folder": lambda path: (os.unlink(path), os.mkdir(path)),
    "bit flip": lambda path: write(path, read(path).replace('"pid":', '"qid":', 1)),
    "pid 1": lambda path: write(path, re.sub(r'"pid":\d+', '"pid":1', read(path))),
})
def state_file(lab, spoil):
    container = lab.create(lab.bundle(["/bin/sleep", "1000"]))
    pid = container.pid
    folder = f"{lab.root}/{container.id}"
    spoil(f"{folder}/container.json")
    for words in (("state",), ("kill",), ("start",), ("list",), ("exec",)):
        tail = () if words[0] == "list" else (container.id,)
        tail += ("/bin/true",) if words[0] == "exec" else ()
        result = lab.brig(*words, *tail, timeout=5)
        check(0 <= result.status < 128 or result.status == 255, f"a clean end of {result}")
        check(result.status == 0 or result.err.strip(), f"a reason in {result}")
    result = lab.brig("delete", "--force", container.id, timeout=15)
    check(0 <= result.status < 128, f"a clean end of {result}")
    check(os.path.exists("/proc/1"), "no stranger was killed")
    # What the record no longer says is cleaned up by the test.
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        pass
    lab._sweep()
    shutil.rmtree(folder, ignore_errors=True)


suite.main()
