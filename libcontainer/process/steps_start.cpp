// SPDX-License-Identifier: Apache-2.0
// Steps from "all is set up" to execve: program, readiness, the wait for `start`, seccomp.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <unordered_set>

#include "libcontainer/passwd.h"
#include "libcontainer/process/inheritance.h"
#include "libcontainer/process/program.h"
#include "libcontainer/process/rlimits.h"
#include "libcontainer/process/steps.h"

namespace libcontainer::steps {
namespace {

// The kernel drops signals with default disposition for init of a pid namespace, so a created
// container would not hear a TERM until its start (engines 2.6).
void exit_on_signal(int signal) {
    ::_exit(128 + signal);
}

void let_signals_end_the_wait() {
    struct sigaction action = {};
    action.sa_handler = exit_on_signal;
    for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2}) {
        ::sigaction(signal, &action, nullptr);
    }
    sigset_t none = {};
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// From seccomp(2) on every call may wait for a supervisor that does not have the listener yet, but
// for those that show the pass.
Result<void> load_filter(const InitContext& context) {
    sys::UniqueFd listener = TRY(load_seccomp(*context.seccomp));
    if (!listener) {
        return {};
    }
    const int fd = listener.release();  // closed by execve
    const sys::UnusedArguments& pass = *context.seccomp->pass;
    if (!context.channel.request(SyncType::seccomp, std::span(&fd, 1), pass)) {
        // The runtime has told why, or is gone.
        ::syscall(SYS_exit_group, 127, 0, 0, pass[0], pass[1], pass[2]);
    }
    return {};
}

// Of entries with the same name the last counts, for every reader: getenv(3) would take the first,
// a shell the last.
std::vector<std::string> last_of_each(const std::vector<std::string>& env) {
    std::unordered_set<std::string_view> names;
    names.reserve(env.size());
    std::vector<std::string> kept;
    for (auto entry = env.rbegin(); entry != env.rend(); ++entry) {
        if (names.insert(std::string_view(*entry).substr(0, entry->find('='))).second) {
            kept.push_back(*entry);
        }
    }
    std::ranges::reverse(kept);
    return kept;
}

}  // namespace

Result<void> add_environment(InitContext& context) {
    if (context.process == nullptr) {
        return {};
    }
    std::vector<std::string> env = context.process->env;
    env.insert(env.end(), context.env.begin(), context.env.end());
    context.env = last_of_each(env);
    const char* const home = find_variable(context.env, "HOME");
    if (home == nullptr || *home == '\0') {
        const auto entry = find_passwd_entry("/etc/passwd", context.process->user.uid);
        std::erase_if(context.env, [](const std::string& variable) { return variable == "HOME="; });
        context.env.push_back("HOME=" + (entry && !entry->home.empty() ? entry->home : "/"));
    }
    return {};
}

Result<void> look_up_program(InitContext& context) {
    if (context.process == nullptr) {
        return {};
    }
    context.program = TRY(find_program(context.process->args.front(), context.env));
    context.argv = as_argv(context.process->args);
    context.envp = as_argv(context.env);
    return {};
}

// The answer commits: until then the child dies with the runtime, from here on it lives without it.
// Whoever is killed in between leaves either no process or one whose pid is in the state.
Result<void> report_ready(InitContext& context) {
    if (::prctl(PR_SET_PDEATHSIG, 0) != 0) {
        return sys::fail_errno("prctl(PR_SET_PDEATHSIG)");
    }
    if (context.start_socket) {
        let_signals_end_the_wait();  // once it is answered, create returns and an engine may ask
    }
    if (context.start_socket || !context.seccomp) {
        return context.channel.request(SyncType::ready);
    }
    const sys::UniqueFd file = context.last_word.open();
    const int fd = file.get();
    return context.channel.request(SyncType::ready, std::span(&fd, file ? 1 : 0));
}

Result<void> wait_for_start(InitContext& context) {
    if (!context.start_socket) {
        // `run` wants a program at once; `start` refuses before it gets here (C-04).
        return context.process != nullptr
                   ? Result<void>()
                   : std::unexpected(sys::Error{sys::ErrorKind::invalid, 0, "process",
                                                "config.json has no process to run"});
    }
    // Nothing of the runtime's may stay open meanwhile: engines wait for the end of their pipes
    // (engines trap 3).
    context.channel.close();
    int connection = -1;
    do {
        connection = ::accept4(context.start_socket.get(), nullptr, nullptr, SOCK_CLOEXEC);
    } while (connection < 0 && errno == EINTR);
    if (connection < 0) {
        return sys::fail_errno("accept");
    }
    context.channel = SyncChannel(sys::UniqueFd(connection));
    context.start_socket.reset();
    const sys::UniqueFd file = context.seccomp ? context.last_word.open() : sys::UniqueFd();
    const int fd = file.get();
    // `start` may be gone by now; the program runs all the same.
    static_cast<void>(context.channel.send(SyncType::ready, has_start_hooks(context) ? 1 : 0,
                                           std::span(&fd, file ? 1 : 0)));
    if (context.process == nullptr) {
        return sys::fail(sys::ErrorKind::wrong_state, "config.json has no process");
    }
    return {};
}

Result<void> run_start_container_hooks(InitContext& context) {
    if (!has_start_hooks(context)) {
        return {};
    }
    context.hooks.state.status = oci::ContainerStatus::created;
    context.hooks.state.pid = ::getpid();
    context.hooks.directory = -1;
    context.hooks.umask.reset();
    context.hooks.default_env = context.env;
    TRY_VOID(run_hooks(context.spec->hooks, oci::HookKind::start_container, context.hooks));
    // The runtime may be gone by now; the program runs all the same.
    static_cast<void>(context.channel.send(SyncType::hooks_ran));
    return {};
}

Result<void> set_rlimits(InitContext& context) {
    return apply_rlimits(context.process->rlimits);
}

Result<void> close_the_rest(InitContext& context) {
    reset_signals();
    std::vector<int> kept = context.preserved;
    kept.push_back(context.channel.fd());
    TRY_VOID(close_all_but(std::move(kept)));
    return pass_on(context.preserved);
}

Result<void> load_filter_with_privilege(InitContext& context) {
    return context.seccomp && !context.process->no_new_privileges ? load_filter(context)
                                                                  : Result<void>();
}

Result<void> drop_filter_privilege(InitContext& context) {
    if (!context.seccomp || context.process->no_new_privileges) {
        return {};
    }
    return context.seccomp->pass
               ? lower_capability_sets(context.capabilities, *context.seccomp->pass)
               : apply_capability_sets(context.capabilities);
}

Result<void> load_filter_last(InitContext& context) {
    return context.seccomp && context.process->no_new_privileges ? load_filter(context)
                                                                 : Result<void>();
}

}  // namespace libcontainer::steps
