#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# config.json as a whole: its encoding, its size, sections of other platforms, what may be absent,
# annotations, the bundle.
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..")]
from harness.lab import read, write
from harness.tap import Suite, check, contains, equal

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]


@suite.case("G-01", "text in UTF-8 arrives as written, from the file config.json at the bundle's top")
def encoding(lab):
    made = lab.bundle(["/bin/echo", "käse \U0001f6a2 \u0301"]).write()
    equal(sorted(os.listdir(made.path)), ["config.json", "rootfs"], "the bundle")
    lab.containers.append("one")
    for ascii_only in (True, False):
        write(f"{made.path}/config.json", json.dumps(made.config, ensure_ascii=ascii_only))
        equal(lab.brig("run", "--bundle", made.path, "one").ok().out, "käse \U0001f6a2 \u0301\n", "output")


@suite.case("G-01 G-04", "a mistake is told with its line and column")
def position(lab):
    made = lab.bundle()
    lines = json.dumps(made.config, indent=2).splitlines()
    number = next(i for i, line in enumerate(lines) if '"uid"' in line)
    for value, reason in (('"0"', "not a string"), ("4294967295", "not a user id"), ("07", "invalid JSON")):
        lines[number] = f'      "uid": {value},'
        made.text = "\n".join(lines)
        column = lines[number].index(":") + 3 + (value == "07")
        lab.try_create(made).failed(f"config.json:{number + 1}:{column}: process.user", reason, status=1)


@suite.case("G-04", "mistakes of form and of meaning are told together, in the text's order")
def together(lab):
    made = lab.bundle(process__cwd="relative", process__oomScoreAdj="0", linux__maskedPaths=["x"])
    said = lab.try_create(made).failed(status=1).err
    places = ["process.cwd: must be", "process.oomScoreAdj: expected", "linux.maskedPaths[0]: must be"]
    found = [said.find(place) for place in places]
    check(-1 not in found and found == sorted(found), f"{places} in {said!r}")
    equal(said.count("config.json:1:"), 3, "places")


@suite.case("G-03", "unknown names at every level change nothing, and are no error in exec's file either")
def unknown_names(lab):
    def spread(value):
        for inner in value.values() if isinstance(value, dict) else value:
            if isinstance(inner, (dict, list)):
                spread(inner)
        if isinstance(value, dict):
            value["com.example.new"] = {"a": [1, None, {"b": 2.5}]}
    made = lab.bundle(SLEEP, annotations={}, hooks={"poststop": [{"path": "/bin/true"}]})
    spread({key: value for key, value in made.config.items() if key != "annotations"})
    made.config["com.example.new"] = [[]]
    container = lab.start(made)
    process = {**made.process, "args": ["/bin/echo", "inside"]}
    container_file = write(f"{lab.path}/process.json", json.dumps(process))
    equal(lab.brig("exec", "--process", container_file, container.id).ok().out, "inside\n", "exec")


@suite.case("G-05", "a creation that fails late leaves nothing, and its id is free")
def late_failure(lab):
    made = lab.bundle(["/bin/true"], linux__cgroupsPath="/late")
    made.config["linux"]["resources"] = {"pids": {"limit": 50}}
    made.process["cwd"] = "/etc/passwd"
    lab.try_create(made, identity="one").failed("process.cwd", status=1)
    lab.expect_nothing_left("a creation that failed at its last steps")
    made.process["cwd"] = "/"
    lab.run(made, identity="one").ok()


@suite.case("G-08 C-07 P-06 P-22", "what belongs to other platforms is ignored, whatever it holds")
def other_platforms(lab):
    made = lab.bundle()
    made.config.update(windows={"layerFolders": []}, solaris=7, zos={"namespaces": [{"type": "x"}]},
                       freebsd={"jail": {"vnet": "disable"}}, vm={"kernel": {"path": "relative"}})
    made.process["commandLine"] = "cmd /c dir"
    made.process["user"]["username"] = "nobody"
    report = lab.probe(made)
    equal(report["uids"][0], 0, "uid")


@suite.case("C-01", "each version that may be is taken, and reported by state")
def versions(lab):
    for version in ("1.0.0", "1.0.0-rc5", "1.0.2-dev", "1.2.1+dev", "1.3.0"):
        container = lab.create(lab.bundle(SLEEP, ociVersion=version))
        check(container.state()["ociVersion"].startswith("1."), version)


@suite.case("C-02", "root is enough of a config to be created")
def least(lab):
    made = lab.bundle()
    made.config = {"ociVersion": "1.0.0", "root": {"path": "rootfs"}}
    equal(lab.create(made).status(), "created", "status")


@suite.case("C-05", "hostname, domainname, hooks and annotations may be absent")
def optional(lab):
    made = lab.bundle(["/bin/hostname"])
    del made.config["hostname"]
    with open("/proc/sys/kernel/hostname", encoding="ascii") as file:
        equal(lab.run(made).ok().out, file.read(), "a new namespace's name is its parent's")
    container = lab.create(made)
    check(not container.state().get("annotations"), "annotations")


@suite.case("D-07", "a device given twice is made twice, with a warning that names the first")
def same_devices(lab):
    devices = [{"path": path, "type": "c", "major": 1, "minor": 3} for path in ("/dev/one", "/dev/two")]
    made = lab.bundle(shell="echo x > /dev/one; echo x > /dev/two", linux__devices=devices)
    called = lab.run(made, globals_=("--log-level", "warning")).ok()
    contains(called.err, 'linux.devices[1]: the same device as \\"/dev/one\\"', "warning")
    check("linux.devices[0]" not in called.err, "the first is no mistake")


# Annotations

RESERVED = {f"org.opencontainers.image.{name}": "x" for name in (
    "os", "os.version", "os.features", "architecture", "variant", "author", "created", "stopSignal")}


@suite.case("A-01 A-02 A-04", "annotations of any kind are kept as they are, and reported by state and list")
def annotations(lab):
    given = {"": "x", "com.example.a": "", "bundle": "/not/this", "x y": "\"\n\\ä\U0001f6a2",
             "long": "v" * 70000, **{f"key{i}": str(i) for i in range(100)}}
    del given[""]
    made = lab.bundle(SLEEP, annotations=given)
    container = lab.create(made)
    equal(container.state()["annotations"], given, "by state")
    equal(container.state()["bundle"], made.path, "an annotation called bundle is not the bundle")
    listed = json.loads(lab.brig("list", "--format", "json").ok().out)
    equal(listed[0]["annotations"], given, "by list")


@suite.case("A-03", "reserved annotations have no effect on the program")
def reserved(lab):
    plain = lab.probe(lab.bundle())
    marked = lab.probe(lab.bundle(annotations=RESERVED))
    for key in ("uids", "gids", "groups", "env", "cwd", "umask", "no_new_privs"):
        if key in plain:
            equal(marked[key], plain[key], key)
    container = lab.start(lab.bundle(["/bin/sh", "-c", "trap '' TERM; echo up; sleep 1000 & wait"],
                                     annotations={**RESERVED,
                                                  "org.opencontainers.image.stopSignal": "KILL"}))
    container.wait_out("up")
    container.kill().ok()
    equal(container.status(), "running", "kill's signal is not the annotation's")


@suite.case("A-05", "an annotation with an effect is in the features document, another has none")
def unsafe(lab):
    listed = json.loads(lab.brig("features", root=False).ok().out)["potentiallyUnsafeConfigAnnotations"]
    effects = {}
    for name in ("run.oci.keep_original_groups", "org.example.keep_original_groups"):
        made = lab.bundle(annotations={name: "1"})
        called = lab.run(made, preexec_fn=lambda: os.setgroups([4321]))
        effects[name] = 4321 in json.loads(called.ok().out, strict=False)["groups"]
    # Without a policy of SELinux what is seen of it is that its value is read.
    for name in ("run.oci.mount_context_type", "org.example.mount_context_type"):
        made = lab.bundle(["/bin/true"], annotations={name: "none such"},
                          linux__mountLabel="a:b:c:s0")
        effects[name] = name in lab.run(made).err
    equal(effects, {name: name in listed for name in effects}, "an effect, and listed")
    # What CRIU reads of its file is shown by integration/checkpoint.t, units' properties by systemd.t, the others
    # by annotations.t.
    equal(set(listed) - set(effects),
          {"org.criu.config", "run.oci.hooks.stdout", "run.oci.hooks.stderr", "run.oci.pidfd_receiver",
           "run.oci.seccomp.receiver", "run.oci.seccomp_bpf_data", "org.systemd.property."},
          "listed, and not tried here")


# The bundle


@suite.case("B-01", "a bundle by a symbolic link, a relative path or an odd name is reported absolute")
def bundle_paths(lab):
    made = lab.bundle(SLEEP).write()
    odd = f"{lab.path}/a b\\\"ü"
    os.rename(made.path, odd)
    os.symlink(odd, f"{lab.path}/link")
    for given in (odd, f"{lab.path}/link", "link", "./link/", "link/../link/."):
        lab.containers.append("one")
        lab.brig("create", "--bundle", given, "one").ok()
        bundle = lab.state("one")["bundle"]
        check(bundle.startswith("/"), f"{bundle} is absolute")
        check(os.path.samefile(bundle, odd), f"{bundle} is the bundle")
        lab.brig("delete", "--force", "one").ok()


@suite.case("B-02", "the root file system beside config.json, or elsewhere by an absolute path")
def root_places(lab):
    made = lab.bundle(["/bin/ls", "/"])
    made.file("/mark")
    for path in ("rootfs", "./rootfs/", made.rootfs):
        made.config["root"]["path"] = path
        contains(lab.run(made).ok().out, "mark", path)


@suite.case("B-03", "hooks at delete, and exec, follow the config that create has read")
def frozen(lab):
    made = lab.bundle(SLEEP)
    write(f"{lab.path}/hook", f"#!/bin/sh\necho old > {lab.path}/said\n")
    os.chmod(f"{lab.path}/hook", 0o755)
    made.config["hooks"] = {"poststop": [{"path": f"{lab.path}/hook"}]}
    made.process["env"].append("MARK=old")
    container = lab.start(made)
    made.config["hooks"] = {}
    made.process["env"].append("MARK=new")
    made.write()
    contains(container.exec("/bin/env").ok().out, "MARK=old", "exec's environment")
    container.delete("--force").ok()
    equal(read(f"{lab.path}/said"), "old\n", "the hook")


suite.main()
