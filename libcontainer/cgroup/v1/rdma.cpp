// SPDX-License-Identifier: Apache-2.0
// The rdma controller, the same on v1 and v2 (§15.5).
#include <string>
#include <vector>

#include "libcontainer/cgroup/v1/controllers.h"

namespace libcontainer::v1 {
namespace {

constexpr std::string_view kConfigPath = "linux.resources.rdma";

std::string_view asks(const oci::Resources& resources) {
    return resources.rdma.empty() ? "" : kConfigPath;
}

Result<void> apply(const AttributeDirectory& directory, const oci::Resources& resources) {
    std::vector<std::string> lines;
    for (const auto& [device, limits] : resources.rdma) {
        std::string line = device;
        if (limits.hca_handles) {
            line += " hca_handle=" + std::to_string(*limits.hca_handles);
        }
        if (limits.hca_objects) {
            line += " hca_object=" + std::to_string(*limits.hca_objects);
        }
        lines.push_back(std::move(line));
    }
    return directory.write_each("rdma.max", lines, kConfigPath);
}

}  // namespace

const Controller kRdma = {"rdma", &asks, &apply};

}  // namespace libcontainer::v1
