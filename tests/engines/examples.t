#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The engines' configuration files in man/examples are valid, say nothing but documented keys, agree with each other,
and name the one path where brig is installed. The engines' own programs start them as they are shipped."""

import json
import pathlib
import sys
import tomllib

import yaml

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "man/examples"
BRIG = "/usr/local/bin/brig"
V2 = "io.containerd.grpc.v1.cri"
V3 = "io.containerd.cri.v1.runtime"
RUNTIME_KEYS = {"runtime_type", "options.BinaryName"}

# The settings that each file makes, as its engine documents them. "*" is a name that the file chooses.
DOCUMENTED = {
    "buildkitd.toml": {"worker.oci.enabled", "worker.oci.binary", "worker.containerd.enabled"},
    "containerd-config-v2.toml": {"version", f"plugins.{V2}.containerd.default_runtime_name"}
    | {f"plugins.{V2}.containerd.runtimes.*.{key}" for key in RUNTIME_KEYS},
    "containerd-config-v3.toml": {"version", f"plugins.{V3}.containerd.default_runtime_name"}
    | {f"plugins.{V3}.containerd.runtimes.*.{key}" for key in RUNTIME_KEYS},
    "containers.conf": {"engine.runtime", "engine.runtime_supports_json", "engine.runtime_supports_nocgroup",
                        "engine.runtimes.*"},
    "crio-10-brig.conf": {"crio.runtime.cgroup_manager", "crio.runtime.conmon_cgroup"}
    | {f"crio.runtime.runtimes.*.{key}" for key in ("runtime_path", "runtime_type", "runtime_root", "monitor_cgroup")},
    "docker-daemon.json": {"default-runtime", "runtimes.*.path"},
    "runtimeclass.yaml": {"apiVersion", "kind", "metadata.name", "handler"},
    "pod.yaml": {"apiVersion", "kind", "metadata.name", "spec.runtimeClassName", "spec.restartPolicy",
                 "spec.containers"},
}
READERS = {".toml": tomllib.loads, ".conf": tomllib.loads, ".json": json.loads, ".yaml": yaml.safe_load}

count = failed = 0


def check(name, got, wanted):
    global count, failed
    count += 1
    if got == wanted:
        print(f"ok {count} - {name}")
    else:
        failed += 1
        print(f"not ok {count} - {name}\n#   got {got!r}, wanted {wanted!r}")


def settings(value, names=()):
    """(names, value) of everything below a table that is no table itself."""
    if not isinstance(value, dict):
        yield names, value
        return
    for key, below in value.items():
        yield from settings(below, (*names, key))


def programs(content):
    """The paths of programs that a file names."""
    for _, value in settings(content):
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and "/bin/" in text:
                yield text


def documented_as(names):
    """The dotted name, with "*" for the runtime's own name."""
    names = list(names)
    if "runtimes" in names[:-1]:
        names[names.index("runtimes") + 1] = "*"
    return ".".join(names)


def main():
    read = {}
    for path in sorted(EXAMPLES.iterdir()):
        read[path.name] = READERS[path.suffix](path.read_text())
    # Files without a row here are checked by the programs of their engines.
    for name, keys in DOCUMENTED.items():
        made = {documented_as(names) for names, _ in settings(read[name])}
        check(f"{name} makes the documented settings", sorted(made), sorted(keys))
    for name, content in read.items():
        if not name.endswith(".yaml"):
            check(f"{name} names brig where it is installed, and no other program", set(programs(content)), {BRIG})
    runtimes = {
        "containerd-config-v2.toml": read["containerd-config-v2.toml"]["plugins"][V2]["containerd"]["runtimes"],
        "containerd-config-v3.toml": read["containerd-config-v3.toml"]["plugins"][V3]["containerd"]["runtimes"],
        "crio-10-brig.conf": read["crio-10-brig.conf"]["crio"]["runtime"]["runtimes"],
    }
    runtime_class = read["runtimeclass.yaml"]
    for name, known in runtimes.items():
        check(f"{name} knows the handler of runtimeclass.yaml", runtime_class["handler"] in known, True)
    check("versions 2 and 3 say the same", runtimes["containerd-config-v2.toml"], runtimes["containerd-config-v3.toml"])
    check("pod.yaml asks for runtimeclass.yaml", read["pod.yaml"]["spec"]["runtimeClassName"],
          runtime_class["metadata"]["name"])
    print(f"1..{count}")
    sys.exit(1 if failed else 0)


main()
