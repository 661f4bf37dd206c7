// SPDX-License-Identifier: Apache-2.0
// The cgroups below a unit's own that annotations ask for (engines 7.4).
#include "libcontainer/cgroup/systemd/subgroups.h"

#include <catch2/catch.hpp>

using libcontainer::SystemdUnit;
using libcontainer::systemd::name_subgroups;
using libcontainer::systemd::refuse_delegation;

namespace {

constexpr const char* kSubgroup = "run.oci.systemd.subgroup";
constexpr const char* kDelegate = "run.oci.delegate-cgroup";
using Annotations = std::map<std::string, std::string>;

}  // namespace

TEST_CASE("engines 7.4: the names of subgroups, and none") {
    SystemdUnit unit;
    unit.name = "a.scope";
    REQUIRE(name_subgroups({}, unit));
    REQUIRE(name_subgroups({{kSubgroup, ""}}, unit));
    CHECK(!unit.subgroup);
    REQUIRE(name_subgroups({{kSubgroup, "container"}}, unit));
    CHECK(unit.subgroup == "container");
    CHECK(!unit.delegated);
    REQUIRE(name_subgroups({{kSubgroup, "c"}, {kDelegate, "..."}}, unit));
    CHECK(unit.delegated == "...");
}

TEST_CASE("R-33: what cannot be a subgroup names its annotation") {
    const struct {
        Annotations annotations;
        const char* named;
    } vectors[] = {
        {{{kSubgroup, "a/b"}}, kSubgroup},
        {{{kSubgroup, ".."}}, kSubgroup},
        {{{kSubgroup, "."}}, kSubgroup},
        {{{kSubgroup, "a\nb"}}, kSubgroup},
        {{{kSubgroup, std::string(256, 'a')}}, kSubgroup},
        {{{kSubgroup, std::string("a\0b", 3)}}, kSubgroup},
        {{{kSubgroup, "a"}, {kDelegate, ""}}, kDelegate},
        {{{kSubgroup, "a"}, {kDelegate, ".."}}, kDelegate},
        {{{kSubgroup, "a"}, {kDelegate, "/"}}, kDelegate},
        {{{kSubgroup, ""}, {kDelegate, "a"}}, kDelegate},
        {{{kDelegate, "a"}}, kDelegate},
    };
    for (const auto& vector : vectors) {
        SystemdUnit unit;
        unit.name = "a.scope";
        const auto named = name_subgroups(vector.annotations, unit);
        REQUIRE(!named);
        CHECK(named.error().config_path == "annotations[\"" + std::string(vector.named) + "\"]");
    }
    SystemdUnit slice;
    slice.name = "a.slice";
    CHECK(!name_subgroups({{kSubgroup, "a"}}, slice));
    CHECK(name_subgroups({{kSubgroup, ""}}, slice));
}

TEST_CASE("engines 7.4: other drivers refuse a cgroup to be ruled, and know of no subgroup") {
    CHECK(refuse_delegation({{kSubgroup, "a/b"}}));
    const auto refused = refuse_delegation({{kSubgroup, "a"}, {kDelegate, "b"}});
    REQUIRE(!refused);
    CHECK(refused.error().config_path == "annotations[\"run.oci.delegate-cgroup\"]");
}
