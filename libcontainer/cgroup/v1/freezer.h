// SPDX-License-Identifier: Apache-2.0
// The v1 freezer. It has no resources: it stops a container's processes and lets them go on.
#pragma once

#include <chrono>
#include <string>

#include "libcontainer/sys/error.h"

namespace libcontainer::v1 {

using sys::Result;

inline constexpr std::chrono::milliseconds kFreezeTime{10'000};

// Returns when every process of the cgroup is frozen; when the time is over (a process is in
// uninterruptible sleep) thaws it again and names the pids.
[[nodiscard]] Result<void> freeze(const std::string& directory,
                                  std::chrono::milliseconds limit = kFreezeTime);
// Returns when the cgroup is thawed; those below it are thawed too, whoever froze them. A frozen
// ancestor is an error.
[[nodiscard]] Result<void> thaw(const std::string& directory);
[[nodiscard]] Result<bool> is_frozen(const std::string& directory);

}  // namespace libcontainer::v1
