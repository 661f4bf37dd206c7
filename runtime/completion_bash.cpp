// SPDX-License-Identifier: Apache-2.0
// The completion for bash.
#include "runtime/completion.h"
#include "runtime/own_name.h"

namespace runtime {

namespace {

// Finds the command, the state root and the number of operands among the words typed so far, then
// asks the generated tables: _brig_value for an option's argument, _brig_options for the options,
// _brig_operand for what stands at a place.
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
    word=$(_brig_operand "$command" "$operands")
    case $word in
        COMMAND) word=$_brig_commands ;;
        SIGNAL) word=$(compgen -A signal SIG) ;;
        ID) word=$("${COMP_WORDS[0]}" "${root[@]}" list --quiet 2>/dev/null) ;;
        FILE) compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
        *"|"*) word=${word//|/ } ;;
        *) return ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$word" -- "$current")
}
)bash";

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

std::string operand_cases(const std::vector<Scope>& scopes) {
    std::string text = "        :*) echo COMMAND ;;\n";
    for (const Scope& scope : scopes) {
        std::size_t place = 0;
        for (const OperandInfo& operand : scope.operands) {
            if (!operand.kind.empty()) {
                text += "        " + scope.name + ":" +
                        (operand.repeats ? "*" : std::to_string(place)) + ") echo \"" +
                        operand.kind + "\" ;;\n";
            }
            ++place;
        }
    }
    return text;
}

}  // namespace

std::string bash_completion(const std::vector<Scope>& scopes) {
    std::string names;
    for (const Scope& scope : scopes) {
        names += (names.empty() ? "" : " ") + scope.name;
    }
    const std::string name(own_name());
    return "# Completion of " + name + " for bash, made by `" + name +
           " completion bash`.\n"
           "_brig_commands=\"" +
           names + "\"\n\n_brig_options() {\n    case $1 in\n" + option_cases(scopes) +
           "    esac\n}\n"
           "\n_brig_value() {\n    case $1:$2 in\n" +
           value_cases(scopes) +
           "    esac\n}\n"
           "\n_brig_operand() {\n    case $1:$2 in\n" +
           operand_cases(scopes) + "    esac\n}\n" + std::string(kFunction) +
           "\ncomplete -F _brig " + name + "\n";
}

}  // namespace runtime
