// SPDX-License-Identifier: Apache-2.0
#include "runtime/help.h"

#include <algorithm>

#include "runtime/global_options.h"
#include "runtime/own_name.h"
#include "runtime/verbs.h"

namespace runtime {

namespace {

struct Entry {
    std::string term;
    std::string_view text;
};

std::string to_columns(const std::vector<Entry>& entries) {
    constexpr std::size_t kGap = 2;
    constexpr std::size_t kWidest = 30;  // a longer term has its text on the next line
    std::size_t width = 0;
    for (const Entry& entry : entries) {
        if (entry.term.size() <= kWidest) {
            width = std::max(width, entry.term.size());
        }
    }
    std::string text;
    for (const Entry& entry : entries) {
        text += entry.term;
        if (entry.term.size() > width) {
            text += '\n';
            text.append(width + kGap, ' ');
        } else {
            text.append(width + kGap - entry.term.size(), ' ');
        }
        text += entry.text;
        text += '\n';
    }
    return text;
}

Entry to_entry(const OptionInfo& option) {
    std::string term = "  ";
    if (option.letter != 0) {
        term += {'-', option.letter, ',', ' '};
    } else {
        term += "    ";
    }
    term += "--";
    term += option.name;
    if (option.argument != nullptr) {
        term += ' ';
        term += option.argument;
    }
    return {std::move(term), option.help};
}

std::string options_text(const std::vector<OptionInfo>& options) {
    std::vector<Entry> entries;
    entries.reserve(options.size() + 1);
    for (const OptionInfo& option : options) {
        entries.push_back(to_entry(option));
    }
    entries.push_back({"  -h, --help", "show this help"});
    return "\noptions:\n" + to_columns(entries);
}

}  // namespace

std::string synopsis_of(const Command& command) {
    std::string text = std::string(own_name()) + " " + std::string(command.name);
    text += command.options().empty() ? "" : " [OPTION]...";
    if (!command.operands.empty()) {
        text += ' ';
        text += command.operands;
    }
    return text;
}

std::string overview() {
    std::string text =
        "brig makes and runs containers from OCI bundles.\n"
        "\nusage: " +
        std::string(own_name()) +
        " [OPTION]... COMMAND [OPTION]... [OPERAND]...\n"
        "\ncommands:\n";
    std::vector<Entry> entries;
    entries.reserve(commands().size());
    for (const Command& command : commands()) {
        entries.push_back({"  " + std::string(command.name), command.summary});
    }
    return text + to_columns(entries) + options_text(infos_of(global_options())) + "\n`" +
           std::string(own_name()) +
           " COMMAND --help` tells more, and so do the man pages brig(1) and "
           "brig-COMMAND(1).\n";
}

std::string help_of(const Command& command) {
    return std::string(command.summary) + "\n\nusage: " + synopsis_of(command) + '\n' +
           options_text(command.options());
}

Result<int> run_help(const Context& /*context*/, const Line& line) {
    if (line.operands.empty()) {
        return print(overview());
    }
    const Command* command = find_command(line.operands[0]);
    if (command == nullptr) {
        return sys::fail(sys::ErrorKind::invalid, "unknown command \"" + line.operands[0] + "\"");
    }
    return print(help_of(*command));
}

}  // namespace runtime
