#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Seccomp: SC-01 to SC-13 and T-55, T-56, by what the filtered system calls answer.
import errno
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import sandbox
from harness.filters import flags_of_filter
from harness.lab import need
from harness.tap import Suite, check, contains, equal, patient

suite = Suite()
NR = {"getpid": 39, "mkdir": 83, "getppid": 110, "uname": 63, "getuid": 102, "dup2": 33,
      "personality": 135, "clone3": 435, "getgid": 104, "sched_get_priority_max": 146,
      "umask": 95}
I386 = {"getuid": 24, "getppid": 64, "getuid32": 199}
NEWER = 5000
MAX = (1 << 64) - 1
# What brig needs to tell that execve has failed.
REPORT = ["sendmsg", "exit_group", "brk", "mmap"]
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


@suite.table("SC-01", "KILL_THREAD ends one thread, KILL_PROCESS all of them", {
    "KILL": ("SCMP_ACT_KILL", "died"), "KILL_THREAD": ("SCMP_ACT_KILL_THREAD", "died"),
    "KILL_PROCESS": ("SCMP_ACT_KILL_PROCESS", None), "TRAP": ("SCMP_ACT_TRAP", None),
})
def deadly_thread(lab, action, fate):
    name = "sched_get_priority_max"
    made = bundle(lab, profile(rule(name, action)), [])
    made.process["args"] = [
        "/bin/sh", "-c", f"/bin/syscalls thread:{NR[name]} {NR['getuid']}; echo status $?"]
    wanted = f"status {159}\n" if fate is None else f"{NR[name]} {fate}\n102 0 0\nstatus 0\n"
    equal(lab.run(made).ok().out, wanted, "output")


@suite.case("SC-01", "TRAP sends a SIGSYS that the program can take")
def trap(lab):
    made = bundle(lab, profile(rule("umask", "SCMP_ACT_TRAP")), [])
    made.process["args"] = ["/bin/sh", "-c", "trap 'echo trapped' SYS; umask 077; echo on"]
    equal(lab.run(made).ok().out, "trapped\non\n", "output")


@suite.table("SC-01 SC-02", "each default action, by what becomes of the program", {
    "ALLOW": (profile(), 0), "LOG": (profile(default="SCMP_ACT_LOG"), 0),
    "KILL": (profile(default="SCMP_ACT_KILL"), 159),
    "KILL_THREAD": (profile(default="SCMP_ACT_KILL_THREAD"), 159),
    "KILL_PROCESS": (profile(default="SCMP_ACT_KILL_PROCESS"), 159),
    "TRAP": (profile(default="SCMP_ACT_TRAP"), 159),
    "ERRNO but for the report": (profile(rule(REPORT, "SCMP_ACT_ALLOW"), default="SCMP_ACT_ERRNO"),
                                 "operation not permitted"),
    "ERRNO 0..4094": (profile(rule(REPORT, "SCMP_ACT_ALLOW"), default="SCMP_ACT_ERRNO",
                              defaultErrnoRet=errno.EXDEV), "invalid cross-device link"),
    "TRACE": (profile(rule(REPORT, "SCMP_ACT_ALLOW"), default="SCMP_ACT_TRACE"),
              "function not implemented"),
    "TRACE with a value": (profile(rule(REPORT, "SCMP_ACT_ALLOW"), default="SCMP_ACT_TRACE",
                                   defaultErrnoRet=65535), "function not implemented"),
})
def defaults(lab, filter_, fate):
    made = bundle(lab, filter_, [])
    made.process["args"] = ["/bin/nothing"]
    result = lab.run(made)
    if isinstance(fate, int):
        equal(result.status, fate, "status")
    else:
        result.failed(fate)
    lab.expect_nothing_left("the run")


@suite.case("SC-01", "LOG lets the call through")
def log(lab):
    filter_ = profile(rule("getuid", "SCMP_ACT_LOG"))
    equal(answers(lab, filter_, str(NR["getuid"])), [(0, 0)], "answers")


@suite.table("SC-01 SC-10", "TRACE without a tracer answers ENOSYS", {
    "no value": {}, "1": {"errnoRet": 1}, "0": {"errnoRet": 0}, "65535": {"errnoRet": 65535}})
def trace(lab, more):
    filter_ = profile(rule("getuid", "SCMP_ACT_TRACE", **more))
    equal(answers(lab, filter_, str(NR["getuid"])), [(-1, errno.ENOSYS)], "answers")


@suite.case("SC-02 SC-10", "errno 0 is success without effect; 4094 is the largest")
def errno_limits(lab):
    filter_ = profile(rule("getppid", "SCMP_ACT_ERRNO", errnoRet=0),
                      rule("getuid", "SCMP_ACT_ERRNO", errnoRet=4094),
                      rule("mkdir", "SCMP_ACT_ERRNO", errnoRet=0))
    calls = [str(NR["getppid"]), str(NR["getuid"]), f"{NR['mkdir']}:@/made:0755"]
    made = bundle(lab, filter_, calls)
    out = lab.run(made).ok().out
    equal([line.split()[1:] for line in out.splitlines()], [["0", "0"], ["-1", "4094"], ["0", "0"]],
          "answers")
    check(not os.path.exists(made.inside("made")), "mkdir had no effect")


@suite.case("SC-08", "unknown names are skipped with a warning, the rest of the rule counts")
def unknown_name(lab):
    name = f"no_such_call_{time.time_ns()}"  # the compiler warns; the cache has nothing to say
    filter_ = profile(rule([name, "getuid"], "SCMP_ACT_ERRNO"))
    made = bundle(lab, filter_, [str(NR["getuid"])])
    result = lab.run(made, globals_=["--log-level", "warning"]).ok()
    equal(result.out.split()[1:], ["-1", str(errno.EPERM)], "answers")
    contains(result.err, "linux.seccomp.syscalls[0].names[0]: ", "warning")
    contains(result.err, f"{name}\\\" is unknown to this libseccomp", "warning")
    equal(lab.run(made).ok().err, "", "what is said without being asked")


@suite.table("SC-08", "names of other machines and of multiplexed calls do no harm", {
    "socketcall": ["socketcall"], "ipc": ["ipc"], "arm": ["cacheflush", "set_tls"],
    "s390": ["s390_runtime_instr"], "nothing known": ["no_such_call"],
    "twice the same": ["getppid", "getppid"]})
def foreign_names(lab, names):
    filter_ = profile(rule([*names], "SCMP_ACT_KILL_PROCESS"), rule("getuid", "SCMP_ACT_ERRNO"))
    equal(answers(lab, filter_, str(NR["getuid"])), [(-1, errno.EPERM)], "answers")


@suite.case("SC-08", "a rule that names one call very often is compiled at once")
def repeated_name(lab):
    filter_ = profile(rule(["getuid"] * 400000 + ["getgid"], "SCMP_ACT_ERRNO"))
    started = time.monotonic()
    equal(answers(lab, filter_, str(NR["getuid"])), [(-1, errno.EPERM)], "answers")
    check(time.monotonic() - started < patient(5), "it took long")


@suite.table("SC-09", "a rule with the default action is no error", {
    "allow": (profile(rule("getuid", "SCMP_ACT_ALLOW")), (0, 0)),
    "errno": (profile(rule("getuid", "SCMP_ACT_ERRNO"), rule(ALL_BUT, "SCMP_ACT_ALLOW"),
                      default="SCMP_ACT_ERRNO"), (-1, errno.EPERM)),
    "kill as kill_thread": (profile(rule("getuid", "SCMP_ACT_KILL_THREAD"),
                                    rule([*ALL_BUT, "getuid"], "SCMP_ACT_ALLOW"),
                                    default="SCMP_ACT_KILL"), (0, 0)),
    "the same rule twice": (profile(*[rule("getuid", "SCMP_ACT_ERRNO")] * 2), (-1, errno.EPERM)),
})
def redundant(lab, filter_, answer):
    equal(answers(lab, filter_, str(NR["getuid"])), [answer], "answers")


# By int $0x80, whose architecture is i386's.
@suite.table("SC-03", "calls of another architecture", {
    "its rules hold there too": (["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"], ["-1", "18"]),
    "beside the native one, which is not named": (["SCMP_ARCH_X86"], ["-1", "18"]),
    "not in the list": (["SCMP_ARCH_X86_64"], None), "no list": ([], None),
})
def other_architecture(lab, names, answer):
    need(need_x86, "architectures of x86_64")
    need(subprocess.run([f"{sandbox.PAYLOAD}/syscalls", f"i386:{I386['getppid']}"],
                        check=False).returncode == 0, "a kernel that runs i386's calls")
    filter_ = profile(rule(["getuid", "getuid32"], "SCMP_ACT_ERRNO", errnoRet=errno.EXDEV))
    if names:
        filter_["architectures"] = names
    made = bundle(lab, filter_, [])
    made.process["args"] = ["/bin/sh", "-c", "/bin/syscalls {} {}; echo status $?".format(
        NR["getuid"], f"i386:{I386['getuid']}")]
    out = lab.run(made).ok().out.splitlines()
    equal(out[0].split()[1:], ["-1", str(errno.EXDEV)], "the native call")
    equal(out[1:], ["status 159"] if answer is None else [f"24 {' '.join(answer)}", "status 0"],
          "the i386 call")


@suite.table("SC-04", "the flag LOG is the filter's, as the kernel tells it", {
    "given": (["SECCOMP_FILTER_FLAG_LOG"], 2), "not given": ([], 0), "no flags": (None, 0)})
def log_flag(lab, names, wanted):
    more = {} if names is None else {"flags": names}
    container = lab.sleeper(linux__seccomp=profile(rule("getuid", "SCMP_ACT_ERRNO"), **more))
    equal(flags_of_filter(container.pid), wanted, "flags")


BIG_ENDIAN = "MIPS MIPS64 MIPS64N32 PPC PPC64 S390 S390X PARISC PARISC64 M68K SHEB".split()


@suite.table("SC-03", "each architecture of the specification", {name: name for name in (
    "X86 X86_64 X32 ARM AARCH64 MIPSEL MIPSEL64 MIPSEL64N32 PPC64LE RISCV64 LOONGARCH64 SH"
).split() + BIG_ENDIAN})
def each_architecture(lab, name):
    need(need_x86, "byte order and architectures of x86_64")
    filter_ = profile(rule("getuid", "SCMP_ACT_ERRNO"), architectures=[f"SCMP_ARCH_{name}"])
    result = lab.run(bundle(lab, filter_, [str(NR["getuid"])]))
    if result.status == 0:
        check(name not in BIG_ENDIAN, "another byte order was taken")
        equal(result.out.split()[1:], ["-1", str(errno.EPERM)], "answer")
    else:
        result.failed("linux.seccomp.architectures[0]", f"SCMP_ARCH_{name}",
                      ("byte order", "unknown to this libseccomp"))
        lab.expect_nothing_left("a refused profile")


@suite.table("SC-03 SC-04", "architectures and flags are accepted", {
    "native": {"architectures": ["SCMP_ARCH_X86_64"]},
    "three": {"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]},
    "without the native one": {"architectures": ["SCMP_ARCH_X86"]},
    "twice": {"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86_64"]},
    "log flag": {"flags": ["SECCOMP_FILTER_FLAG_LOG"]},
    "spec allow": {"flags": ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]},
    "tsync": {"flags": ["SECCOMP_FILTER_FLAG_TSYNC"]}, "no flags": {"flags": []},
    "all flags": {"flags": [f"SECCOMP_FILTER_FLAG_{name}" for name in (
        "TSYNC", "LOG", "SPEC_ALLOW", "WAIT_KILLABLE_RECV")]},
    "a flag twice": {"flags": ["SECCOMP_FILTER_FLAG_LOG"] * 2},
    "for a listener that is not there": {"flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]},
})
def accepted(lab, more):
    need(need_x86, "architectures of x86_64")
    filter_ = profile(rule("getuid", "SCMP_ACT_ERRNO"), **more)
    equal(answers(lab, filter_, str(NR["getuid"])), [(-1, errno.EPERM)], "answers")


def argument(**members):
    """A profile with one rule on one argument; a member that is None is left out."""
    entry = {"index": 0, "value": 0, "op": "SCMP_CMP_EQ", **members}
    entry = {name: value for name, value in entry.items() if value is not None}
    return profile({"names": ["getuid"], "action": "SCMP_ACT_ERRNO", "args": [entry]})


ARGUMENT = "linux.seccomp.syscalls[0].args[0]"


@suite.table("SC-11", "an argument that makes no sense is refused", {
    "index 6": (argument(index=6), f"{ARGUMENT}.index"),
    "index -1": (argument(index=-1), f"{ARGUMENT}.index"),
    "index beyond 32 bits": (argument(index=1 << 32), f"{ARGUMENT}.index"),
    "no index": (argument(index=None), f"{ARGUMENT}.index"),
    "a negative value": (argument(value=-1), f"{ARGUMENT}.value"),
    "a value beyond 64 bits": (argument(value=1 << 64), f"{ARGUMENT}.value"),
    "no value": (argument(value=None), f"{ARGUMENT}.value"),
    "a second value beyond 64 bits": (argument(valueTwo=1 << 64), f"{ARGUMENT}.valueTwo"),
    "a text": (argument(value="1"), f"{ARGUMENT}.value"),
    "no operator": (argument(op=None), f"{ARGUMENT}.op"),
    "an empty operator": (argument(op=""), f"{ARGUMENT}.op"),
    "an operator in lower case": (argument(op="scmp_cmp_eq"), f"{ARGUMENT}.op"),
})
def refused_argument(lab, filter_, part):
    lab.try_create(lab.bundle(linux__seccomp=filter_)).failed(part)
    lab.expect_nothing_left("a refused profile")


@suite.table("SC-11", "the ends of the range of values", {
    "EQ the largest": ("EQ", MAX, None, [MAX], [0, MAX - 1, 0xffffffff]),
    "GT the largest but one": ("GT", MAX - 1, None, [MAX], [MAX - 1, 0]),
    "LT 0 is never": ("LT", 0, None, [], [0, MAX]),
    "GE 0 is always": ("GE", 0, None, [0, MAX], []),
    "LE the largest is always": ("LE", MAX, None, [0, MAX], []),
    "GT across 32 bits": ("GT", 0xffffffff, None, [1 << 32], [0xffffffff, 0]),
    "LT across 32 bits": ("LT", 1 << 32, None, [0xffffffff, 0], [1 << 32]),
    "MASKED_EQ without second value": ("MASKED_EQ", 0xff, None, [0, 0x100], [1, 0x1ff]),
    "MASKED_EQ of all bits": ("MASKED_EQ", MAX, MAX, [MAX], [MAX - 1, 0]),
    "MASKED_EQ of no bits": ("MASKED_EQ", 0, 0, [0, MAX], []),
    "MASKED_EQ of the upper half": ("MASKED_EQ", 0xff << 32, 1 << 32, [1 << 32, 1 << 32 | 5],
                                    [0, 1, 2 << 32]),
})
def compare_ends(lab, op, value, two, match, miss):
    compare(lab, f"SCMP_CMP_{op}", value, two, match, miss)


@suite.table("SC-01 SC-02 SC-10 SC-11 T-56", "what is wrong is refused", {
    "no default": ({"syscalls": []}, "linux.seccomp.defaultAction"),
    "unknown default": (profile(default="SCMP_ACT_MAYBE"), "linux.seccomp.defaultAction"),
    "errno for ALLOW": (profile(defaultErrnoRet=1), "linux.seccomp.defaultErrnoRet"),
    "errno of a rule": (profile(rule("getuid", "SCMP_ACT_KILL", errnoRet=1)),
                        "linux.seccomp.syscalls[0].errnoRet"),
    "errno too big": (profile(rule("getuid", "SCMP_ACT_ERRNO", errnoRet=70000)),
                      "linux.seccomp.syscalls[0].errnoRet"),
    "no names": (profile(rule([], "SCMP_ACT_ERRNO")), "linux.seccomp.syscalls[0].names"),
    "names are missing": (profile({"action": "SCMP_ACT_ERRNO"}), "linux.seccomp.syscalls[0].names"),
    "an empty name": (profile(rule(["getuid", ""], "SCMP_ACT_ERRNO")),
                      "linux.seccomp.syscalls[0].names[1]"),
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
    "default errno 4095": (profile(default="SCMP_ACT_ERRNO", defaultErrnoRet=4095),
                           "linux.seccomp.defaultErrnoRet"),
    "errno 4095": (profile(rule("getuid", "SCMP_ACT_ERRNO", errnoRet=4095)),
                   "linux.seccomp.syscalls[0].errnoRet"),
    "negative errno": (profile(rule("getuid", "SCMP_ACT_ERRNO", errnoRet=-1)),
                       "linux.seccomp.syscalls[0].errnoRet"),
    "trace beyond 16 bits": (profile(rule("getuid", "SCMP_ACT_TRACE", errnoRet=65536)),
                             "linux.seccomp.syscalls[0].errnoRet"),
    **{f"errno for {name}": (profile(default=f"SCMP_ACT_{name}", defaultErrnoRet=1),
                             "linux.seccomp.defaultErrnoRet")
       for name in ("KILL", "KILL_THREAD", "KILL_PROCESS", "TRAP", "LOG")},
    "empty default": (profile(default=""), "linux.seccomp.defaultAction"),
    "an action in lower case": (profile(rule("getuid", "scmp_act_errno")),
                                "linux.seccomp.syscalls[0].action"),
    "no action": (profile({"names": ["getuid"]}), "linux.seccomp.syscalls[0].action"),
})
def refused(lab, filter_, part):
    lab.try_create(lab.bundle(linux__seccomp=filter_)).failed(part)
    lab.expect_nothing_left("a refused profile")


def many(count):
    """A profile with a rule for each of so many values: some five instructions each."""
    return profile(*[rule("getuid", "SCMP_ACT_ERRNO", [
        {"index": 0, "value": n << 33 | n, "op": "SCMP_CMP_EQ"}], errnoRet=n % 100 + 1)
        for n in range(1, count + 1)])


@suite.case("SC-13", "a filter that is too large is refused with the reason")
def too_large(lab):
    result = lab.try_create(lab.bundle(linux__seccomp=many(6000)), timeout=60)
    result.failed("linux.seccomp", "instructions, the kernel takes 4096")
    lab.expect_nothing_left("a refused profile")


@suite.case("SC-13", "a filter near the kernel's limit works")
def large(lab):
    count, uid = 780, NR["getuid"]
    calls = [f"{uid}:{n << 33 | n}" for n in (1, 2, count, count + 1)]
    equal(answers(lab, many(count), *calls),
          [(-1, 2), (-1, 3), (-1, count % 100 + 1), (0, 0)], "answers")


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


REPORT = ["sendmsg", "write", "writev", "mmap", "brk", "open", "openat", "openat2", "read", "stat",
          "newfstatat", "statx", "readlink"]
FAILURES = {f"{how}, {action}, nnp {nnp}": (how, action, nnp) for how in ("run", "start", "exec")
            for action in ("ERRNO", "KILL_PROCESS") for nnp in (True, False)}


# No word of it would come through: the program's end and a successful execve look the same.
@suite.table("SC-12 LC-07 X-12", "an execve that fails is told although the profile forbids to",
             FAILURES)
def untold_failure(lab, how, action, nnp):
    made = lab.bundle(["/bin/sleep", "1000"])
    made.file("/bin/bad", "#!/no/such\n", 0o755)
    if how != "exec":
        made.process["args"] = ["/bin/bad"]
    made.set("linux.seccomp", profile(rule(["sendmsg"] if how == "exec" else REPORT,
                                           f"SCMP_ACT_{action}")))
    made.set("process.noNewPrivileges", nnp)
    made.capabilities("CAP_KILL")
    if how == "run":
        result = lab.run(made)
    elif how == "start":
        container = lab.create(made)
        result = lab.brig("start", container.id)
        container.wait_stopped()
    else:
        result = lab.start(made).exec("/bin/bad")
    result.failed("linux.seccomp: the program was not run: no such file or directory")


# The filter is loaded while CAP_SYS_ADMIN is still there, and that is given up under the filter.
@suite.table("SC-12 R-32", "without no_new_privs the profile has to let the capabilities be dropped", {
    "denied": (["capset"], "capset"), "denied, and no report": (["capset", "sendmsg"], "lets the process say no more"),
    "a success that is none": (["capset"], "process.capabilities"),
})
def drop_privilege(lab, names, part):
    more = {"errnoRet": 0} if part == "process.capabilities" else {}
    made = bundle(lab, profile(rule(names, "SCMP_ACT_ERRNO", **more)), [], nnp=False)
    made.capabilities("CAP_KILL")
    made.process["args"] = ["/bin/touch", "/mark"]
    lab.run(made).failed(part)
    check(not os.path.exists(made.inside("mark")), "the program has not run")
    lab.expect_nothing_left("the run")


suite.main()
