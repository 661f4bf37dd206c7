// SPDX-License-Identifier: Apache-2.0
// What this build is: `brig --version` and the features document tell it.
#pragma once

#include <string>
#include <string_view>

namespace runtime {

[[nodiscard]] std::string_view brig_version();
[[nodiscard]] std::string_view brig_commit();  // "unknown" where the build did not know

// `NAME version X`, `commit: X`, `spec: X`, `+FEATURE...`, and under another name than its own
// `implementation: brig`. dockerd takes the version from each line that holds the word "version":
// only the first one may (engines 1.5).
[[nodiscard]] std::string version_text();

}  // namespace runtime
