// SPDX-License-Identifier: Apache-2.0
// The order in which the v2 controllers are written, and what v2 has not.
#include "libcontainer/cgroup/v2/controllers.h"

#include <algorithm>
#include <array>

#include "libcontainer/cgroup/memory_limits.h"
#include "libcontainer/cgroup/v2/directories.h"

namespace libcontainer::v2 {

std::span<const Controller* const> controllers() {
    static constexpr std::array<const Controller*, 7> kOrder = {
        &kCpuset, &kMemory, &kCpu, &kIo, &kPids, &kHugetlb, &kRdma,
    };
    return kOrder;
}

namespace {

// What v1 had and v2 has not, and what to use instead.
struct V1Value {
    std::string_view config_path;
    bool (*is_set)(const oci::Resources& resources);
    std::string_view instead;
};

constexpr V1Value kV1Values[] = {
    {"linux.resources.memory.kernel",
     [](const oci::Resources& r) { return is_limit(r.memory.kernel); },
     "memory.limit counts the kernel's memory too"},
    {"linux.resources.memory.kernelTCP",
     [](const oci::Resources& r) { return is_limit(r.memory.kernel_tcp); },
     "memory.limit counts the kernel's memory too"},
    {"linux.resources.memory.swappiness",
     [](const oci::Resources& r) { return is_limit(plan_memory_limits(r.memory).swappiness); },
     "memory.swap bounds the use of swap"},
    {"linux.resources.memory.disableOOMKiller",
     [](const oci::Resources& r) { return r.memory.disable_oom_killer.value_or(false); },
     "memory.high in unified slows down instead of killing"},
    {"linux.resources.memory.useHierarchy",
     [](const oci::Resources& r) { return r.memory.use_hierarchy.value_or(false); },
     "it counts the cgroups below always, so leave it out"},
    {"linux.resources.cpu.realtimeRuntime",
     [](const oci::Resources& r) { return is_limit(r.cpu.realtime_runtime); },
     "nothing replaces it"},
    {"linux.resources.cpu.realtimePeriod",
     [](const oci::Resources& r) { return is_limit(r.cpu.realtime_period); },
     "nothing replaces it"},
    {"linux.resources.blockIO.leafWeight",
     [](const oci::Resources& r) { return is_limit(r.block_io.leaf_weight); },
     "weight is all there is"},
    {"linux.resources.blockIO.weightDevice",
     [](const oci::Resources& r) {
         return std::ranges::any_of(r.block_io.weight_device, [](const oci::WeightDevice& device) {
             return is_limit(device.leaf_weight);
         });
     },
     "leafWeight is for v1, weight is all there is"},
    {"linux.resources.network.classID",
     [](const oci::Resources& r) { return is_limit(r.network.class_id); },
     "nftables can match the cgroup itself"},
    {"linux.resources.network.priorities",
     [](const oci::Resources& r) { return !r.network.priorities.empty(); },
     "nftables can match the cgroup itself"},
};

}  // namespace

Result<void> refuse_v1_values(const oci::Resources& resources) {
    for (const V1Value& value : kV1Values) {
        if (value.is_set(resources)) {
            return std::unexpected(sys::Error{
                sys::ErrorKind::unsupported, 0, std::string(value.config_path),
                "is for cgroup v1, and this host is on v2: " + std::string(value.instead)});
        }
    }
    return {};
}

Result<void> apply_unified(const AttributeDirectory& directory, const oci::Resources& resources) {
    for (const auto& [file, value] : resources.unified) {
        const std::string config_path = "linux.resources.unified[\"" + file + "\"]";
        if (file.empty() || file.find('/') != std::string::npos || file == "." || file == "..") {
            return std::unexpected(sys::Error{sys::ErrorKind::invalid, 0, config_path,
                                              "is not the name of a file in a cgroup"});
        }
        // io.max takes one device per write(2).
        std::vector<AttributeLine> lines;
        for (std::size_t begin = 0; begin <= value.size();) {
            const std::size_t end = std::min(value.find('\n', begin), value.size());
            if (end > begin || value.empty()) {
                lines.push_back({value.substr(begin, end - begin), config_path});
            }
            begin = end + 1;
        }
        auto written = directory.write_each(file, lines);
        if (!written && is_absent(written.error()) && !file.starts_with("cgroup.")) {
            const std::string controller = file.substr(0, file.find('.'));
            std::string why = lacking_controller(directory.path(), controller);
            written.error().message = why.empty() ? written.error().message : std::move(why);
        }
        TRY_VOID(written);
    }
    return {};
}

}  // namespace libcontainer::v2
