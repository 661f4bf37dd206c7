// SPDX-License-Identifier: Apache-2.0
// The v1 controllers.
#pragma once

#include <span>

#include "libcontainer/cgroup/controller.h"

namespace libcontainer::v1 {

// In the order in which they are written.
[[nodiscard]] std::span<const Controller* const> controllers();

extern const Controller kDevices;  // asks always: without rules the default is written (T-62)
extern const Controller kMemory;
extern const Controller kCpu;
extern const Controller kBlkio;
extern const Controller kHugetlb;
extern const Controller kNetCls;
extern const Controller kNetPrio;

}  // namespace libcontainer::v1
