// SPDX-License-Identifier: Apache-2.0
// Signals as people and engines write them.
#pragma once

#include <string_view>

#include "libcontainer/sys/error.h"

namespace runtime {

// A number 0..64, TERM, SIGTERM, RTMIN+1, SIGRTMAX-1, in any case (engines 2.6). Error:
// `unknown signal "X"`.
[[nodiscard]] sys::Result<int> parse_signal(std::string_view text);

}  // namespace runtime
