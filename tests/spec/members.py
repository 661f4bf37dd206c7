# SPDX-License-Identifier: Apache-2.0
"""The members of config.json by config-members.tsv: a whole config, and every way to spoil one of
its members."""
import copy
import json
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
GONE = object()  # as a value: the member is taken out
RANGES = {"uint16": (0, 2**16 - 1), "uint32": (0, 2**32 - 1), "uint64": (0, 2**64 - 1),
          "int32": (-2**31, 2**31 - 1), "int64": (-2**63, 2**63 - 1), "integer": (None, None)}
ODD_TEXTS = ("", " ", "x", "no such value", "0x1", "64kB", "0MB", "2TB", "1;2", "rlimit_nofile",
             "RLIMIT_", "RLIMIT_no", "NOFILE", "MB", "mb:0=1", "MB:0=1\nL3:0=f", "L3:0=f", "cb", "a")
OF_NO_INTEGER = ("7", 1.5, True, [], {})
WRONG = {"object": ("text", 7, True, []), "map": ("text", 7, True, []), "boolean": ("true", 1, [], {}),
         "array": ("text", 7, True, {}), "string": (7, True, [], {})}


def load():
    """{path: (kind, is required)}, the named objects written out."""
    rows, groups = {}, {}
    with open(os.path.join(HERE, "config-members.tsv"), encoding="utf-8") as file:
        for line in file:
            if line.startswith("#"):
                continue
            path, kind, *rest = line.rstrip("\n").split("\t")
            if path[0].isupper():
                group, _, member = path.partition(".")
                groups.setdefault(group, []).append((member, kind, bool(rest)))
                continue
            group = kind.removeprefix("array of ")
            if group in groups:
                place = path
                if kind != group:
                    rows[path] = ("array", bool(rest))
                    place += "[]"
                rows[place] = ("object", False)
                for member, its_kind, required in groups[group]:
                    rows[f"{place}.{member}"] = (its_kind, required)
            else:
                rows[path] = (kind, bool(rest))
    return rows


def violations(kind, required):
    """Values that a member of that kind must not have."""
    if required:
        yield GONE
    if kind in WRONG:
        yield from WRONG[kind]
    elif kind.startswith("array of 1"):
        yield from (*WRONG["array"], [])
    elif kind.startswith("one of "):
        known = kind.split()[2:]
        yield from WRONG["string"]
        yield from ("", "no such value", known[0].swapcase(), known[0] + " ")
    elif kind.startswith("like "):
        pattern = re.sub(r"\$$", r"\\Z", kind[len("like "):])
        yield from WRONG["string"]
        yield from (text for text in ODD_TEXTS if not re.search(pattern, text))
    else:
        low, high = integer_range(kind)
        yield from OF_NO_INTEGER
        yield from (number for number in (low and low - 1 if low != 0 else -1, high and high + 1)
                    if number is not None)


def integer_range(kind):
    if kind in RANGES:
        return RANGES[kind]
    numbers = [int(number) for number in re.findall(r"-?\d+", kind)]
    return numbers[0], numbers[1] if len(numbers) > 1 else None


def steps(path):
    """The members on the way: names, 0 for any element, None for any value of a map."""
    found = []
    for part in path.split("."):
        name = re.match(r"\w*", part)[0]
        if name:
            found.append(name)
        found += [0 if mark == "[]" else None for mark in re.findall(r"\[\]|\{\}", part)]
    return found


def spoil(config, path, value):
    """A copy of the config with that member changed, and the member's path in brig's words."""
    if path == ".":
        return value, ""
    config, shown = copy.deepcopy(config), ""
    *parents, last = steps(path)
    place = config
    for step in parents:
        step, shown = enter(place, step, shown)
        place = place[step]
    last, shown = enter(place, last, shown)
    if value is GONE:
        del place[last]
    elif isinstance(place, list) and last == len(place):
        place.append(value)
    else:
        place[last] = value
    return config, shown


def enter(place, step, shown):
    """The key of the next step, and the path with it."""
    if step == 0 and isinstance(place, list):
        return 0, f"{shown}[0]"
    if step is None:
        step = next(iter(place))
    if not re.fullmatch(r"[\w-]+", step):
        return step, f"{shown}[{json.dumps(step)}]"
    return step, f"{shown}.{step}" if shown else step


HOOK = {"path": "/bin/true", "args": ["true"], "env": ["A=b"], "timeout": 5}
ID_MAP = [{"containerID": 0, "hostID": 100000, "size": 65536}]
OFFSET = {"secs": 1, "nanosecs": 1}
THROTTLE = [{"major": 8, "minor": 0, "rate": 1048576}]
KINDS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
SETS = ("bounding", "effective", "inheritable", "permitted", "ambient")

PROCESS = {
    "terminal": False, "consoleSize": {"height": 24, "width": 80}, "cwd": "/", "env": ["A=b"],
    "args": ["/bin/true"], "commandLine": "true", "noNewPrivileges": True, "oomScoreAdj": 100,
    "user": {"uid": 0, "gid": 0, "umask": 18, "additionalGids": [1], "username": "root"},
    "capabilities": {name: ["CAP_KILL"] for name in SETS},
    "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 1024}],
    "apparmorProfile": "", "selinuxLabel": "",
    "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 4},
    "scheduler": {"policy": "SCHED_OTHER", "nice": 1, "priority": 0,
                  "flags": ["SCHED_FLAG_RESET_ON_FORK"], "runtime": 0, "deadline": 0, "period": 0},
    "execCPUAffinity": {"initial": "0", "final": "0"},
}

RESOURCES = {
    "unified": {"memory.high": "1073741824"},
    "devices": [{"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm"}],
    "pids": {"limit": 100},
    "blockIO": {"weight": 100, "leafWeight": 100,
                "weightDevice": [{"major": 8, "minor": 0, "weight": 100, "leafWeight": 100}],
                **{f"throttle{name}Device": THROTTLE
                   for name in ("ReadBps", "WriteBps", "ReadIOPS", "WriteIOPS")}},
    "cpu": {"cpus": "0", "mems": "0", "period": 100000, "quota": 50000, "burst": 0, "shares": 512,
            "realtimePeriod": 0, "realtimeRuntime": 0, "idle": 0},
    "hugepageLimits": [{"pageSize": "2MB", "limit": 2097152}],
    "memory": {"limit": 2**28, "reservation": 2**27, "swap": 2**29, "kernel": 0, "kernelTCP": 0,
               "swappiness": 60, "disableOOMKiller": False, "useHierarchy": False,
               "checkBeforeUpdate": False},
    "network": {"classID": 1, "priorities": [{"name": "lo", "priority": 1}]},
    "rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 10000}},
}

SECCOMP = {
    "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
    "architectures": ["SCMP_ARCH_X86_64"], "flags": ["SECCOMP_FILTER_FLAG_LOG"],
    "listenerPath": "/run/no-such-socket", "listenerMetadata": "x",
    "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
                  "args": [{"index": 0, "value": 1, "valueTwo": 0, "op": "SCMP_CMP_EQ"}]}],
}

# No machine could give all of it to one container, but nothing in it is wrong by itself.
WHOLE = {
    "ociVersion": "1.3.0",
    "root": {"path": "rootfs", "readonly": False},
    "hostname": "one", "domainname": "two", "annotations": {"key": "value"},
    "hooks": {kind: [HOOK] for kind in KINDS},
    "mounts": [{"destination": "/tmp", "type": "bind", "source": "/tmp", "options": ["idmap", "bind"],
                "uidMappings": ID_MAP, "gidMappings": ID_MAP}],
    "process": PROCESS,
    "linux": {
        "namespaces": [{"type": "cgroup", "path": "/proc/self/ns/cgroup"},
                       *({"type": name} for name in ("pid", "network", "mount", "ipc", "uts",
                                                     "user", "time"))],
        "uidMappings": ID_MAP, "gidMappings": ID_MAP,
        "devices": [{"path": "/dev/zero2", "type": "c", "major": 1, "minor": 5, "fileMode": 438,
                     "uid": 0, "gid": 0}],
        "netDevices": {"dummy0": {"name": "eth0"}},
        "resources": RESOURCES,
        "cgroupsPath": "/whole", "rootfsPropagation": "private", "seccomp": SECCOMP,
        "sysctl": {"net.ipv4.ip_forward": "1"},
        "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"], "mountLabel": "",
        "intelRdt": {"closID": "class", "schemata": ["L3:0=f"], "l3CacheSchema": "L3:0=f",
                     "memBwSchema": "MB:0=50", "enableMonitoring": False},
        "memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]},
        "personality": {"domain": "LINUX", "flags": []},
        "timeOffsets": {"boottime": OFFSET, "monotonic": OFFSET},
    },
}
