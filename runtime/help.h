// SPDX-License-Identifier: Apache-2.0
// The texts of --help, made from the tables.
#pragma once

#include <string>

#include "runtime/command.h"

namespace runtime {

[[nodiscard]] std::string overview();
[[nodiscard]] std::string help_of(const Command& command);

// "brig NAME [OPTION]... OPERANDS"
[[nodiscard]] std::string synopsis_of(const Command& command);

}  // namespace runtime
