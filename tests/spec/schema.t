#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The JSON schema's rules: each member of config.json spoiled in each way is refused at its place.
# RUNTIME_SPEC names a checkout of opencontainers/runtime-spec: its schema and examples, too.
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), HERE]
import json_schema
import members
from harness.lab import NOT_BUILT, write
from harness.tap import Skip, Suite, check, equal

suite = Suite()
TABLE = members.load()

# What the schema refuses and brig does not, with the reason. Also null, which is absent for arrays,
# objects and optional numbers: engines' encoders write it so (tests/unit/oci/generated_test.cpp).
EXCEPTIONS = {
    "process.commandLine": "is read on another platform only",
    "process.user.username": "is read on another platform only",
    "linux.devices[].fileMode": "engines leave mknod's format bits in it; above those it is refused",
}
OTHER_PLATFORMS = ("freebsd", "zos")
SECTIONS = ("ociVersion", "root", "hostname", "domainname", "annotations", "mounts", "hooks",
            "process", "linux.resources", "linux.seccomp", "linux")


def section_of(path):
    return next((name for name in SECTIONS if path == name or path.startswith((name + ".", name + "[",
                                                                              name + "{"))), None)


def mistakes(called):
    """What create says of the config itself, without what this build cannot do yet."""
    return [line for part in called.err.splitlines() for line in part.split("; config.json")
            if ("config.json:" in line or line.startswith(":")) and NOT_BUILT not in line]


class Creator:
    """Calls create with one config after the other."""

    def __init__(self, lab):
        self.lab, self.bundle, self.identity = lab, lab.bundle(), lab.name()
        lab.containers.append(self.identity)

    def create(self, config):
        self.bundle.config = config
        called = self.lab.brig("create", "--bundle", self.bundle.write().path, self.identity)
        self.lab.brig("delete", "--force", self.identity).ok()
        return called

    def refuses(self, path, value):
        """Empty, or how the config with that value was not refused."""
        config, shown = members.spoil(members.WHOLE, path, value)
        called = self.create(config)
        what = "absent" if value is members.GONE else json.dumps(value)
        place = f": {shown}: " if shown else ": expected an object"
        found = [line for line in mistakes(called) if place in line]
        if called.status == 1 and found:
            return ""
        return f"{shown} = {what}: exit status {called.status}: {called.err.strip()[:300]}"


@suite.case("G-06", "a config with every member is no mistake")
def whole(lab):
    called = Creator(lab).create(members.WHOLE)
    equal(mistakes(called), [], "mistakes")


def all_refused(lab, section):
    creator = Creator(lab)
    cases = [(path, value) for path, (kind, required) in TABLE.items()
             if section_of(path) == section and path not in EXCEPTIONS
             for value in members.violations(kind, required)]
    check(len(cases) >= 4, f"only {len(cases)} cases")
    wrong = [text for path, value in cases if (text := creator.refuses(path, value))]
    check(not wrong, "\n".join([f"{len(wrong)} of {len(cases)} not refused at their place:", *wrong]))
    lab.expect_nothing_left("refused configs")


suite.table("G-04 G-06 G-07 VEC-schema", "each member, spoiled in each way, is refused by its path",
            {name: name for name in SECTIONS})(all_refused)


@suite.case("G-04 G-06 G-07", "each member of exec's process file, spoiled in each way, is refused by its path")
def process_file(lab):
    container, file = lab.sleeper(), f"{lab.path}/process.json"
    wrong = []
    for path, (kind, required) in TABLE.items():
        if not path.startswith("process.") or path in EXCEPTIONS:
            continue
        for value in members.violations(kind, required):
            config, shown = members.spoil(members.WHOLE, path, value)
            write(file, json.dumps(config["process"]))
            called = lab.brig("exec", "--process", file, container.id)
            inside = shown.removeprefix("process.")
            # What only its meaning is wrong may come from the container's config as well.
            if called.status != 255 or not re.search(
                    rf"process\.json:1:\d+: {re.escape(inside)}: |{re.escape(shown)}: ", called.err):
                wrong.append(f"{shown} = {value!r}: {called}")
    equal(wrong, [], "not refused at their place")


@suite.case("G-04 G-06", "what is no object is no config")
def no_object(lab):
    creator = Creator(lab)
    for value in members.violations("object", False):
        equal(creator.refuses(".", value), "", "config")


@suite.case("G-07", "every name of a closed list is known")
def known_names(lab):
    creator, wrong = Creator(lab), []
    for path, (kind, _) in TABLE.items():
        for name in kind.split()[2:] if kind.startswith("one of ") else ():
            config, shown = members.spoil(members.WHOLE, path, name)
            if "unknown value" in creator.create(config).err:
                wrong.append(f"{shown}: {name}")
    equal(wrong, [], "unknown")


@suite.case("VEC-schema", "the fixtures' essence: a page size in small letters, numbers for names, no number")
def fixtures(lab):
    creator = Creator(lab)
    for path, value in (("linux.resources.hugepageLimits[].pageSize", "64kB"),
                        ("linux.netDevices{}.name", 23),
                        ("linux.resources.rdma{}.hcaHandles", "not a uint32")):
        equal(creator.refuses(path, value), "", path)
    for text in ("{]", "{", "", "{} {}", "{\"ociVersion\": \"1.0.0\",}"):
        creator.bundle.text = text
        creator.create(None).failed("config.json:1:", "invalid JSON", status=1)
    creator.bundle.text = None
    least = {"ociVersion": "1.0.0", "root": {"path": "rootfs"}}
    for config in (least, {**least, "freebsd": {"jail": {"vnet": "disable"}}},
                   {**least, "process": {"cwd": "/", "args": ["sh"], "user": {"uid": 1, "gid": 1}}}):
        equal(mistakes(creator.create(config)), [], "mistakes")


# With the specification at hand.


def need_specification():
    folder = os.environ.get("RUNTIME_SPEC", "")
    if not folder:
        raise Skip("RUNTIME_SPEC does not name a checkout of opencontainers/runtime-spec")
    return os.path.join(folder, "schema")


@suite.case("VEC-schema", "config-members.tsv has every rule of the schema")
def same_rules(_):
    theirs = json_schema.members_of(need_specification())
    # The table asks for more, where the text of the specification does.
    differ = [f"{path}: {kind}{' required' * required}, here {TABLE.get(path)}"
              for path, (kind, required) in theirs.items()
              if TABLE.get(path, ("", False))[0] != kind or (required and not TABLE[path][1])]
    equal(differ, [], "rules")


def complete(config):
    """What the text of the specification asks of its own good examples, and the schema does not."""
    config["ociVersion"] = config["ociVersion"].replace("0.5.0-dev", "1.0.0")
    if "netDevices" in config.get("linux", {}):
        config["linux"]["namespaces"] = [{"type": "network"}]
    return config


@suite.case("VEC-schema", "the specification's good examples are accepted, its bad ones refused")
def examples(lab):
    folder = os.path.join(need_specification(), "test", "config")
    creator = Creator(lab)
    for kind in ("good", "bad"):
        names = os.listdir(os.path.join(folder, kind))
        for name in sorted(name for name in names if not name.startswith(OTHER_PLATFORMS)):
            with open(os.path.join(folder, kind, name), encoding="utf-8") as file:
                creator.bundle.text = file.read()
            if kind == "good":
                creator.bundle.text = json.dumps(complete(json.loads(creator.bundle.text)))
            found = mistakes(creator.create(None))
            equal(bool(found), kind == "bad", f"{kind}/{name}: mistakes {found}")


suite.main()
