// SPDX-License-Identifier: Apache-2.0
#include "libcontainer/cgroup/delegation.h"

#include <catch2/catch.hpp>

using libcontainer::delegate_to;

namespace {

// A container that is to own its cgroup: process.user 1000, a cgroup namespace, a writable mount.
oci::Spec owner() {
    oci::Spec spec;
    spec.process.emplace().user.uid = 1000;
    spec.linux.namespaces = {{oci::NamespaceType::cgroup, {}}};
    oci::Mount mount;
    mount.destination = "/sys/fs/cgroup";
    mount.type = "cgroup";
    mount.source = "cgroup";
    mount.options = {"nosuid", "rw"};
    spec.mounts = {mount};
    return spec;
}

}  // namespace

TEST_CASE("CG-07: the user of the process owns the cgroup") {
    CHECK(delegate_to(owner()) == 1000U);
}

TEST_CASE(
    "CG-07: without a cgroup namespace of its own, a process or a writable mount nobody does") {
    oci::Spec spec = owner();
    SECTION("no namespace") {
        spec.linux.namespaces.clear();
    }
    SECTION("another's namespace") {
        spec.linux.namespaces[0].path = "/proc/1/ns/cgroup";
    }
    SECTION("no process") {
        spec.process.reset();
    }
    SECTION("no mount") {
        spec.mounts.clear();
    }
    SECTION("read-only") {
        spec.mounts[0].options.emplace_back("ro");
    }
    SECTION("elsewhere") {
        spec.mounts[0].destination = "/cgroup";
    }
    SECTION("a bind") {
        spec.mounts[0].type = "bind";
        spec.mounts[0].source = "/sys/fs/cgroup";
    }
    SECTION("root, who owns it anyway") {
        spec.process->user.uid = 0;
    }
    CHECK_FALSE(delegate_to(spec));
}

TEST_CASE("CG-07: in a user namespace it is the host's uid") {
    oci::Spec spec = owner();
    spec.linux.namespaces.push_back({oci::NamespaceType::user, {}});
    CHECK_FALSE(delegate_to(spec));  // joined: not known
    spec.linux.uid_mappings = {{0, 100000, 1}, {1, 200001, 65535}};
    CHECK(delegate_to(spec) == 201000U);
    spec.process->user.uid = 0;
    CHECK(delegate_to(spec) == 100000U);
    spec.process->user.uid = 70000;
    CHECK_FALSE(delegate_to(spec));
}
