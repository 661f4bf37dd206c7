#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# linux.memoryPolicy: what get_mempolicy says inside, and numa_maps from the host. More bad input is
# in tests/spec/bad_values.py.
import ctypes
import glob
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.lab import kernel_is, need, read
from harness.tap import Suite, check, equal

suite = Suite()
SLEEP = ["/bin/sleep", "1000"]
DEFAULT, PREFERRED, BIND, INTERLEAVE, LOCAL, PREFERRED_MANY, WEIGHTED = range(7)
BALANCING, RELATIVE, STATIC = 1 << 13, 1 << 14, 1 << 15
FLAGS = ["MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"]
NODES = len(glob.glob("/sys/devices/system/node/node[0-9]*"))
MODES = ["MPOL_DEFAULT", "MPOL_PREFERRED", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_LOCAL",
         "MPOL_PREFERRED_MANY", "MPOL_WEIGHTED_INTERLEAVE"]


@suite.table("MP-01 MP-02", "every mode, for init and for exec", {
    "DEFAULT": ({"mode": "MPOL_DEFAULT"}, DEFAULT, 0, "default"),
    "LOCAL": ({"mode": "MPOL_LOCAL"}, LOCAL, 0, "local"),
    "LOCAL with empty nodes": ({"mode": "MPOL_LOCAL", "nodes": ""}, LOCAL, 0, "local"),
    "BIND": ({"mode": "MPOL_BIND", "nodes": "0"}, BIND, 1, "bind:0"),
    "INTERLEAVE": ({"mode": "MPOL_INTERLEAVE", "nodes": "0"}, INTERLEAVE, 1, "interleave:0"),
    "PREFERRED": ({"mode": "MPOL_PREFERRED", "nodes": "0"}, PREFERRED, 1, "prefer:0"),
    "PREFERRED without nodes": ({"mode": "MPOL_PREFERRED"}, LOCAL, 0, "local"),
    "PREFERRED_MANY": ({"mode": "MPOL_PREFERRED_MANY", "nodes": "0"}, PREFERRED_MANY, 1,
                       "prefer (many):0"),
    "WEIGHTED_INTERLEAVE": ({"mode": "MPOL_WEIGHTED_INTERLEAVE", "nodes": "0"}, WEIGHTED, 1,
                            "weighted interleave:0"),
    "a range with blanks": ({"mode": "MPOL_BIND", "nodes": " 0-0 "}, BIND, 1, "bind:0"),
})
def modes(lab, policy, mode, nodes, shown):
    need(NODES, "this kernel has no NUMA nodes")
    need(mode != PREFERRED_MANY or kernel_is((5, 15)), "MPOL_PREFERRED_MANY needs Linux 5.15")
    need(mode != WEIGHTED or kernel_is((6, 9)), "MPOL_WEIGHTED_INTERLEAVE needs Linux 6.9")
    made = lab.bundle(SLEEP, linux__memoryPolicy=policy)
    made.capabilities()
    container = lab.start(made)
    maps = read(f"/proc/{container.pid}/numa_maps").splitlines()
    check(any(f" {shown} " in line for line in maps), f"{shown} in {maps}")
    report = lab.probe_exec(container, cwd="/")
    equal((report["mempolicy"], report["mempolicy_nodes"]), (mode, nodes), "exec")
    container.delete("--force").ok()
    made.process["args"] = ["/bin/probe"]
    report = lab.probe(made)
    equal((report["mempolicy"], report["mempolicy_nodes"]), (mode, nodes), "init")


@suite.table("MP-03", "every flag", {
    "STATIC_NODES": (["MPOL_F_STATIC_NODES"], STATIC, "MPOL_INTERLEAVE"),
    "RELATIVE_NODES": (["MPOL_F_RELATIVE_NODES"], RELATIVE, "MPOL_INTERLEAVE"),
    "NUMA_BALANCING": (["MPOL_F_NUMA_BALANCING"], BALANCING, "MPOL_BIND"),
    "NUMA_BALANCING of many": (["MPOL_F_NUMA_BALANCING"], BALANCING, "MPOL_PREFERRED_MANY"),
    "two": (["MPOL_F_NUMA_BALANCING", "MPOL_F_STATIC_NODES"], BALANCING | STATIC, "MPOL_BIND"),
    "none": ([], 0, "MPOL_BIND"),
})
def flags(lab, names, wanted, mode):
    need(NODES, "this kernel has no NUMA nodes")
    need(mode != "MPOL_PREFERRED_MANY" or kernel_is((6, 10)), "needs Linux 6.10")
    made = lab.bundle(linux__memoryPolicy={"mode": mode, "nodes": "0", "flags": names})
    equal(lab.probe(made)["mempolicy"], MODES.index(mode) | wanted, "mode and flags")


@suite.case("MP-01", "what asks for it replaces the caller's policy; else that stays")
def inherited(lab):
    need(NODES, "this kernel has no NUMA nodes")
    libc = ctypes.CDLL(None)
    number = {"x86_64": 238, "aarch64": 237}.get(os.uname().machine)
    need(number, "the number of set_mempolicy is not known here")
    bound = {"preexec_fn": lambda: libc.syscall(number, BIND, ctypes.byref(ctypes.c_ulong(1)), 65)}
    equal(lab.probe(lab.bundle(), **bound)["mempolicy"], BIND, "none asked for")
    made = lab.bundle(linux__memoryPolicy={"mode": "MPOL_DEFAULT"})
    equal(lab.probe(made, **bound)["mempolicy"], DEFAULT, "MPOL_DEFAULT")


@suite.table("MP-02", "nodes that are not there are an error that names them, and leave nothing", {
    "BIND": "MPOL_BIND", "INTERLEAVE": "MPOL_INTERLEAVE", "PREFERRED": "MPOL_PREFERRED",
    "PREFERRED_MANY": "MPOL_PREFERRED_MANY", "WEIGHTED": "MPOL_WEIGHTED_INTERLEAVE"})
def absent_node(lab, mode):
    need(0 < NODES < 1000, "this kernel has no NUMA nodes")
    for nodes in (str(NODES), "1023"):
        made = lab.bundle(linux__memoryPolicy={"mode": mode, "nodes": nodes})
        for call in (lab.try_create, lab.run):
            call(made).failed(f'linux.memoryPolicy: set_mempolicy("{mode}, nodes {nodes}"): '
                              "invalid argument", "linux.resources.cpu.mems", status=1)
            lab.expect_nothing_left("a refused policy")


@suite.table("MP-01 MP-02 MP-03", "a wrong memoryPolicy is refused with its path", {
    "empty mode": ({"mode": ""}, "mode"),
    "a number": ({"mode": 2, "nodes": "0"}, "mode"),
    "BIND with empty": ({"mode": "MPOL_BIND", "nodes": ""}, "nodes"),
    "a falling range": ({"mode": "MPOL_BIND", "nodes": "1-0"}, "nodes"),
    "a word": ({"mode": "MPOL_BIND", "nodes": "all"}, "nodes"),
    "a comma": ({"mode": "MPOL_BIND", "nodes": "0,"}, "nodes"),
    "beyond the maximum": ({"mode": "MPOL_BIND", "nodes": "1024"}, "nodes"),
    "static nothing": ({"mode": "MPOL_PREFERRED", "flags": ["MPOL_F_STATIC_NODES"]}, "flags"),
    "relative LOCAL": ({"mode": "MPOL_LOCAL", "flags": ["MPOL_F_RELATIVE_NODES"]}, "flags"),
})
def policy_refused(lab, policy, place):
    made = lab.bundle(linux__memoryPolicy=policy)
    for call in (lab.try_create, lab.run):
        call(made).failed(f"linux.memoryPolicy.{place}", status=1)
        lab.expect_nothing_left("a refused policy")


@suite.case("MP-01 FE-linux.memoryPolicy", "features lists every mode and flag that is accepted")
def features(lab):
    shown = json.loads(lab.brig("features").ok().out)["linux"]["memoryPolicy"]
    equal(set(shown["modes"]), set(MODES), "modes")
    equal(set(shown["flags"]), set(FLAGS), "flags")


suite.main()
