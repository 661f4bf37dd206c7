#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The features document: complete, and true. What it lists is taken from a config, what it does not
# list is refused.
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), HERE]
import json_schema
from harness import caps, links
from harness.lab import NOT_BUILT, write
from harness.tap import Skip, Suite, check, contains, equal

suite = Suite()
LOUD = ("--log-level", "warning")

# Every key of the document, with the type of its value.
KEYS = {
    "ociVersionMin": str, "ociVersionMax": str, "hooks": list, "mountOptions": list,
    "linux.namespaces": list, "linux.capabilities": list,
    **{f"linux.cgroup.{name}": bool for name in ("v1", "v2", "systemd", "systemdUser", "rdma")},
    "linux.seccomp.enabled": bool,
    **{f"linux.seccomp.{name}": list
       for name in ("actions", "operators", "archs", "knownFlags", "supportedFlags")},
    "linux.apparmor.enabled": bool, "linux.selinux.enabled": bool,
    **{f"linux.intelRdt.{name}": bool for name in ("enabled", "schemata", "monitoring")},
    "linux.memoryPolicy.modes": list, "linux.memoryPolicy.flags": list,
    "linux.mountExtensions.idmap.enabled": bool, "linux.netDevices.enabled": bool,
    "annotations": dict, "potentiallyUnsafeConfigAnnotations": list,
}


def document(lab):
    return json.loads(lab.brig("features", root=False, env={}).ok().out)


def leaves(value, path=""):
    """{path: value} of all but the objects; annotations count as one value."""
    if isinstance(value, dict) and path != "annotations":
        return {where: leaf for key, inner in value.items()
                for where, leaf in leaves(inner, f"{path}.{key}" if path else key).items()}
    return {path: value}


def create(lab, path, value, **more):
    """What create says of a config with that member; nothing stays."""
    made = lab.bundle(["/bin/true"])
    made.set(path, value)
    for name, other in more.items():
        made.set(name.replace("__", "."), other)
    identity = lab.name()
    called = lab.brig("create", "--bundle", made.write().path, identity, globals_=LOUD)
    lab.brig("delete", "--force", identity).ok()
    return called


def unknown(lab, path, names, wrap):
    """Those of the names that the reader does not know at that place."""
    return [name for name in names if "unknown" in create(lab, path, wrap(name)).err]


@suite.case("FE-ociVersionMin FE-ociVersionMax", "both versions are taken from a config, and are in order")
def versions(lab):
    shown = document(lab)
    numbers = [tuple(map(int, shown[key].split("."))) for key in ("ociVersionMin", "ociVersionMax")]
    check((1, 0, 0) <= numbers[0] <= numbers[1], f"order of {numbers}")
    for key in ("ociVersionMin", "ociVersionMax"):
        called = create(lab, "ociVersion", shown[key])
        equal((called.status, called.err), (0, ""), key)
    contains(lab.brig("--version").ok().out, f"spec: {shown['ociVersionMax']}\n", "the version told")


@suite.case("G-03 X-04", "every key is there with its type: nothing is null, and nothing is left unknown")
def keys(lab):
    shown = leaves(document(lab))
    equal({path: type(value) for path, value in shown.items()}, KEYS, "keys")
    for path, value in shown.items():
        if isinstance(value, list):
            equal(len(set(value)), len(value), f"{path} has no name twice")
    json_only = lab.brig("features", root=False).ok()
    equal(json_only.err, "", "standard error")


@suite.case("VEC-schema", "the document follows the schema of RUNTIME_SPEC")
def follows_schema(lab):
    folder = os.environ.get("RUNTIME_SPEC", "")
    if not folder:
        raise Skip("RUNTIME_SPEC does not name a checkout of opencontainers/runtime-spec")
    rules = json_schema.features_of(os.path.join(folder, "schema"))
    shown = leaves(document(lab))
    for path, value in shown.items():
        kind = rules.get(f"{path}[]", rules.get(path, ("", False)))[0]
        if kind.startswith("one of "):
            equal(sorted(set(value) - set(kind.split()[2:])), [], f"names of {path}")
    missing = [path for path, (kind, required) in rules.items() if kind in ("boolean", "array")
               and path not in shown]
    equal(missing, [], "keys of the schema")


@suite.case("FE-hooks", "the six kinds, each of which runs")
def hooks(lab):
    kinds = document(lab)["hooks"]
    equal(sorted(kinds), sorted(("prestart", "createRuntime", "createContainer", "startContainer",
                                 "poststart", "poststop")), "kinds")
    for kind in kinds:
        made = lab.bundle(["/bin/true"])
        marks = f"{lab.path}/{kind}"
        os.mkdir(marks)
        made.mount("/marks", source=marks, options=["bind"])
        place = "/marks" if kind == "startContainer" else marks
        made.file("/bin/hook", f"#!/bin/sh\n: > {place}/ran\n", 0o755)
        hook = "/bin/hook" if kind == "startContainer" else made.inside("/bin/hook")
        made.config["hooks"] = {kind: [{"path": hook}]}
        lab.run(made).ok()
        check(os.path.exists(f"{marks}/ran"), f"{kind} ran")


def option_rules():
    """The mount options of rules.tsv."""
    with open(os.path.join(HERE, "rules.tsv"), encoding="utf-8") as file:
        return {line.split("\t")[0].removeprefix("MO-") for line in file if line.startswith("MO-")}


@suite.case("FE-mountOptions", "exactly the options that the reader knows; none of a file system's own")
def mount_options(lab):
    shown = document(lab)["mountOptions"]
    refused = {"rsync", "rasync", "rdirsync", "rmand", "rnomand"}
    equal(set(shown), option_rules() - refused, "options")
    mount = {"destination": "/mnt", "type": "tmpfs", "source": "none"}
    passed_on = [name for name in [*shown, "no-such-option"]
                 if f'fsconfig("{name}' in create(lab, "mounts", [{**mount, "options": [name]}]).err]
    check("no-such-option" in passed_on, "an unknown name goes to the file system")
    # The specification lists these two, and the kernel takes them only by name.
    equal([name for name in passed_on if name in shown], ["acl", "noacl"], "handed to the file system")


@suite.case("FE-linux.namespaces", "the eight types, each known to the reader")
def namespaces(lab):
    types = document(lab)["linux"]["namespaces"]
    equal(sorted(types), ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"], "types")
    equal(unknown(lab, "linux.namespaces", types, lambda name: [{"type": name}]), [], "unknown")


@suite.case("FE-linux.capabilities", "as many as the kernel has, each known to the reader")
def capabilities(lab):
    names = document(lab)["linux"]["capabilities"]
    with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
        check(len(names) >= min(int(file.read()) + 1, 41), f"{len(names)} names")
    equal(set(caps.NAMES) - set(names), set(), "missing")
    called = create(lab, "process.capabilities", {"bounding": names})
    equal((called.status, "unknown" in called.err), (0, False), called.err)
    contains(create(lab, "process.capabilities", {"bounding": ["CAP_X"]}).err, "unknown capability", "CAP_X")


@suite.case("FE-linux.cgroup", "cgroups are driven as the document says")
def cgroup(lab):
    shown = document(lab)["linux"]["cgroup"]
    equal((shown["v1"], shown["v2"], shown["rdma"]), (True, True, True), "v1, v2, rdma")
    called = create(lab, "linux.resources", {"pids": {"limit": 50}})
    equal(called.status, 0, "a limit on this host's cgroups")
    made = lab.bundle(["/bin/true"], linux__cgroupsPath="a.slice:b:c").write()
    identity = lab.name()
    called = lab.brig("create", "--bundle", made.path, identity, globals_=["--systemd-cgroup"])
    lab.brig("delete", "--force", identity)
    equal("not supported" in called.err or "not built" in called.err or "yet" in called.err,
          not shown["systemd"], f"systemd: {called.err}")
    equal(shown["systemdUser"], shown["systemd"], "systemdUser")


@suite.case("FE-linux.seccomp", "actions, operators, architectures and flags: all that are listed are known")
def seccomp(lab):
    shown = document(lab)["linux"]["seccomp"]
    equal(shown["enabled"], True, "enabled")
    check(set(shown["supportedFlags"]) <= set(shown["knownFlags"]), "supported flags are known")

    def refused(names, wrap):
        return [name for name in names
                if any(text in create(lab, "linux.seccomp", wrap(name)).err
                       for text in ("unknown value", NOT_BUILT))]
    allow = {"defaultAction": "SCMP_ACT_ALLOW"}
    rule = {"names": ["swapon"], "action": "SCMP_ACT_ERRNO"}
    argument = {"index": 0, "value": 0}
    listener = {"listenerPath": "/run/no-such-socket"}
    equal(refused(shown["actions"],
                  lambda name: {**allow, **(listener if name == "SCMP_ACT_NOTIFY" else {}),
                                "syscalls": [{**rule, "action": name}]}), [], "actions")
    equal(refused(shown["operators"],
                  lambda name: {**allow, "syscalls": [{**rule, "args": [{**argument, "op": name}]}]}),
          [], "operators")
    equal(refused(shown["archs"], lambda name: {**allow, "architectures": [name]}), [], "archs")
    equal(refused(shown["knownFlags"], lambda name: {**allow, "flags": [name]}), [], "known flags")
    for name in shown["supportedFlags"]:
        if not name.endswith("WAIT_KILLABLE_RECV"):
            lab.run(lab.bundle(["/bin/true"], linux__seccomp={**allow, "flags": [name]})).ok()


def enabled_as_told(lab, key, enabled, path, value, **more):
    """What is told to be enabled is not refused as not built, and the other way round."""
    equal(NOT_BUILT not in create(lab, path, value, **more).err, enabled, f"{key} is enabled")


@suite.case("FE-linux.apparmor", "a profile is refused unless AppArmor is told to be enabled")
def apparmor(lab):
    enabled_as_told(lab, "apparmor", document(lab)["linux"]["apparmor"]["enabled"],
                    "process.apparmorProfile", "no-such-profile")


@suite.case("FE-linux.selinux", "a label is refused unless SELinux is told to be enabled")
def selinux(lab):
    enabled = document(lab)["linux"]["selinux"]["enabled"]
    enabled_as_told(lab, "selinux", enabled, "process.selinuxLabel", "no:such:label:s0")
    enabled_as_told(lab, "selinux", enabled, "linux.mountLabel", "no:such:label:s0")


@suite.case("FE-linux.intelRdt", "a class is refused unless resctrl is told to be enabled")
def intel_rdt(lab):
    shown = document(lab)["linux"]["intelRdt"]
    for key, member in (("enabled", {"closID": "/"}), ("schemata", {"schemata": ["L3:0=f"]}),
                        ("monitoring", {"enableMonitoring": True})):
        enabled_as_told(lab, key, shown[key], "linux.intelRdt", member)


@suite.case("FE-linux.memoryPolicy", "modes and flags that are listed are known")
def memory_policy(lab):
    shown = document(lab)["linux"]["memoryPolicy"]
    path = "linux.memoryPolicy"
    enabled_as_told(lab, "memoryPolicy", bool(shown["modes"]), path, {"mode": "MPOL_DEFAULT"})
    equal(unknown(lab, path, shown["modes"], lambda name: {"mode": name, "nodes": "0"}), [], "modes")
    equal(unknown(lab, path, shown["flags"],
                  lambda name: {"mode": "MPOL_BIND", "nodes": "0", "flags": [name]}), [], "flags")
    if shown["modes"]:
        equal((len(shown["modes"]), len(shown["flags"])), (7, 3), "modes and flags of the specification")


@suite.case("FE-linux.mountExtensions", "ids of a mount are mapped if that is told to be enabled")
def mount_extensions(lab):
    ids = [{"containerID": 0, "hostID": 1000, "size": 1}]
    os.mkdir(f"{lab.path}/source")
    write(f"{lab.path}/source/file", "")
    made = lab.bundle(["/bin/stat", "-c", "%u:%g", "/mnt/file"])
    entry = made.mount("/mnt", "bind", f"{lab.path}/source", ["bind", "idmap"])
    entry["uidMappings"] = entry["gidMappings"] = ids
    equal(lab.run(made).out == "1000:1000\n",
          document(lab)["linux"]["mountExtensions"]["idmap"]["enabled"], "ids are mapped")


@suite.case("FE-linux.netDevices", "a device moves if that is told to be enabled")
def net_devices(lab):
    links.veth("nd0")
    made = lab.bundle(["/bin/sleep", "1000"], linux__netDevices={"nd0": {}})
    lab.try_create(made)
    equal("nd0" not in links.names(), document(lab)["linux"]["netDevices"]["enabled"], "it has moved")


@suite.case("FE-annotations", "texts by name: what --version tells, and what runc's readers look up")
def annotations(lab):
    shown = document(lab)["annotations"]
    check(all(isinstance(text, str) for text in shown.values()), f"texts: {shown}")
    told = lab.brig("--version").ok().out
    contains(told, f"version {shown['brig.version']}\n", "version")
    contains(told, f"commit: {shown['brig.commit']}\n", "commit")
    equal(shown["org.opencontainers.runc.checkpoint.enabled"],
          "true" if "unknown command" not in lab.brig("checkpoint", "x").err else "false", "checkpoint")


@suite.case("FE-potentiallyUnsafeConfigAnnotations", "the annotations that change what a container may do")
def unsafe(lab):
    equal(document(lab)["potentiallyUnsafeConfigAnnotations"], [
        "run.oci.keep_original_groups", "run.oci.mount_context_type", "org.criu.config",
        "run.oci.hooks.stdout", "run.oci.hooks.stderr", "run.oci.pidfd_receiver",
        "run.oci.seccomp.receiver", "run.oci.seccomp_bpf_data", "org.systemd.property."], "names")


suite.main()
