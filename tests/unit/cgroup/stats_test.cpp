// SPDX-License-Identifier: Apache-2.0
// Figures out of cgroup files, of v2 above all: few machines have all its controllers.
#include <poll.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <limits>

#include "libcontainer/cgroup/stats_files.h"
#include "libcontainer/cgroup/v1/manager.h"
#include "libcontainer/cgroup/v2/manager.h"
#include "tests/unit/cgroup/temporary_directory.h"

namespace {

using namespace libcontainer;

CgroupStats read_v2(const TemporaryDirectory& folder) {
    const v2::Manager manager(CgroupRecord{CgroupDriver::cgroupfs, {{"", folder.path()}}});
    const auto stats = manager.stats();
    REQUIRE(stats);
    return *stats;
}

// A failure of ours must not look like a container that uses nothing.
TEST_CASE("stats: without a descriptor for its files there are no figures") {
    const TemporaryDirectory folder;
    folder.put("memory.current", "1000\n");
    const v2::Manager manager(CgroupRecord{CgroupDriver::cgroupfs, {{"", folder.path()}}});
    rlimit limit = {};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    const rlimit none = {0, limit.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const auto stats = manager.stats();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    REQUIRE_FALSE(stats);
    CHECK(stats.error().code == EMFILE);
}

TEST_CASE("stats: v2 in the units of v1") {
    const TemporaryDirectory folder;
    folder.put("cpu.stat",
               "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 7\nnr_throttled 3\n"
               "throttled_usec 5\n");
    folder.put("cpu.pressure",
               "some avg10=1.50 avg60=2.00 avg300=0.25 total=77\n"
               "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
    folder.put("memory.current", "1000\n");
    folder.put("memory.max", "5000\n");
    folder.put("memory.peak", "2000\n");
    folder.put("memory.swap.current", "30\n");
    folder.put("memory.swap.max", "200\n");
    folder.put("memory.stat", "anon 600\nfile 400\n");
    folder.put("memory.events", "low 0\nhigh 0\nmax 4\noom 1\noom_kill 1\n");
    folder.put("pids.current", "3\n");
    folder.put("pids.max", "max\n");
    folder.put("cpuset.cpus", "0-2,7\n");
    folder.put("io.stat", "8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n8:0 \n");
    folder.put("hugetlb.2MB.current", "2097152\n");
    folder.put("hugetlb.2MB.rsvd.current", "0\n");
    folder.put("hugetlb.2MB.events", "max 9\n");
    const CgroupStats stats = read_v2(folder);
    CHECK(stats.cpu.usage.total == 30000);
    CHECK(stats.cpu.usage.user == 20000);
    CHECK(stats.cpu.usage.kernel == 10000);
    CHECK(stats.cpu.throttling.throttled_time == 5000);
    REQUIRE(stats.cpu.psi);
    CHECK(stats.cpu.psi->some.avg10.text == "1.50");
    CHECK(stats.cpu.psi->some.total == 77);
    CHECK_FALSE(stats.memory.psi);
    CHECK(stats.memory.cache == 400);
    CHECK(stats.memory.usage.limit == 5000);
    CHECK(stats.memory.usage.usage == 1000);
    CHECK(stats.memory.usage.max == 2000);
    CHECK(stats.memory.usage.failcnt == 4);
    CHECK(stats.memory.swap.usage == 1030);
    CHECK(stats.memory.swap.limit == 5200);
    CHECK(stats.memory.raw.at("anon") == 600);
    CHECK(stats.pids.limit == 0);
    CHECK(stats.cpuset.cpus == std::vector<std::uint32_t>{0, 1, 2, 7});
    REQUIRE(stats.blkio.service_bytes.size() == 3);
    CHECK(stats.blkio.service_bytes[0].major == 8);
    CHECK(stats.blkio.service_bytes[0].minor == 16);
    CHECK(stats.blkio.service_bytes[1].op == "Write");
    CHECK(stats.blkio.serviced[2].value == 6);
    REQUIRE(stats.hugetlb.size() == 1);
    CHECK(stats.hugetlb.at("2MB").failcnt == 9);
}

TEST_CASE("stats: no limit of memory is none of both, and no file is 0") {
    const TemporaryDirectory folder;
    CHECK(read_v2(folder).memory.usage.usage == 0);
    folder.put("memory.max", "max\n");
    folder.put("memory.swap.max", "200\n");
    CHECK(read_v2(folder).memory.swap.limit == std::numeric_limits<Count>::max());
}

TEST_CASE("stats: v1 block I/O is that of the scheduler that counts") {
    const TemporaryDirectory folder;
    const v1::Manager manager(CgroupRecord{CgroupDriver::cgroupfs, {{"blkio", folder.path()}}});
    folder.put("blkio.throttle.io_serviced_recursive", "8:0 Read 5\n8:0 Total 5\nTotal 5\n");
    folder.put("blkio.bfq.io_serviced_recursive", "Total 0\n");
    CHECK(manager.stats()->blkio.serviced.size() == 2);
    folder.put("blkio.bfq.io_serviced_recursive", "8:0 Read 9\n");
    REQUIRE(manager.stats()->blkio.serviced.size() == 1);
    CHECK(manager.stats()->blkio.serviced[0].value == 9);
}

TEST_CASE("OOM on v2: each rise of oom_kill tells once") {
    const TemporaryDirectory folder;
    folder.put("memory.events", "oom 1\noom_kill 1\n");
    const v2::Manager manager(CgroupRecord{CgroupDriver::cgroupfs, {{"", folder.path()}}});
    auto watch = manager.watch_oom();
    REQUIRE(watch);
    REQUIRE(watch->descriptor);
    CHECK(watch->events == POLLPRI);
    CHECK_FALSE(*watch->happened());
    folder.put("memory.events", "oom 3\noom_kill 3\n");
    CHECK(*watch->happened());
    CHECK_FALSE(*watch->happened());
}

}  // namespace
