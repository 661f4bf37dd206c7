// SPDX-License-Identifier: Apache-2.0
// Checks of linux.resources (§15), for config.json and for `update`.
#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "oci/validate_checks.h"

namespace oci::check {
namespace {

constexpr std::int64_t kUnlimited = -1;

// -1 is what Go engines write for "any".
bool is_any(std::optional<std::int64_t> number) {
    return number.value_or(-1) == -1;
}

void check_limit(std::optional<std::int64_t> value, Problems& problems, std::string_view key) {
    if (value && *value < kUnlimited) {
        problems.add("must be -1, 0 or a number of bytes", "memory", key);
    }
}

// 0 means unset; below 10 the conversion to cgroup v2's weight would wrap.
void check_weight(std::optional<std::uint16_t> weight, Problems& problems, auto... steps) {
    if (weight.value_or(0) != 0 && (*weight < 10 || *weight > 1000)) {
        problems.add("must be from 10 to 1000", "blockIO", steps...);
    }
}

void check_block_device(std::int64_t major, std::int64_t minor, Problems& problems,
                        std::string_view key, std::size_t i) {
    if (major < 0) {
        problems.add("must not be negative", "blockIO", key, i, "major");
    }
    if (minor < 0) {
        problems.add("must not be negative", "blockIO", key, i, "minor");
    }
}

void check_throttle(const std::vector<ThrottleDevice>& devices, Problems& problems,
                    std::string_view key) {
    for (std::size_t i = 0; i < devices.size(); ++i) {
        check_block_device(devices[i].major, devices[i].minor, problems, key, i);
    }
}

// ^[1-9][0-9]*[KMG]B$
bool is_page_size(std::string_view text) {
    if (text.size() < 3 || !text.ends_with('B') || text.front() == '0') {
        return false;
    }
    const char unit = text[text.size() - 2];
    text.remove_suffix(2);
    return (unit == 'K' || unit == 'M' || unit == 'G') &&
           std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

// RD-01.
void device_rules(const Resources& resources, Problems& problems) {
    for (std::size_t i = 0; i < resources.devices.size(); ++i) {
        const DeviceRule& rule = resources.devices[i];
        if (rule.major.value_or(0) < -1) {
            problems.add("must be -1 (any) or more", "devices", i, "major");
        }
        if (rule.minor.value_or(0) < -1) {
            problems.add("must be -1 (any) or more", "devices", i, "minor");
        }
        if (rule.type.value_or(DeviceRuleType::all) == DeviceRuleType::all &&
            !(is_any(rule.major) && is_any(rule.minor))) {
            problems.add("a device number needs the type \"c\" or \"b\"", "devices", i, "type");
        }
        if (rule.access && rule.access->find_first_not_of("rwm") != std::string::npos) {
            problems.add("must be made of r, w and m", "devices", i, "access");
        }
    }
}

// §15.2. swappiness: an engine's -1 arrives as the largest number and means unset (§26.6).
void memory(const Resources& resources, Problems& problems) {
    const Memory& memory = resources.memory;
    check_limit(memory.limit, problems, "limit");
    check_limit(memory.reservation, problems, "reservation");
    check_limit(memory.swap, problems, "swap");
    check_limit(memory.kernel, problems, "kernel");
    check_limit(memory.kernel_tcp, problems, "kernelTCP");
    const std::int64_t limit = memory.limit.value_or(0);
    const std::int64_t swap = memory.swap.value_or(0);
    if (swap > 0 && limit > 0 && swap < limit) {
        problems.add("must not be less than limit: it counts memory and swap together", "memory",
                     "swap");
    }
    const std::uint64_t swappiness = memory.swappiness.value_or(0);
    if (swappiness > 100 && swappiness != std::numeric_limits<std::uint64_t>::max()) {
        problems.add("must be from 0 to 100", "memory", "swappiness");
    }
}

// §15.3; the kernel's limits of cpu.cfs_quota_us and cpu.cfs_period_us.
void cpu(const Resources& resources, Problems& problems) {
    const Cpu& cpu = resources.cpu;
    if (cpu.quota.value_or(0) > 0 && *cpu.quota < 1000) {
        problems.add("must be at least 1000 microseconds", "cpu", "quota");
    }
    const std::uint64_t period = cpu.period.value_or(0);
    if (period != 0 && (period < 1000 || period > 1'000'000)) {
        problems.add("must be from 1000 to 1000000 microseconds", "cpu", "period");
    }
    if (cpu.quota.value_or(0) > 0 &&
        cpu.burst.value_or(0) > static_cast<std::uint64_t>(*cpu.quota)) {
        problems.add("must not be greater than quota", "cpu", "burst");
    }
    if (cpu.idle && *cpu.idle != 0 && *cpu.idle != 1) {
        problems.add("must be 0 or 1", "cpu", "idle");
    }
    if (cpu.cpus && !cpu.cpus->empty() && !is_number_list(*cpu.cpus, kMaxCpus)) {
        problems.add("not a list of cpus such as 0-3,7", "cpu", "cpus");
    }
    if (cpu.mems && !cpu.mems->empty() && !is_number_list(*cpu.mems, kMaxMemoryNodes)) {
        problems.add("not a list of nodes such as 0-3,7", "cpu", "mems");
    }
}

// §15.4.
void block_io(const Resources& resources, Problems& problems) {
    const BlockIo& io = resources.block_io;
    check_weight(io.weight, problems, "weight");
    check_weight(io.leaf_weight, problems, "leafWeight");
    for (std::size_t i = 0; i < io.weight_device.size(); ++i) {
        const WeightDevice& device = io.weight_device[i];
        check_block_device(device.major, device.minor, problems, "weightDevice", i);
        check_weight(device.weight, problems, "weightDevice", i, "weight");
        check_weight(device.leaf_weight, problems, "weightDevice", i, "leafWeight");
        if (!device.weight && !device.leaf_weight) {
            problems.add("needs weight or leafWeight", "blockIO", "weightDevice", i);
        }
    }
    check_throttle(io.throttle_read_bps_device, problems, "throttleReadBpsDevice");
    check_throttle(io.throttle_write_bps_device, problems, "throttleWriteBpsDevice");
    check_throttle(io.throttle_read_iops_device, problems, "throttleReadIOPSDevice");
    check_throttle(io.throttle_write_iops_device, problems, "throttleWriteIOPSDevice");
}

// G-07.
void hugepages(const Resources& resources, Problems& problems) {
    for (std::size_t i = 0; i < resources.hugepage_limits.size(); ++i) {
        if (!is_page_size(resources.hugepage_limits[i].page_size)) {
            problems.add("not a page size such as 2MB or 64KB", "hugepageLimits", i, "pageSize");
        }
    }
}

void network(const Resources& resources, Problems& problems) {
    for (std::size_t i = 0; i < resources.network.priorities.size(); ++i) {
        if (resources.network.priorities[i].name.empty()) {
            problems.add("must not be empty", "network", "priorities", i, "name");
        }
    }
}

void rdma(const Resources& resources, Problems& problems) {
    for (const auto& [device, limits] : resources.rdma) {
        if (!limits.hca_handles && !limits.hca_objects) {
            problems.add("needs hcaHandles or hcaObjects", "rdma", device);
        }
    }
}

// A key is the name of one file in the container's own cgroup, and a resource: not those that move
// processes of the host into the group, whose end would then be theirs, or act on the container's.
void unified(const Resources& resources, Problems& problems) {
    constexpr std::array<std::string_view, 4> kVerbs = {"cgroup.procs", "cgroup.threads",
                                                        "cgroup.kill", "cgroup.freeze"};
    for (const auto& [key, value] : resources.unified) {
        if (std::ranges::find(kVerbs, key) != kVerbs.end()) {
            problems.add("is no resource, but acts on processes", "unified", key);
        } else if (key.empty() || key == "." || key == ".." || key.find('/') != std::string::npos) {
            problems.add("not the name of a cgroup file", "unified", key);
        }
    }
}

}  // namespace oci::check
