// SPDX-License-Identifier: Apache-2.0
#include "runtime/dispatch.h"

#include <algorithm>

#include "runtime/command.h"
#include "runtime/global_options.h"
#include "runtime/help.h"
#include "runtime/own_name.h"
#include "runtime/version.h"

namespace runtime {

namespace {

constexpr int kFailure = 1;

// What the message of a failure begins with: the command and the container it was about, which is
// the operand that the synopsis calls so. A command of many containers names the one itself.
std::string subject_of(const Command& command, const Line& line) {
    std::string subject(command.name);
    std::size_t place = command.operands.find("ID");
    if (command.root == StateRoot::unused || place == std::string_view::npos ||
        command.operands.substr(place).starts_with("ID...")) {
        return subject;
    }
    place = static_cast<std::size_t>(std::ranges::count(command.operands.substr(0, place), ' '));
    for (std::size_t i = 0; i <= place && !line.operands[i].empty(); ++i) {
        subject += " " + line.operands[i];
    }
    return subject;
}

int show(std::string_view text, const LogSettings& log) {
    const auto shown = print(text);
    if (!shown) {
        report_failure(log, shown.error().text());
        return kFailure;
    }
    return *shown;
}

Result<void> check_operands(const Command& command, const Line& line) {
    const std::size_t count = line.operands.size();
    if (count < command.least_operands) {
        return sys::fail(sys::ErrorKind::invalid,
                         "missing operand; usage: " + synopsis_of(command));
    }
    if (count > command.most_operands) {
        return sys::fail(sys::ErrorKind::invalid,
                         "too many operands; usage: " + synopsis_of(command));
    }
    return {};
}

Result<int> run_command(const Command& command, const GlobalSettings& settings, const Line& line) {
    Context context{{.root = {},
                     .cgroup_driver = settings.cgroup_driver,
                     .criu = settings.criu,
                     .allowed_annotations = settings.allowed_annotations,
                     .warn = {}},
                    settings};
    if (settings.log.level >= LogLevel::warning) {
        context.global.warn = [&](const std::string& text) {
            write_entry(settings.log, LogLevel::warning, text);
        };
    }
    if (command.root == StateRoot::needed) {
        context.global.root = TRY(resolve_root(settings.root));
    }
    return command.run(context, line);
}

int dispatch_command(const Command& command, const GlobalSettings& settings,
                     std::span<const char* const> words) {
    const auto line = split_line(command.options(), command.order, words);
    if (line && line->help) {
        return show(help_of(command), settings.log);
    }
    const auto operands =
        line ? check_operands(command, *line) : Result<void>(std::unexpected(line.error()));
    if (!operands) {
        report_failure(settings.log, std::string(command.name) + ": " + operands.error().text());
        return kFailure;
    }
    const std::string subject = subject_of(command, *line);
    write_entry(settings.log, LogLevel::debug, subject);
    const auto status = run_command(command, settings, *line);
    if (!status) {
        report_failure(settings.log, subject + ": " + status.error().text());
        return command.failure;
    }
    write_entry(settings.log, LogLevel::debug, subject + ": status " + std::to_string(*status));
    return *status;
}

}  // namespace

int dispatch(std::span<const char* const> words) {
    const auto globals =
        split_line(infos_of(global_options()), Operands::first_ends_options, words);
    const auto settings = globals ? parse_globals(*globals)
                                  : Result<GlobalSettings>(std::unexpected(globals.error()));
    if (!settings) {
        report_failure({}, settings.error().text());
        return kFailure;
    }
    if (settings->version) {
        return show(version_text(), settings->log);
    }
    if (globals->help || globals->operands.empty()) {
        return show(overview(), settings->log);
    }
    const Command* command = find_command(globals->operands[0]);
    if (command == nullptr) {
        report_failure(settings->log, "unknown command \"" + globals->operands[0] + "\"; `" +
                                          std::string(own_name()) + " help` lists all");
        return kFailure;
    }
    return dispatch_command(*command, *settings, words.last(globals->operands.size() - 1));
}

}  // namespace runtime
