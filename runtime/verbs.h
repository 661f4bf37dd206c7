// SPDX-License-Identifier: Apache-2.0
// What each command's file gives to the table, and the options it understands as values.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "libcontainer/container.h"
#include "libcontainer/options.h"
#include "runtime/command.h"

namespace runtime {

// The verbs that make processes. Relative paths are absolute after parsing.
std::vector<OptionInfo> create_options();
[[nodiscard]] Result<libcontainer::CreateOptions> parse_create(const Line& line);
[[nodiscard]] Result<int> run_create(const Context& context, const Line& line);

std::vector<OptionInfo> run_options();
[[nodiscard]] Result<libcontainer::RunOptions> parse_run(const Line& line);
[[nodiscard]] Result<int> run_run(const Context& context, const Line& line);

std::vector<OptionInfo> exec_options();
[[nodiscard]] Result<libcontainer::ExecOptions> parse_exec(const Line& line);
[[nodiscard]] Result<int> run_exec(const Context& context, const Line& line);

// The verbs that need CRIU. Relative paths but --parent-path are absolute after parsing.
std::vector<OptionInfo> checkpoint_options();
[[nodiscard]] Result<libcontainer::CheckpointOptions> parse_checkpoint(const Line& line);
[[nodiscard]] Result<int> run_checkpoint(const Context& context, const Line& line);

std::vector<OptionInfo> restore_options();
[[nodiscard]] Result<libcontainer::RestoreOptions> parse_restore(const Line& line);
[[nodiscard]] Result<int> run_restore(const Context& context, const Line& line);

// The verbs that take an id and little else.
std::vector<OptionInfo> no_options();
[[nodiscard]] Result<int> run_start(const Context& context, const Line& line);
[[nodiscard]] Result<int> run_state(const Context& context, const Line& line);
[[nodiscard]] Result<int> run_pause(const Context& context, const Line& line);
[[nodiscard]] Result<int> run_resume(const Context& context, const Line& line);
[[nodiscard]] Result<int> run_wait(const Context& context, const Line& line);
[[nodiscard]] Result<int> run_mounts(const Context& context, const Line& line);

struct KillSettings {
    std::string id;
    int signal = 0;
    bool all = false;
    bool regex = false;  // `id` is a pattern
};
std::vector<OptionInfo> kill_options();
[[nodiscard]] Result<KillSettings> parse_kill(const Line& line);
[[nodiscard]] Result<int> run_kill(const Context& context, const Line& line);

struct DeleteSettings {
    std::string id;
    bool force = false;
    bool regex = false;  // `id` is a pattern
};
std::vector<OptionInfo> delete_options();
[[nodiscard]] Result<DeleteSettings> parse_delete(const Line& line);
[[nodiscard]] Result<int> run_delete(const Context& context, const Line& line);

std::vector<OptionInfo> update_options();
[[nodiscard]] Result<libcontainer::UpdateOptions> parse_update(const Line& line);
[[nodiscard]] Result<int> run_update(const Context& context, const Line& line);

// The verbs that show something.
enum class Format : unsigned char { table, json };
[[nodiscard]] Result<void> assign(Format& member, const std::string& value);

struct ListSettings {
    Format format = Format::table;
    bool quiet = false;
};
std::vector<OptionInfo> list_options();
[[nodiscard]] Result<ListSettings> parse_list(const Line& line);
[[nodiscard]] Result<int> run_list(const Context& context, const Line& line);

struct PsSettings {
    std::string id;
    Format format = Format::table;
    std::vector<std::string> ps_arguments;
};
std::vector<OptionInfo> ps_options();
[[nodiscard]] Result<PsSettings> parse_ps(const Line& line);
// The header of ps' output and the lines whose PID column names one of `pids`. Error: no column.
[[nodiscard]] Result<std::string> filter_ps(std::string_view output,
                                            const std::vector<pid_t>& pids);
[[nodiscard]] Result<int> run_ps(const Context& context, const Line& line);

struct EventsSettings {
    std::string id;
    std::chrono::nanoseconds interval = std::chrono::seconds(5);
    bool stats = false;
};
std::vector<OptionInfo> events_options();
[[nodiscard]] Result<EventsSettings> parse_events(const Line& line);
[[nodiscard]] Result<int> run_events(const Context& context, const Line& line);

// The verbs that need no container.
struct SpecSettings {
    std::string bundle = ".";
    std::string file = "config.json";
    std::optional<std::string> user;
    std::optional<std::string> hostname;
    std::vector<std::string> cap_add;
    std::vector<std::string> cap_drop;
    std::vector<std::string> args;
    bool rootless = false;
    std::optional<bool> read_only;
    bool privileged = false;
};
std::vector<OptionInfo> spec_options();
[[nodiscard]] Result<SpecSettings> parse_spec(const Line& line);
[[nodiscard]] Result<int> run_spec(const Context& context, const Line& line);

[[nodiscard]] Result<int> run_features(const Context& context, const Line& line);
[[nodiscard]] Result<int> run_completion(const Context& context, const Line& line);
[[nodiscard]] Result<int> run_help(const Context& context, const Line& line);

}  // namespace runtime
