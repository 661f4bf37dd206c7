#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Values of linux.resources that a new cgroup has by itself, so that only the write shows that brig
# does anything: the writes to its files, by strace.
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness import inject
from harness.cgroups import V1, need_controllers, need_v1
from harness.lab import need, read, write
from harness.tap import Suite, equal

suite = Suite()
MIB = 1 << 20
WRITE = re.compile(r'write\(\d+<(.*)>, "(.*?)(?:\\n)?", \d+\)')


def writes(lab, resources, file):
    """What a run writes to that file of the container's cgroup, in order."""
    need(shutil.which("strace"), "no strace")
    made = lab.bundle(["/bin/true"], linux__resources=resources).write()
    identity, trace = lab.name(), f"{lab.path}/{lab.name('trace')}"
    lab.containers.append(identity)
    lab.popen(["strace", "-D", "-f", "-qq", "-y", "-o", trace, "-e", "trace=write",
               *lab.words("run", "--bundle", made.path, identity)]).wait().ok()
    inject.settle_tracer(lab)
    found = WRITE.findall(read(trace))
    return [text for path, text in found if path.endswith(f"/{identity}/{file}")]


# (controller, file, the value, what is written, a value that means nothing, file and writes on v2)
ROWS = {
    "RES-memory.useHierarchy": ("memory", "memory.use_hierarchy",
                                {"memory": {"useHierarchy": True}}, ["1"], {"memory": {}}, None),
    "RES-memory.disableOOMKiller": ("memory", "memory.oom_control",
                                    {"memory": {"disableOOMKiller": True}}, ["1"],
                                    {"memory": {"disableOOMKiller": False}}, None),
    "RES-memory.limit": ("memory", "memory.limit_in_bytes", {"memory": {"limit": -1}}, ["-1"],
                         {"memory": {"limit": 0}}, ("memory.max", ["max"])),
    "RES-memory.reservation": ("memory", "memory.soft_limit_in_bytes",
                               {"memory": {"reservation": -1}}, ["-1"], {"memory": {}},
                               ("memory.low", ["max"])),
    "RES-cpu.quota": ("cpu", "cpu.cfs_quota_us", {"cpu": {"quota": -1}}, ["-1"],
                      {"cpu": {"quota": 0}}, ("cpu.max", ["max 100000"])),
    "RES-pids": ("pids", "pids.max", {"pids": {"limit": -1}}, ["max"], {}, ("pids.max", ["max"])),
}


def written(lab, controller, file, value, wanted, nothing, on_v2):
    need_controllers(controller)
    if not V1:
        need(on_v2, f"v2 has no {file}; RES-unified and DEC-06 show what it does instead")
        file, wanted = on_v2
    equal(writes(lab, value, file), wanted, f"writes to {file}")
    equal(writes(lab, nothing, file), [], f"writes to {file} without a value")


for rule, arguments in ROWS.items():
    suite.table(rule, "a value that is the kernel's own is written", {arguments[1]: arguments})(written)


@suite.case("RES-cpu.mems", "the nodes are written after those of the group above")
def mems(lab):
    need_controllers("cpuset")
    # On v2 an empty list is that of the group above.
    above = [read(f"{V1['cpuset']}/cpuset.mems").strip()] if V1 else []
    equal(writes(lab, {"cpu": {"mems": "0-0"}}, "cpuset.mems"), [*above, "0-0"], "writes")


def kmem_is_gone():
    """Whether this kernel has no limit of kernel memory, or one that it does not keep."""
    probe = f"{V1['memory']}/lab-probe"
    os.mkdir(probe)
    try:
        write(f"{probe}/memory.kmem.limit_in_bytes", str(16 * MIB))
        return read(f"{probe}/memory.kmem.limit_in_bytes").strip() != str(16 * MIB)
    except OSError:
        return True
    finally:
        os.rmdir(probe)


@suite.case("RES-memory.kernel", "a value that means nothing is not written")
def no_kernel_memory(lab):
    need_v1("memory")
    for limit in (-1, 0):
        equal(writes(lab, {"memory": {"kernel": limit}}, "memory.kmem.limit_in_bytes"), [],
              f"writes of {limit}")


@suite.case("RES-memory.kernel", "a real value is an error where the kernel has it no more")
def kernel_memory(lab):
    need_v1("memory")
    need(kmem_is_gone(), "a kernel that has it still")
    made = lab.bundle(linux__resources={"memory": {"kernel": 16 * MIB}})
    lab.try_create(made).failed("linux.resources.memory.kernel", "limit the memory as a whole")
    lab.expect_nothing_left("a refused kernel limit")


@suite.case("RES-memory.kernel", "a real value goes to a kernel that has it still")
def old_kernel_memory(lab):
    need_v1("memory")
    need(not kmem_is_gone(), "a kernel that has it no more")
    equal(writes(lab, {"memory": {"kernel": 16 * MIB}}, "memory.kmem.limit_in_bytes"),
          [str(16 * MIB)], "writes")


suite.main()
