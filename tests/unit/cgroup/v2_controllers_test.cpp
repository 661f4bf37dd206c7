// SPDX-License-Identifier: Apache-2.0
// What each v2 controller writes, on a folder that plays its directory.
#include "libcontainer/cgroup/v2/controllers.h"

#include <catch2/catch.hpp>
#include <initializer_list>

#include "libcontainer/cgroup/memory_limits.h"
#include "libcontainer/cgroup/v2/directories.h"
#include "libcontainer/cgroup/v2/events.h"
#include "tests/unit/cgroup/temporary_directory.h"

using libcontainer::AttributeDirectory;
namespace v2 = libcontainer::v2;

namespace {

AttributeDirectory files_of(const TemporaryDirectory& folder) {
    return AttributeDirectory(folder.path());
}

void put_all(const TemporaryDirectory& folder, std::initializer_list<const char*> files) {
    for (const char* const file : files) {
        folder.put(file);
    }
}

}  // namespace

TEST_CASE("v2: absent resources and those that limit nothing write nothing") {
    const TemporaryDirectory folder;  // any write would fail
    oci::Resources nothing;
    nothing.memory.limit = 0;
    nothing.memory.swap = 0;
    nothing.cpu.shares = 0;
    nothing.cpu.quota = 0;
    nothing.block_io.weight = 0;
    for (const auto* const controller : v2::controllers()) {
        INFO(controller->name);
        CHECK(controller->apply(files_of(folder), {}));
        CHECK(controller->apply(files_of(folder), nothing));
        CHECK(controller->asks(nothing).empty());
    }
}

TEST_CASE("v2 memory: limits, swap alone, reservation") {
    const TemporaryDirectory folder;
    put_all(folder, {"memory.max", "memory.swap.max", "memory.low"});
    oci::Resources resources;
    resources.memory.limit = 67108864;
    resources.memory.swap = 134217728;
    resources.memory.reservation = 1048576;
    REQUIRE(v2::kMemory.apply(files_of(folder), resources));
    CHECK(folder.get("memory.max") == "67108864\n");
    CHECK(folder.get("memory.swap.max") == "67108864\n");
    CHECK(folder.get("memory.low") == "1048576\n");
}

TEST_CASE("v2 memory: unlimited") {
    const TemporaryDirectory folder;
    put_all(folder, {"memory.max", "memory.swap.max", "memory.low"});
    oci::Resources resources;
    resources.memory.limit = -1;
    resources.memory.reservation = -1;
    REQUIRE(v2::kMemory.apply(files_of(folder), resources));
    CHECK(folder.get("memory.max") == "max\n");
    CHECK(folder.get("memory.swap.max") == "max\n");
    CHECK(folder.get("memory.low") == "max\n");
}

TEST_CASE("v2 memory: update gives swap alone against the limit in force") {
    const TemporaryDirectory folder;
    folder.put("memory.max", "67108864\n");
    folder.put("memory.swap.max");
    oci::Resources resources;
    resources.memory.swap = 100000000;
    REQUIRE(v2::kMemory.apply(files_of(folder), resources));
    CHECK(folder.get("memory.swap.max") == "32891136\n");
    resources.memory.swap = 1000;
    CHECK_FALSE(v2::kMemory.apply(files_of(folder), resources));
}

TEST_CASE("v2 memory: no swap accounting is no error, no memory controller is") {
    const TemporaryDirectory folder;
    oci::Resources resources;
    resources.memory.limit = 67108864;
    resources.memory.swap = 134217728;
    CHECK_FALSE(v2::kMemory.apply(files_of(folder), resources));
    folder.put("memory.max");
    CHECK(v2::kMemory.apply(files_of(folder), resources));
}

TEST_CASE("RES-memory.checkBeforeUpdate: v2 refuses what is in use") {
    const TemporaryDirectory folder;
    put_all(folder, {"memory.max", "memory.swap.max"});
    folder.put("memory.current", "5000\n");
    folder.put("memory.swap.current", "300\n");
    oci::Resources resources;
    resources.memory.check_before_update = true;
    resources.memory.limit = 4999;
    const auto applied = v2::kMemory.check_update(files_of(folder), resources);
    REQUIRE_FALSE(applied);
    CHECK(applied.error().config_path == "linux.resources.memory.limit");
    CHECK(folder.get("memory.max").empty());
    resources.memory.limit = 5000;
    resources.memory.swap = 5299;
    CHECK_FALSE(v2::kMemory.check_update(files_of(folder), resources));
    resources.memory.swap = 5300;
    CHECK(v2::kMemory.check_update(files_of(folder), resources));
    // Swap alone, against the limit in force.
    resources.memory.limit.reset();
    folder.put("memory.max", "5000\n");
    resources.memory.swap = 5299;
    const auto swapped = v2::kMemory.check_update(files_of(folder), resources);
    REQUIRE_FALSE(swapped);
    CHECK(swapped.error().config_path == "linux.resources.memory.swap");
    // Without it the kernel is left to reclaim.
    resources.memory.check_before_update = false;
    CHECK(v2::kMemory.check_update(files_of(folder), resources));
}

TEST_CASE("VEC-memory: limit and swap to memory.max and memory.swap.max") {
    constexpr std::int64_t k64 = 67108864;
    struct Vector {
        std::optional<std::int64_t> limit;
        std::optional<std::int64_t> swap;
        std::string max;  // empty: an error
        std::string swap_max;
    };
    const std::string as_it_was = "as it was";
    const Vector vectors[] = {
        {k64, {}, "67108864\n", as_it_was},
        {k64, 2 * k64, "67108864\n", "67108864\n"},
        {k64, k64, "67108864\n", "0\n"},
        {k64, -1, "67108864\n", "max\n"},
        {-1, {}, "max\n", "max\n"},
        {-1, -1, "max\n", "max\n"},
        {{}, 2 * k64, "", ""},
        {k64, k64 / 2, "", ""},
        {0, 0, as_it_was, as_it_was},
        {k64, 0, "67108864\n", as_it_was},
    };
    for (const auto& [limit, swap, max, swap_max] : vectors) {
        INFO(limit.value_or(-99) << " " << swap.value_or(-99));
        const TemporaryDirectory folder;
        folder.put("memory.max", max == as_it_was ? as_it_was : "");
        folder.put("memory.swap.max", swap_max == as_it_was ? as_it_was : "");
        oci::Resources resources;
        resources.memory.limit = limit;
        resources.memory.swap = swap;
        if (max.empty()) {
            CHECK_FALSE(libcontainer::check_memory(resources.memory));
            continue;
        }
        REQUIRE(libcontainer::check_memory(resources.memory));
        REQUIRE(v2::kMemory.apply(files_of(folder), resources));
        CHECK(folder.get("memory.max") == max);
        CHECK(folder.get("memory.swap.max") == swap_max);
    }
}

TEST_CASE("v2 cpu: weight, bandwidth, burst, idle") {
    const TemporaryDirectory folder;
    put_all(folder, {"cpu.weight", "cpu.max", "cpu.max.burst", "cpu.idle"});
    oci::Resources resources;
    resources.cpu.shares = 512;
    resources.cpu.quota = 50000;
    resources.cpu.period = 200000;
    resources.cpu.burst = 1000;
    resources.cpu.idle = 1;
    REQUIRE(v2::kCpu.apply(files_of(folder), resources));
    CHECK(folder.get("cpu.weight") == "59\n");
    CHECK(folder.get("cpu.max") == "50000 200000\n");
    CHECK(folder.get("cpu.max.burst") == "1000\n");
    CHECK(folder.get("cpu.idle") == "1\n");
}

TEST_CASE("v2 cpu: a quota alone keeps the period in force") {
    const TemporaryDirectory folder;
    folder.put("cpu.max", "max 40000\n");
    oci::Resources resources;
    resources.cpu.quota = 9000;
    REQUIRE(v2::kCpu.apply(files_of(folder), resources));
    CHECK(folder.get("cpu.max") == "9000 40000\n");
}

TEST_CASE("v2 io: BFQ takes the weight as it is, io.weight a wider one") {
    oci::Resources resources;
    resources.block_io.weight = 500;
    resources.block_io.throttle_read_bps_device = {{8, 0, 1048576}};
    const TemporaryDirectory bfq;
    put_all(bfq, {"io.bfq.weight", "io.weight", "io.max"});
    REQUIRE(v2::kIo.apply(files_of(bfq), resources));
    CHECK(bfq.get("io.bfq.weight") == "500\n");
    CHECK(bfq.get("io.weight").empty());
    CHECK(bfq.get("io.max") == "8:0 rbps=1048576\n");
    const TemporaryDirectory plain;
    put_all(plain, {"io.weight", "io.max"});
    REQUIRE(v2::kIo.apply(files_of(plain), resources));
    CHECK(plain.get("io.weight") == "4950\n");
    resources.block_io.weight_device = {{8, 16, 100, {}}};
    REQUIRE(v2::kIo.apply(files_of(plain), resources));
    CHECK_THAT(plain.get("io.weight"), Catch::StartsWith("8:16 910\n"));
    resources.block_io.weight = 9;
    CHECK_FALSE(v2::kIo.apply(files_of(plain), resources));
}

TEST_CASE("RES-hugepageLimits: v2 hugetlb, max and rsvd.max") {
    const TemporaryDirectory folder;
    put_all(folder, {"hugetlb.2MB.max", "hugetlb.2MB.rsvd.max"});
    oci::Resources resources;
    resources.hugepage_limits = {{"2MB", 4194304}};
    REQUIRE(v2::kHugetlb.apply(files_of(folder), resources));
    CHECK(folder.get("hugetlb.2MB.max") == "4194304\n");
    CHECK(folder.get("hugetlb.2MB.rsvd.max") == "4194304\n");
    resources.hugepage_limits = {{"1GB", 0}};
    const auto applied = v2::kHugetlb.apply(files_of(folder), resources);
    REQUIRE_FALSE(applied);
    CHECK_THAT(applied.error().message, Catch::EndsWith("it has: 2MB"));
}

TEST_CASE("DEC-06: a value that only v1 knows is an error if it limits something") {
    oci::Resources resources;
    resources.memory.swappiness = 0;
    resources.memory.kernel = -1;
    resources.memory.kernel_tcp = 0;
    resources.memory.disable_oom_killer = false;
    resources.memory.use_hierarchy = false;
    resources.cpu.realtime_runtime = 0;
    resources.cpu.realtime_period = 0;
    resources.network.class_id = 0;
    CHECK(v2::refuse_v1_values(resources));
    resources.memory.swappiness = 60;
    const auto refused = v2::refuse_v1_values(resources);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().config_path == "linux.resources.memory.swappiness");
    resources.memory.swappiness = UINT64_MAX;  // an engine's -1
    CHECK(v2::refuse_v1_values(resources));
    resources.block_io.weight_device = {{8, 0, 100, 200}};
    const auto leaf = v2::refuse_v1_values(resources);
    REQUIRE_FALSE(leaf);
    CHECK(leaf.error().config_path == "linux.resources.blockIO.weightDevice");
}

TEST_CASE("unified: each value into its file, line by line") {
    const TemporaryDirectory folder;
    put_all(folder, {"memory.high", "io.max"});
    oci::Resources resources;
    resources.unified = {{"memory.high", "1073741824"}, {"io.max", "8:0 rbps=1\n8:16 wbps=2\n"}};
    REQUIRE(v2::apply_unified(files_of(folder), resources));
    CHECK(folder.get("memory.high") == "1073741824\n");
    CHECK(folder.get("io.max") == "8:0 rbps=1\n8:16 wbps=2\n");
}

TEST_CASE("unified: a key that is no file's name is refused") {
    const TemporaryDirectory folder;
    put_all(folder, {"memory.high"});
    for (const char* const key : {"", "..", ".", "../x", "/etc/passwd", "sub/memory.high"}) {
        INFO(key);
        oci::Resources resources;
        resources.unified[key] = "1";
        const auto applied = v2::apply_unified(files_of(folder), resources);
        REQUIRE_FALSE(applied);
        CHECK(applied.error().kind == sys::ErrorKind::invalid);
    }
    oci::Resources resources;
    folder.put("cgroup.controllers", "memory\n");
    resources.unified["memory.absent"] = "1";
    const auto applied = v2::apply_unified(files_of(folder), resources);
    REQUIRE_FALSE(applied);
    CHECK(applied.error().config_path == "linux.resources.unified[\"memory.absent\"]");
    CHECK_THAT(applied.error().message, Catch::Contains("this kernel offers no memory.absent"));
}

TEST_CASE("CG-06: controllers are handed on from the mount point to the parent") {
    const TemporaryDirectory mount;
    for (const char* const group : {"", "a/", "a/b/"}) {
        mount.put(std::string(group) + "cgroup.controllers", "cpu memory pids\n");
        mount.put(std::string(group) + "cgroup.subtree_control");
    }
    mount.put("a/cgroup.subtree_control", "memory pids\n");
    mount.put("a/b/cgroup.controllers", "memory pids\n");
    REQUIRE(v2::enable_controllers(mount.path(), mount.path() + "/a/b"));
    CHECK(mount.get("cgroup.subtree_control") == "+cpu +memory +pids");
    CHECK_THAT(mount.get("a/cgroup.subtree_control"), Catch::StartsWith("+cpu"));
    CHECK(mount.get("a/b/cgroup.subtree_control").empty());
}

TEST_CASE("CG-06: what lacks a controller is named") {
    const TemporaryDirectory mount;
    mount.put("cgroup.controllers", "cpu memory\n");
    mount.put("a/cgroup.controllers", "memory\n");
    mount.put("a/b/cgroup.controllers", "\n");
    CHECK(v2::lacking_controller(mount.path() + "/a", "memory").empty());
    CHECK(v2::lacking_controller(mount.path() + "/a/b", "memory") ==
          "needs the memory controller, which " + mount.path() +
              "/a does not hand on (cgroup.subtree_control)");
    CHECK_THAT(v2::lacking_controller(mount.path() + "/a/b", "cpu"),
               Catch::Contains(mount.path() + " does not hand on"));
    CHECK_THAT(v2::lacking_controller(mount.path() + "/a/b", "rdma"),
               Catch::Contains("this host does not have"));
}

TEST_CASE("cgroup.events: whole lines count, and a cgroup that is gone is empty") {
    const TemporaryDirectory folder;
    folder.put("cgroup.events", "populated 1\nfrozen 10\n");
    CHECK(*v2::has_event(folder.path(), "populated 1"));
    CHECK_FALSE(*v2::has_event(folder.path(), "frozen 1"));
    CHECK_FALSE(*v2::has_event(folder.path(), "populated 0"));
    CHECK(*v2::has_event(folder.path() + "/gone", "populated 0"));
    CHECK_FALSE(*v2::has_event(folder.path() + "/gone", "frozen 1"));
}
