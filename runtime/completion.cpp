// SPDX-License-Identifier: Apache-2.0
// brig completion: a script for bash, made from the tables of commands and options.
#include <string>

#include "runtime/global_options.h"
#include "runtime/verbs.h"

namespace runtime {

namespace {

// Finds the command, the state root and the number of operands among the words typed so far, then
// asks the generated tables: _brig_value for an option's argument, _brig_options for the options.
constexpr std::string_view kFunction = R"bash(
_brig() {
    local current=$2 previous=$3 command="" operands=0 root=() i word
    COMPREPLY=()
    # bash makes "--name=value" three words.
    [[ $current == = ]] && current=
    [[ $previous == = ]] && previous=${COMP_WORDS[COMP_CWORD - 2]}
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == = ]]; then
            continue
        elif [[ $word == -* ]]; then
            if [[ -n $(_brig_value "$command" "$word") && ${COMP_WORDS[i + 1]} != = ]]; then
                ((i++))
            elif [[ ${COMP_WORDS[i + 1]} == = ]]; then
                ((i += 2))
            fi
            [[ $word == --root ]] && root=(--root "${COMP_WORDS[i]}")
        elif [[ -z $command ]]; then
            command=$word
        else
            ((operands++))
        fi
    done
    local value=""
    [[ $previous == -* ]] && value=$(_brig_value "$command" "$previous")
    case $value in
        "") ;;
        DIR) compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
        FILE | SOCKET) compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
        *"|"*) mapfile -t COMPREPLY < <(compgen -W "${value//|/ }" -- "$current"); return ;;
        *) return ;;
    esac
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_brig_options "$command") --help" -- "$current")
        return
    fi
    case $command:$operands in
        :* | help:0) word=$_brig_commands ;;
        completion:0) word=bash ;;
        kill:1) word=$(compgen -A signal SIG) ;;
        *:0) [[ " $_brig_with_id " == *" $command "* ]] || return 0
            word=$("${COMP_WORDS[0]}" "${root[@]}" list --quiet 2>/dev/null) ;;
        *) return ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$word" -- "$current")
}

complete -F _brig brig
)bash";

struct Scope {
    std::string name;  // of the command; empty: the words in front of it
    std::vector<OptionInfo> options;
};

std::vector<Scope> all_scopes() {
    std::vector<Scope> scopes = {{"", infos_of(global_options())}};
    for (const Command& command : commands()) {
        scopes.push_back({std::string(command.name), command.options()});
    }
    return scopes;
}

std::string option_cases(const std::vector<Scope>& scopes) {
    std::string text;
    for (const Scope& scope : scopes) {
        if (scope.options.empty()) {
            continue;
        }
        text += "        \"" + scope.name + "\") echo \"";
        for (const OptionInfo& option : scope.options) {
            text += std::string(" --") + option.name;
        }
        text += "\" ;;\n";
    }
    return text;
}

std::string value_cases(const std::vector<Scope>& scopes) {
    std::string text;
    for (const Scope& scope : scopes) {
        for (const OptionInfo& option : scope.options) {
            if (option.argument == nullptr) {
                continue;
            }
            text += "        " + scope.name + ":--" + option.name;
            if (option.letter != 0) {
                text += " | " + scope.name + ":-" + option.letter;
            }
            text += std::string(") echo \"") + option.argument + "\" ;;\n";
        }
    }
    return text;
}

}  // namespace

Result<int> run_completion(const Context& /*context*/, const Line& line) {
    if (line.operands[0] != "bash") {
        return sys::fail(sys::ErrorKind::invalid,
                         "no completion for the shell \"" + line.operands[0] + "\"");
    }
    std::string names;
    std::string with_id;
    for (const Command& command : commands()) {
        names += (names.empty() ? "" : " ") + std::string(command.name);
        if (command.operands.starts_with("ID")) {
            with_id += (with_id.empty() ? "" : " ") + std::string(command.name);
        }
    }
    const std::vector<Scope> scopes = all_scopes();
    return print(
        "# Completion of brig for bash, made by `brig completion bash`.\n"
        "_brig_commands=\"" +
        names + "\"\n_brig_with_id=\"" + with_id +
        "\"\n"
        "\n_brig_options() {\n    case $1 in\n" +
        option_cases(scopes) +
        "    esac\n}\n"
        "\n_brig_value() {\n    case $1:$2 in\n" +
        value_cases(scopes) + "    esac\n}\n" + std::string(kFunction));
}

}  // namespace runtime
