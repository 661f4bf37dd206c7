// SPDX-License-Identifier: Apache-2.0
// One linux.resources over another.
#include "oci/merge_resources.h"

#include <catch2/catch.hpp>

#include "oci/bindings_resources.h"
#include "oci/json.h"
#include "sample.h"

namespace {

using oci::merge_resources;
using oci::Resources;

Resources sample_resources() {
    const auto document = oci::sample::make_document(oci::kType<Resources>);
    const auto resources = oci::parse_json<Resources>(document.json);
    REQUIRE(resources);
    return *resources;
}

TEST_CASE("merge: every member of an update is taken") {
    const Resources every = sample_resources();
    Resources into;
    merge_resources(into, every);
    CHECK(into == every);
}

TEST_CASE("merge: what an update leaves out stays") {
    const Resources every = sample_resources();
    Resources into = every;
    merge_resources(into, {});
    CHECK(into == every);
}

TEST_CASE("merge: entries are replaced by what they are about, 0 of a list is an entry") {
    Resources into;
    into.block_io.throttle_read_bps_device = {{7, 0, 5}, {7, 1, 6}};
    into.hugepage_limits = {{"2MB", 1}};
    into.unified = {{"memory.high", "1"}};
    Resources changes;
    changes.block_io.throttle_read_bps_device = {{7, 1, 0}, {8, 0, 9}};
    changes.hugepage_limits = {{"1GB", 2}, {"2MB", 3}};
    changes.unified = {{"memory.high", "2"}, {"io.max", "x"}};
    merge_resources(into, changes);
    CHECK(into.block_io.throttle_read_bps_device ==
          std::vector<oci::ThrottleDevice>{{7, 0, 5}, {7, 1, 0}, {8, 0, 9}});
    CHECK(into.hugepage_limits == std::vector<oci::HugepageLimit>{{"2MB", 3}, {"1GB", 2}});
    CHECK(into.unified ==
          std::map<std::string, std::string>{{"memory.high", "2"}, {"io.max", "x"}});
}

TEST_CASE("merge: 0 that means unset replaces nothing, 0 that is a value does") {
    Resources into;
    into.memory.limit = 5;
    into.cpu.quota = 5;
    into.cpu.cpus = "0";
    into.cpu.burst = 5;
    into.cpu.idle = 1;
    into.pids.limit = 5;
    Resources changes;
    changes.memory.limit = 0;
    changes.cpu.quota = 0;
    changes.cpu.cpus = "";
    changes.cpu.burst = 0;
    changes.cpu.idle = 0;
    changes.pids.limit = 0;
    merge_resources(into, changes);
    CHECK(into.memory.limit == 5);
    CHECK(into.cpu.quota == 5);
    CHECK(into.cpu.cpus == "0");
    CHECK(into.cpu.burst == 0);
    CHECK(into.cpu.idle == 0);
    CHECK(into.pids.limit == 0);
}

}  // namespace
