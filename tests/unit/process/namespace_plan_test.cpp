// SPDX-License-Identifier: Apache-2.0
// Spec to namespaces: what is made, what is joined, in which order.
#include "libcontainer/process/namespace_plan.h"

#include <linux/sched.h>

#include <catch2/catch.hpp>

using libcontainer::NamespacePlan;
using libcontainer::plan_namespaces;
using oci::NamespaceType;

namespace {

oci::Linux with(std::vector<oci::Namespace> namespaces) {
    oci::Linux linux;
    linux.namespaces = std::move(namespaces);
    return linux;
}

}  // namespace

TEST_CASE("N-03: no entry means the runtime's own namespaces", "[process]") {
    const NamespacePlan plan = plan_namespaces({});
    CHECK(plan.clone_flags == 0);
    CHECK(plan.unshare_in_cgroup == 0);
    CHECK(plan.joins.empty());
    CHECK_FALSE(plan.own(NamespaceType::pid));
}

TEST_CASE("N-01: each type without a path is made by clone3, but two", "[process]") {
    const NamespacePlan plan = plan_namespaces(with({{NamespaceType::pid, {}},
                                                     {NamespaceType::network, {}},
                                                     {NamespaceType::mount, {}},
                                                     {NamespaceType::ipc, {}},
                                                     {NamespaceType::uts, {}},
                                                     {NamespaceType::user, {}},
                                                     {NamespaceType::cgroup, {}},
                                                     {NamespaceType::time, {}}}));
    CHECK(plan.clone_flags == (CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWIPC |
                               CLONE_NEWUTS | CLONE_NEWUSER));
    // N-08: its root is the cgroup that the process is in when it is made, so not before it has
    // entered.
    CHECK(plan.unshare_in_cgroup == CLONE_NEWCGROUP);
    // T-01: the offsets are written before anybody is in it.
    CHECK(plan.new_time_namespace);
    CHECK_FALSE(plan.needs_intermediate);
    for (const auto& name : oci::names_of<NamespaceType>()) {
        INFO(name.name);
        CHECK(plan.makes(name.value));
        CHECK(plan.own(name.value));
    }
}

TEST_CASE("N-04: joins go user first and mount last, whatever the order in the file", "[process]") {
    const NamespacePlan plan = plan_namespaces(with({{NamespaceType::mount, "/m"},
                                                     {NamespaceType::network, "/n"},
                                                     {NamespaceType::user, "/u"},
                                                     {NamespaceType::pid, "/p"}}));
    REQUIRE(plan.joins.size() == 4);
    CHECK(plan.joins.front().type == NamespaceType::user);
    CHECK(plan.joins.front().index == 2);
    CHECK(plan.joins.back().type == NamespaceType::mount);
    CHECK(plan.joins.back().path == "/m");
    CHECK(plan.clone_flags == 0);
}

TEST_CASE("N-09: joining beside a user namespace needs a process in between", "[process]") {
    CHECK(plan_namespaces(with({{NamespaceType::user, "/u"}, {NamespaceType::pid, {}}}))
              .needs_intermediate);
    CHECK(plan_namespaces(with({{NamespaceType::user, {}}, {NamespaceType::network, "/n"}}))
              .needs_intermediate);
    CHECK_FALSE(plan_namespaces(with({{NamespaceType::pid, "/p"}, {NamespaceType::time, "/t"}}))
                    .needs_intermediate);
    CHECK_FALSE(plan_namespaces(with({{NamespaceType::user, {}}, {NamespaceType::pid, "/p"}}))
                    .needs_intermediate);
}

TEST_CASE("N-04: an empty path is no path", "[process]") {
    const NamespacePlan plan = plan_namespaces(with({{NamespaceType::pid, ""}}));
    CHECK(plan.joins.empty());
    CHECK(plan.makes(NamespaceType::pid));
}

TEST_CASE("the network namespace is the child's to make, unless a user namespace must own it",
          "[process]") {
    const NamespacePlan alone =
        plan_namespaces(with({{NamespaceType::network, {}}, {NamespaceType::pid, {}}}));
    CHECK(alone.unshare_first == CLONE_NEWNET);
    CHECK(alone.clone_flags == CLONE_NEWPID);
    CHECK(alone.makes(NamespaceType::network));
    for (const char* path : {"", "/u"}) {
        const NamespacePlan owned = plan_namespaces(
            with({{NamespaceType::network, {}}, {NamespaceType::user, std::string(path)}}));
        CHECK(owned.unshare_first == 0);
        CHECK((owned.clone_flags & CLONE_NEWNET) != 0);
    }
}
