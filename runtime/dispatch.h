// SPDX-License-Identifier: Apache-2.0
// From the words of the command line to an exit status.
#pragma once

#include <span>

namespace runtime {

// Finds and runs the command, reports its error once, and gives brig's exit status: 0; 1 for any
// failure, 255 for one of exec; the program's own for run and exec in the foreground.
[[nodiscard]] int dispatch(std::span<const char* const> words);

}  // namespace runtime
