// SPDX-License-Identifier: Apache-2.0
// brig ps: the processes of a container, as pids or as the host's ps shows them.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "libcontainer/container.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/unique_fd.h"
#include "runtime/verbs.h"

namespace runtime {

namespace {

constexpr std::array kOptions = {
    Option<PsSettings>{{"format", 'f', "table|json", "form of the output"},
                       store<&PsSettings::format>},
};

// Absolute, because engines call brig without a PATH (engines 3.4).
constexpr const char* kPsPrograms[] = {"/usr/bin/ps", "/bin/ps"};

std::string to_json(const std::vector<pid_t>& pids) {
    std::string json = "[";
    for (const pid_t pid : pids) {
        json += json.size() > 1 ? "," : "";
        json += std::to_string(pid);
    }
    return json + "]\n";
}

std::string to_column(const std::vector<pid_t>& pids) {
    std::string column = "PID\n";
    for (const pid_t pid : pids) {
        column += std::to_string(pid) + '\n';
    }
    return column;
}

const char* find_ps() {
    for (const char* program : kPsPrograms) {
        if (access(program, X_OK) == 0) {
            return program;
        }
    }
    return nullptr;
}

// Standard output of the host's ps.
Result<std::string> run_ps_program(const char* program, std::vector<std::string> arguments) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
        return sys::fail_errno("pipe2");
    }
    const sys::UniqueFd reader(ends[0]);
    sys::UniqueFd writer(ends[1]);
    std::string name = "ps";
    std::vector<char*> argv = {name.data()};
    for (std::string& argument : arguments) {
        argv.push_back(argument.data());
    }
    argv.push_back(nullptr);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, writer.get(), STDOUT_FILENO);
    pid_t child = -1;
    const int error = posix_spawn(&child, program, &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        return sys::fail_code(sys::call("exec", program), error);
    }
    writer.reset();
    auto output = sys::read_all(reader.get(), program);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return sys::fail(sys::ErrorKind::invalid, std::string(program) + " failed");
    }
    return output;
}

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    while (!line.empty()) {
        const std::size_t start = std::min(line.find_first_not_of(" \t"), line.size());
        line.remove_prefix(start);
        const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
        if (end > 0) {
            words.push_back(line.substr(0, end));
        }
        line.remove_prefix(end);
    }
    return words;
}

std::string_view take_line(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

bool contains(const std::vector<pid_t>& pids, std::string_view word) {
    pid_t pid = 0;
    const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), pid);
    return error == std::errc{} && rest == word.data() + word.size() &&
           std::find(pids.begin(), pids.end(), pid) != pids.end();
}

}  // namespace

Result<std::string> filter_ps(std::string_view output, const std::vector<pid_t>& pids) {
    const std::string_view header = take_line(output);
    const std::vector<std::string_view> titles = words_of(header);
    const auto title = std::find(titles.begin(), titles.end(), "PID");
    if (title == titles.end()) {
        return sys::fail(sys::ErrorKind::invalid, "ps shows no column PID");
    }
    const auto column = static_cast<std::size_t>(title - titles.begin());
    std::string table = std::string(header) + '\n';
    while (!output.empty()) {
        const std::string_view line = take_line(output);
        const std::vector<std::string_view> words = words_of(line);
        if (column < words.size() && contains(pids, words[column])) {
            table += line;
            table += '\n';
        }
    }
    return table;
}

std::vector<OptionInfo> ps_options() {
    return infos_of<PsSettings>(kOptions);
}

Result<PsSettings> parse_ps(const Line& line) {
    PsSettings settings;
    TRY_VOID(line.apply<PsSettings>(kOptions, settings));
    settings.id = line.operands[0];
    settings.ps_arguments.assign(line.operands.begin() + 1, line.operands.end());
    return settings;
}

Result<int> run_ps(const Context& context, const Line& line) {
    PsSettings settings = TRY(parse_ps(line));
    const std::vector<pid_t> pids = TRY(libcontainer::processes(context.global, settings.id));
    if (settings.format == Format::json) {
        return print(to_json(pids));
    }
    const char* program = find_ps();
    if (settings.ps_arguments.empty()) {
        if (program == nullptr) {
            return print(to_column(pids));
        }
        settings.ps_arguments = {"-ef"};
    }
    if (program == nullptr) {
        return sys::fail(sys::ErrorKind::unsupported, "this host has no ps");
    }
    const std::string output = TRY(run_ps_program(program, std::move(settings.ps_arguments)));
    return print(TRY(filter_ps(output, pids)));
}

}  // namespace runtime
