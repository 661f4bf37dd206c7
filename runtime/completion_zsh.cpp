// SPDX-License-Identifier: Apache-2.0
// The completion for zsh: the words of _arguments(1).
#include "runtime/completion.h"
#include "runtime/own_name.h"

namespace runtime {

namespace {

// $brig is the program as typed, $root the state root given to it.
constexpr std::string_view kIds = R"zsh(
_brig_ids() {
    local -a ids=(${(f)"$(_call_program containers $brig $root list --quiet 2>/dev/null)"})
    _describe -t containers container ids
}
)zsh";

// Around the global options: zsh gives a function's caller its own words back, so these are no
// function.
constexpr std::string_view kBegin = R"zsh(
_brig() {
    local brig=$words[1] curcontext=$curcontext state line found=1
    local -a root
    local -A opt_args
    _arguments -C -S -A '-*')zsh";
constexpr std::string_view kEnd = R"zsh( && found=0
    [[ $state == operands ]] || return $found
    (( $+opt_args[--root] )) && root=(--root ${(Q)opt_args[--root]})
    (( $+functions[_brig_command_$words[1]] )) && _brig_command_$words[1]
}
)zsh";

std::string quote(std::string_view text) {
    std::string quoted = "'";
    for (const char character : text) {
        quoted += character == '\'' ? std::string("'\\''") : std::string(1, character);
    }
    return quoted + "'";
}

std::string action_of(std::string_view kind) {
    if (kind == "DIR") {
        return "_files -/";
    }
    if (kind == "FILE" || kind == "SOCKET") {
        return "_files";
    }
    if (kind == "ID") {
        return "_brig_ids";
    }
    if (kind == "SIGNAL") {
        return "_signals -s";
    }
    if (kind == "COMMAND") {
        return "_brig_commands";
    }
    return kind.contains('|') ? "(" + words_of_choice(kind) + ")" : " ";
}

// `'--name=[help]:ARGUMENT:action'`, and the same for the letter. `many` is * for options that may
// stand more than once.
std::string option_text(const OptionInfo& option, const std::string& many) {
    std::string rest = "[" + escape(option.help, "[]:\\") + "]";
    if (option.argument != nullptr) {
        rest += ":" + escape(option.argument, ":\\") + ":" + action_of(option.argument);
    }
    const char* const joined = option.argument == nullptr ? "" : "=";
    std::string text = " \\\n        " + quote(many + "--" + option.name + joined + rest);
    if (option.letter != 0) {
        const char* const next = option.argument == nullptr ? "" : "+";
        text += " \\\n        " + quote(many + "-" + option.letter + next + rest);
    }
    return text;
}

std::string options_text(const Scope& scope) {
    std::string text;
    for (const OptionInfo& option : scope.options) {
        text += option_text(option, scope.name.empty() ? "" : "*");
    }
    return text + " \\\n        '(- *)'{-h,--help}'[show help]'";
}

std::string function_of(const Scope& scope) {
    if (scope.name.empty()) {
        return std::string(kBegin) + options_text(scope) +
               " \\\n        '1:command:_brig_commands' '*::operand:->operands'" +
               std::string(kEnd);
    }
    std::string text = "\n_brig_command_" + scope.name + "() {\n    _arguments -S";
    text += scope.order == Operands::first_ends_options ? " -A '-*'" : "";
    text += options_text(scope);
    std::size_t place = 0;
    for (const OperandInfo& operand : scope.operands) {
        ++place;
        if (!operand.kind.empty()) {
            text +=
                " \\\n        " + quote((operand.repeats ? "*" : std::to_string(place)) + ":" +
                                        escape(operand.kind, ":") + ":" + action_of(operand.kind));
        }
    }
    return text + "\n}\n";
}

}  // namespace

std::string zsh_completion(const std::vector<Scope>& scopes) {
    const std::string name(own_name());
    std::string text = "#compdef " + name + "\n# Completion of " + name + " for zsh, made by `" +
                       name + " completion zsh`.\n\n_brig_commands() {\n    local -a commands=(";
    for (const Scope& scope : scopes) {
        if (!scope.name.empty()) {
            text += "\n        " + quote(scope.name + ":" + std::string(scope.summary));
        }
    }
    text += "\n    )\n    _describe -t commands command commands\n}\n" + std::string(kIds);
    for (const Scope& scope : scopes) {
        text += function_of(scope);
    }
    return text +
           "\nif [[ $funcstack[1] == _brig ]]; then\n    _brig \"$@\"\nelse\n    compdef _brig " +
           name + "\nfi\n";
}

}  // namespace runtime
