// SPDX-License-Identifier: Apache-2.0
// The orders in the list of init steps on which security depends.
#include "libcontainer/process/init_steps.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <string>

using libcontainer::init_steps;
using libcontainer::InitStep;
using libcontainer::StepScope;

namespace {

std::size_t place(std::string_view name) {
    const auto steps = init_steps();
    const auto step = std::ranges::find(steps, name, &InitStep::name);
    INFO("step " << std::string(name));
    REQUIRE(step != steps.end());
    return static_cast<std::size_t>(step - steps.begin());
}

void check_order(std::initializer_list<std::string_view> names) {
    for (auto name = names.begin(); name + 1 != names.end(); ++name) {
        INFO(std::string(*name) << " before " << std::string(*(name + 1)));
        CHECK(place(*name) < place(*(name + 1)));
    }
}

StepScope scope_of(std::string_view name) {
    return init_steps()[place(name)].scope;
}

}  // namespace

TEST_CASE("each step has a name of its own", "[process]") {
    std::set<std::string_view> names;
    for (const InitStep& step : init_steps()) {
        CHECK(names.insert(step.name).second);
    }
}

TEST_CASE(
    "R-23: nothing of the host is open and the cgroup is entered before a namespace is joined",
    "[process]") {
    check_order({"leave runtime's descriptors", "enter cgroup", "join namespaces"});
    CHECK(scope_of("leave runtime's descriptors") == StepScope::exec);
}

TEST_CASE("P-18: the affinity is set inside the cgroup, whose cpuset would change it",
          "[process]") {
    check_order({"enter cgroup", "set cpu affinity", "run startContainer hooks"});
}

TEST_CASE("MP-01, RF-05: memory policy and personality fail at create, and before any filter",
          "[process]") {
    for (const char* name : {"set memory policy", "set personality"}) {
        check_order({"enter cgroup", name, "report ready", "load seccomp filter"});
    }
}

TEST_CASE("N-08: the cgroup namespace is made inside the cgroup", "[process]") {
    check_order({"enter cgroup", "unshare cgroup namespace", "mount filesystems"});
}

TEST_CASE("ND-01: network devices come before what may be about them", "[process]") {
    check_order({"join namespaces", "map ids", "move network devices", "set sysctls",
                 "run runtime hooks", "run createContainer hooks"});
}

TEST_CASE("H-01 H-02 H-03: hooks of create run after the mounts and before the switch of the root",
          "[process]") {
    check_order({"mount filesystems", "make devices", "run runtime hooks",
                 "run createContainer hooks", "switch root"});
}

TEST_CASE("R-14: the terminal is opened before masks and readonly paths", "[process]") {
    check_order({"mount filesystems", "open terminal", "make paths read-only", "mask paths"});
}

TEST_CASE("R-17: the root turns read-only after all that writes to it", "[process]") {
    check_order({"make devices", "run createContainer hooks", "make working directory",
                 "mask paths", "make root read-only"});
}

TEST_CASE("R-25: bounding set, ids, capabilities", "[process]") {
    check_order({"drop bounding set", "set user", "set capabilities"});
}

TEST_CASE("R-24: the working directory is checked as the user, after the last change",
          "[process]") {
    check_order({"switch root", "enter working directory", "set user", "check working directory"});
}

TEST_CASE("R-9 R-31: labels by the host's /proc, for the program and not for the host's hooks",
          "[process]") {
    check_order(
        {"leave runtime's descriptors", "open label files", "join namespaces", "join keyring"});
    check_order({"run createContainer hooks", "set AppArmor profile", "drop bounding set",
                 "set user", "set SELinux label", "report ready", "set no_new_privs"});
}

TEST_CASE("R-32: the filter is loaded at the end, with no_new_privs last of all", "[process]") {
    check_order({"wait for start", "run startContainer hooks", "set rlimits", "close descriptors",
                 "load seccomp filter", "drop filter privilege", "set no_new_privs",
                 "load seccomp filter last"});
    CHECK(init_steps().back().name == "load seccomp filter last");
}

TEST_CASE("R-45: rlimits bite only after the last file was opened", "[process]") {
    check_order({"look up program", "report ready", "set rlimits"});
}

TEST_CASE("exec runs every step that concerns identity and confinement", "[process]") {
    for (const char* name : {"enter cgroup",
                             "set cpu affinity",
                             "open label files",
                             "join namespaces",
                             "start session",
                             "join keyring",
                             "open terminal",
                             "set umask",
                             "drop bounding set",
                             "enter working directory",
                             "set user",
                             "set capabilities",
                             "check working directory",
                             "set memory policy",
                             "set personality",
                             "add environment",
                             "look up program",
                             "set AppArmor profile",
                             "set SELinux label",
                             "set rlimits",
                             "close descriptors",
                             "load seccomp filter",
                             "drop filter privilege",
                             "set no_new_privs",
                             "load seccomp filter last"}) {
        INFO(name);
        CHECK(scope_of(name) == StepScope::both);
    }
}
