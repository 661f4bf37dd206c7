// SPDX-License-Identifier: Apache-2.0
// brig exec: another process in a container.
#include "libcontainer/container.h"
#include "runtime/descriptors.h"
#include "runtime/verbs.h"

namespace runtime {

namespace {

using libcontainer::ExecOptions;

constexpr std::array kOptions = {
    Option<ExecOptions>{
        {"process", 'p', "FILE", "the process as JSON; wins over all other options"},
        store_path<&ExecOptions::process_file>},
    Option<ExecOptions>{{"pid-file", 0, "FILE", "write the process id to FILE"},
                        store_path<&ExecOptions::pid_file>},
    Option<ExecOptions>{{"console-socket", 0, "SOCKET", "where to send the terminal's master end"},
                        store_path<&ExecOptions::console_socket>},
    Option<ExecOptions>{{"pidfd-socket", 0, "SOCKET", "where to send a pidfd of the process"},
                        store_path<&ExecOptions::pidfd_socket>},
    Option<ExecOptions>{{"tty", 't', nullptr, "give the process a terminal"},
                        store<&ExecOptions::tty>},
    Option<ExecOptions>{{"detach", 'd', nullptr, "return once the program runs"},
                        store<&ExecOptions::detach>},
    Option<ExecOptions>{{"cwd", 0, "PATH", "current directory, inside the container"},
                        store<&ExecOptions::cwd>},
    Option<ExecOptions>{{"env", 'e', "NAME=VALUE", "add to the environment (repeatable)"},
                        store<&ExecOptions::env>},
    Option<ExecOptions>{{"user", 'u', "UID[:GID]", "numeric user and group"},
                        store<&ExecOptions::user>},
    Option<ExecOptions>{{"additional-gids", 'g', "GID", "add a group (repeatable)"},
                        store<&ExecOptions::additional_gids>},
    Option<ExecOptions>{{"cap", 'c', "CAP", "add a capability (repeatable)"},
                        store<&ExecOptions::capabilities>},
    Option<ExecOptions>{{"no-new-privs", 0, nullptr, "set no_new_privs"},
                        store<&ExecOptions::no_new_privs>},
    Option<ExecOptions>{{"apparmor", 0, "PROFILE", "AppArmor profile"},
                        store<&ExecOptions::apparmor>},
    Option<ExecOptions>{{"process-label", 0, "LABEL", "SELinux label"},
                        store<&ExecOptions::process_label>},
    Option<ExecOptions>{{"preserve-fds", 0, "N", "pass descriptors 3 to 3+N-1 to the process"},
                        store<&ExecOptions::preserve_fds>},
    Option<ExecOptions>{{"ignore-paused", 0, nullptr, "do not refuse a paused container"},
                        store<&ExecOptions::ignore_paused>},
    Option<ExecOptions>{
        {"cgroup", 0, "[CONTROLLER:]PATH", "cgroup below the container's own (repeatable)"},
        store<&ExecOptions::cgroups>},
    Option<ExecOptions>{{"no-subreaper", 0, nullptr, "accepted for engines, without effect"},
                        ignore<ExecOptions>},
};

}  // namespace

std::vector<OptionInfo> exec_options() {
    return infos_of<ExecOptions>(kOptions);
}

Result<ExecOptions> parse_exec(const Line& line) {
    ExecOptions options;
    TRY_VOID(line.apply<ExecOptions>(kOptions, options));
    options.id = line.operands[0];
    auto command = line.operands.begin() + 1;
    if (command != line.operands.end() && *command == "--") {
        ++command;
    }
    options.args.assign(command, line.operands.end());
    return options;
}

Result<int> run_exec(const Context& context, const Line& line) {
    const ExecOptions options = TRY(parse_exec(line));
    TRY_VOID(close_on_exec_beyond(options.preserve_fds));
    return libcontainer::exec(context.global, options);
}

}  // namespace runtime
