// SPDX-License-Identifier: Apache-2.0
// The completion for fish.
#include "runtime/completion.h"
#include "runtime/own_name.h"

namespace runtime {

namespace {

// __brig_line prints the command typed so far, empty before there is one, the number of operands
// behind it, and the state root. __brig_valued has the options that take the next word.
constexpr std::string_view kFunctions = R"fish(
function __brig_line
    set -l words (commandline -opc)
    set -l command ''
    set -l operands 0
    set -l root ''
    set -l option ''
    for word in $words[2..]
        if test -n "$option"
            test "$option" = --root; and set root $word
            set option ''
            continue
        end
        switch $word
            case '--root=*'
                set root (string replace -- --root= '' $word)
            case '-*=*'
            case '-*'
                contains -- "$command:$word" $__brig_valued; and set option $word
            case '*'
                if test -z "$command"
                    set command $word
                else
                    set operands (math $operands + 1)
                end
        end
    end
    printf '%s\n' "$command" $operands "$root"
end

# Whether the line is at the command $argv[1], with $argv[2] operands or, without that, with any.
function __brig_at
    set -l line (__brig_line)
    test "$line[1]" = "$argv[1]"; or return
    test (count $argv) -lt 2; or test $line[2] -eq $argv[2]
end

function __brig_ids
    set -l words (commandline -opc)
    set -l line (__brig_line)
    set -l root
    test -n "$line[3]"; and set root --root $line[3]
    $words[1] $root list --quiet 2>/dev/null
end

)fish";

std::string quote(std::string_view text) {
    return "'" + escape(text, "'\\") + "'";
}

std::string arguments_of(std::string_view kind) {
    if (kind == "DIR") {
        return "'(__fish_complete_directories)'";
    }
    if (kind == "ID") {
        return "'(__brig_ids)'";
    }
    if (kind == "SIGNAL") {
        return "'(kill -l | string split \" \" | string replace -r \"^\" SIG)'";
    }
    if (kind == "COMMAND") {
        return "\"$__brig_commands\"";
    }
    return kind.contains('|') ? quote(words_of_choice(kind)) : "";
}

class Script {
  public:
    Script() : begin_("complete -c " + std::string(own_name())) {}

    [[nodiscard]] std::string none() const { return begin_ + " -f\n"; }

    // `condition`: words for __brig_at.
    [[nodiscard]] std::string option(const OptionInfo& option, const std::string& condition) const {
        std::string text = begin_ + " -n " + quote("__brig_at " + condition) + " -l " + option.name;
        if (option.letter != 0) {
            text += std::string(" -s ") + option.letter;
        }
        if (option.argument != nullptr) {
            const std::string_view kind = option.argument;
            const bool is_file = kind == "FILE" || kind == "SOCKET";
            const std::string arguments = arguments_of(kind);
            text += is_file ? " -rF" : " -x";
            text += arguments.empty() ? "" : " -a " + arguments;
        }
        return text + " -d " + quote(option.help) + "\n";
    }

    [[nodiscard]] std::string operand(const OperandInfo& operand,
                                      const std::string& condition) const {
        const std::string begin = begin_ + " -n " + quote("__brig_at " + condition);
        return operand.kind == "FILE" ? begin + " -F\n"
                                      : begin + " -a " + arguments_of(operand.kind) + "\n";
    }

    [[nodiscard]] std::string command(const Scope& scope) const {
        return begin_ + " -n \"__brig_at ''\" -a " + scope.name + " -d " + quote(scope.summary) +
               "\n";
    }

  private:
    std::string begin_;
};

std::string completions_of(const Scope& scope, const Script& script) {
    const std::string at = scope.name.empty() ? "\"\"" : scope.name;
    std::string text;
    const bool ends = scope.order == Operands::first_ends_options;
    const std::string options_at = ends ? at + " 0" : at;
    for (const OptionInfo& option : scope.options) {
        text += script.option(option, options_at);
    }
    text += script.option({"help", 'h', nullptr, "show help"}, options_at);
    std::size_t place = 0;
    for (const OperandInfo& operand : scope.operands) {
        if (!operand.kind.empty()) {
            text +=
                script.operand(operand, operand.repeats ? at : at + " " + std::to_string(place));
        }
        ++place;
    }
    return text;
}

}  // namespace

std::string fish_completion(const std::vector<Scope>& scopes) {
    const std::string name(own_name());
    const Script script;
    std::string commands;
    std::string valued;
    std::string completions = script.none();
    for (const Scope& scope : scopes) {
        if (!scope.name.empty()) {
            commands += " " + scope.name;
            completions += script.command(scope);
        }
        for (const OptionInfo& option : scope.options) {
            if (option.argument == nullptr) {
                continue;
            }
            valued += " " + scope.name + ":--" + option.name;
            if (option.letter != 0) {
                valued += " " + scope.name + ":-" + option.letter;
            }
        }
        completions += completions_of(scope, script);
    }
    return "# Completion of " + name + " for fish, made by `" + name +
           " completion fish`.\nset -g __brig_commands" + commands + "\nset -g __brig_valued" +
           valued + "\n" + std::string(kFunctions) + completions;
}

}  // namespace runtime
