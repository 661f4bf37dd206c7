// SPDX-License-Identifier: Apache-2.0
// See command.h. One row per command; a new one needs a row, a file and a man page.
#include <unistd.h>

#include <array>

#include "libcontainer/sys/file.h"
#include "runtime/verbs.h"

namespace runtime {

namespace {

constexpr std::size_t kAny = ~std::size_t{0};
constexpr int kFailure = 1;
constexpr int kExecFailure = 255;  // not to be taken for the program's own status (engines 2.4)

using enum Operands;
using enum StateRoot;

constexpr std::array kCommands = {
    Command{"create", "ID", "make a container up to, but without, its program", 1, 1, anywhere,
            needed, kFailure, create_options, run_create},
    Command{"start", "ID", "let a created container's program run", 1, 1, anywhere, needed,
            kFailure, no_options, run_start},
    Command{"run", "ID", "create and start a container, and wait for its end", 1, 1, anywhere,
            needed, kFailure, run_options, run_run},
    Command{"exec", "ID [COMMAND [ARG]...]", "run another program in a container", 1, kAny,
            first_ends_options, needed, kExecFailure, exec_options, run_exec},
    Command{"state", "ID", "show a container's state as JSON", 1, 1, anywhere, needed, kFailure,
            no_options, run_state},
    Command{"list", "", "show all containers", 0, 0, anywhere, needed, kFailure, list_options,
            run_list},
    Command{"ps", "ID [PS-OPTION]...", "show a container's processes", 1, kAny, first_ends_options,
            needed, kFailure, ps_options, run_ps},
    Command{"events", "ID", "show what a container uses, and when it ran out of memory", 1, 1,
            anywhere, needed, kFailure, events_options, run_events},
    Command{"kill", "ID [SIGNAL]", "send a signal to a container (default: TERM)", 1, 2, anywhere,
            needed, kFailure, kill_options, run_kill},
    Command{"wait", "ID...", "wait for the end of containers, and show their exit statuses", 1,
            kAny, anywhere, needed, kFailure, no_options, run_wait},
    Command{"pause", "ID", "freeze a container's processes", 1, 1, anywhere, needed, kFailure,
            no_options, run_pause},
    Command{"resume", "ID", "let a paused container go on", 1, 1, anywhere, needed, kFailure,
            no_options, run_resume},
    Command{"update", "ID", "change a container's limits", 1, 1, anywhere, needed, kFailure,
            update_options, run_update},
    Command{"mounts", "add|remove ID FILE", "add mounts to a running container, or remove them", 3,
            3, anywhere, needed, kFailure, no_options, run_mounts},
    Command{"checkpoint", "ID", "write a running container into an image, by CRIU", 1, 1, anywhere,
            needed, kFailure, checkpoint_options, run_checkpoint},
    Command{"restore", "ID", "let a container go on from an image, by CRIU", 1, 1, anywhere, needed,
            kFailure, restore_options, run_restore},
    Command{"delete", "ID", "remove a stopped container", 1, 1, anywhere, needed, kFailure,
            delete_options, run_delete},
    Command{"spec", "[COMMAND [ARG]...]", "write a config.json to start from", 0, kAny,
            first_ends_options, unused, kFailure, spec_options, run_spec},
    Command{"features", "", "show as JSON what this runtime can do", 0, 0, anywhere, unused,
            kFailure, no_options, run_features},
    Command{"completion", "bash|zsh|fish", "print a completion script", 1, 1, anywhere, unused,
            kFailure, no_options, run_completion},
    Command{"help", "[COMMAND]", "show help", 0, 1, anywhere, unused, kFailure, no_options,
            run_help},
};

}  // namespace

std::span<const Command> commands() {
    return kCommands;
}

const Command* find_command(std::string_view name) {
    for (const Command& command : kCommands) {
        if (command.name == name) {
            return &command;
        }
    }
    return nullptr;
}

std::vector<OptionInfo> no_options() {
    return {};
}

Result<int> print(std::string_view text) {
    TRY_VOID(sys::write_all(STDOUT_FILENO, text, "standard output"));
    return 0;
}

}  // namespace runtime
