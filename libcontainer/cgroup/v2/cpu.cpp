// SPDX-License-Identifier: Apache-2.0
// The v2 cpu controller (§15.3).
#include <cerrno>
#include <string>

#include "libcontainer/cgroup/v2/controllers.h"
#include "libcontainer/cgroup/v2/conversions.h"

namespace libcontainer::v2 {
namespace {

constexpr std::string_view kSharesPath = "linux.resources.cpu.shares";
constexpr std::string_view kIdlePath = "linux.resources.cpu.idle";
constexpr std::string_view kBurstPath = "linux.resources.cpu.burst";

Result<void> write_weight(const AttributeDirectory& directory, const oci::Cpu& cpu) {
    const auto weight = cpu_weight_from_shares(cpu.shares.value_or(0));
    // An idle group takes no weight (EINVAL): end that state before it, begin it after it. One that
    // is idle already and stays so has no use for it.
    const bool becomes_idle = is_limit(cpu.idle);
    if (cpu.idle && !becomes_idle) {
        TRY_VOID(directory.write("cpu.idle", "0", kIdlePath));
    }
    if (weight) {
        auto written = directory.write("cpu.weight", std::to_string(*weight), kSharesPath);
        if (!written && !(becomes_idle && written.error().code == EINVAL)) {
            return written;
        }
    }
    return becomes_idle ? directory.write("cpu.idle", std::to_string(*cpu.idle), kIdlePath)
                        : Result<void>();
}

Result<void> write_bandwidth(const AttributeDirectory& directory, const oci::Cpu& cpu) {
    const bool has_both = cpu.quota.value_or(0) != 0 && cpu.period.value_or(0) != 0;
    const bool has_none = cpu.quota.value_or(0) == 0 && cpu.period.value_or(0) == 0;
    const std::string current =
        has_both || has_none ? std::string("max 100000") : TRY(directory.read("cpu.max"));
    const auto bandwidth = cpu_max(cpu, current);
    const auto write_burst = [&] {
        return cpu.burst ? directory.write("cpu.max.burst", std::to_string(*cpu.burst), kBurstPath)
                         : Result<void>();
    };
    // burst <= quota: a lower quota needs the lower burst first, a higher burst the higher quota.
    auto burst = write_burst();
    const bool again = !burst && burst.error().code == EINVAL && bandwidth;
    if (!burst && !again) {
        return burst;
    }
    if (bandwidth) {
        TRY_VOID(directory.write("cpu.max", *bandwidth,
                                 cpu.quota.value_or(0) != 0 ? "linux.resources.cpu.quota"
                                                            : "linux.resources.cpu.period"));
    }
    return again ? write_burst() : Result<void>();
}

std::string_view asks(const oci::Resources& resources) {
    const oci::Cpu& cpu = resources.cpu;
    return first_of({{is_limit(cpu.shares), kSharesPath},
                     {is_limit(cpu.quota), "linux.resources.cpu.quota"},
                     {is_limit(cpu.period), "linux.resources.cpu.period"},
                     {is_limit(cpu.burst), kBurstPath},
                     {is_limit(cpu.idle), kIdlePath}});
}

Result<void> apply(const AttributeDirectory& directory, const oci::Resources& resources) {
    TRY_VOID(write_weight(directory, resources.cpu));
    return write_bandwidth(directory, resources.cpu);
}

}  // namespace

const Controller kCpu = {"cpu", &asks, &apply};

}  // namespace libcontainer::v2
