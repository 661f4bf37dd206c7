// SPDX-License-Identifier: Apache-2.0
// The v1 memory controller (§15.2).
#include <cerrno>
#include <charconv>
#include <string>

#include "libcontainer/cgroup/memory_limits.h"
#include "libcontainer/cgroup/v1/controllers.h"

namespace libcontainer::v1 {
namespace {

constexpr std::string_view kLimitPath = "linux.resources.memory.limit";
constexpr std::string_view kSwapPath = "linux.resources.memory.swap";

Result<void> write_limit(const AttributeDirectory& directory, std::int64_t limit) {
    auto written = directory.write("memory.limit_in_bytes", std::to_string(limit), kLimitPath);
    if (!written && written.error().code == EBUSY) {
        written.error().message += " (the container uses more than that)";
    }
    return written;
}

Result<void> write_swap(const AttributeDirectory& directory, std::int64_t swap) {
    auto written = directory.write("memory.memsw.limit_in_bytes", std::to_string(swap), kSwapPath);
    // Kernels without swap accounting have no such file; engines send the value all the same.
    return !written && is_absent(written.error()) ? Result<void>() : written;
}

// limit <= swap holds at every moment: the one that would break it waits for the other.
Result<void> write_limits(const AttributeDirectory& directory, const MemoryLimits& limits) {
    if (!limits.limit) {
        return limits.swap ? write_swap(directory, *limits.swap) : Result<void>();
    }
    auto written = write_limit(directory, *limits.limit);
    if (!limits.swap || (!written && written.error().code != EINVAL)) {
        return written;
    }
    TRY_VOID(write_swap(directory, *limits.swap));
    return written ? Result<void>() : write_limit(directory, *limits.limit);
}

Result<void> write_kernel(const AttributeDirectory& directory, std::string_view file,
                          const std::optional<std::int64_t>& limit, std::string_view config_path) {
    if (!is_limit(limit)) {
        return {};
    }
    constexpr const char* kRemoved = " (removed from Linux 5.16: limit the memory as a whole)";
    auto written = directory.write(file, std::to_string(*limit), config_path);
    if (!written && written.error().code == EOPNOTSUPP) {
        written.error().message += kRemoved;
    }
    TRY_VOID(written);
    // Later kernels take any value and forget it (6.7): what is in force tells.
    std::int64_t in_force = 0;
    const std::string text = TRY(directory.read(file));
    std::from_chars(text.data(), text.data() + text.size(), in_force);
    if (in_force > *limit) {
        return std::unexpected(
            sys::Error{sys::ErrorKind::unsupported, 0, std::string(config_path),
                       "the kernel has " + std::string(file) + " without effect" + kRemoved});
    }
    return {};
}

std::string_view asks(const oci::Resources& resources) {
    const oci::Memory& memory = resources.memory;
    return first_of(
        {{is_limit(memory.limit), kLimitPath},
         {is_limit(memory.reservation), "linux.resources.memory.reservation"},
         {is_limit(memory.swap), kSwapPath},
         {is_limit(memory.kernel), "linux.resources.memory.kernel"},
         {is_limit(memory.kernel_tcp), "linux.resources.memory.kernelTCP"},
         {is_limit(plan_memory_limits(memory).swappiness), "linux.resources.memory.swappiness"},
         {memory.disable_oom_killer.value_or(false), "linux.resources.memory.disableOOMKiller"},
         {memory.use_hierarchy.value_or(false), "linux.resources.memory.useHierarchy"}});
}

Result<void> apply(const AttributeDirectory& directory, const oci::Resources& resources) {
    const oci::Memory& memory = resources.memory;
    if (memory.use_hierarchy.value_or(false)) {
        TRY_VOID(
            directory.write("memory.use_hierarchy", "1", "linux.resources.memory.useHierarchy"));
    }
    const MemoryLimits limits = plan_memory_limits(memory);
    TRY_VOID(write_limits(directory, limits));
    if (limits.reservation) {
        TRY_VOID(directory.write("memory.soft_limit_in_bytes", std::to_string(*limits.reservation),
                                 "linux.resources.memory.reservation"));
    }
    TRY_VOID(write_kernel(directory, "memory.kmem.limit_in_bytes", memory.kernel,
                          "linux.resources.memory.kernel"));
    TRY_VOID(write_kernel(directory, "memory.kmem.tcp.limit_in_bytes", memory.kernel_tcp,
                          "linux.resources.memory.kernelTCP"));
    if (limits.swappiness) {
        TRY_VOID(directory.write("memory.swappiness", std::to_string(*limits.swappiness),
                                 "linux.resources.memory.swappiness"));
    }
    if (memory.disable_oom_killer.value_or(false)) {
        TRY_VOID(
            directory.write("memory.oom_control", "1", "linux.resources.memory.disableOOMKiller"));
    }
    return {};
}

}  // namespace

const Controller kMemory = {"memory", &asks, &apply};

}  // namespace libcontainer::v1
