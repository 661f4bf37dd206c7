// SPDX-License-Identifier: Apache-2.0
// brig completion: scripts for shells, made from the tables of commands and options.
#include "runtime/completion.h"

#include <algorithm>
#include <array>

#include "runtime/global_options.h"
#include "runtime/verbs.h"

namespace runtime {

namespace {

struct Shell {
    std::string_view name;
    std::string (*script)(const std::vector<Scope>& scopes);
};

constexpr std::array kShells = {Shell{"bash", bash_completion}, Shell{"zsh", zsh_completion},
                                Shell{"fish", fish_completion}};

// From a word of a command's synopsis: `ID`, `ID...`, `[SIGNAL]`, `[COMMAND]`. The command line of
// exec is free text: `[COMMAND [ARG]...]`.
OperandInfo to_operand(std::string_view word) {
    OperandInfo operand;
    operand.repeats = word.ends_with("...");
    if (operand.repeats) {
        word.remove_suffix(3);
    }
    if (word.starts_with('[') && word.ends_with(']')) {
        word = word.substr(1, word.size() - 2);
    }
    constexpr std::array<std::string_view, 4> kKinds = {"ID", "SIGNAL", "COMMAND", "FILE"};
    if (std::ranges::find(kKinds, word) != kKinds.end() || word.contains('|')) {
        operand.kind = word;
    }
    return operand;
}

std::vector<OperandInfo> to_operands(std::string_view synopsis) {
    std::vector<OperandInfo> operands;
    while (!synopsis.empty()) {
        const std::size_t end = std::min(synopsis.find(' '), synopsis.size());
        operands.push_back(to_operand(synopsis.substr(0, end)));
        synopsis.remove_prefix(std::min(end + 1, synopsis.size()));
    }
    return operands;
}

}  // namespace

std::vector<Scope> completion_scopes() {
    std::vector<Scope> scopes = {
        {"", "", Operands::first_ends_options, infos_of(global_options()), {}}};
    for (const Command& command : commands()) {
        scopes.push_back({std::string(command.name), command.summary, command.order,
                          command.options(), to_operands(command.operands)});
    }
    return scopes;
}

std::string escape(std::string_view text, std::string_view special) {
    std::string escaped;
    for (const char character : text) {
        if (special.contains(character)) {
            escaped += '\\';
        }
        escaped += character;
    }
    return escaped;
}

std::string words_of_choice(std::string_view choice) {
    std::string words(choice);
    std::ranges::replace(words, '|', ' ');
    return words;
}

Result<int> run_completion(const Context& /*context*/, const Line& line) {
    for (const Shell& shell : kShells) {
        if (shell.name == line.operands[0]) {
            return print(shell.script(completion_scopes()));
        }
    }
    return sys::fail(sys::ErrorKind::invalid,
                     "no completion for the shell \"" + line.operands[0] + "\"");
}

}  // namespace runtime
