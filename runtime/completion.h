// SPDX-License-Identifier: Apache-2.0
// What the completion scripts of all shells are made from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/command.h"

namespace runtime {

// What stands at one place behind a command.
struct OperandInfo {
    std::string kind;      // ID, SIGNAL, COMMAND, FILE, or choices as `a|b`; empty: free text
    bool repeats = false;  // stands for all that follow, too
};

struct Scope {
    std::string name;  // of the command; empty: the words in front of it
    std::string_view summary;
    Operands order;
    std::vector<OptionInfo> options;
    std::vector<OperandInfo> operands;
};

[[nodiscard]] std::vector<Scope> completion_scopes();

// `text` with a backslash before each of `special`.
[[nodiscard]] std::string escape(std::string_view text, std::string_view special);
// `a|b` as `a b`.
[[nodiscard]] std::string words_of_choice(std::string_view choice);

[[nodiscard]] std::string bash_completion(const std::vector<Scope>& scopes);
[[nodiscard]] std::string zsh_completion(const std::vector<Scope>& scopes);
[[nodiscard]] std::string fish_completion(const std::vector<Scope>& scopes);

}  // namespace runtime
