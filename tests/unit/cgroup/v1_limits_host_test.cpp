// SPDX-License-Identifier: Apache-2.0
// Limits that the v1 manager writes, seen from inside and read back.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>

#include "tests/unit/cgroup/made_cgroup.h"

TEST_CASE("limits are in force and can be read back") {
    const Made made;
    oci::Resources resources;
    resources.memory.limit = 67108864;
    resources.memory.swap = 134217728;
    resources.memory.reservation = 33554432;
    resources.cpu.shares = 512;
    resources.cpu.quota = 50000;
    resources.cpu.period = 100000;
    resources.cpu.cpus = "0";
    resources.pids.limit = 100;
    const auto applied = made->apply(resources);
    INFO((applied ? std::string() : applied.error().text()));
    REQUIRE(applied);
    CHECK(content(made.directory("memory") + "/memory.limit_in_bytes") == "67108864\n");
    CHECK(content(made.directory("memory") + "/memory.memsw.limit_in_bytes") == "134217728\n");
    CHECK(content(made.directory("memory") + "/memory.soft_limit_in_bytes") == "33554432\n");
    CHECK(content(made.directory("cpu") + "/cpu.shares") == "512\n");
    CHECK(content(made.directory("cpu") + "/cpu.cfs_quota_us") == "50000\n");
    CHECK(content(made.directory("cpu") + "/cpu.cfs_period_us") == "100000\n");
    CHECK(content(made.directory("cpuset") + "/cpuset.cpus") == "0\n");
    CHECK(content(made.directory("pids") + "/pids.max") == "100\n");
}

TEST_CASE("trap 52: update can raise and lower memory and swap in one go") {
    const Made made;
    oci::Resources resources;
    for (const std::int64_t megabytes : {64, 256, 32}) {
        resources.memory.limit = megabytes << 20;
        resources.memory.swap = megabytes << 20;
        const auto updated = update(made, resources);
        INFO((updated ? std::string() : updated.error().text()));
        REQUIRE(updated);
        CHECK(content(made.directory("memory") + "/memory.limit_in_bytes") ==
              std::to_string(megabytes << 20) + "\n");
        CHECK(content(made.directory("memory") + "/memory.memsw.limit_in_bytes") ==
              std::to_string(megabytes << 20) + "\n");
    }
}

TEST_CASE("RES-memory.checkBeforeUpdate: v1 refuses what is in use, and nothing changes") {
    const Made made;
    oci::Resources resources;
    resources.memory.limit = 64 << 20;
    resources.memory.swap = 64 << 20;  // nothing can be swapped out
    REQUIRE(made->apply(resources));
    constexpr std::size_t kUsed = 32 << 20;
    Member member(*made, [] {
        std::string used(kUsed, 'x');
        return used.back() == 'x' ? wait_for_ever() : 1;
    });
    const std::string usage = made.directory("memory") + "/memory.usage_in_bytes";
    while (std::stoul(content(usage)) < kUsed) {
        ::usleep(1000);
    }
    resources.memory.check_before_update = GENERATE(true, false);
    resources.memory.limit = 8 << 20;
    resources.memory.swap = 16 << 20;
    const auto updated = update(made, resources);
    REQUIRE_FALSE(updated);
    CHECK(updated.error().config_path == "linux.resources.memory.limit");
    CHECK_THAT(updated.error().message, Catch::Contains("the container uses more"));
    CHECK(content(made.directory("memory") + "/memory.limit_in_bytes") == "67108864\n");
    CHECK(content(made.directory("memory") + "/memory.memsw.limit_in_bytes") == "67108864\n");
}

TEST_CASE("trap 52: update can change quota and period together") {
    const Made made;
    oci::Resources resources;
    for (const auto& [quota, period] : {std::pair(50000, 100000), std::pair(5000, 10000),
                                        std::pair(400000, 200000), std::pair(-1, 100000)}) {
        resources.cpu.quota = quota;
        resources.cpu.period = static_cast<std::uint64_t>(period);
        REQUIRE(update(made, resources));
        CHECK(content(made.directory("cpu") + "/cpu.cfs_quota_us") == std::to_string(quota) + "\n");
        CHECK(content(made.directory("cpu") + "/cpu.cfs_period_us") ==
              std::to_string(period) + "\n");
    }
}

TEST_CASE("burst follows the quota up and down") {
    const Made made;
    oci::Resources resources;
    for (const auto& [quota, burst] :
         {std::pair(50000, 50000), std::pair(90000, 80000), std::pair(20000, 10000)}) {
        resources.cpu.quota = quota;
        resources.cpu.burst = static_cast<std::uint64_t>(burst);
        const auto updated = update(made, resources);
        INFO((updated ? std::string() : updated.error().text()));
        REQUIRE(updated);
        CHECK(content(made.directory("cpu") + "/cpu.cfs_burst_us") == std::to_string(burst) + "\n");
    }
}

TEST_CASE("idle and shares go together in both directions") {
    const Made made;
    oci::Resources resources;
    for (const std::int64_t idle : {1, 1, 0, 0, 1}) {
        resources.cpu.idle = idle;
        resources.cpu.shares = 300;
        const auto updated = update(made, resources);
        INFO((updated ? std::string() : updated.error().text()));
        REQUIRE(updated);
        CHECK(content(made.directory("cpu") + "/cpu.idle") == std::to_string(idle) + "\n");
    }
}

TEST_CASE("T-64: pids.limit bites") {
    for (const std::int64_t limit : {0, 1, 2}) {
        const Made made;
        oci::Resources resources;
        resources.pids.limit = limit;
        REQUIRE(made->apply(resources));
        Member member(*made, [] {
            int children = 0;
            while (::fork() >= 0) {
                ++children;
            }
            return errno == EAGAIN ? children : 100;
        });
        // Children end on their own as soon as they cannot fork: look at the first process only.
        INFO("limit " << limit);
        CHECK(WEXITSTATUS(member.wait()) == std::max<std::int64_t>(limit - 1, 0));
    }
}

TEST_CASE("T-62: a device is denied unless allowed") {
    const auto open_full_and = [](std::int64_t minor) {
        return [minor] {
            // 1:3 is null, 1:11 kmsg; made here, for /dev may hold less.
            const std::string node = "/tmp/brig-node-" + std::to_string(::getpid());
            if (::mknod(node.c_str(), S_IFCHR | 0600, ::makedev(1, static_cast<unsigned>(minor))) !=
                0) {
                return 50;
            }
            const int fd = ::open(node.c_str(), O_RDONLY | O_NONBLOCK);
            const int code = fd < 0 ? errno : 0;
            ::unlink(node.c_str());
            return code;
        };
    };
    const Made made;
    oci::Resources resources;
    SECTION("no rules") {
        REQUIRE(made->apply(resources));
        CHECK(WEXITSTATUS(Member(*made, open_full_and(3)).wait()) == 0);
        CHECK(WEXITSTATUS(Member(*made, open_full_and(11)).wait()) == EPERM);
    }
    SECTION("an allow rule") {
        resources.devices = {{false, {}, {}, {}, "rwm"},
                             {true, oci::DeviceRuleType::character, 1, 11, "r"}};
        REQUIRE(made->apply(resources));
        CHECK(WEXITSTATUS(Member(*made, open_full_and(11)).wait()) == 0);
        SECTION("update keeps the policy") {
            REQUIRE(update(made, {}));
            CHECK(WEXITSTATUS(Member(*made, open_full_and(11)).wait()) == 0);
        }
    }
    SECTION("all allowed") {
        resources.devices = {{true, {}, {}, {}, "rwm"}};
        REQUIRE(made->apply(resources));
        CHECK(content(made.directory("devices") + "/devices.list") == "a *:* rwm\n");
    }
    SECTION("an earlier policy is forgotten") {
        resources.devices = {{true, {}, {}, {}, "rwm"}};
        REQUIRE(made->apply(resources));
        REQUIRE(made->apply({}));
        CHECK(WEXITSTATUS(Member(*made, open_full_and(11)).wait()) == EPERM);
    }
}

TEST_CASE("a limit whose controller this host has not names both") {
    const Made made;
    oci::Resources resources;
    resources.hugepage_limits = {{"2MB", 0}};
    const auto applied = made->apply(resources);
    REQUIRE_FALSE(applied);
    CHECK(applied.error().config_path == "linux.resources.hugepageLimits");
    CHECK_THAT(applied.error().message, Catch::Contains("hugetlb controller"));
}

TEST_CASE("linux.resources.unified is refused on v1") {
    const Made made;
    oci::Resources resources;
    resources.unified["memory.high"] = "1";
    const auto applied = made->apply(resources);
    REQUIRE_FALSE(applied);
    CHECK(applied.error().config_path == "linux.resources.unified");
}

TEST_CASE("a value that the kernel refuses names JSON path, file and value") {
    const Made made;
    oci::Resources resources;
    resources.cpu.cpus = "900";
    const auto applied = made->apply(resources);
    REQUIRE_FALSE(applied);
    CHECK(applied.error().config_path == "linux.resources.cpu.cpus");
    CHECK_THAT(applied.error().message, Catch::Contains("cpuset.cpus\", \"900\"): "));
}
