#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# linux.resources.network, which only cgroup v1 has. Few machines mount its hierarchies by themselves,
# so this program gets them for as long as it runs.
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from harness.cgroups import folder, need_v1, value
from harness.tap import Suite, check, equal

suite = Suite(hierarchies=("net_cls", "net_prio"))
SLEEP = ["/bin/sleep", "1000"]


def priorities(container):
    """{interface: priority} that the container's cgroup gives."""
    lines = value(container, "net_prio", "net_prio.ifpriomap").splitlines()
    return {name: int(number) for name, number in (line.split() for line in lines)}


@suite.table("RES-network.classID", "the cgroup marks with the class", {
    "a class": (0x100001,), "the largest": (0xffffffff,)})
def class_id(lab, number):
    need_v1("net_cls")
    container = lab.create(lab.bundle(SLEEP, linux__resources={"network": {"classID": number}}))
    equal(value(container, "net_cls", "net_cls.classid"), str(number), "the class")
    place = folder(container, "net_cls")
    container.delete("--force").ok()
    check(not os.path.exists(place), "the cgroup goes with the container")


@suite.case("RES-network.classID", "a class of 0 is none")
def no_class(lab):
    need_v1("net_cls")
    container = lab.create(lab.bundle(SLEEP, linux__resources={"network": {"classID": 0}}))
    equal(value(container, "net_cls", "net_cls.classid"), "0", "the class")


@suite.case("RES-network.priorities", "each interface has its priority, of two the last one")
def by_interface(lab):
    need_v1("net_prio")
    container = lab.create(lab.bundle(SLEEP, linux__resources={"network": {"priorities": [
        {"name": "lo", "priority": 3}, {"name": "lo", "priority": 7}]}}))
    equal(priorities(container)["lo"], 7, "lo")
    equal(priorities(lab.create(lab.bundle(SLEEP)))["lo"], 0, "lo of a container without")


@suite.case("RES-network.priorities", "bad input: an interface that is not there")
def no_interface(lab):
    need_v1("net_prio")
    lab.try_create(lab.bundle(linux__resources={"network": {"priorities": [
        {"name": "absent0", "priority": 1}]}})).failed("linux.resources.network.priorities[0]")
    lab.expect_nothing_left("a refused interface")


suite.main()
