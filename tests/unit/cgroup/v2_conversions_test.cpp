// SPDX-License-Identifier: Apache-2.0
// The vectors of §27.
#include "libcontainer/cgroup/v2/conversions.h"

#include <catch2/catch.hpp>

using libcontainer::v2::cpu_max;
using libcontainer::v2::cpu_weight_from_shares;
using libcontainer::v2::io_max_lines;
using libcontainer::v2::io_weight_from_blkio;
using libcontainer::v2::swap_max;

TEST_CASE("VEC-shares: cpu.shares to cpu.weight") {
    const std::pair<std::uint64_t, std::uint64_t> vectors[] = {
        {1, 1},          {2, 1},          {3, 2},
        {4, 2},          {8, 3},          {10, 4},
        {16, 5},         {50, 10},        {100, 17},
        {102, 17},       {128, 21},       {204, 29},
        {256, 35},       {500, 58},       {512, 59},
        {1000, 99},      {1023, 100},     {1024, 100},
        {1025, 101},     {2000, 170},     {2048, 174},
        {4096, 303},     {8192, 532},     {10000, 627},
        {10240, 639},    {20480, 1134},   {65536, 3023},
        {100000, 4340},  {131072, 5478},  {262143, 10000},
        {262144, 10000}, {300000, 10000}, {UINT64_MAX, 10000}};
    for (const auto& [shares, weight] : vectors) {
        INFO(shares);
        CHECK(cpu_weight_from_shares(shares) == weight);
    }
    CHECK_FALSE(cpu_weight_from_shares(0));
}

TEST_CASE("VEC-ioweight: blkio.weight to io.weight") {
    const std::pair<std::uint16_t, std::uint64_t> vectors[] = {
        {10, 1}, {11, 11}, {50, 405}, {100, 910}, {500, 4950}, {999, 9989}, {1000, 10000}};
    for (const auto& [from, to] : vectors) {
        INFO(from);
        CHECK(io_weight_from_blkio(from) == to);
    }
    CHECK_FALSE(io_weight_from_blkio(0));
}

TEST_CASE("VEC-cpumax: quota and period to cpu.max") {
    const auto convert = [](std::optional<std::int64_t> quota, std::optional<std::uint64_t> period,
                            const char* current) {
        oci::Cpu cpu;
        cpu.quota = quota;
        cpu.period = period;
        return cpu_max(cpu, current);
    };
    CHECK(convert(50000, 100000, "max 100000") == "50000 100000");
    CHECK(convert(50000, {}, "max 100000") == "50000 100000");
    CHECK(convert({}, 50000, "max 100000") == "max 50000");
    CHECK(convert(-1, {}, "max 100000") == "max 100000");
    CHECK_FALSE(convert(0, {}, "max 100000"));
    CHECK_FALSE(convert({}, {}, "max 100000"));
    // update: what is not given stays (trap 52)
    CHECK(convert(50000, {}, "20000 40000") == "50000 40000");
    CHECK(convert({}, 50000, "20000 40000") == "20000 50000");
    CHECK(convert(-1, {}, "20000 40000") == "max 40000");
}

TEST_CASE("VEC-memory: limit and swap to memory.swap.max") {
    constexpr std::int64_t k64 = 67108864;
    CHECK_FALSE(swap_max({}, k64));
    CHECK(swap_max(2 * k64, k64) == "67108864");
    CHECK(swap_max(k64, k64) == "0");
    CHECK(swap_max(-1, k64) == "max");
    CHECK(swap_max(-1, -1) == "max");
}

TEST_CASE("VEC-iomax: throttles to io.max, one line per device") {
    const auto texts = [](const oci::BlockIo& values) {
        std::vector<std::string> found;
        for (const auto& line : io_max_lines(values)) {
            found.push_back(line.value);
        }
        return found;
    };
    oci::BlockIo block_io;
    block_io.throttle_read_bps_device = {{8, 0, 1048576}};
    CHECK(texts(block_io) == std::vector<std::string>{"8:0 rbps=1048576"});
    block_io.throttle_write_bps_device = {{8, 16, 7}, {8, 0, 2}};
    block_io.throttle_read_iops_device = {{8, 0, 3}};
    block_io.throttle_write_iops_device = {{8, 0, 0}};
    CHECK(io_max_lines(block_io)[1].config_path ==
          "linux.resources.blockIO.throttleWriteBpsDevice[0]");
    CHECK(texts(block_io) ==
          std::vector<std::string>{"8:0 rbps=1048576 wbps=2 riops=3 wiops=max", "8:16 wbps=7"});
    CHECK(io_max_lines({}).empty());
}
