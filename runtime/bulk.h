// SPDX-License-Identifier: Apache-2.0
// kill --regex and delete --regex: one verb on many containers.
#pragma once

#include <functional>
#include <string>

#include "runtime/command.h"

namespace runtime {

using Act = std::function<Result<void>(const std::string& id)>;

// Calls `act` for each of brig's containers below the root whose id has a part that `pattern`, a
// POSIX extended regular expression, matches. Goes on after an error and reports each; one that
// vanishes meanwhile is none. The exit status: 0, or 1 after an error. `verb` is for messages.
[[nodiscard]] Result<int> act_on_matches(const Context& context, std::string_view verb,
                                         const std::string& pattern, const Act& act);

}  // namespace runtime
