// SPDX-License-Identifier: Apache-2.0
// What linux.resources.memory means.
#include "libcontainer/cgroup/memory_limits.h"

#include <algorithm>
#include <limits>
#include <string>

namespace libcontainer {
namespace {

std::optional<std::int64_t> meaning_of(const std::optional<std::int64_t>& value) {
    return value && *value != 0 ? std::optional(std::max(*value, kUnlimited)) : std::nullopt;
}

std::unexpected<sys::Error> invalid(const char* config_path, std::string why) {
    return std::unexpected(sys::Error{sys::ErrorKind::invalid, 0, config_path, std::move(why)});
}

}  // namespace

MemoryLimits plan_memory_limits(const oci::Memory& memory) {
    MemoryLimits limits = {meaning_of(memory.limit), meaning_of(memory.reservation),
                           meaning_of(memory.swap), memory.swappiness};
    if (limits.swappiness == std::numeric_limits<std::uint64_t>::max()) {
        limits.swappiness.reset();
    }
    if (limits.limit == kUnlimited && !limits.swap) {
        limits.swap = kUnlimited;
    }
    return limits;
}

Result<void> check_memory(const oci::Memory& memory) {
    constexpr std::uint64_t kMostSwappiness = 100;
    const MemoryLimits limits = plan_memory_limits(memory);
    if (limits.swap && *limits.swap != kUnlimited) {
        if (!limits.limit) {
            return invalid("linux.resources.memory.swap",
                           "limits memory and swap together, so memory.limit has to be set too");
        }
        if (*limits.limit == kUnlimited || *limits.swap < *limits.limit) {
            return invalid(
                "linux.resources.memory.swap",
                "limits memory and swap together to " + std::to_string(*limits.swap) +
                    ", which is less than memory.limit alone (" +
                    (*limits.limit == kUnlimited ? "unlimited" : std::to_string(*limits.limit)) +
                    ")");
        }
    }
    if (limits.swappiness.value_or(0) > kMostSwappiness) {
        return invalid("linux.resources.memory.swappiness",
                       std::to_string(*limits.swappiness) + " is not in 0..100");
    }
    return {};
}

}  // namespace libcontainer
