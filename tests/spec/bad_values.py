# SPDX-License-Identifier: Apache-2.0
"""The rows of bad_input.t: rule, name, edits of a good config, the place that the error names, and a
part of its reason."""
from members import GONE

UINT32 = "expected an integer from 0 to 4294967295, not "
FULL_MAP = [{"containerID": 0, "hostID": 100000, "size": 65536}]
ROWS = []


def add(ids, name, path, value, place, reason, *more):
    """One row; more: further edits as path, value."""
    edits = ((path, value), *zip(more[::2], more[1::2]))
    ROWS.append((ids, name, edits, place, reason))


def text(made, content):
    made.text = content


def own_users(made):
    made.namespace("user")
    made.linux.update(uidMappings=FULL_MAP, gidMappings=FULL_MAP)


def bare(*types):
    return lambda made: made.without_namespace(*types)


def without_gone(entry):
    return {name: value for name, value in entry.items() if value is not GONE}


def mount(**entry):
    return lambda made: made.mounts.append(without_gone({"destination": "/mnt", **entry}))


def seccomp(**members):
    section = {"defaultAction": "SCMP_ACT_ALLOW", **members}
    return lambda made: made.linux.update(seccomp=without_gone(section))


def rule(**members):
    entry = {"names": ["read"], "action": "SCMP_ACT_ERRNO", **members}
    return seccomp(syscalls=[without_gone(entry)])


def device(**members):
    entry = {"path": "/dev/x", "type": "c", "major": 1, "minor": 3, **members}
    return lambda made: made.linux.update(devices=[without_gone(entry)])


# §1 to §4

add("G-01", "no JSON", lambda made: text(made, "{]"), None, "config.json:1:2", "invalid JSON")
add("G-01", "a byte order mark", lambda made: text(made, "\ufeff{}"), None, "config.json:1:1",
    "starts with a byte order mark")
add("G-01", "NUL in a string", "hostname", "a\0b", "hostname", "NUL")
add("G-02", "a name twice", lambda made: text(made, '{"ociVersion":"1.0.0","ociVersion":"1.0.0"}'),
    None, "config.json:1:23: ociVersion", "given more than once")
add("G-04", "another JSON type", "process.user.uid", "0", "process.user.uid", UINT32 + "a string")
add("G-06", "a required member is missing", "root.path", GONE, "root.path", "required but missing")
add("G-07", "a pattern does not fit", "linux.resources.hugepageLimits",
    [{"pageSize": "64kB", "limit": 1}], "linux.resources.hugepageLimits[0].pageSize",
    "not a page size such as 2MB or 64KB")
add("B-01", "a bundle without config.json", lambda made: setattr(made, "write", lambda: None), None,
    None, "config.json")
add("B-02 R-01", "no root file system", "root.path", "absent", "root.path", "no such file or directory")
for version in ("", "1", "1.0", "v1.0.0", "2.0.0"):
    add("C-01", f"the version {version!r}", "ociVersion", version, "ociVersion", f'"{version}"')
add("C-01", "no version", "ociVersion", GONE, "ociVersion", "required but missing")
add("C-02", "no root", "root", GONE, "root", "required but missing")
add("R-01", "a root that is a file", "root.path", "config.json", "root.path", "not a directory")
add("R-01", "a root beneath a file", "root.path", "config.json/x", "root.path", "not a directory")
add("R-01", "an empty root", "root.path", "", "root.path", "must not be empty")
add("R-02", "a text for readonly", "root.readonly", "yes", "root.readonly",
    "expected a boolean, not a string")

# §5

add("M-02", "no destination", mount(destination=GONE), None, "mounts[6].destination",
    "required but missing")
add("M-02", "an empty destination", mount(destination=""), None, "mounts[6].destination",
    "must not be empty")
add("M-03", "a bind mount without source", mount(options=["bind"]), None, "mounts[6].source",
    "a bind mount needs a source")
add("M-03", "a source that is missing", mount(source="/absent/x", options=["bind"]), None, "mounts[6] (/mnt)",
    "no such file or directory")
add("M-04", "an unknown file system", mount(type="no-such-fs", source="none"), None, "mounts[6] (/mnt)",
    'fsopen("no-such-fs"): no such device')
add("M-05", "an option that the file system does not know",
    mount(type="tmpfs", source="none", options=["no-such-option=1"]), None,
    "mounts[6] (/mnt)", 'fsconfig("no-such-option=1"): invalid argument')
for given in ("uidMappings", "gidMappings"):
    add("M-06", f"only {given}",
        mount(source="/tmp", options=["bind"], **{given: FULL_MAP}), None, f"mounts[6].{given}",
        "must be given together")
add("M-06", "idmap without any map", mount(source="/tmp", options=["bind", "idmap"]), None,
    "mounts[6].options", "idmap needs uidMappings and gidMappings, or a user namespace")
add("M-11", "a folder over /proc",
    lambda made: made.mounts.append({"destination": "/proc", "source": made.path, "options": ["bind"]}),
    None, "mounts[6] (/proc)", "only a proc filesystem may be mounted on /proc")

# §6

for name, value in (("relative", "tmp"), ("empty", "")):
    add("P-03", f"a {name} cwd", "process.cwd", value, "process.cwd", "must be an absolute path")
add("P-03", "no cwd", "process.cwd", GONE, "process.cwd", "required but missing")
add("P-05", "no args", "process.args", GONE, "process.args", "must name a program")
add("P-05", "empty args", "process.args", [], "process.args", "must name a program")
add("P-05", "an empty program", "process.args", [""], "process.args[0]", "executable file not found")
LIMIT = {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}
add("P-07", "an unknown limit", "process.rlimits", [{**LIMIT, "type": "RLIMIT_X"}],
    "process.rlimits[0].type", 'unknown value "RLIMIT_X"')
add("P-07 DEC-02", "a limit twice", "process.rlimits", [LIMIT, LIMIT], "process.rlimits[1].type",
    "a second limit of RLIMIT_CORE")
add("P-07", "soft above hard", "process.rlimits", [{**LIMIT, "soft": 1}], "process.rlimits[0].soft",
    "must not be greater than hard")
for value in (1001, -1001):
    add("P-11", f"oomScoreAdj {value}", "process.oomScoreAdj", value, "process.oomScoreAdj",
        "must be from -1000 to 1000")
for value in ("SCHED_X", ""):
    add("P-12", f"the policy {value!r}", "process.scheduler", {"policy": value},
        "process.scheduler.policy", f'unknown value "{value}"')
add("P-12", "no policy", "process.scheduler", {"nice": 1}, "process.scheduler.policy",
    "required but missing")
for member, policy, value, reason in (
        ("nice", "SCHED_OTHER", 20, "must be from -20 to 19"),
        ("nice", "SCHED_BATCH", -21, "must be from -20 to 19"),
        ("nice", "SCHED_FIFO", 5, "SCHED_FIFO takes no nice value"),
        ("priority", "SCHED_OTHER", 1, "SCHED_OTHER takes no priority"),
        ("priority", "SCHED_RR", 0, "SCHED_RR needs a priority from 1 to 99"),
        ("priority", "SCHED_FIFO", 100, "SCHED_FIFO needs a priority from 1 to 99")):
    add("P-13", f"{member} {value} for {policy}", "process.scheduler",
        {"policy": policy, "priority": 1 if policy == "SCHED_FIFO" else 0, member: value},
        f"process.scheduler.{member}", reason)
add("P-13", "runtime for SCHED_OTHER", "process.scheduler", {"policy": "SCHED_OTHER", "runtime": 1},
    "process.scheduler", "need SCHED_DEADLINE")
add("P-13", "a runtime beyond the deadline", "process.scheduler",
    {"policy": "SCHED_DEADLINE", "runtime": 3, "deadline": 2, "period": 4}, "process.scheduler",
    "SCHED_DEADLINE needs 0 < runtime <= deadline <= period")
add("P-14", "an unknown flag", "process.scheduler", {"policy": "SCHED_OTHER", "flags": ["SCHED_FLAG_X"]},
    "process.scheduler.flags[0]", 'unknown value "SCHED_FLAG_X"')
add("P-16", "an unknown class", "process.ioPriority", {"class": "IOPRIO_CLASS_X", "priority": 0},
    "process.ioPriority.class", 'unknown value "IOPRIO_CLASS_X"')
for value in (-1, 8):
    add("P-16", f"the priority {value}", "process.ioPriority",
        {"class": "IOPRIO_CLASS_BE", "priority": value}, "process.ioPriority.priority",
        "must be from 0 to 7")
for ids, member in (("P-17", "initial"), ("P-18", "final")):
    for value in ("x", "3-1", "0,", "99999"):
        add(ids, f"{member} {value!r}", "process.execCPUAffinity", {member: value},
            f"process.execCPUAffinity.{member}", "not a list of cpus such as 0-3,7")
for member, kind in (("uid", "user"), ("gid", "group")):
    for value in (-1, 2**32):
        add("P-19", f"{member} {value}", f"process.user.{member}", value, f"process.user.{member}",
            f"{UINT32}{value}")
    add("P-19", f"{member} {2**32 - 1}", f"process.user.{member}", 2**32 - 1, f"process.user.{member}",
        f"not a {kind} id: 4294967295")
    add("P-19", f"an unmapped {member}", f"process.user.{member}", 70000, f"process.user.{member}",
        "70000 is not mapped in the user namespace", own_users, None)
add("P-20", "a umask of 01000", "process.user.umask", 0o1000, "process.user.umask",
    "must be from 0 to 511 (0777)")
add("P-21", "a group that is none", "process.user.additionalGids", [1, 2**32 - 1],
    "process.user.additionalGids[1]", "not a group id: 4294967295")
add("P-21", "an unmapped group", "process.user.additionalGids", [70000], "process.user.additionalGids[0]",
    "70000 is not mapped in the user namespace", own_users, None)

# §7 to §9

for ids, member in (("U-01", "hostname"), ("U-02", "domainname")):
    add(f"{ids} N-03", f"{member} without a namespace for it", member, "x", member,
        "linux.namespaces has no uts namespace", bare("uts"), None,
        *(() if member == "hostname" else ("hostname", GONE)))
    add(ids, f"{member} of 65 bytes", member, "x" * 65, member, "longer than 64 bytes")
for kind in ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"):
    add("H-12", f"a relative {kind} hook", "hooks", {kind: [{"path": "/bin/true"}, {"path": "true"}]},
        f"hooks.{kind}[1].path", "must be an absolute path")
    add("H-15", f"a {kind} hook without time", "hooks", {kind: [{"path": "/bin/true", "timeout": 0}]},
        f"hooks.{kind}[0].timeout", "must be greater than 0")
add("H-15", "a negative timeout", "hooks", {"poststop": [{"path": "/bin/true", "timeout": -1}]},
    "hooks.poststop[0].timeout", "must be greater than 0")
add("A-01", "an annotation that is no text", "annotations", {"a": 1}, "annotations.a",
    "expected a string, not ")
add("A-01", "an empty key", "annotations", {"": "x"}, 'annotations[""]', "a key must not be empty")

# §10 and §11

for kind in ("net", "mnt", ""):
    add("N-01", f"the type {kind!r}", "linux.namespaces.0.type", kind, "linux.namespaces[0].type",
        f'unknown value "{kind}"')
add("N-02", "a type twice", lambda made: made.linux["namespaces"].append({"type": "pid"}), None,
    "linux.namespaces[5].type", 'a second namespace of type "pid"')
for member in ("maskedPaths", "readonlyPaths"):
    add("N-03", f"{member} without a mount namespace", bare("mount"), None, f"linux.{member}",
        "linux.namespaces has no mount namespace")
add("N-04", "a relative path", "linux.namespaces.1.path", "proc/self/ns/net",
    "linux.namespaces[1].path", "must be an absolute path")
add("N-04", "a path that is missing", "linux.namespaces.1.path", "/proc/self/ns/absent",
    "linux.namespaces[1].path", "no such file or directory")
add("N-04", "a file that is no namespace", "linux.namespaces.1.path", "/proc/self/status",
    "linux.namespaces[1].path", "/proc/self/status")
add("N-04", "a namespace of another type", "linux.namespaces.1.path", "/proc/self/ns/uts",
    "linux.namespaces[1].path", "/proc/self/ns/uts")
for member in ("uidMappings", "gidMappings"):
    add("N-09", f"a new user namespace without {member}", own_users, None, f"linux.{member}",
        "required by the new user namespace but missing", f"linux.{member}", GONE)
    add("N-10", f"{member} without a user namespace", f"linux.{member}", FULL_MAP, f"linux.{member}",
        "needs a user namespace in linux.namespaces")
    add("N-10", f"{member} of size 0", own_users, None, f"linux.{member}[0].size",
        "must be greater than 0", f"linux.{member}", [{**FULL_MAP[0], "size": 0}])
    add("N-10", f"{member} that overlap", own_users, None, f"linux.{member}[1]", "overlaps mapping 0",
        f"linux.{member}", [FULL_MAP[0], {**FULL_MAP[0], "hostID": 300000}])
    add("N-10", f"{member} beyond the last id", own_users, None, f"linux.{member}[0]",
        "goes past the last id", f"linux.{member}", [{**FULL_MAP[0], "size": 2**32 - 1}])
    add("N-10", f"too many {member}", own_users, None, f"linux.{member}", "more than 340 mappings",
        f"linux.{member}", [{"containerID": i, "hostID": i, "size": 1} for i in range(341)])
OFFSET = {"monotonic": {"secs": 1}}
own_time = lambda made: made.namespace("time")
add("T-01", "an unknown clock", own_time, None, "linux.timeOffsets.realtime", "unknown name",
    "linux.timeOffsets", {"realtime": {"secs": 1}})
add("T-02", "a second of nanoseconds", own_time, None, "linux.timeOffsets.monotonic.nanosecs",
    "must be less than 1000000000", "linux.timeOffsets", {"monotonic": {"nanosecs": 10**9}})
add("T-03", "offsets without a time namespace", "linux.timeOffsets", OFFSET, "linux.timeOffsets",
    "needs a new time namespace in linux.namespaces")
add("T-03", "offsets in a joined time namespace",
    lambda made: made.namespace("time", "/proc/self/ns/time"), None, "linux.timeOffsets",
    "needs a new time namespace in linux.namespaces", "linux.timeOffsets", OFFSET)

# §12 to §14

add("D-01", "a relative device", device(path="dev/x"), None, "linux.devices[0].path",
    "must be an absolute path")
add("D-01", "a device without path", device(path=GONE), None, "linux.devices[0].path",
    "required but missing")
for kind in ("a", "x", ""):
    add("D-02", f"the type {kind!r}", device(type=kind), None, "linux.devices[0].type",
        f'unknown value "{kind}"')
for member in ("major", "minor"):
    add("D-03", f"no {member}", device(**{member: GONE}), None, f"linux.devices[0].{member}",
        "required but missing: only a fifo has no device number")
    add("D-03", f"a negative {member}", device(**{member: -1}), None, f"linux.devices[0].{member}",
        "must be from 0 to ")
add("D-04", "a mode beyond 07777", device(fileMode=0o10000), None, "linux.devices[0].fileMode",
    "has bits beyond 07777 (4095)")
add("D-06", "another file is there", device(path="/etc/passwd"), None, "linux.devices[0] (/etc/passwd)",
    "/etc/passwd is there and is not this device")
for name in ("", ".", "..", "a/b", "a b", "a:b", "x" * 16):
    shown = name if len(name) == 16 else f'["{name}"]'
    place = f"linux.netDevices.{shown}" if len(name) == 16 else f"linux.netDevices{shown}"
    add("ND-01", f"the interface {name!r}", "linux.netDevices", {name: {}}, place,
        "not a network interface's name")
    add("ND-01", f"the new name {name!r}", "linux.netDevices", {"eth0": {"name": name}},
        "linux.netDevices.eth0.name", "not a network interface's name")
for name in ("absent0", "lo"):
    add("ND-02", f"the device {name}", "linux.netDevices", {name: {}}, f"linux.netDevices.{name}", name)
add("ND-07", "devices without a network namespace", "linux.netDevices", {"eth0": {}},
    "linux.netDevices", "needs a network namespace in linux.namespaces", bare("network"), None)
for path in ("/a/../../b", "..", "a/.."):
    add("CG-01", f"the path {path}", "linux.cgroupsPath", path, "linux.cgroupsPath",
        'must not contain ".."')

# §15


def resource(ids, name, section, value, place, reason):
    add(ids, name, f"linux.resources.{section}", value, f"linux.resources.{section}{place}", reason)


resource("RD-01", "an unknown type", "devices", [{"allow": True, "type": "x"}], "[0].type",
         'unknown value "x"')
resource("RD-01", "an unknown access", "devices", [{"allow": True, "access": "rwx"}], "[0].access",
         "must be made of r, w and m")
resource("RD-01", "a number for all types", "devices", [{"allow": True, "type": "a", "major": 1}],
         "[0].type", 'a device number needs the type "c" or "b"')
resource("RD-01", "no allow", "devices", [{"access": "rwm"}], "[0].allow", "required but missing")
for member in ("limit", "reservation", "swap", "kernel", "kernelTCP"):
    resource(f"RES-memory.{member}", f"{member} -2", "memory", {member: -2}, f".{member}",
             "must be -1, 0 or a number of bytes")
resource("RES-memory.swap", "swap below limit", "memory", {"limit": 2**26, "swap": 2**25}, ".swap",
         "must not be less than limit")
resource("RES-memory.swap", "swap without limit", "memory", {"swap": 2**27}, ".swap",
         "needs a limit of memory too")
resource("RES-memory.swappiness", "swappiness 101", "memory", {"swappiness": 101}, ".swappiness",
         "must be from 0 to 100")
resource("RES-cpu.quota", "a quota below a millisecond", "cpu", {"quota": 999}, ".quota",
         "must be at least 1000 microseconds")
for value in (999, 1000001):
    resource("RES-cpu.period", f"a period of {value}", "cpu", {"period": value}, ".period",
             "must be from 1000 to 1000000 microseconds")
resource("RES-cpu.burst", "a burst above the quota", "cpu", {"quota": 5000, "burst": 5001}, ".burst",
         "must not be greater than quota")
resource("RES-cpu.idle", "idle 2", "cpu", {"idle": 2}, ".idle", "must be 0 or 1")
for ids, member in (("RES-cpu.cpus", "cpus"), ("RES-cpu.mems", "mems")):
    for value in ("x", "3-1", "0,,1"):
        resource(ids, f"{member} {value!r}", "cpu", {member: value}, f".{member}", "not a list of ")
for value in (1, 9, 1001):
    for member in ("weight", "leafWeight"):
        resource(f"RES-blockIO.{member}", f"{member} {value}", "blockIO", {member: value}, f".{member}",
                 "must be from 10 to 1000")
BLOCK = {"major": 8, "minor": 0}
resource("RES-blockIO.weightDevice", "a device without weight", "blockIO", {"weightDevice": [BLOCK]},
         ".weightDevice[0]", "needs weight or leafWeight")
resource("RES-blockIO.weightDevice", "a weight of 9", "blockIO",
         {"weightDevice": [{**BLOCK, "weight": 9}]}, ".weightDevice[0].weight", "must be from 10 to 1000")
for kind in ("ReadBps", "WriteBps", "ReadIOPS", "WriteIOPS"):
    name = f"throttle{kind}Device"
    resource(f"RES-blockIO.{name}", "a negative device", "blockIO",
             {name: [{"major": -1, "minor": 0, "rate": 1}]}, f".{name}[0].major", "must not be negative")
    resource(f"RES-blockIO.{name}", "a negative rate", "blockIO", {name: [{**BLOCK, "rate": -1}]},
             f".{name}[0].rate", "expected an integer from 0 to 18446744073709551615, not -1")
resource("RES-pids", "no limit", "pids", {}, ".limit", "required but missing")
for value in ("2mb", "0MB", "MB", "2TB", "2M"):
    resource("RES-hugepageLimits", f"the page size {value}", "hugepageLimits",
             [{"pageSize": value, "limit": 0}], "[0].pageSize", "not a page size such as 2MB or 64KB")
resource("RES-network.classID", "classID -1", "network", {"classID": -1}, ".classID", UINT32 + "-1")
resource("RES-network.priorities", "no name", "network", {"priorities": [{"name": "", "priority": 1}]},
         ".priorities[0].name", "must not be empty")
resource("RES-rdma", "a device without limits", "rdma", {"mlx5_1": {}}, ".mlx5_1",
         "needs hcaHandles or hcaObjects")
for key in ("a/b", "../x", "", "..", "."):
    resource("RES-unified", f"the file {key!r}", "unified", {key: "1"}, f'["{key}"]',
             "not the name of a cgroup file")
for key in ("cgroup.procs", "cgroup.kill"):
    resource("RES-unified", f"the file {key!r}", "unified", {key: "1"}, f'["{key}"]',
             "is no resource, but acts on processes")

# §16 to §18

for value in ("", ".", "..", "a/b", "a\nb"):
    add("RDT-02", f"the class {value!r}", "linux.intelRdt", {"closID": value}, "linux.intelRdt.closID",
        'must be "/" or the name of one directory')
for member, value, reason in (("l3CacheSchema", "L3:0=f\nMB:0=5", "must be one line"),
                              ("memBwSchema", "MB:0=5\nL3:0=f", 'must be one line that starts with "MB:"'),
                              ("memBwSchema", "L3:0=f", 'must be one line that starts with "MB:"'),
                              ("schemata", ["L3:0=f\nMB:0=5"], "must be one line")):
    place = f"linux.intelRdt.{member}" + ("[0]" if isinstance(value, list) else "")
    add("RDT-07", f"{member} {value!r}", "linux.intelRdt", {member: value}, place, reason)
add("RDT-01", "no resctrl", "linux.intelRdt", {"closID": "class"}, "linux.intelRdt", "resctrl")
POLICY = "linux.memoryPolicy"
add("MP-01", "an unknown mode", POLICY, {"mode": "MPOL_X"}, f"{POLICY}.mode", 'unknown value "MPOL_X"')
add("MP-01", "no mode", POLICY, {"nodes": "0"}, f"{POLICY}.mode", "required but missing")
for mode in ("MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE", "MPOL_PREFERRED_MANY"):
    add("MP-02", f"{mode} without nodes", POLICY, {"mode": mode}, f"{POLICY}.nodes", f"{mode} needs nodes")
for mode in ("MPOL_DEFAULT", "MPOL_LOCAL"):
    add("MP-02", f"{mode} with nodes", POLICY, {"mode": mode, "nodes": "0"}, f"{POLICY}.nodes",
        f"{mode} takes no nodes")
add("MP-02", "no list of nodes", POLICY, {"mode": "MPOL_BIND", "nodes": "0-"}, f"{POLICY}.nodes",
    "not a list of nodes such as 0-3,7")
add("MP-03", "an unknown flag", POLICY, {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_X"]},
    f"{POLICY}.flags[0]", 'unknown value "MPOL_F_X"')
add("MP-03", "two flags that exclude each other", POLICY,
    {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"]},
    f"{POLICY}.flags", "exclude each other")
add("MP-03", "NUMA balancing without MPOL_BIND", POLICY,
    {"mode": "MPOL_INTERLEAVE", "nodes": "0", "flags": ["MPOL_F_NUMA_BALANCING"]}, f"{POLICY}.flags",
    "MPOL_F_NUMA_BALANCING needs MPOL_BIND")
for key, reason in (("net.ipv4.no_such_key", "no such file or directory"),
                    ("nonsense", "not the name of a kernel parameter"),
                    ("net.ipv4..x", "not the name of a kernel parameter")):
    place = f'linux.sysctl["{key}"]' if "." in key else f"linux.sysctl.{key}"
    add("SY-01", f"the parameter {key}", "linux.sysctl", {key: "1"}, place, reason)
for key, namespace in (("kernel.sem", "ipc"), ("fs.mqueue.msg_max", "ipc"),
                       ("net.ipv4.ip_forward", "network"), ("kernel.domainname", "uts"),
                       ("user.max_user_namespaces", "user")):
    add("SY-02 N-03", f"{key} without a namespace of its own", "linux.sysctl", {key: "1"},
        f'linux.sysctl["{key}"]', f"linux.namespaces has no {namespace} namespace", bare(namespace), None,
        *(("hostname", GONE) if namespace == "uts" else ()))
add("SY-02", "kernel.hostname", "linux.sysctl", {"kernel.hostname": "x"},
    'linux.sysctl["kernel.hostname"]', "not allowed: use hostname")
for key in ("kernel.panic", "vm.swappiness", "fs.file-max"):
    add("SY-02", f"the host's {key}", "linux.sysctl", {key: "1"}, f'linux.sysctl["{key}"]',
        "would change the host: no namespace holds this parameter")

# §19 and §20

SECCOMP = "linux.seccomp"
RULE = f"{SECCOMP}.syscalls[0]"
add("SC-01", "an unknown action", seccomp(defaultAction="SCMP_ACT_X"), None, f"{SECCOMP}.defaultAction",
    'unknown value "SCMP_ACT_X"')
add("SC-01", "no default action", seccomp(defaultAction=GONE), None, f"{SECCOMP}.defaultAction",
    "required but missing")
add("SC-02", "an errno for SCMP_ACT_ALLOW", seccomp(defaultErrnoRet=1), None,
    f"{SECCOMP}.defaultErrnoRet", "SCMP_ACT_ALLOW takes no errno")
add("SC-02", "an errno of 4096", seccomp(defaultAction="SCMP_ACT_ERRNO", defaultErrnoRet=4096), None,
    f"{SECCOMP}.defaultErrnoRet", "must be from 0 to 4095")
add("SC-03", "an unknown architecture", seccomp(architectures=["SCMP_ARCH_X"]), None,
    f"{SECCOMP}.architectures[0]", 'unknown value "SCMP_ARCH_X"')
add("SC-04", "an unknown flag", seccomp(flags=["SECCOMP_FILTER_FLAG_X"]), None, f"{SECCOMP}.flags[0]",
    'unknown value "SECCOMP_FILTER_FLAG_X"')
add("SC-05", "NOTIFY without a listener", rule(action="SCMP_ACT_NOTIFY"), None,
    f"{SECCOMP}.listenerPath", "required by SCMP_ACT_NOTIFY but missing")
NOTIFY = [{"names": ["read"], "action": "SCMP_ACT_NOTIFY"}]
add("SC-05", "a listener that is missing", seccomp(listenerPath="/absent/socket", syscalls=NOTIFY), None,
    f"{SECCOMP}.listenerPath", "no such file or directory")
add("SC-05", "a relative listener", seccomp(listenerPath="socket", syscalls=NOTIFY), None,
    f"{SECCOMP}.listenerPath", "must be an absolute path")
add("SC-06", "metadata without a listener", seccomp(listenerMetadata="x"), None,
    f"{SECCOMP}.listenerMetadata", "needs listenerPath")
add("SC-08", "no names", rule(names=[]), None, f"{RULE}.names", "must name at least one system call")
add("SC-08", "names are missing", rule(names=GONE), None, f"{RULE}.names", "required but missing")
add("SC-09", "an unknown action", rule(action="allow"), None, f"{RULE}.action", 'unknown value "allow"')
add("SC-10 DEC-09", "an errno for SCMP_ACT_KILL", rule(action="SCMP_ACT_KILL", errnoRet=1), None,
    f"{RULE}.errnoRet", "SCMP_ACT_KILL takes no errno")
ARGUMENT = {"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}
add("SC-11", "the seventh argument", rule(args=[{**ARGUMENT, "index": 6}]), None,
    f"{RULE}.args[0].index", "must be from 0 to 5")
add("SC-11", "an unknown operator", rule(args=[{**ARGUMENT, "op": "=="}]), None, f"{RULE}.args[0].op",
    'unknown value "=="')
add("RF-01", "an unknown word", "linux.rootfsPropagation", "none", "linux.rootfsPropagation",
    'unknown value "none"')
for ids, member in (("RF-02", "maskedPaths"), ("RF-03", "readonlyPaths")):
    add(ids, f"a relative path in {member}", f"linux.{member}", ["/proc/kcore", "x"], f"linux.{member}[1]",
        "must be an absolute path")
add("RF-05", "an unknown domain", "linux.personality", {"domain": "MINIX"}, "linux.personality.domain",
    'unknown value "MINIX"')
add("RF-06", "a flag", "linux.personality", {"domain": "LINUX", "flags": ["x"]},
    "linux.personality.flags", "no personality flag is defined")
