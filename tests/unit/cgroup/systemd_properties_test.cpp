// SPDX-License-Identifier: Apache-2.0
// linux.resources as properties of a unit, each under the names of systemd.resource-control(5).
#include "libcontainer/cgroup/systemd/properties.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "libcontainer/cgroup/systemd/message.h"

using libcontainer::systemd::kInfinity;
using libcontainer::systemd::Origin;
using libcontainer::systemd::parse_cpu_set;
using libcontainer::systemd::plan_properties;
using libcontainer::systemd::Property;
using libcontainer::systemd::signature_of;
using libcontainer::systemd::Value;

namespace {

using Bits = std::vector<std::uint8_t>;

Value number(std::uint64_t value) {
    return value;
}

// What the resources come to, by name.
Value find(const oci::Resources& resources, const std::string& name) {
    for (const Property& property : plan_properties(resources)) {
        CHECK(property.origin == Origin::resources);
        if (property.name == name) {
            return property.value;
        }
    }
    return std::string("absent");
}

const Value kAbsent = std::string("absent");

oci::Resources unified(const std::string& file, const std::string& value) {
    oci::Resources resources;
    resources.unified[file] = value;
    return resources;
}

}  // namespace

TEST_CASE("nothing asked for is nothing told") {
    CHECK(plan_properties({}).empty());
}

TEST_CASE("RES-memory.limit RES-memory.swap: bytes, and swap alone") {
    oci::Resources resources;
    resources.memory.limit = 64;
    resources.memory.swap = 100;
    resources.memory.reservation = 32;
    CHECK(find(resources, "MemoryMax") == number(64));
    CHECK(find(resources, "MemorySwapMax") == number(36));
    CHECK(find(resources, "MemoryLow") == number(32));
    resources.memory.swap = 64;
    CHECK(find(resources, "MemorySwapMax") == number(0));
    resources.memory.swap = -1;
    CHECK(find(resources, "MemorySwapMax") == number(kInfinity));
    resources.memory.swap.reset();
    CHECK(find(resources, "MemorySwapMax") == kAbsent);
    resources.memory.limit = -1;
    CHECK(find(resources, "MemoryMax") == number(kInfinity));
    CHECK(find(resources, "MemorySwapMax") == number(kInfinity));
    resources.memory = {};
    resources.memory.limit = 0;
    CHECK(plan_properties(resources).empty());
}

TEST_CASE("RES-cpu.shares RES-cpu.quota: the weight, and whole percents of a second") {
    oci::Resources resources;
    resources.cpu.shares = 512;
    CHECK(find(resources, "CPUWeight") == number(59));
    resources.cpu.idle = 1;
    CHECK(find(resources, "CPUWeight") == number(0));
    resources.unified["cpu.idle"] = "0";
    CHECK(find(resources, "CPUWeight") == number(kInfinity));
    resources.unified.clear();
    resources.cpu.idle = 0;
    CHECK(find(resources, "CPUWeight") == number(59));
    resources.unified["cpu.idle"] = "0";
    CHECK(find(resources, "CPUWeight") == number(59));
    resources.cpu.shares.reset();
    resources.unified["cpu.weight"] = "33";
    CHECK(find(resources, "CPUWeight") == number(33));
    resources.unified.clear();
    CHECK(find(resources, "CPUWeight") == number(kInfinity));
    resources.cpu.quota = 50'000;
    CHECK(find(resources, "CPUQuotaPerSecUSec") == number(500'000));
    CHECK(find(resources, "CPUQuotaPeriodUSec") == kAbsent);
    resources.cpu.period = 200'000;
    CHECK(find(resources, "CPUQuotaPerSecUSec") == number(250'000));
    CHECK(find(resources, "CPUQuotaPeriodUSec") == number(200'000));
    resources.cpu.quota = 33'333;
    resources.cpu.period = 100'000;
    CHECK(find(resources, "CPUQuotaPerSecUSec") == number(340'000));
    resources.cpu.quota = -1;
    CHECK(find(resources, "CPUQuotaPerSecUSec") == number(kInfinity));
    resources.cpu.quota = INT64_MAX;
    CHECK(find(resources, "CPUQuotaPerSecUSec") == number(kInfinity));
}

TEST_CASE("RES-pids: none but one task is systemd's least") {
    oci::Resources resources;
    for (const auto& [limit, wanted] :
         std::initializer_list<std::pair<std::int64_t, std::uint64_t>>{
             {-1, kInfinity}, {0, 1}, {1, 1}, {50, 50}}) {
        resources.pids.limit = limit;
        CHECK(find(resources, "TasksMax") == number(wanted));
    }
}

TEST_CASE("RES-blockIO.weight: on the scale of v2") {
    oci::Resources resources;
    resources.block_io.weight = 500;
    CHECK(find(resources, "IOWeight") == number(4950));
    for (const std::uint16_t weight : {std::uint16_t{0}, std::uint16_t{9}}) {
        resources.block_io.weight = weight;
        CHECK(find(resources, "IOWeight") == kAbsent);
    }
}

TEST_CASE("RES-cpu.cpus RES-cpu.mems: lists are sets of bits") {
    oci::Resources resources;
    resources.cpu.cpus = "0-2,9";
    resources.cpu.mems = "0";
    CHECK(find(resources, "AllowedCPUs") == Value(Bits{7, 2}));
    CHECK(find(resources, "AllowedMemoryNodes") == Value(Bits{1}));
    CHECK(parse_cpu_set("1,3\n") == Bits{10});
    CHECK(parse_cpu_set("8191")->size() == 1024);
    for (const char* const bad :
         {"", "a", "1-", "-1", "2-1", "1,,2", "1 2", "8192", "0-10:2/4", "99999999999999999999"}) {
        INFO(bad);
        CHECK_FALSE(parse_cpu_set(bad));
    }
}

TEST_CASE("RES-unified: files that systemd has a property for") {
    struct Vector {
        const char* file;
        const char* value;
        const char* property;
        Value wanted;
    };
    const Vector vectors[] = {
        {"memory.high", "1000", "MemoryHigh", number(1000)},
        {"memory.high", "max\n", "MemoryHigh", number(kInfinity)},
        {"memory.min", "7", "MemoryMin", number(7)},
        {"memory.low", "8", "MemoryLow", number(8)},
        {"memory.max", "9", "MemoryMax", number(9)},
        {"memory.swap.max", "0", "MemorySwapMax", number(0)},
        {"memory.zswap.max", "5", "MemoryZSwapMax", number(5)},
        {"memory.oom.group", "1", "OOMPolicy", std::string("kill")},
        {"memory.oom.group", "0", "OOMPolicy", std::string("continue")},
        {"pids.max", "12", "TasksMax", number(12)},
        {"pids.max", "0", "TasksMax", number(1)},
        {"cpu.weight", "33", "CPUWeight", number(33)},
        {"cpu.idle", "1", "CPUWeight", number(0)},
        {"cpu.idle", "0", "CPUWeight", number(kInfinity)},
        {"cpu.max", "max", "CPUQuotaPerSecUSec", number(kInfinity)},
        {"cpu.max", "20000 100000", "CPUQuotaPerSecUSec", number(200'000)},
        {"cpu.max", "20000 50000", "CPUQuotaPeriodUSec", number(50'000)},
        {"cpu.max", "x", "CPUQuotaPerSecUSec", kAbsent},
        {"io.weight", "default 50", "IOWeight", number(50)},
        {"io.weight", "60", "IOWeight", number(60)},
        {"io.weight", "8:0 60", "IOWeight", kAbsent},
        {"cpuset.cpus", "1", "AllowedCPUs", Bits{2}},
        {"cpuset.mems", "0", "AllowedMemoryNodes", Bits{1}},
    };
    for (const Vector& vector : vectors) {
        INFO(vector.file << " = " << vector.value);
        CHECK(find(unified(vector.file, vector.value), vector.property) == vector.wanted);
    }
    CHECK(plan_properties(unified("hugetlb.2MB.max", "0")).empty());
    oci::Resources both = unified("pids.max", "12");
    both.pids.limit = 3;
    CHECK(plan_properties(both) ==
          std::vector<Property>{{"TasksMax", number(12), Origin::resources}});
}

TEST_CASE("each kind of value has its signature") {
    const std::pair<Value, std::string> vectors[] = {
        {true, "b"},
        {std::int32_t{1}, "i"},
        {std::uint32_t{1}, "u"},
        {std::int64_t{1}, "x"},
        {std::uint64_t{1}, "t"},
        {1.0, "d"},
        {std::string("x"), "s"},
        {std::vector<std::string>{}, "as"},
        {Bits{}, "ay"},
        {std::vector<std::uint32_t>{}, "au"},
        {std::vector<std::pair<std::string, std::string>>{}, "a(ss)"}};
    for (const auto& [value, signature] : vectors) {
        CHECK(signature_of(value) == signature);
    }
}
