#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Seccomp: SC-01 to SC-13 and T-55, T-56, by what the filtered system calls answer.
import errno
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.lab import need
from harness.tap import Suite, check, contains, equal

suite = Suite()
NR = {"getpid": 39, "mkdir": 83, "getppid": 110, "uname": 63, "getuid": 102, "dup2": 33,
      "personality": 135, "clone3": 435, "getgid": 104, "sched_get_priority_max": 146}
NEWER = 5000
# What a static program needs to run, all but getuid.
ALL_BUT = ("execve execveat brk mmap munmap write writev read exit_group exit arch_prctl "
           "set_tid_address set_robust_list rseq prlimit64 mprotect getrandom readlink "
           "readlinkat newfstatat fstat close ioctl getgid openat poll rt_sigaction "
           "rt_sigprocmask").split()


def rule(names, action, args=None, **more):
    entry = {"names": names if isinstance(names, list) else [names], "action": action, **more}
    if args:
        entry["args"] = args
    return entry


def profile(*rules, default="SCMP_ACT_ALLOW", **more):
    return {"defaultAction": default, "syscalls": list(rules), **more}


def bundle(lab, filter_, calls, nnp=True):
    made = lab.bundle(["/bin/syscalls", *calls])
    made.set("linux.seccomp", filter_)
    made.set("process.noNewPrivileges", nnp)
    return made


def answers(lab, filter_, *calls, nnp=True):
    """[(result, errno)] of the calls made under the filter."""
    out = lab.run(bundle(lab, filter_, calls, nnp)).ok().out
    return [tuple(int(word) for word in line.split()[1:]) for line in out.splitlines()]


need_x86 = os.uname().machine == "x86_64"


@suite.table("SC-12 T-55", "the filter is active, NNP as configured, capabilities as configured", {
    f"nnp {nnp}, {caps}": (nnp, caps) for nnp in (True, False, None) for caps in ("none", "some")})
def active(lab, nnp, caps):
    made = lab.bundle(linux__seccomp=profile(rule("mkdir", "SCMP_ACT_ERRNO")))
    del made.process["noNewPrivileges"]
    if nnp is not None:
        made.process["noNewPrivileges"] = nnp
    made.capabilities(*(["CAP_KILL"] if caps == "some" else []))
    report = lab.probe(made)
    contains(report["status"], "Seccomp:\t2\n", "status")
    contains(report["status"], "Seccomp_filters:\t1\n", "status")
    equal(report["no_new_privs"], 1 if nnp else 0, "no_new_privs")
    equal(report["cap_effective"], f"{1 << 5 if caps == 'some' else 0:016x}", "capabilities")


@suite.case("SC-09 SC-10", "ERRNO gives EPERM, or the errno of the rule")
def errnos(lab):
    filter_ = profile(rule("getppid", "SCMP_ACT_ERRNO"),
                      rule("getuid", "SCMP_ACT_ERRNO", errnoRet=errno.ENODEV))
    equal(answers(lab, filter_, str(NR["getppid"]), str(NR["getuid"]), str(NR["getgid"])),
          [(-1, errno.EPERM), (-1, errno.ENODEV), (0, 0)], "answers")


@suite.case("SC-01 SC-02", "a default of ERRNO with defaultErrnoRet, and allowed calls")
def default_errno(lab):
    need(need_x86, "names of x86_64")
    filter_ = profile(rule(ALL_BUT, "SCMP_ACT_ALLOW"), default="SCMP_ACT_ERRNO",
                      defaultErrnoRet=errno.ENOTTY)
    equal(answers(lab, filter_, str(NR["getgid"]), str(NR["getuid"])),
          [(0, 0), (-1, errno.ENOTTY)], "answers")


@suite.case("SC-08 R-32b T-56", "a call newer than the profile gets ENOSYS, others the default")
def enosys(lab):
    need(need_x86, "numbers of x86_64")
    filter_ = profile(rule(ALL_BUT + ["clone3"], "SCMP_ACT_ALLOW"), default="SCMP_ACT_ERRNO")
    equal(answers(lab, filter_, str(NEWER), "436", str(NR["getuid"])),
          [(-1, errno.ENOSYS), (-1, errno.ENOSYS), (-1, errno.EPERM)], "answers")


@suite.case("SC-03 T-56", "an x32 number is not a way around")
def x32(lab):
    need(need_x86, "numbers of x86_64")
    filter_ = profile(rule("getuid", "SCMP_ACT_ERRNO", errnoRet=errno.EXDEV))
    result = lab.run(bundle(lab, filter_, [str(0x40000000 + NR["getuid"])]))
    if result.status == 0:
        check(result.out.split()[1] == "-1", f"x32 getuid answered {result.out!r}")


COMPARE = {
    # op: (value, valueTwo, arguments that match, arguments that do not)
    "SCMP_CMP_EQ": (7, None, [7], [6, 8]), "SCMP_CMP_NE": (7, None, [6, 8], [7]),
    "SCMP_CMP_LT": (7, None, [0, 6], [7, 8]), "SCMP_CMP_LE": (7, None, [6, 7], [8]),
    "SCMP_CMP_GT": (7, None, [8, 1 << 40], [7, 6]), "SCMP_CMP_GE": (7, None, [7, 8], [6]),
    "SCMP_CMP_MASKED_EQ": (0xf0, 0x30, [0x35, 0x13f], [0x45, 0]),
}


@suite.table("SC-11", "argument comparison", {
    op: (op, *row) for op, row in COMPARE.items()})
def compare(lab, op, value, two, match, miss):
    arg = {"index": 5, "value": value, "op": op}
    if two is not None:
        arg["valueTwo"] = two
    filter_ = profile(rule("getuid", "SCMP_ACT_ERRNO", [arg], errnoRet=errno.EBUSY))
    calls = [f"{NR['getuid']}:0:0:0:0:0:{number}" for number in match + miss]
    wanted = [(-1, errno.EBUSY)] * len(match) + [(0, 0)] * len(miss)
    equal(answers(lab, filter_, *calls), wanted, "answers")


@suite.case("SC-11", "several arguments are AND-ed; the same index twice is OR-ed")
def compare_many(lab):
    both = [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"},
            {"index": 1, "value": 2, "op": "SCMP_CMP_EQ"}]
    twice = [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"},
             {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"}]
    filter_ = profile(rule("getuid", "SCMP_ACT_ERRNO", both), rule("getgid", "SCMP_ACT_ERRNO",
                                                                   twice))
    uid, gid = NR["getuid"], NR["getgid"]
    got = [result for result, _ in answers(lab, filter_, f"{uid}:1:2", f"{uid}:1:3", f"{uid}:0:2",
                                           f"{gid}:1", f"{gid}:2", f"{gid}:3")]
    equal(got, [-1, 0, 0, -1, -1, 0], "results")


@suite.case("SC-11 T-56", "64-bit values are compared as a whole")
def compare_wide(lab):
    big = 1 << 40 | 5
    filter_ = profile(rule("getuid", "SCMP_ACT_ERRNO",
                           [{"index": 0, "value": big, "op": "SCMP_CMP_EQ"}]))
    uid = NR["getuid"]
    got = [result for result, _ in answers(lab, filter_, f"{uid}:{big}", f"{uid}:5")]
    equal(got, [-1, 0], "results")


@suite.table("SC-01 T-56", "a deadly action kills", {
    "KILL": "SCMP_ACT_KILL", "KILL_THREAD": "SCMP_ACT_KILL_THREAD",
    "KILL_PROCESS": "SCMP_ACT_KILL_PROCESS", "TRAP": "SCMP_ACT_TRAP",
})
def deadly(lab, action):
    # A call that no shell makes by itself.
    name = "sched_get_priority_max"
    made = bundle(lab, profile(rule(name, action)), [])
    made.process["args"] = ["/bin/sh", "-c", f"/bin/syscalls {NR[name]}; echo status $?"]
    out = lab.run(made).ok().out
    contains(out, "status 159", "status of the killed process (SIGSYS)")


@suite.case("SC-01", "LOG lets the call through")
def log(lab):
    filter_ = profile(rule("getuid", "SCMP_ACT_LOG"))
    equal(answers(lab, filter_, str(NR["getuid"])), [(0, 0)], "answers")


@suite.case("SC-01", "TRACE without a tracer answers ENOSYS")
def trace(lab):
    filter_ = profile(rule("getuid", "SCMP_ACT_TRACE", errnoRet=1))
    equal(answers(lab, filter_, str(NR["getuid"])), [(-1, errno.ENOSYS)], "answers")


@suite.case("SC-08", "unknown names are skipped, the rest of the rule counts")
def unknown_name(lab):
    filter_ = profile(rule(["no_such_call", "getuid"], "SCMP_ACT_ERRNO"))
    equal(answers(lab, filter_, str(NR["getuid"])), [(-1, errno.EPERM)], "answers")


@suite.case("SC-09", "a rule with the default action is no error")
def redundant(lab):
    filter_ = profile(rule("getuid", "SCMP_ACT_ALLOW"))
    equal(answers(lab, filter_, str(NR["getuid"])), [(0, 0)], "answers")


@suite.table("SC-03 SC-04", "architectures and flags are accepted", {
    "native": {"architectures": ["SCMP_ARCH_X86_64"]},
    "three": {"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
    "without the native one": {"architectures": ["SCMP_ARCH_X86"]},
    "twice": {"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86_64"]},
    "log flag": {"flags": ["SECCOMP_FILTER_FLAG_LOG"]},
    "spec allow": {"flags": ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]},
    "tsync": {"flags": ["SECCOMP_FILTER_FLAG_TSYNC"]}, "no flags": {"flags": []},
})
def accepted(lab, more):
    need(need_x86, "architectures of x86_64")
    filter_ = profile(rule("getuid", "SCMP_ACT_ERRNO"), **more)
    equal(answers(lab, filter_, str(NR["getuid"])), [(-1, errno.EPERM)], "answers")


@suite.table("SC-01 SC-02 SC-10 SC-11 T-56", "what is wrong is refused", {
    "no default": ({"syscalls": []}, "linux.seccomp.defaultAction"),
    "unknown default": (profile(default="SCMP_ACT_MAYBE"), "linux.seccomp.defaultAction"),
    "errno for ALLOW": (profile(defaultErrnoRet=1), "linux.seccomp.defaultErrnoRet"),
    "errno of a rule": (profile(rule("getuid", "SCMP_ACT_KILL", errnoRet=1)),
                        "linux.seccomp.syscalls[0].errnoRet"),
    "errno too big": (profile(rule("getuid", "SCMP_ACT_ERRNO", errnoRet=70000)),
                      "linux.seccomp.syscalls[0].errnoRet"),
    "no names": (profile(rule([], "SCMP_ACT_ERRNO")), "linux.seccomp.syscalls[0].names"),
    "unknown action": (profile(rule("getuid", "SCMP_ACT_X")), "linux.seccomp.syscalls[0].action"),
    "index 6": (profile(rule("getuid", "SCMP_ACT_ERRNO",
                             [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}])),
                "linux.seccomp.syscalls[0].args[0].index"),
    "unknown op": (profile(rule("getuid", "SCMP_ACT_ERRNO",
                                [{"index": 0, "value": 0, "op": "SCMP_CMP_X"}])),
                   "linux.seccomp.syscalls[0].args[0].op"),
    "unknown architecture": (profile(architectures=["SCMP_ARCH_VAX"]),
                             "linux.seccomp.architectures[0]"),
    "unknown flag": (profile(flags=["SECCOMP_FILTER_FLAG_X"]), "linux.seccomp.flags[0]"),
    "notify": (profile(rule("getuid", "SCMP_ACT_NOTIFY")), "linux.seccomp"),
    "metadata without path": (profile(listenerMetadata="x"), "linux.seccomp.listenerMetadata"),
})
def refused(lab, filter_, part):
    lab.try_create(lab.bundle(linux__seccomp=filter_)).failed(part)
    lab.expect_nothing_left("a refused profile")


@suite.case("SC-13", "a filter that is too large is refused with the reason")
def too_large(lab):
    rules = [rule("getuid", "SCMP_ACT_ERRNO", [{"index": i % 6, "value": n << 33 | n,
                                               "op": "SCMP_CMP_EQ"}], errnoRet=n % 100 + 1)
             for i in range(1) for n in range(6000)]
    result = lab.try_create(lab.bundle(linux__seccomp=profile(*rules)), timeout=60)
    result.failed("linux.seccomp")
    lab.expect_nothing_left("a refused profile")


@suite.case("SC-12 X-12", "exec is filtered as the container is")
def exec_filtered(lab):
    made = lab.bundle(["/bin/sleep", "1000"],
                      linux__seccomp=profile(rule("getuid", "SCMP_ACT_ERRNO")))
    container = lab.start(made)
    for _ in range(2):
        out = container.exec("/bin/syscalls", str(NR["getuid"])).ok().out
        equal(out.split(), [str(NR["getuid"]), "-1", str(errno.EPERM)], "answer in exec")


@suite.case("R-32", "the same profile again, from the cache, filters the same; another does not")
def cache(lab):
    one = profile(rule("getuid", "SCMP_ACT_ERRNO"))
    two = profile(rule("getuid", "SCMP_ACT_ERRNO", errnoRet=errno.EBUSY))
    for _ in range(2):
        equal(answers(lab, one, str(NR["getuid"])), [(-1, errno.EPERM)], "first profile")
        equal(answers(lab, two, str(NR["getuid"])), [(-1, errno.EBUSY)], "second profile")


@suite.case("SC-12", "getcwd, close_range, setuid and capset may be forbidden to the program")
def setup_calls(lab):
    names = ["getcwd", "close_range", "setuid", "setresuid", "setgroups", "capset", "mount",
             "pivot_root", "sethostname", "chdir", "unshare", "keyctl", "fchdir"]
    made = bundle(lab, profile(rule(names, "SCMP_ACT_ERRNO")), [str(NR["getuid"])])
    equal(lab.run(made).ok().out.split()[1], "0", "the program runs")


suite.main()
