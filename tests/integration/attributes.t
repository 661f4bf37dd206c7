#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# What a process is given as numbers: rlimits, oomScoreAdj, umask and personality; and the keys that
# are for Windows only. More bad input is in tests/spec/bad_values.py.
import ctypes
import json
import os
import resource
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import caps
from harness.lab import need, read
from harness.tap import Suite, equal

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
INFINITE = 2**64 - 1


def refused(lab, made, *parts):
    """create and run fail with the reason and leave nothing."""
    for call in (lab.try_create, lab.run):
        call(made).failed(*parts, status=1)
        lab.expect_nothing_left("a refused config")


# rlimits


@suite.case("P-07 R-45", "every rlimit is set, soft and hard")
def rlimits(lab):
    wanted = {"RLIMIT_CPU": [100, 200], "RLIMIT_FSIZE": [1 << 30, 1 << 31],
              "RLIMIT_DATA": [1 << 30, 1 << 30], "RLIMIT_STACK": [1 << 22, 1 << 23],
              "RLIMIT_CORE": [0, 0], "RLIMIT_RSS": [1 << 30, 1 << 30],
              "RLIMIT_NPROC": [4000, 5000], "RLIMIT_NOFILE": [123, 456],
              "RLIMIT_MEMLOCK": [1 << 16, 1 << 16], "RLIMIT_AS": [1 << 32, 1 << 33],
              "RLIMIT_LOCKS": [10, 20], "RLIMIT_SIGPENDING": [100, 200],
              "RLIMIT_MSGQUEUE": [4096, 8192], "RLIMIT_NICE": [0, 0], "RLIMIT_RTPRIO": [0, 0],
              "RLIMIT_RTTIME": [1 << 20, INFINITE]}
    made = lab.bundle(process__rlimits=[{"type": name, "soft": soft, "hard": hard}
                                        for name, (soft, hard) in wanted.items()])
    equal(lab.probe(made)["rlimits"], wanted, "rlimits")


@suite.table("P-07 R-45", "RLIMIT_NOFILE", {"0": 0, "3": 3, "16": 16})
def rlimit_small(lab, value):
    made = lab.bundle(SLEEP, process__rlimits=[{"type": "RLIMIT_NOFILE", "soft": value,
                                                "hard": value}])
    container = lab.start(made)
    lines = [line.split() for line in read(f"/proc/{container.pid}/limits").splitlines()
             if line.startswith("Max open files")]
    equal(lines[0][3:5], [str(value), str(value)], "limits of init")


@suite.case("P-07", "the largest number is no limit at all")
def rlimit_infinite(lab):
    names = [name for name in ("CPU", "FSIZE", "DATA", "AS", "LOCKS", "RTTIME", "CORE")
             if resource.getrlimit(getattr(resource, f"RLIMIT_{name}", 10))[1] ==
             resource.RLIM_INFINITY or name in ("LOCKS", "RTTIME")]
    made = lab.bundle(SLEEP, process__rlimits=[
        {"type": f"RLIMIT_{name}", "soft": INFINITE, "hard": INFINITE} for name in names])
    container = lab.start(made)
    cpu = [line.split()[3:5] for line in read(f"/proc/{container.pid}/limits").splitlines()
           if line.startswith("Max cpu time")]
    equal(cpu, [["unlimited", "unlimited"]], "from the host")
    report = lab.probe_exec(container)["rlimits"]
    equal({name: report[f"RLIMIT_{name}"] for name in names},
          {name: [INFINITE, INFINITE] for name in names}, "exec")


@suite.case("P-07", "exec has the container's limits, or its process file's")
def rlimits_exec(lab):
    container = lab.sleeper(process__rlimits=[{"type": "RLIMIT_LOCKS", "soft": 111, "hard": 222}])
    equal(lab.probe_exec(container)["rlimits"]["RLIMIT_LOCKS"], [111, 222], "the container's")
    own = lab.probe_exec(container, rlimits=[{"type": "RLIMIT_CORE", "soft": 0, "hard": 5}])
    equal(own["rlimits"]["RLIMIT_CORE"], [0, 5], "the process file's")


@suite.case("P-07 P-11 P-20 RF-05 N-09", "a container in a user namespace has the same numbers")
def user_namespace(lab):
    made = lab.bundle(SLEEP, process__oomScoreAdj=250, linux__personality={"domain": "LINUX32"},
                      process__user={"uid": 7, "gid": 7, "umask": 0o31},
                      process__rlimits=[{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 88}])
    made.namespace("user")
    for name in ("uidMappings", "gidMappings"):
        made.linux[name] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    container = lab.start(made)
    made.process["args"] = ["/bin/probe"]
    for report in (lab.probe(made), lab.probe_exec(container), lab.probe_exec(container, cwd="/")):
        equal(report["rlimits"]["RLIMIT_NOFILE"], [77, 88], "rlimits")
        equal(report["oom_score_adj"].strip(), "250", "oomScoreAdj")
        equal((report["umask"], report["personality"]), (0o31, 8), "umask and personality")


@suite.case("P-07", "a limit bites: the program cannot write beyond RLIMIT_FSIZE")
def rlimit_bites(lab):
    made = lab.bundle(shell="trap '' XFSZ; dd if=/dev/zero of=/tmp/f bs=1000 count=9 2>/dev/null; "
                      "wc -c < /tmp/f",
                      process__rlimits=[{"type": "RLIMIT_FSIZE", "soft": 4096, "hard": 4096}])
    equal(lab.run(made).ok().out.strip(), "4096", "size of the file")


LIMIT = {"type": "RLIMIT_CORE", "soft": 0, "hard": 0}


@suite.table("P-07", "a wrong rlimit is refused with its path", {
    "lower case": ([{**LIMIT, "type": "rlimit_core"}], "process.rlimits[0].type"),
    "empty type": ([{**LIMIT, "type": ""}], "process.rlimits[0].type"),
    "no type": ([{"soft": 0, "hard": 0}], "process.rlimits[0].type"),
    "no soft": ([{"type": "RLIMIT_CORE", "hard": 0}], "process.rlimits[0].soft"),
    "no hard": ([{"type": "RLIMIT_CORE", "soft": 0}], "process.rlimits[0].hard"),
    "infinite soft": ([{"type": "RLIMIT_CPU", "soft": INFINITE, "hard": INFINITE - 1}],
                      "process.rlimits[0].soft"),
    "negative": ([{**LIMIT, "soft": -1}], "process.rlimits[0].soft"),
    "too large": ([{**LIMIT, "hard": INFINITE + 1}], "process.rlimits[0].hard"),
    "a word": ([{**LIMIT, "hard": "unlimited"}], "process.rlimits[0].hard"),
    "no list": (LIMIT, "process.rlimits"),
})
def rlimit_refused(lab, value, path):
    refused(lab, lab.bundle(process__rlimits=value), path)


@suite.case("P-07", "raising a hard limit without CAP_SYS_RESOURCE says what is missing")
def rlimit_raise(lab):
    need("CAP_SYS_RESOURCE" not in caps.grantable(), "the machine may raise limits")
    need(resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] != resource.RLIM_INFINITY,
         "nothing can be raised")
    made = lab.bundle(process__rlimits=[
        LIMIT, {"type": "RLIMIT_MEMLOCK", "soft": 0, "hard": INFINITE}])
    refused(lab, made, "process.rlimits[1]: setrlimit(RLIMIT_MEMLOCK): operation not permitted",
            "CAP_SYS_RESOURCE")


@suite.case("P-07", "more descriptors than fs.nr_open says so")
def rlimit_nr_open(lab):
    most = int(read("/proc/sys/fs/nr_open"))
    made = lab.bundle(process__rlimits=[{"type": "RLIMIT_NOFILE", "soft": 1, "hard": most + 1}])
    refused(lab, made, "process.rlimits[0]: setrlimit(RLIMIT_NOFILE): operation not permitted",
            "fs.nr_open")


# oomScoreAdj


@suite.case("P-11", "oomScoreAdj is set, and not touched when absent")
def oom(lab):
    made = lab.bundle(process__oomScoreAdj=321)
    equal(lab.probe(made)["oom_score_adj"].strip(), "321", "inside")
    container = lab.sleeper(process__oomScoreAdj=123)
    equal(read(f"/proc/{container.pid}/oom_score_adj").strip(), "123", "from the host")
    del made.process["oomScoreAdj"]

    def adjust():
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("55")
    lab.containers.append("o")
    result = lab.brig("run", "--bundle", made.write().path, "o", preexec_fn=adjust)
    equal(json.loads(result.ok().out)["oom_score_adj"].strip(), "55", "inherited")


@suite.case("P-11", "exec has the container's oomScoreAdj, or its process file's")
def oom_exec(lab):
    container = lab.sleeper(process__oomScoreAdj=200)
    equal(lab.probe_exec(container)["oom_score_adj"].strip(), "200", "the container's")
    own = lab.probe_exec(container, oomScoreAdj=300)
    equal(own["oom_score_adj"].strip(), "300", "the process file's")
    made = lab.bundle(process__oomScoreAdj=1000)
    equal(lab.probe(made)["oom_score_adj"].strip(), "1000", "the highest")


@suite.case("P-11", "a score lower than the caller may set is an error with its path")
def oom_lower(lab):
    need("CAP_SYS_RESOURCE" not in caps.grantable(), "the machine may lower scores")
    refused(lab, lab.bundle(process__oomScoreAdj=-1000), "process.oomScoreAdj",
            "permission denied")


@suite.table("P-11", "a wrong oomScoreAdj is refused with its path",
             {"a word": "low", "a fraction": 1.5, "too large": 2**40})
def oom_refused(lab, value):
    refused(lab, lab.bundle(process__oomScoreAdj=value), "process.oomScoreAdj")


# umask


@suite.table("P-20 DEC-03", "umask", {
    "absent is 0022": (None, 0o022), "0": (0, 0), "077": (0o77, 0o77), "0777": (0o777, 0o777)})
def umask(lab, value, wanted):
    made = lab.bundle()
    if value is not None:
        made.set("process.user.umask", value)
    lab.containers.append("u")
    result = lab.brig("run", "--bundle", made.write().path, "u",
                      preexec_fn=lambda: os.umask(0o007))
    equal(json.loads(result.ok().out)["umask"], wanted, "umask")


@suite.case("P-20", "umask counts for what the program makes, and for exec")
def umask_effect(lab):
    container = lab.start(lab.bundle(shell="touch /tmp/made; echo made; sleep 1000",
                                     process__user={"uid": 0, "gid": 0, "umask": 0o77}))
    container.wait_out("made")
    container.exec("/bin/touch", "/tmp/too").ok()
    stat = container.exec("/bin/stat", "-c", "%a", "/tmp/made", "/tmp/too").ok().out
    equal(stat.split(), ["600", "600"], "modes")
    own = lab.probe_exec(container, user={"uid": 0, "gid": 0, "umask": 0o27})
    equal(own["umask"], 0o27, "the process file's")


@suite.table("P-20", "a wrong umask is refused with its path",
             {"negative": -1, "an octal string": "022", "too large": 2**33})
def umask_refused(lab, value):
    refused(lab, lab.bundle(process__user={"uid": 0, "gid": 0, "umask": value}),
            "process.user.umask")


# what is for Windows only


@suite.case("P-06 P-22", "commandLine and user.username are ignored, whatever they say")
def windows(lab):
    made = lab.bundle(process__commandLine="/bin/absent --x",
                      process__user={"uid": 12, "gid": 34, "username": "nobody"})
    report = lab.probe(made)
    equal(report["args"], ["/bin/probe"], "args")
    equal((report["uids"], report["gids"]), ([12] * 4, [34] * 4), "ids")
    container = lab.sleeper()
    report = lab.probe_exec(container, commandLine="/bin/absent",
                            user={"uid": 1, "gid": 2, "username": "nobody"})
    equal((report["args"], report["uids"]), (["/bin/probe"], [1] * 4), "exec")


@suite.case("P-06", "commandLine does not stand in for args")
def command_line_alone(lab):
    made = lab.bundle(process__commandLine="/bin/true")
    del made.process["args"]
    refused(lab, made, "process.args")


# personality


@suite.table("RF-05", "personality", {"LINUX32": ("LINUX32", 8, "i686"), "LINUX": ("LINUX", 0,
                                                                                 "x86_64")})
def personality(lab, domain, value, machine):
    need(os.uname().machine == "x86_64", "names are of x86_64")
    report = lab.probe(lab.bundle(linux__personality={"domain": domain}))
    equal((report["personality"], report["machine"]), (value, machine), "personality")


@suite.case("RF-05", "exec has the container's personality; without one the caller's stays")
def personality_exec(lab):
    made = lab.bundle(SLEEP, linux__personality={"domain": "LINUX32"})
    container = lab.start(made)
    equal(read(f"/proc/{container.pid}/personality").strip(), "00000008", "from the host")
    report = lab.probe_exec(container, env=["PATH=/bin"])
    equal(report["personality"], 8, "exec")
    if os.uname().machine == "x86_64":
        equal(report["machine"], "i686", "uname of exec")


@suite.case("RF-05", "a domain replaces the caller's personality whole")
def personality_replaced(lab):
    libc = ctypes.CDLL(None)
    no_random = {"preexec_fn": lambda: libc.personality(0x0040000)}
    equal(lab.probe(lab.bundle(), **no_random)["personality"], 0x0040000, "none asked for")
    made = lab.bundle(linux__personality={"domain": "LINUX"})
    equal(lab.probe(made, **no_random)["personality"], 0, "LINUX")


@suite.case("RF-05", "a filter that forbids personality does not stand in the way")
def personality_filter(lab):
    made = lab.bundle(["/bin/true"], linux__personality={"domain": "LINUX32"},
                      linux__memoryPolicy={"mode": "MPOL_LOCAL"})
    made.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["personality", "set_mempolicy", "sched_setattr", "ioprio_set"],
         "action": "SCMP_ACT_KILL_PROCESS"}]}
    made.set("process.scheduler", {"policy": "SCHED_BATCH"})
    made.set("process.ioPriority", {"class": "IOPRIO_CLASS_BE", "priority": 1})
    for value in (True, False):
        made.process["noNewPrivileges"] = value
        lab.run(made).ok()


@suite.table("RF-05 RF-06", "a wrong personality is refused with its path", {
    "empty domain": ({"domain": ""}, "domain"),
    "no domain": ({}, "domain"),
    "a number": ({"domain": 8}, "domain"),
    "an empty flag": ({"domain": "LINUX32", "flags": [""]}, "flags"),
})
def personality_refused(lab, value, place):
    refused(lab, lab.bundle(linux__personality=value), f"linux.personality.{place}")


@suite.case("RF-06", "an empty list of flags is none")
def personality_no_flags(lab):
    made = lab.bundle(linux__personality={"domain": "LINUX32", "flags": []})
    equal(lab.probe(made)["personality"], 8, "personality")


suite.main()
