// SPDX-License-Identifier: Apache-2.0
#include "libcontainer/cgroup/device_rules.h"

#include <algorithm>
#include <catch2/catch.hpp>

using libcontainer::check_device_rule;
using libcontainer::device_line;
using libcontainer::DevicePolicy;
using libcontainer::plan_device_policy;
using oci::DeviceRule;
using oci::DeviceRuleType;

namespace {

DeviceRule rule(bool allow, std::optional<DeviceRuleType> type, std::optional<std::int64_t> major,
                std::optional<std::int64_t> minor, const char* access) {
    return {allow, type, major, minor, access};
}

const DeviceRule kDenyAll = rule(false, {}, {}, {}, "rwm");
const DeviceRule kAllowAll = rule(true, {}, {}, {}, "rwm");
constexpr auto kChar = DeviceRuleType::character;
constexpr auto kBlock = DeviceRuleType::block;

// The exceptions that are not the defaults', as lines.
std::vector<std::string> own_lines(const std::vector<DeviceRule>& rules) {
    const auto policy = plan_device_policy(rules);
    REQUIRE(policy);
    std::vector<std::string> lines;
    for (const auto& exception : policy->exceptions) {
        if (exception.is_own) {
            lines.push_back(device_line(exception.pattern, exception.access));
        }
    }
    return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("T-62: without rules, and after a deny-all, everything is denied but the defaults") {
    for (const auto& rules : {std::vector<DeviceRule>(), std::vector<DeviceRule>{kDenyAll}}) {
        const auto policy = plan_device_policy(rules);
        REQUIRE(policy);
        CHECK_FALSE(policy->allow_by_default);
        CHECK(policy->exceptions.size() == libcontainer::default_device_rules().size());
    }
}

TEST_CASE("T-62: an allow rule without a deny-all before it does not open the rest") {
    CHECK(own_lines({rule(true, kChar, 10, 200, "rw")}) == Lines{"c 10:200 rw"});
    CHECK_FALSE(plan_device_policy({rule(true, kChar, 10, 200, "rw")})->allow_by_default);
}

TEST_CASE("RD-01: rules count in their order") {
    CHECK(own_lines({rule(true, kChar, 10, 200, "rwm"), kDenyAll}).empty());
    CHECK(own_lines({kDenyAll, rule(true, kChar, 10, 200, "rwm"),
                     rule(false, kChar, 10, 200, "w")}) == Lines{"c 10:200 rm"});
    CHECK(own_lines({rule(true, kBlock, 8, 1, "r"), rule(true, kBlock, 8, 1, "w")}) ==
          Lines{"b 8:1 rw"});
}

TEST_CASE("RD-01: absent and -1 are any number, absent access is all of it") {
    CHECK(own_lines({{true, kChar, 136, {}, {}}}) == Lines{"c 136:* rwm"});
    CHECK(own_lines({{true, kBlock, -1, -1, {}}}) == Lines{"b *:* rwm"});
    CHECK(own_lines({{true, kBlock, {}, 3, ""}}) == Lines{"b *:3 rwm"});
}

TEST_CASE("RD-01: allow-all turns later denials into the exceptions") {
    const auto policy = plan_device_policy({kAllowAll, rule(false, kChar, 10, 200, "rwm")});
    REQUIRE(policy);
    CHECK(policy->allow_by_default);
    REQUIRE(policy->exceptions.size() == 1);
    CHECK(device_line(policy->exceptions[0].pattern, policy->exceptions[0].access) ==
          "c 10:200 rw");  // making the node is always allowed (RD-02)
}

TEST_CASE("RD-01: a part of the access to all devices is not all access") {
    CHECK(own_lines({kDenyAll, rule(true, DeviceRuleType::all, {}, {}, "r")}) ==
          Lines{"b *:* rm", "c *:* rm"});  // m is the defaults'
    CHECK_FALSE(
        plan_device_policy({rule(true, DeviceRuleType::all, {}, {}, "m")})->allow_by_default);
}

TEST_CASE("RD-02: the defaults hold after a user's denial") {
    const auto policy = plan_device_policy({kAllowAll, rule(false, kChar, 1, 3, "rwm")});
    REQUIRE(policy);
    CHECK(policy->exceptions.empty());
}

TEST_CASE("R-35: a denial that v1 would pass over silently is an error") {
    const auto policy = plan_device_policy(
        {kDenyAll, rule(true, kBlock, 8, {}, "rwm"), rule(false, kBlock, 8, 1, "rw")});
    REQUIRE_FALSE(policy);
    CHECK(policy.error().config_path == "linux.resources.devices[2]");
    CHECK(policy.error().kind == sys::ErrorKind::unsupported);
    // Different access, or a wider denial, is no hole.
    CHECK(plan_device_policy({rule(true, kBlock, 8, {}, "r"), rule(false, kBlock, 8, 1, "w")}));
    CHECK(own_lines({rule(true, kBlock, 8, 1, "r"), rule(false, kBlock, 8, {}, "rw")}).empty());
}

TEST_CASE("the rules that docker sends lose nothing") {
    CHECK(own_lines({kDenyAll, rule(true, kChar, 1, 5, "rwm"), rule(true, kChar, 5, 1, "rwm"),
                     rule(false, kChar, 10, 229, "rwm")}) == Lines{"c 1:5 rwm", "c 5:1 rwm"});
}

TEST_CASE("RD-01: what is no rule is refused with its place") {
    const DeviceRule bad[] = {rule(true, kChar, 1, 3, "rx"), rule(true, kChar, -2, 3, "r"),
                              rule(true, kChar, 1, 4294967296, "r"),
                              rule(true, DeviceRuleType::all, 1, {}, "r"),
                              rule(true, {}, {}, 3, "r")};
    for (const DeviceRule& each : bad) {
        const auto checked = check_device_rule(each, 4);
        REQUIRE_FALSE(checked);
        CHECK_THAT(checked.error().config_path, Catch::StartsWith("linux.resources.devices[4]"));
    }
}
