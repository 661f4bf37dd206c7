// SPDX-License-Identifier: Apache-2.0
// The name that brig was called by, where callers look at it.
#pragma once

#include <string_view>

namespace runtime {

// `runc` or `crun` if the last part of argv[0] is that, else `brig`. It stands in the first line of
// --version, which go-runc and dockerd read (engines 1.5), and in the usage texts; nothing else
// depends on it: one brig under several names has one state root.
[[nodiscard]] std::string_view own_name();

}  // namespace runtime
