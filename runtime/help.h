// SPDX-License-Identifier: Apache-2.0
// The texts of --help, made from the tables.
#pragma once

#include <string>

#include "runtime/command.h"

namespace runtime {

[[nodiscard]] std::string overview();
[[nodiscard]] std::string help_of(const Command& command);

// "brig COMMAND [OPTION]... OPERANDS", with the name that brig was called by
[[nodiscard]] std::string synopsis_of(const Command& command);

}  // namespace runtime
