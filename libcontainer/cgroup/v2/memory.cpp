// SPDX-License-Identifier: Apache-2.0
// The v2 memory controller (§15.2).
#include <charconv>
#include <string>

#include "libcontainer/cgroup/memory_limits.h"
#include "libcontainer/cgroup/v2/controllers.h"
#include "libcontainer/cgroup/v2/conversions.h"

namespace libcontainer::v2 {
namespace {

constexpr std::string_view kLimitPath = "linux.resources.memory.limit";
constexpr std::string_view kSwapPath = "linux.resources.memory.swap";

// A number in a file, "max" being unlimited; a file that is not there counts as `absent`.
Result<std::int64_t> read_number(const AttributeDirectory& directory, std::string_view file,
                                 std::int64_t absent) {
    const auto text = directory.read(file);
    if (!text) {
        return is_absent(text.error()) ? Result<std::int64_t>(absent)
                                       : std::unexpected(text.error());
    }
    std::int64_t number = kUnlimited;
    std::from_chars(text->data(), text->data() + text->size(), number);
    return number;
}

// checkBeforeUpdate, of what is in force after the update: v2 would not refuse a limit below the
// usage but reclaim and kill (1.1).
Result<void> check_usage(const AttributeDirectory& directory, const oci::Resources& resources) {
    const MemoryLimits limits = plan_memory_limits(resources.memory);
    if (!resources.memory.check_before_update.value_or(false)) {
        return {};
    }
    const auto refuse = [](std::string_view config_path, std::string why) {
        return std::unexpected(
            sys::Error{sys::ErrorKind::invalid, 0, std::string(config_path), std::move(why)});
    };
    const std::int64_t limit =
        limits.limit ? *limits.limit : TRY(read_number(directory, "memory.max", kUnlimited));
    if (limits.limit && limit != kUnlimited) {
        const std::int64_t used = TRY(read_number(directory, "memory.current", 0));
        if (used > limit) {
            return refuse(kLimitPath, std::to_string(limit) +
                                          " is less than the container uses now (" +
                                          std::to_string(used) + ")");
        }
    }
    if (limits.swap && *limits.swap != kUnlimited && limit != kUnlimited) {
        const std::int64_t swapped = TRY(read_number(directory, "memory.swap.current", 0));
        if (swapped > *limits.swap - limit) {
            return refuse(kSwapPath, "leaves " + std::to_string(*limits.swap - limit) +
                                         " of swap, less than the container uses now (" +
                                         std::to_string(swapped) + ")");
        }
    }
    return {};
}

Result<void> write_swap(const AttributeDirectory& directory, const MemoryLimits& limits) {
    if (!limits.swap) {
        return {};
    }
    // `update` may give swap alone.
    const std::int64_t limit =
        limits.limit ? *limits.limit : TRY(read_number(directory, "memory.max", kUnlimited));
    if (*limits.swap != kUnlimited && (limit == kUnlimited || *limits.swap < limit)) {
        return std::unexpected(
            sys::Error{sys::ErrorKind::invalid, 0, std::string(kSwapPath),
                       std::to_string(*limits.swap) +
                           " for memory and swap together is less than memory alone may use"});
    }
    auto written = directory.write("memory.swap.max", *swap_max(limits.swap, limit), kSwapPath);
    // Without swap accounting there is no such file; engines send the value all the same.
    const bool is_harmless = !written && is_absent(written.error()) && directory.has("memory.max");
    return is_harmless ? Result<void>() : written;
}

std::string_view asks(const oci::Resources& resources) {
    const oci::Memory& memory = resources.memory;
    return first_of({{is_limit(memory.limit), kLimitPath},
                     {is_limit(memory.reservation), "linux.resources.memory.reservation"},
                     {is_limit(memory.swap), kSwapPath}});
}

Result<void> apply(const AttributeDirectory& directory, const oci::Resources& resources) {
    const MemoryLimits limits = plan_memory_limits(resources.memory);
    TRY_VOID(write_swap(directory, limits));
    if (limits.limit) {
        TRY_VOID(directory.write("memory.max", limit_text(*limits.limit), kLimitPath));
    }
    if (limits.reservation) {
        TRY_VOID(directory.write("memory.low", limit_text(*limits.reservation),
                                 "linux.resources.memory.reservation"));
    }
    return {};
}

}  // namespace

const Controller kMemory = {"memory", &asks, &apply, &check_usage};

}  // namespace libcontainer::v2
