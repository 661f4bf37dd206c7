# SPDX-License-Identifier: Apache-2.0
"""Hooks of shell text, and a poststop hook that keeps what it finds."""
import json
import os

from harness import oracle
from harness.lab import read, write
from harness.tap import equal


def script(lab, name, text):
    """A hook program on the host that runs shell text."""
    path = f"{lab.path}/{name}"
    write(path, f"#!/bin/sh\n{text}\n")
    os.chmod(path, 0o755)
    return path


def add_hook(lab, made, kind, text, **more):
    """Adds a hook that runs shell text where its kind looks for programs."""
    hooks = made.config.setdefault("hooks", {})
    name = f"{kind}{len(hooks.get(kind, []))}"
    if kind == "startContainer":
        made.file(f"/{name}", f"#!/bin/sh\n{text}\n", 0o755)
        path = f"/{name}"
    else:
        path = script(lab, name, text)
    hooks.setdefault(kind, []).append({"path": path, **more})
    return path


def add_poststop(lab, made):
    """A poststop hook that keeps its state and what it still finds of the container."""
    place = f"{lab.path}/stopped"
    groups = " ".join(f"{folder}/watched" for folder in os.listdir(oracle.CGROUPS))
    made.set("linux.cgroupsPath", "/watched")
    add_hook(lab, made, "poststop",
             f"cat > {place}; cd {oracle.CGROUPS} && ls -d {groups} 2>/dev/null >> {place}.left; "
             f"pgrep -f 'sleep 10[0]0' >> {place}.left; grep {lab.path} /proc/self/mounts "
             f">> {place}.left; echo >> {place}.count; true")
    return place


def expect_poststop(place, what="a failed hook"):
    state = json.loads(read(place))
    equal((state["status"], state.get("pid", 0)), ("stopped", 0), "status and pid for poststop")
    equal(read(f"{place}.left"), "", f"what {what} leaves to poststop")
    equal(read(f"{place}.count"), "\n", "poststop runs once")
