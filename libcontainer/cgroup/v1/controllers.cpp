// SPDX-License-Identifier: Apache-2.0
// The order in which the v1 controllers are written.
#include "libcontainer/cgroup/v1/controllers.h"

#include <array>

namespace libcontainer::v1 {

std::span<const Controller* const> controllers() {
    static constexpr std::array<const Controller*, 10> kOrder = {
        &kDevices, &kCpuset,  &kMemory, &kCpu,     &kBlkio,
        &kPids,    &kHugetlb, &kNetCls, &kNetPrio, &kRdma,
    };
    return kOrder;
}

}  // namespace libcontainer::v1
