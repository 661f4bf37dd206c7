// SPDX-License-Identifier: Apache-2.0
// The order in which the v2 controllers are written, and what v2 has not.
#include "libcontainer/cgroup/v2/controllers.h"

#include <array>

namespace libcontainer::v2 {

std::span<const Controller* const> controllers() {
    static constexpr std::array<const Controller*, 7> kOrder = {
        &kCpuset, &kMemory, &kCpu, &kIo, &kPids, &kHugetlb, &kRdma,
    };
    return kOrder;
}

Result<void> refuse_v1_values(const oci::Resources& resources) {
    const oci::Memory& memory = resources.memory;
    const oci::Cpu& cpu = resources.cpu;
    const std::string_view config_path = first_of(
        {{is_limit(memory.kernel), "linux.resources.memory.kernel"},
         {is_limit(memory.kernel_tcp), "linux.resources.memory.kernelTCP"},
         {is_limit(memory.swappiness), "linux.resources.memory.swappiness"},
         {memory.disable_oom_killer.value_or(false), "linux.resources.memory.disableOOMKiller"},
         {memory.use_hierarchy.value_or(false), "linux.resources.memory.useHierarchy"},
         {is_limit(cpu.realtime_runtime), "linux.resources.cpu.realtimeRuntime"},
         {is_limit(cpu.realtime_period), "linux.resources.cpu.realtimePeriod"},
         {is_limit(resources.block_io.leaf_weight), "linux.resources.blockIO.leafWeight"},
         {is_limit(resources.network.class_id), "linux.resources.network.classID"},
         {!resources.network.priorities.empty(), "linux.resources.network.priorities"}});
    if (config_path.empty()) {
        return {};
    }
    return std::unexpected(sys::Error{sys::ErrorKind::unsupported, 0, std::string(config_path),
                                      "cgroup v2 has nothing like it"});
}

Result<void> apply_unified(const AttributeDirectory& directory, const oci::Resources& resources) {
    for (const auto& [file, value] : resources.unified) {
        const std::string config_path = "linux.resources.unified[\"" + file + "\"]";
        if (file.empty() || file.find('/') != std::string::npos || file == "." || file == "..") {
            return std::unexpected(sys::Error{sys::ErrorKind::invalid, 0, config_path,
                                              "is not the name of a file in a cgroup"});
        }
        // io.max takes one device per write(2).
        std::vector<std::string> lines;
        for (std::size_t begin = 0; begin <= value.size();) {
            const std::size_t end = std::min(value.find('\n', begin), value.size());
            if (end > begin || value.empty()) {
                lines.push_back(value.substr(begin, end - begin));
            }
            begin = end + 1;
        }
        TRY_VOID(directory.write_each(file, lines, config_path));
    }
    return {};
}

}  // namespace libcontainer::v2
