#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# process.scheduler and process.ioPriority: seen from inside by a probe and from the host, for init
# and for exec.
import ctypes
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import inject
from harness.lab import need, read, write
from harness.tap import Suite, check, equal, eventually

suite = Suite()
libc = ctypes.CDLL(None, use_errno=True)
SLEEP = ["/bin/sleep", "1000"]
OTHER, FIFO, RR, BATCH, IDLE, DEADLINE = 0, 1, 2, 3, 5, 6
SECOND = 10**9
RUNTIME = {"policy": "SCHED_DEADLINE", "runtime": SECOND // 100, "deadline": SECOND // 10,
           "period": SECOND}
CPU_CGROUP = "/sys/fs/cgroup/cpu/cpu.rt_runtime_us"
SYS_IOPRIO_GET = {"x86_64": 252, "aarch64": 31}.get(os.uname().machine)
BE, RT_CLASS, IDLE_CLASS = 2 << 13, 1 << 13, 3 << 13


def user_namespace(made):
    made.namespace("user")
    for name in ("uidMappings", "gidMappings"):
        made.linux[name] = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    os.chmod(os.path.dirname(made.path), 0o755)
    return made


def give_realtime_budget(made):
    """On cgroup v1 a group needs a share of the realtime budget, below its parent's."""
    if not os.path.exists(CPU_CGROUP):
        return made
    if read(CPU_CGROUP).strip() == "0":
        try:
            write(CPU_CGROUP, "50000")
        except OSError:
            need(False, "no realtime budget is left for the sandbox's cgroup")
    return made.set("linux.resources.cpu", {"realtimeRuntime": 10000, "realtimePeriod": 1000000})


def refused(lab, made, path, *parts):
    """create and run fail with the path and leave nothing."""
    for call in (lab.try_create, lab.run):
        call(made).failed(path, *parts, status=1)
        lab.expect_nothing_left("a refused config")


# scheduler


@suite.table("P-12 P-13", "scheduler of init and of exec", {
    "OTHER": ({"policy": "SCHED_OTHER"}, {"policy": OTHER, "nice": 0}),
    "OTHER, nice 5": ({"policy": "SCHED_OTHER", "nice": 5}, {"policy": OTHER, "nice": 5}),
    "OTHER, nice 19": ({"policy": "SCHED_OTHER", "nice": 19}, {"policy": OTHER, "nice": 19}),
    "OTHER, nice -20": ({"policy": "SCHED_OTHER", "nice": -20}, {"policy": OTHER, "nice": -20}),
    "BATCH, nice 7": ({"policy": "SCHED_BATCH", "nice": 7}, {"policy": BATCH, "nice": 7}),
    "IDLE": ({"policy": "SCHED_IDLE"}, {"policy": IDLE}),
    "FIFO 1": ({"policy": "SCHED_FIFO", "priority": 1}, {"policy": FIFO, "priority": 1}),
    "FIFO 99": ({"policy": "SCHED_FIFO", "priority": 99}, {"policy": FIFO, "priority": 99}),
    "RR 10": ({"policy": "SCHED_RR", "priority": 10}, {"policy": RR, "priority": 10}),
    "DEADLINE": (RUNTIME, {"policy": DEADLINE, "runtime": SECOND // 100,
                           "deadline": SECOND // 10, "period": SECOND}),
    "DEADLINE without period": (
        {"policy": "SCHED_DEADLINE", "runtime": SECOND // 100, "deadline": SECOND // 10},
        {"policy": DEADLINE, "deadline": SECOND // 10, "period": SECOND // 10}),
})
def scheduler(lab, asked, wanted):
    made = lab.bundle(SLEEP, process__scheduler=asked)
    if "priority" in asked:
        give_realtime_budget(made)
    # Without capabilities: what is set is set before they are gone.
    made.capabilities()
    container = lab.start(made)
    equal(os.sched_getscheduler(container.pid), wanted["policy"], "policy from the host")
    if "nice" in wanted:
        equal(os.getpriority(os.PRIO_PROCESS, container.pid), wanted["nice"], "nice")
    report = lab.probe_exec(container)["sched"]
    equal({name: report[name] for name in wanted}, wanted, "exec")
    container.delete("--force").ok()
    made.process["args"] = ["/bin/probe"]
    report = lab.probe(made)["sched"]
    equal({name: report[name] for name in wanted}, wanted, "init from inside")


@suite.case("P-13", "what scheduler leaves out is 0; without scheduler nothing is touched")
def scheduler_defaults(lab):
    made = lab.bundle(process__scheduler={"policy": "SCHED_OTHER"})
    nice = {"preexec_fn": lambda: os.nice(5)}
    equal(lab.probe(made, **nice)["nice"], 0, "nice")
    del made.process["scheduler"]
    equal(lab.probe(made, **nice)["nice"], 5, "nice without scheduler")
    batch = {"preexec_fn": lambda: os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))}
    equal(lab.probe(made, **batch)["scheduler"], BATCH, "policy without scheduler")


@suite.case("P-12 N-09", "in a user namespace the rights of the runtime count")
def scheduler_user_namespace(lab):
    made = user_namespace(lab.bundle(process__scheduler={"policy": "SCHED_BATCH", "nice": -7},
                                     process__ioPriority={"class": "IOPRIO_CLASS_RT",
                                                          "priority": 2}))
    report = lab.probe(made)
    equal((report["scheduler"], report["nice"]), (BATCH, -7), "init")
    equal(report["ioprio"], RT_CLASS | 2, "ioprio of init")
    made.process["args"] = SLEEP
    container = lab.start(made)
    report = lab.probe_exec(container)
    equal((report["scheduler"], report["nice"]), (BATCH, -7), "exec")
    equal(report["ioprio"], RT_CLASS | 2, "ioprio of exec")


@suite.case("P-12 P-16", "a process file's own scheduler and ioPriority win, else the container's")
def process_file_wins(lab):
    container = lab.sleeper(process__scheduler={"policy": "SCHED_BATCH", "nice": 7},
                            process__ioPriority={"class": "IOPRIO_CLASS_BE", "priority": 6})
    report = lab.probe_exec(container, cwd="/")
    equal((report["scheduler"], report["nice"], report["ioprio"]), (BATCH, 7, BE | 6), "as init")
    report = lab.probe_exec(container, scheduler={"policy": "SCHED_OTHER", "nice": 3},
                        ioPriority={"class": "IOPRIO_CLASS_IDLE", "priority": 0})
    equal((report["scheduler"], report["nice"]), (OTHER, 3), "of its own")
    equal(report["ioprio"] & ~7, IDLE_CLASS, "ioprio of its own")


# flags


@suite.case("P-14", "SCHED_FLAG_RESET_ON_FORK: children start anew")
def reset_on_fork(lab):
    made = lab.bundle(shell="cut -d' ' -f19 /proc/$$/stat; cut -d' ' -f19 /proc/self/stat; true")
    made.set("process.scheduler", {"policy": "SCHED_OTHER", "nice": -5})
    equal(lab.run(made).ok().out.split(), ["-5", "-5"], "nice of init and its child")
    made.process["scheduler"]["flags"] = ["SCHED_FLAG_RESET_ON_FORK"]
    equal(lab.run(made).ok().out.split(), ["-5", "0"], "nice of init and its child")


@suite.case("P-14", "SCHED_FLAG_KEEP_POLICY and KEEP_PARAMS: the caller's stay")
def keep(lab):
    made = lab.bundle()

    def spoil():
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        os.nice(4)
    made.set("process.scheduler", {"policy": "SCHED_OTHER", "nice": 9,
                                   "flags": ["SCHED_FLAG_KEEP_POLICY"]})
    report = lab.probe(made, preexec_fn=spoil)
    equal((report["scheduler"], report["nice"]), (BATCH, 9), "with the policy kept")
    made.set("process.scheduler", {"policy": "SCHED_OTHER", "nice": 9,
                                   "flags": ["SCHED_FLAG_KEEP_PARAMS"]})
    report = lab.probe(made, preexec_fn=spoil)
    equal(report["nice"], 4, "nice with the parameters kept")


@suite.table("P-14", "flags of a deadline", {
    "RECLAIM": (["SCHED_FLAG_RECLAIM"], 2),
    "DL_OVERRUN": (["SCHED_FLAG_DL_OVERRUN"], 4),
    "three": (["SCHED_FLAG_RECLAIM", "SCHED_FLAG_DL_OVERRUN", "SCHED_FLAG_RESET_ON_FORK"], 7),
})
def deadline_flags(lab, names, wanted):
    roomy = {"runtime": SECOND // 10, "deadline": SECOND, "period": SECOND}
    report = lab.probe(lab.bundle(process__scheduler={**RUNTIME, **roomy, "flags": names}))
    equal((report["sched"]["policy"], report["sched"]["flags"]), (DEADLINE, wanted), "flags")


@suite.table("P-14", "utilization clamps, which have no values in the spec",
             {"MIN": "SCHED_FLAG_UTIL_CLAMP_MIN", "MAX": "SCHED_FLAG_UTIL_CLAMP_MAX"})
def util_clamp(lab, flag):
    made = lab.bundle(process__scheduler={"policy": "SCHED_OTHER", "flags": [flag]})
    if os.path.exists("/proc/sys/kernel/sched_util_clamp_min"):
        equal(lab.probe(made)["scheduler"], OTHER, "policy")  # the kernel takes 0
        return
    refused(lab, made, "process.scheduler", "operation not supported", "no utilization clamping")


# what the kernel refuses


@suite.case("P-12", "SCHED_ISO, which Linux reserves only, is an error that says so")
def iso(lab):
    refused(lab, lab.bundle(process__scheduler={"policy": "SCHED_ISO"}),
            'process.scheduler: sched_setattr("SCHED_ISO"): invalid argument',
            "this kernel has no such policy")


@suite.table("P-12", "realtime without a budget of the v1 cgroup names what is missing",
             {"FIFO": "SCHED_FIFO", "RR": "SCHED_RR"})
def no_budget(lab, policy):
    need(os.path.exists(CPU_CGROUP), "no cgroup v1 with realtime budgets")
    asked = {"policy": policy, "priority": 10}
    refused(lab, lab.bundle(process__scheduler=asked), "process.scheduler",
            f'sched_setattr("{policy}"): operation not permitted',
            "linux.resources.cpu.realtimeRuntime")
    container = lab.sleeper()
    file = lab.process_file(scheduler=asked)
    lab.brig("exec", "--process", file, container.id).failed(
        "process.scheduler", "linux.resources.cpu.realtimeRuntime", status=255)


@suite.case("P-12", "SCHED_DEADLINE on some of the CPUs only names what is in its way")
def deadline_affinity(lab):
    need(len(os.sched_getaffinity(0)) > 1, "one CPU is all CPUs")
    made = lab.bundle(linux__resources={"cpu": {"cpus": "0", "mems": "0"}},
                      process__scheduler=RUNTIME)
    refused(lab, made, "process.scheduler", 'sched_setattr("SCHED_DEADLINE"): operation not permi',
            "linux.resources.cpu.cpus")
    container = lab.sleeper()
    file = lab.process_file(scheduler=RUNTIME, execCPUAffinity={"final": "0"})
    lab.brig("exec", "--process", file, container.id).failed("execCPUAffinity", status=255)
    equal(container.status(), "running", "the container")


@suite.table("P-13", "SCHED_DEADLINE beyond the kernel's bounds names them", {
    "a runtime below 1024": ({"runtime": 1023}, "invalid argument", "1024"),
    "a long period": ({"period": 3600 * SECOND}, "invalid argument", "sched_deadline_period"),
})
def deadline_bounds(lab, change, text, hint):
    made = lab.bundle(process__scheduler={**RUNTIME, **change})
    refused(lab, made, "process.scheduler", text, hint)


@suite.case("P-12", "SCHED_DEADLINE beyond what the host has left says so")
def deadline_busy(lab):
    count = os.cpu_count()
    need(count <= 8, "too many CPUs to fill")
    most = {**RUNTIME, "runtime": SECOND * 9 // 10, "deadline": SECOND}
    for _ in range(count):
        lab.sleeper(process__scheduler=most)
    made = lab.bundle(SLEEP, process__scheduler=most)
    lab.try_create(made, identity="late").failed("process.scheduler", "resource busy",
                                                 "too little time", status=1)
    lab.gone("late")


# what brig refuses before anything is made, beside the rows of tests/spec/bad_values.py

DEADLINE_HOOK = {"startContainer": [{"path": "/bin/true"}]}


@suite.table("P-12 P-13 P-14", "a wrong scheduler is refused with its path", {
    "lower case": ({"policy": "sched_fifo", "priority": 1}, "policy"),
    "a number as policy": ({"policy": 1}, "policy"),
    "nice of IDLE": ({"policy": "SCHED_IDLE", "nice": 1}, "nice"),
    "no priority": ({"policy": "SCHED_FIFO"}, "priority"),
    "priority -1": ({"policy": "SCHED_FIFO", "priority": -1}, "priority"),
    "priority of DEADLINE": ({**RUNTIME, "priority": 1}, "priority"),
    "period of FIFO": ({"policy": "SCHED_FIFO", "priority": 1, "period": 1}, ""),
    "no runtime": ({"policy": "SCHED_DEADLINE", "deadline": 1}, ""),
    "deadline > period": ({**RUNTIME, "deadline": 2 * SECOND}, ""),
    "a negative runtime": ({**RUNTIME, "runtime": -1}, "runtime"),
    "hooks of a deadline": (RUNTIME, "flags", DEADLINE_HOOK),
})
def scheduler_refused(lab, value, place, hooks=None):
    made = lab.bundle(process__scheduler=value)
    if hooks:
        made.config["hooks"] = hooks
    refused(lab, made, "process.scheduler" + (f".{place}" if place else ""))


@suite.case("P-12 H-04", "with SCHED_FLAG_RESET_ON_FORK a deadline can have startContainer hooks")
def deadline_hooks(lab):
    made = lab.bundle(process__scheduler={**RUNTIME, "flags": ["SCHED_FLAG_RESET_ON_FORK"]},
                      hooks=DEADLINE_HOOK)
    equal(lab.probe(made)["sched"]["policy"], DEADLINE, "policy")


# ioPriority


@suite.table("P-16", "ioPriority of init and of exec", {
    "RT 0": ("IOPRIO_CLASS_RT", 0, RT_CLASS),
    "RT 7": ("IOPRIO_CLASS_RT", 7, RT_CLASS | 7),
    "BE 0": ("IOPRIO_CLASS_BE", 0, BE),
    "BE 3": ("IOPRIO_CLASS_BE", 3, BE | 3),
    "BE 7": ("IOPRIO_CLASS_BE", 7, BE | 7),
    "IDLE": ("IOPRIO_CLASS_IDLE", 0, IDLE_CLASS),
    "IDLE, whose level means nothing": ("IOPRIO_CLASS_IDLE", 5, IDLE_CLASS),
})
def ioprio(lab, name, level, wanted):
    made = lab.bundle(SLEEP, process__ioPriority={"class": name, "priority": level})
    made.capabilities()
    container = lab.start(made)
    mask = ~7 if wanted == IDLE_CLASS else ~0
    if SYS_IOPRIO_GET:
        equal(libc.syscall(SYS_IOPRIO_GET, 1, container.pid) & mask, wanted, "from the host")
    report = lab.probe_exec(container)
    equal(report["ioprio"] & mask, wanted, "exec")
    # The whole of its process group: what init starts has it too.
    made.process["args"] = ["/bin/sh", "-c", "/bin/probe; true"]
    equal(lab.probe(made)["ioprio"] & mask, wanted, "a child of init")


@suite.case("P-16", "without ioPriority the caller's stays")
def ioprio_absent(lab):
    need(SYS_IOPRIO_GET, "the numbers of these calls are not known here")
    made = lab.bundle()
    report = lab.probe(made, preexec_fn=lambda: libc.syscall(SYS_IOPRIO_GET - 1, 1, 0, BE | 6))
    equal(report["ioprio"], BE | 6, "ioprio")


@suite.table("P-16", "a wrong ioPriority is refused with its path", {
    "empty class": ({"class": "", "priority": 0}, "class"),
    "no class": ({"priority": 0}, "class"),
    "a word": ({"class": "IOPRIO_CLASS_RT", "priority": "high"}, "priority"),
})
def ioprio_refused(lab, value, place):
    refused(lab, lab.bundle(process__ioPriority=value), f"process.ioPriority.{place}")
    container = lab.sleeper()
    lab.brig("exec", "--process", lab.process_file(ioPriority=value), container.id).failed(
        f"ioPriority.{place}", status=255)


@suite.table("P-12 P-13 P-16", "a caller without the host's CAP_SYS_NICE is told so", {
    "nice": ({"scheduler": {"policy": "SCHED_OTHER", "nice": -1}}, "process.scheduler"),
    "BATCH": ({"scheduler": {"policy": "SCHED_BATCH", "nice": -1}}, "process.scheduler"),
    "FIFO": ({"scheduler": {"policy": "SCHED_FIFO", "priority": 1}}, "process.scheduler"),
    "RT": ({"ioPriority": {"class": "IOPRIO_CLASS_RT", "priority": 0}}, "process.ioPriority"),
})
def unprivileged(lab, members, path):
    made = lab.bundle(["/bin/true"])
    made.config["mounts"] = made.mounts[:2]  # /proc and /dev
    made.write()

    def run():
        words = lab.words("run", "--bundle", made.path, lab.name(),
                          globals_=["--cgroup-manager", "disabled"])
        return lab.popen(["unshare", "--user", "--map-root-user", "--mount", "--", *words]).wait()
    plain = run()
    need(plain.status == 0, f"nothing runs here in a user namespace: {plain.err.strip()}")
    made.process.update(members)
    made.write()
    run().failed(path, "operation not permitted", "CAP_SYS_NICE", status=1)
    lab.expect_nothing_left("a refused scheduler")


# who else is concerned


@suite.case("P-12 P-16 H-01 H-02 H-03 H-04 H-05 H-06", "the runtime and its hooks keep their own")
def helpers(lab):
    made = lab.bundle(process__scheduler={"policy": "SCHED_BATCH", "nice": 11},
                      process__ioPriority={"class": "IOPRIO_CLASS_IDLE", "priority": 0})
    script = write(f"{lab.path}/hook", "#!/bin/sh\ncut -d' ' -f19,41 /proc/self/stat "
                   f'>>{lab.path}/$1\nionice >>{lab.path}/$1 || true\n')
    os.chmod(script, 0o755)
    kinds = ("prestart", "createRuntime", "createContainer", "poststart", "poststop")
    made.file("/hook", "#!/bin/sh\ncut -d' ' -f19,41 /proc/self/stat >/tmp/hook\n", 0o755)
    made.process["args"] = ["/bin/sleep", "0.2"]
    made.config["hooks"] = {kind: [{"path": script, "args": [script, kind],
                                    "env": ["PATH=/usr/bin:/bin"]}] for kind in kinds}
    made.config["hooks"]["startContainer"] = [{"path": "/hook"}]
    lab.containers.append("helped")
    call = lab.spawn("run", "--bundle", made.write().path, "helped")
    eventually(lambda: os.path.exists(f"{lab.path}/poststart"), "the poststart hook")
    equal(os.sched_getscheduler(call.pid), OTHER, "policy of the runtime")
    equal(os.getpriority(os.PRIO_PROCESS, call.pid), 0, "nice value of the runtime")
    call.wait().ok()
    equal(read(made.inside("/tmp/hook")).split(), ["11", "3"], "of a startContainer hook")
    for kind in kinds:
        lines = read(f"{lab.path}/{kind}").splitlines()
        equal(lines[0], "0 0", f"nice and policy of a {kind} hook")
        check("idle" not in lines[1:], f"I/O priority of a {kind} hook: {lines[1:]}")


@suite.case("P-12 P-16 P-17 MP-01 RF-05", "who asks for nothing pays no system call")
def nothing(lab):
    need(shutil.which("strace"), "no strace")
    made = lab.bundle(["/bin/true"]).write()
    calls = "sched_setattr,sched_setscheduler,setpriority,ioprio_set,set_mempolicy,personality"
    words = lab.words("run", "--bundle", made.path, "n")
    lab.containers.append("n")
    lab.popen(["strace", "-f", "-qq", "-e", f"trace={calls}", "-e", "signal=none", "-o",
               f"{lab.path}/trace", *words]).wait(30).ok()
    equal(read(f"{lab.path}/trace"), "", "system calls")


@suite.table("T-81", "a kernel that fails one of the calls is told of, and nothing is left", {
    "sched_setattr": ("sched_setattr", "process.scheduler"),
    "ioprio_set": ("ioprio_set", "process.ioPriority"),
    "set_mempolicy": ("set_mempolicy", "linux.memoryPolicy"),
    "personality": ("personality", "linux.personality"),
})
def faults(lab, call, path):
    made = lab.bundle(["/bin/nothing"], process__scheduler={"policy": "SCHED_BATCH"},
                      process__ioPriority={"class": "IOPRIO_CLASS_BE", "priority": 1},
                      linux__memoryPolicy={"mode": "MPOL_LOCAL"},
                      linux__personality={"domain": "LINUX32"}).write()
    for error, text in (("ENOSYS", "function not implemented"), ("EPERM", "not permitted")):
        words = lab.words("run", "--bundle", made.path, lab.name())
        run = inject.traced(lab, call, f"error={error}:when=1", words)
        run.wait(20).failed(f"{path}: {call}(", text, status=1)
        inject.settle_tracer(lab)
        lab.expect_nothing_left(f"a failing {call}")


suite.main()
