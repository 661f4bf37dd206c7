// SPDX-License-Identifier: Apache-2.0
// The pids controller, the same on v1 and v2 (§15.5).
#include <string>

#include "libcontainer/cgroup/v1/controllers.h"

namespace libcontainer::v1 {
namespace {

std::string_view asks(const oci::Resources& resources) {
    // 0 is a limit since 1.3: no fork at all.
    return resources.pids.limit.value_or(-1) >= 0 ? "linux.resources.pids.limit" : "";
}

Result<void> apply(const AttributeDirectory& directory, const oci::Resources& resources) {
    const auto& limit = resources.pids.limit;
    return limit ? directory.write("pids.max", *limit < 0 ? "max" : std::to_string(*limit),
                                   "linux.resources.pids.limit")
                 : Result<void>();
}

}  // namespace

const Controller kPids = {"pids", &asks, &apply};

}  // namespace libcontainer::v1
