// SPDX-License-Identifier: Apache-2.0
// What each v1 controller writes, on a folder that plays its directory.
#include "libcontainer/cgroup/v1/controllers.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <initializer_list>

#include "libcontainer/cgroup/memory_limits.h"
#include "tests/unit/cgroup/temporary_directory.h"

using libcontainer::AttributeDirectory;
using libcontainer::Controller;
namespace v1 = libcontainer::v1;

namespace {

// A directory with the files given, empty.
class Group {
  public:
    Group(std::initializer_list<const char*> files) {
        for (const char* const file : files) {
            folder_.put(file);
        }
    }
    [[nodiscard]] sys::Result<void> apply(const Controller& controller,
                                          const oci::Resources& resources) const {
        return controller.apply(AttributeDirectory(folder_.path()), resources);
    }
    [[nodiscard]] std::string operator[](const std::string& file) const {
        return folder_.get(file);
    }
    [[nodiscard]] const TemporaryDirectory& folder() const { return folder_; }

  private:
    TemporaryDirectory folder_;
};

const std::initializer_list<const char*> kCpuFiles = {
    "cpu.shares",       "cpu.cfs_quota_us",  "cpu.cfs_period_us", "cpu.cfs_burst_us",
    "cpu.rt_period_us", "cpu.rt_runtime_us", "cpu.idle"};
const std::initializer_list<const char*> kMemoryFiles = {"memory.limit_in_bytes",
                                                         "memory.memsw.limit_in_bytes",
                                                         "memory.soft_limit_in_bytes",
                                                         "memory.kmem.limit_in_bytes",
                                                         "memory.kmem.tcp.limit_in_bytes",
                                                         "memory.swappiness",
                                                         "memory.oom_control",
                                                         "memory.use_hierarchy"};

}  // namespace

TEST_CASE("absent resources write nothing, into any controller but devices") {
    const Group group({});  // any write would fail
    for (const Controller* const controller : v1::controllers()) {
        INFO(controller->name);
        if (controller != &v1::kDevices) {
            CHECK(group.apply(*controller, {}));
            CHECK(controller->asks({}).empty());
        }
    }
}

TEST_CASE("v1 cpu: each value has its file") {
    const Group group(kCpuFiles);
    oci::Resources resources;
    resources.cpu.shares = 512;
    resources.cpu.quota = 50000;
    resources.cpu.period = 100000;
    resources.cpu.burst = 1000;
    resources.cpu.realtime_period = 1000000;
    resources.cpu.realtime_runtime = 950000;
    resources.cpu.idle = 1;
    REQUIRE(group.apply(v1::kCpu, resources));
    CHECK(group["cpu.shares"] == "512\n");
    CHECK(group["cpu.cfs_quota_us"] == "50000\n");
    CHECK(group["cpu.cfs_period_us"] == "100000\n");
    CHECK(group["cpu.cfs_burst_us"] == "1000\n");
    CHECK(group["cpu.rt_period_us"] == "1000000\n");
    CHECK(group["cpu.rt_runtime_us"] == "950000\n");
    CHECK(group["cpu.idle"] == "1\n");
}

TEST_CASE("v1 cpu: 0 is unset, a quota of -1 lifts the limit") {
    const Group group(kCpuFiles);
    oci::Resources resources;
    resources.cpu.shares = 0;
    resources.cpu.quota = 0;
    resources.cpu.period = 0;
    REQUIRE(group.apply(v1::kCpu, resources));
    CHECK(group["cpu.shares"].empty());
    CHECK(group["cpu.cfs_quota_us"].empty());
    CHECK(group["cpu.cfs_period_us"].empty());
    resources.cpu.quota = -1;
    REQUIRE(group.apply(v1::kCpu, resources));
    CHECK(group["cpu.cfs_quota_us"] == "-1\n");
    CHECK(v1::kCpu.asks(resources).empty());
}

TEST_CASE("v1 cpuset: lists are written as they are") {
    const Group group({"cpuset.cpus", "cpuset.mems"});
    oci::Resources resources;
    resources.cpu.cpus = "0-1,3";
    resources.cpu.mems = "0";
    REQUIRE(group.apply(libcontainer::kCpuset, resources));
    CHECK(group["cpuset.cpus"] == "0-1,3\n");
    CHECK(group["cpuset.mems"] == "0\n");
    CHECK(libcontainer::kCpuset.asks(resources) == "linux.resources.cpu.cpus");
}

TEST_CASE("v1 memory: each value has its file") {
    const Group group(kMemoryFiles);
    oci::Resources resources;
    resources.memory = {67108864, 33554432, 134217728, 1024, 2048, 60, true, true, {}};
    REQUIRE(group.apply(v1::kMemory, resources));
    CHECK(group["memory.limit_in_bytes"] == "67108864\n");
    CHECK(group["memory.memsw.limit_in_bytes"] == "134217728\n");
    CHECK(group["memory.soft_limit_in_bytes"] == "33554432\n");
    CHECK(group["memory.kmem.limit_in_bytes"] == "1024\n");
    CHECK(group["memory.kmem.tcp.limit_in_bytes"] == "2048\n");
    CHECK(group["memory.swappiness"] == "60\n");
    CHECK(group["memory.oom_control"] == "1\n");
    CHECK(group["memory.use_hierarchy"] == "1\n");
}

TEST_CASE("v1 memory: values that limit nothing write nothing (26.6)") {
    const Group group({});
    oci::Resources resources;
    resources.memory.limit = 0;
    resources.memory.swap = 0;
    resources.memory.reservation = 0;
    resources.memory.kernel = -1;
    resources.memory.kernel_tcp = 0;
    resources.memory.disable_oom_killer = false;
    resources.memory.use_hierarchy = false;
    CHECK(group.apply(v1::kMemory, resources));
    CHECK(v1::kMemory.asks(resources).empty());
}

TEST_CASE("v1 memory: unlimited memory means unlimited swap unless that is given (27)") {
    const Group group(kMemoryFiles);
    oci::Resources resources;
    resources.memory.limit = -1;
    REQUIRE(group.apply(v1::kMemory, resources));
    CHECK(group["memory.limit_in_bytes"] == "-1\n");
    CHECK(group["memory.memsw.limit_in_bytes"] == "-1\n");
}

TEST_CASE("v1 memory: a kernel without swap accounting is no error") {
    const Group group({"memory.limit_in_bytes"});
    oci::Resources resources;
    resources.memory.limit = 67108864;
    resources.memory.swap = 134217728;
    CHECK(group.apply(v1::kMemory, resources));
    CHECK(group["memory.limit_in_bytes"] == "67108864\n");
}

TEST_CASE("memory: swap counts memory and swap together (15.2, 27)") {
    const auto check = [](std::optional<std::int64_t> limit, std::optional<std::int64_t> swap) {
        oci::Memory memory;
        memory.limit = limit;
        memory.swap = swap;
        return libcontainer::check_memory(memory).has_value();
    };
    constexpr std::int64_t kMega = 1024 * 1024;
    CHECK(check(64 * kMega, {}));
    CHECK(check(64 * kMega, 128 * kMega));
    CHECK(check(64 * kMega, 64 * kMega));
    CHECK(check(64 * kMega, -1));
    CHECK(check(64 * kMega, 0));
    CHECK(check(-1, {}));
    CHECK(check(-1, -1));
    CHECK_FALSE(check({}, 128 * kMega));
    CHECK_FALSE(check(64 * kMega, 32 * kMega));
    CHECK_FALSE(check(-1, 32 * kMega));
}

TEST_CASE("memory: swappiness is 0..100") {
    oci::Memory memory;
    memory.swappiness = 100;
    CHECK(libcontainer::check_memory(memory));
    memory.swappiness = 101;
    const auto checked = libcontainer::check_memory(memory);
    REQUIRE_FALSE(checked);
    CHECK(checked.error().config_path == "linux.resources.memory.swappiness");
}

TEST_CASE("v1 pids: 0 is a limit, negative is none") {
    const std::pair<std::int64_t, const char*> cases[] = {
        {100, "100\n"}, {0, "0\n"}, {-1, "max\n"}, {-7, "max\n"}};
    for (const auto& [limit, expected] : cases) {
        const Group group({"pids.max"});
        oci::Resources resources;
        resources.pids.limit = limit;
        REQUIRE(group.apply(libcontainer::kPids, resources));
        CHECK(group["pids.max"] == expected);
        CHECK(libcontainer::kPids.asks(resources).empty() == (limit < 0));
    }
}

TEST_CASE("v1 blkio: weight goes to BFQ where there is BFQ") {
    oci::Resources resources;
    resources.block_io.weight = 500;
    const Group bfq({"blkio.bfq.weight", "blkio.weight"});
    REQUIRE(bfq.apply(v1::kBlkio, resources));
    CHECK(bfq["blkio.bfq.weight"] == "500\n");
    CHECK(bfq["blkio.weight"].empty());
    const Group cfq({"blkio.weight"});
    REQUIRE(cfq.apply(v1::kBlkio, resources));
    CHECK(cfq["blkio.weight"] == "500\n");
    const Group neither({});
    const auto applied = neither.apply(v1::kBlkio, resources);
    REQUIRE_FALSE(applied);
    CHECK(applied.error().kind == sys::ErrorKind::unsupported);
    CHECK(applied.error().config_path == "linux.resources.blockIO.weight");
    CHECK_THAT(applied.error().message, !Catch::Contains("no such file"));
}

TEST_CASE("v1 blkio: a weight is 10..1000, 0 is unset") {
    const Group group({"blkio.bfq.weight"});
    oci::Resources resources;
    for (const int weight : {1, 9, 1001, 65535}) {
        resources.block_io.weight = static_cast<std::uint16_t>(weight);
        CHECK_FALSE(group.apply(v1::kBlkio, resources));
    }
    resources.block_io.weight = 0;
    CHECK(group.apply(v1::kBlkio, resources));
    CHECK(group["blkio.bfq.weight"].empty());
}

TEST_CASE("RES-blockIO.leafWeight RES-blockIO.weightDevice: v1 blkio has one line per device") {
    const Group group({"blkio.bfq.weight_device", "blkio.leaf_weight", "blkio.leaf_weight_device",
                       "blkio.throttle.read_bps_device", "blkio.throttle.write_bps_device",
                       "blkio.throttle.read_iops_device", "blkio.throttle.write_iops_device"});
    oci::Resources resources;
    auto& block_io = resources.block_io;
    block_io.leaf_weight = 20;
    block_io.weight_device = {{8, 0, 300, 400}};
    block_io.throttle_read_bps_device = {{8, 0, 1048576}, {8, 16, 0}};
    block_io.throttle_write_bps_device = {{8, 0, 2}};
    block_io.throttle_read_iops_device = {{8, 0, 3}};
    block_io.throttle_write_iops_device = {{8, 0, 18446744073709551615U}};
    REQUIRE(group.apply(v1::kBlkio, resources));
    CHECK(group["blkio.leaf_weight"] == "20\n");
    CHECK(group["blkio.bfq.weight_device"] == "8:0 300\n");
    CHECK(group["blkio.leaf_weight_device"] == "8:0 400\n");
    CHECK(group["blkio.throttle.read_bps_device"] == "8:0 1048576\n8:16 0\n");
    CHECK(group["blkio.throttle.write_bps_device"] == "8:0 2\n");
    CHECK(group["blkio.throttle.read_iops_device"] == "8:0 3\n");
    CHECK(group["blkio.throttle.write_iops_device"] == "8:0 18446744073709551615\n");
}

TEST_CASE("RES-hugepageLimits: v1 hugetlb, limit and reservation, if the kernel has that") {
    oci::Resources resources;
    resources.hugepage_limits = {{"2MB", 209715200}};
    const Group both({"hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.rsvd.limit_in_bytes"});
    REQUIRE(both.apply(v1::kHugetlb, resources));
    CHECK(both["hugetlb.2MB.limit_in_bytes"] == "209715200\n");
    CHECK(both["hugetlb.2MB.rsvd.limit_in_bytes"] == "209715200\n");
    const Group old({"hugetlb.2MB.limit_in_bytes"});
    CHECK(old.apply(v1::kHugetlb, resources));
}

TEST_CASE("v1 hugetlb: an unknown page size tells the known ones") {
    const Group group({"hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.rsvd.limit_in_bytes",
                       "hugetlb.1GB.limit_in_bytes"});
    oci::Resources resources;
    for (const char* const size : {"3MB", "../hugetlb.2MB", ""}) {
        resources.hugepage_limits = {{"2MB", 0}, {size, 1}};
        const auto applied = group.apply(v1::kHugetlb, resources);
        REQUIRE_FALSE(applied);
        CHECK(applied.error().config_path == "linux.resources.hugepageLimits[1].pageSize");
        CHECK_THAT(applied.error().message, Catch::Contains("it has: 1GB, 2MB"));
    }
}

TEST_CASE("RES-network.classID RES-network.priorities: v1 network, class id and priorities") {
    const Group group({"net_cls.classid", "net_prio.ifpriomap"});
    oci::Resources resources;
    resources.network.class_id = 0x100001;
    resources.network.priorities = {{"eth0", 500}, {"lo", 0}};
    REQUIRE(group.apply(v1::kNetCls, resources));
    REQUIRE(group.apply(v1::kNetPrio, resources));
    CHECK(group["net_cls.classid"] == "1048577\n");
    CHECK(group["net_prio.ifpriomap"] == "eth0 500\nlo 0\n");
}

TEST_CASE("RES-rdma: what is absent is not in the line") {
    const Group group({"rdma.max"});
    oci::Resources resources;
    resources.rdma["mlx5_1"] = {3, 10000};
    resources.rdma["mlx4_0"].hca_objects = 1000;
    REQUIRE(group.apply(libcontainer::kRdma, resources));
    CHECK(group["rdma.max"] == "mlx4_0 hca_object=1000\nmlx5_1 hca_handle=3 hca_object=10000\n");
}

TEST_CASE("v1 devices: a reset, then the exceptions") {
    const Group group({"devices.allow", "devices.deny"});
    oci::Resources resources;
    SECTION("T-62: no rules deny all but the defaults") {
        REQUIRE(group.apply(v1::kDevices, resources));
        CHECK(group["devices.deny"] == "a\n");
        CHECK(group["devices.allow"] ==
              "c *:* m\nb *:* m\nc 1:3 rwm\nc 1:5 rwm\nc 1:7 rwm\nc 1:8 rwm\nc 1:9 rwm\n"
              "c 5:0 rwm\nc 5:2 rwm\nc 136:* rwm\n");
    }
    SECTION("a privileged container: allow all") {
        resources.devices = {{true, {}, {}, {}, "rwm"}};
        REQUIRE(group.apply(v1::kDevices, resources));
        CHECK(group["devices.allow"] == "a\n");
        CHECK(group["devices.deny"].empty());
    }
}
