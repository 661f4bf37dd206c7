#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Checkpoint images by somebody else (T-105): podman and docker import them from archives, so all in
# them is hostile: links out, FIFOs, garbage, a configuration of their own. What CRIU makes of the
# memory in its files is CRIU's.
import json
import os
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import oracle
from harness.criu import CRIU, need_criu
from harness.lab import read, write
from harness.tap import Suite, check, equal

suite = Suite()
ID = "moved"


def dumped(lab, **settings):
    """A bundle, and the image of a container of it, which is gone."""
    need_criu()
    made = lab.bundle(["/bin/sleep", "1000"], **settings).write()
    lab.containers.append(ID)
    lab.brig("run", "-d", "--bundle", made.path, ID, outs=(None, None)).ok()
    image = f"{lab.path}/image"
    checkpoint(lab, image).ok()
    lab.gone(ID)
    return made, image


def checkpoint(lab, image, *options):
    return lab.brig("checkpoint", "--image-path", image, *options, ID, globals_=("--criu", CRIU),
                    timeout=30)


def restore(lab, made, image, *options):
    return lab.brig("restore", "--detach", "--bundle", made.path, "--image-path", image, *options,
                    ID, globals_=("--criu", CRIU), timeout=30, outs=(None, f"{lab.path}/err"))


def replaced(path, make):
    """Puts something else where a file of the image is."""
    if os.path.lexists(path):
        os.unlink(path)
    make(path)


STRANGE = {
    "absent": lambda path: None,
    "link out": lambda path: os.symlink(f"{os.path.dirname(path)}/../outside/marker", path),
    "link to a device": lambda path: os.symlink("/dev/zero", path),
    "fifo": os.mkfifo, "folder": os.mkdir, "loop": lambda path: os.symlink(path, path),
    "garbage": lambda path: write(path, "\xff\x00garbage"), "empty": lambda path: write(path, ""),
    "sparse": lambda path: (write(path, ""), os.truncate(path, 1 << 40)),
    "another's words": lambda path: write(path, '[{"pipe": 1}]'),
}


@suite.table("T-105 R-36", "descriptors.json of an image", STRANGE)
def descriptors(lab, make):
    made, image = dumped(lab)
    canary = oracle.Canary(f"{lab.path}/outside")
    replaced(f"{image}/descriptors.json", make)
    result = restore(lab, made, image)
    result.failed("descriptors.json")
    check("canary" not in result.err, "no word of another file")
    equal(canary.changes(), [], "the canary")
    lab.expect_nothing_left("a refused image")


@suite.table("T-105", "a part of the image is cut or gone", {
    f"{name} {how}": (name, how) for name in ("inventory.img", "pstree.img", "core-1.img",
                                              "mm-1.img", "mountpoints-*.img")
    for how in ("cut", "gone")})
def cut(lab, name, how):
    made, image = dumped(lab)
    start, end = name.split("*") if "*" in name else (name, "")
    found = [entry for entry in os.listdir(image) if entry.startswith(start) and
             entry.endswith(end)]
    check(found, f"{name} in {os.listdir(image)}")
    path = f"{image}/{found[0]}"
    if how == "cut":
        os.truncate(path, os.stat(path).st_size // 2)
    else:
        os.unlink(path)
    restore(lab, made, image).failed("criu")
    lab.expect_nothing_left("a broken image")


@suite.case("T-105", "CRIU waits for memory that is cut off for ever; told to end, it leaves nothing")
def cut_memory(lab):
    made, image = dumped(lab)
    pages = f"{image}/pages-1.img"
    os.truncate(pages, os.stat(pages).st_size // 2)
    call = lab.spawn("restore", "--detach", "--bundle", made.path, "--image-path", image, ID,
                     globals_=("--criu", CRIU))
    time.sleep(1)
    call.signal(signal.SIGTERM)
    call.wait(10).failed()
    lab.gone(ID)
    lab.expect_nothing_left("a restore that was told to end")


@suite.table("T-105 R-39", "the names of CRIU's log and figures lead out", {
    f"{name} is a {kind}": (name, kind) for name in ("restore.log", "stats-restore")
    for kind in ("link", "hard link", "dangling link")})
def logs(lab, name, kind):
    made, image = dumped(lab)
    canary = oracle.Canary(f"{lab.path}/outside")
    target = f"{lab.path}/outside/{'absent' if kind.startswith('dangling') else 'marker'}"
    replaced(f"{image}/{name}", lambda path: (os.link if kind == "hard link" else os.symlink)(
        target, path))
    restore(lab, made, image).ok()
    equal(lab.state(ID)["status"], "running", "status")
    equal(canary.changes(), [], "the canary")
    check(os.stat(f"{image}/{name}").st_size > 0, "the file is CRIU's own")


@suite.table("T-105 R-39", "so do those of a checkpoint into a folder that is there", {
    name: name for name in ("dump.log", "stats-dump", "descriptors.json")})
def dump_logs(lab, name):
    need_criu()
    made = lab.bundle(["/bin/sleep", "1000"]).write()
    lab.containers.append(ID)
    lab.brig("run", "-d", "--bundle", made.path, ID, outs=(None, None)).ok()
    canary = oracle.Canary(f"{lab.path}/outside")
    image = f"{lab.path}/image"
    os.mkdir(image, 0o700)
    os.symlink(f"{lab.path}/outside/marker", f"{image}/{name}")
    checkpoint(lab, image).ok()
    equal(canary.changes(), [], "the canary")
    check(not os.path.islink(f"{image}/{name}"), f"{name} is a file of its own")


@suite.case("T-105", "what an image says of its configuration has no effect")
def configuration(lab):
    made, image = dumped(lab, annotations={"from": "bundle"})
    loose = json.loads(json.dumps(made.config))
    loose["annotations"] = {"from": "image", "run.oci.keep_original_groups": "1",
                            "org.criu.config": f"{lab.path}/evil.conf"}
    loose["process"]["capabilities"] = {"bounding": ["CAP_SYS_ADMIN"]}
    loose["linux"]["resources"] = {"devices": [{"allow": True, "access": "rwm"}]}
    loose["hooks"] = {"prestart": [{"path": "/bin/touch", "args": ["touch", f"{lab.path}/mark"]}]}
    write(f"{lab.path}/evil.conf", f"action-script {lab.path}/evil\n")
    write(f"{lab.path}/evil", f"#!/bin/sh\ntouch {lab.path}/mark\n")
    os.chmod(f"{lab.path}/evil", 0o755)
    for name in ("config.json", "config.dump", "spec.dump", "container.json", "state.json",
                 "criu.conf", "runc.conf", "brig.conf"):
        write(f"{image}/{name}", json.dumps(loose) if "conf" != name[-4:] else
              read(f"{lab.path}/evil.conf"))
    restore(lab, made, image).ok()
    equal(lab.state(ID)["annotations"], {"from": "bundle"}, "annotations")
    check(not os.path.exists(f"{lab.path}/mark"), "nothing of the image's was run")
    kept = json.loads(read(f"{lab.root}/{ID}/config.json"))
    check("hooks" not in kept, "hooks")
    result = lab.brig("exec", ID, "/bin/sh", "-c", "grep CapBnd /proc/self/status")
    check(int(result.ok().out.split()[1], 16) & 1 << 21 == 0, f"CAP_SYS_ADMIN in {result.out}")


@suite.table("T-105", "an image or work path that is a link, or no folder", {
    "image is a link": ("link", None), "work is a link": (None, "link"),
    "work is a dangling link": (None, "dangling"), "work is a fifo": (None, "fifo"),
    "work is a file": (None, "file"), "image is a fifo": ("fifo", None),
    "image is a file": ("file", None)})
def paths(lab, image_kind, work_kind):
    made, image = dumped(lab)
    canary = oracle.Canary(f"{lab.path}/outside")
    shutil.copytree(image, f"{lab.path}/real")
    given = {"image": image, "work": f"{lab.path}/work"}
    for name, kind in (("image", image_kind), ("work", work_kind)):
        path = f"{lab.path}/given-{name}"
        if kind == "link":
            os.symlink(f"{lab.path}/real", path)
        elif kind == "dangling":
            os.symlink(f"{lab.path}/absent", path)
        elif kind == "fifo":
            os.mkfifo(path)
        elif kind == "file":
            write(path, "")
        given[name] = path if kind else given[name]
    result = restore(lab, made, given["image"], "--work-path", given["work"])
    if "link" in (image_kind, work_kind):
        result.ok()
        equal(lab.state(ID)["status"], "running", "the paths are the caller's, links too")
    else:
        result.failed("--image-path" if image_kind else "work")
        lab.expect_nothing_left("a refused path")
    equal(canary.changes(), [], "the canary")


@suite.table("T-105 R-2", "the image's root file system leads out where mounts are to be", {
    "absolute": "{path}/outside/sub", "upwards": "../../../../../../..{path}/outside/sub",
    "dangling": "{path}/outside/absent"})
def hostile_root(lab, target):
    """make_mount_points() of a restore works in a tree that the container has had to itself."""
    need_criu()
    made = lab.bundle(["/bin/sleep", "1000"])
    source = f"{lab.path}/source"
    write(source, "mounted\n")
    os.makedirs(made.inside("/data"))
    made.mount("/data/below/file", "bind", source, ["bind", "ro"])
    lab.containers.append(ID)
    lab.brig("run", "-d", "--bundle", made.write().path, ID, outs=(None, None)).ok()
    image = f"{lab.path}/image"
    checkpoint(lab, image).ok()
    canary = oracle.Canary(f"{lab.path}/outside")
    shutil.rmtree(made.inside("/data"))
    os.symlink(target.replace("{path}", lab.path), made.inside("/data"))
    result = restore(lab, made, image)
    equal(canary.changes(), [], "the canary")
    if result.status == 0:
        lab.brig("delete", "--force", ID).ok()
    else:
        check(result.err.strip(), "a reason")
        lab.expect_nothing_left("a hostile root")


suite.main()
