// SPDX-License-Identifier: Apache-2.0
// cgroup.events: what the kernel tells about a v2 cgroup, without polling in a loop.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "libcontainer/sys/error.h"

namespace libcontainer::v2 {

using sys::Result;

// Whether the file has the line now, e.g. "frozen 1". A cgroup that is gone has "populated 0" and
// "frozen 0" and no other.
[[nodiscard]] Result<bool> has_event(const std::string& directory, std::string_view line);

// Waits for it. False: the time is over.
[[nodiscard]] Result<bool> wait_for_event(const std::string& directory, std::string_view line,
                                          std::chrono::milliseconds limit);

}  // namespace libcontainer::v2
