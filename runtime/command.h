// SPDX-License-Identifier: Apache-2.0
// The table of brig's commands: dispatch, help and completion all read it.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "libcontainer/options.h"
#include "runtime/command_line.h"

namespace runtime {

struct GlobalSettings;

// What a command may know of the words in front of it.
struct Context {
    libcontainer::GlobalOptions global;
    const GlobalSettings& settings;
};

enum class StateRoot : unsigned char { needed, unused };

struct Command {
    std::string_view name;
    std::string_view operands;  // as the synopsis shows them, e.g. `ID [SIGNAL]`
    std::string_view summary;
    std::size_t least_operands;
    std::size_t most_operands;
    Operands order;
    StateRoot root;
    int failure;  // exit status when `run` gives an error (engines 2.0)
    std::vector<OptionInfo> (*options)();
    Result<int> (*run)(const Context& context, const Line& line);  // gives the exit status
};

[[nodiscard]] std::span<const Command> commands();
// Null: there is none.
[[nodiscard]] const Command* find_command(std::string_view name);

// Writes to standard output; EPIPE is an error like any other.
[[nodiscard]] Result<int> print(std::string_view text);

}  // namespace runtime
