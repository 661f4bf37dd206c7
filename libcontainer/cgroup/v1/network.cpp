// SPDX-License-Identifier: Apache-2.0
// The v1 controllers of network packets: net_cls (class id) and net_prio (priorities) (§15.5).
#include <string>
#include <vector>

#include "libcontainer/cgroup/v1/controllers.h"

namespace libcontainer::v1 {
namespace {

constexpr std::string_view kClassPath = "linux.resources.network.classID";
constexpr std::string_view kPrioritiesPath = "linux.resources.network.priorities";

std::string_view asks_class(const oci::Resources& resources) {
    return is_limit(resources.network.class_id) ? kClassPath : "";
}

Result<void> apply_class(const AttributeDirectory& directory, const oci::Resources& resources) {
    const auto& id = resources.network.class_id;
    return id ? directory.write("net_cls.classid", std::to_string(*id), kClassPath)
              : Result<void>();
}

std::string_view asks_priorities(const oci::Resources& resources) {
    return resources.network.priorities.empty() ? "" : kPrioritiesPath;
}

Result<void> apply_priorities(const AttributeDirectory& directory,
                              const oci::Resources& resources) {
    std::vector<AttributeLine> lines;
    for (const oci::InterfacePriority& entry : resources.network.priorities) {
        lines.push_back({entry.name + " " + std::to_string(entry.priority),
                         indexed(kPrioritiesPath, lines.size())});
    }
    return directory.write_each("net_prio.ifpriomap", lines);
}

}  // namespace

const Controller kNetCls = {"net_cls", &asks_class, &apply_class};
const Controller kNetPrio = {"net_prio", &asks_priorities, &apply_priorities};

}  // namespace libcontainer::v1
