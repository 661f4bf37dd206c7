// SPDX-License-Identifier: Apache-2.0
// The parent's side: makes the container's process and serves it until it is ready.
#include "libcontainer/process/launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "libcontainer/process/birth.h"
#include "libcontainer/process/id_mapping.h"
#include "libcontainer/process/interruption.h"
#include "libcontainer/process/rlimits.h"
#include "libcontainer/process/scheduling.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/socket.h"

namespace libcontainer {
namespace {

// How a child that said nothing more came to its end.
sys::Error describe_end(const sys::Pid& child) {
    const auto status = sys::wait_for(child);
    if (!status) {
        return status.error();
    }
    std::string text = "the container's process ended during set-up: ";
    if (WIFSIGNALED(*status)) {
        text += "killed by signal " + std::to_string(WTERMSIG(*status));
        if (WTERMSIG(*status) == SIGKILL) {
            text += " (a memory limit too small for the set-up?)";
        }
    } else {
        text += "exit status " + std::to_string(WEXITSTATUS(*status));
    }
    return sys::Error{sys::ErrorKind::system, 0, {}, text};
}

void kill_and_reap(const sys::Pid& child) {
    static_cast<void>(sys::send_signal(child, SIGKILL));
    static_cast<void>(sys::wait_for(child));
}

Result<void> replace_by_own_child(Launched& launched, pid_t number) {
    static_cast<void>(sys::wait_for(launched.pid));
    launched.pid = TRY(sys::open_pid(number));
    return {};
}

// The next message; nullopt when the child is gone. Of one that is no child of the caller (`start`)
// only the socket tells. The pidfd is watched too, for a child that was killed while a process of
// its making still holds the socket.
Result<std::optional<SyncMessage>> next_message(const Launched& launched, int interruption) {
    if (!launched.pid.fd && interruption < 0) {
        return launched.channel.receive();
    }
    std::array<pollfd, 3> waits = {pollfd{launched.channel.fd(), POLLIN, 0},
                                   pollfd{launched.pid.fd.get(), POLLIN, 0},
                                   pollfd{interruption, POLLIN, 0}};
    // The child's word comes first: a signal that follows execve is the program's.
    while (waits[0].revents == 0 && waits[1].revents == 0) {
        if (waits[2].revents != 0) {
            TRY_VOID(check_interruption(interruption));
        }
        if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) {
            return sys::fail_errno("poll");
        }
    }
    // What it said before its end counts: look at the socket again once the pidfd has told of the
    // end.
    if (waits[0].revents == 0 && ::poll(waits.data(), 1, 0) == 0) {
        return std::nullopt;
    }
    return launched.channel.receive();
}

Result<void> hand_over(const std::function<Result<void>(sys::UniqueFd)>& handler,
                       SyncMessage& message) {
    if (message.fds.size() != 1) {
        return sys::fail_code("sync message", EPROTO);
    }
    return handler(std::move(message.fds.front()));
}

// The container's network namespace is one that is joined, or made by the child, which sends it.
Result<void> move_devices(const InitContext& context, const LaunchHandlers& handlers,
                          const SyncMessage& message) {
    for (std::size_t i = 0; i < context.plan.joins.size(); ++i) {
        if (context.plan.joins[i].type == oci::NamespaceType::network) {
            return handlers.move_devices(context.namespaces[i].get());
        }
    }
    if (message.fds.size() != 1) {
        return sys::fail_code("sync message", EPROTO);
    }
    return handlers.move_devices(message.fds.front().get());
}

// Everything that does not wait for the child.
Result<void> work_beside(InitContext& context, const LaunchHandlers& handlers,
                         const Launched& launched) {
    if (handlers.work_meanwhile) {
        TRY_VOID(handlers.work_meanwhile());
    }
    if (context.cgroup.attach) {
        TRY_VOID(context.cgroup.attach(launched.pid.number));
    } else if (!context.cgroup_follows) {
        return {};
    }
    std::vector<int> tasks;
    for (const sys::UniqueFd& file : context.cgroup.tasks) {
        tasks.push_back(file.get());
    }
    // A child that is gone already has left its reason in the channel: serve() reads it.
    auto sent = launched.channel.send(SyncType::cgroup, 0, tasks);
    const bool is_gone = !sent && (sent.error().code == EPIPE || sent.error().code == ECONNRESET);
    return is_gone ? Result<void>() : sent;
}

Result<void> serve(InitContext& context, const LaunchHandlers& handlers, Launched& launched) {
    TRY_VOID(work_beside(context, handlers, launched));
    SyncOrder order(has_intermediate(context) ? SyncType::init_pid : SyncType::map_ids);
    while (true) {
        std::optional<SyncMessage> message = TRY(next_message(launched, context.interruption));
        if (!message) {
            return std::unexpected(describe_end(launched.pid));
        }
        if (!order.accept(message->type)) {
            return sys::fail_code("sync message out of order", EPROTO);
        }
        switch (message->type) {
            case SyncType::init_pid:
                TRY_VOID(replace_by_own_child(launched, message->number));
                TRY_VOID(check_joined_id_maps(launched.pid.number, context.spec->linux));
                break;
            case SyncType::console:
                TRY_VOID(hand_over(handlers.take_console, *message));
                continue;
            case SyncType::map_ids:
                TRY_VOID(write_id_maps(launched.pid.number, context.spec->linux));
                if (context.process != nullptr) {
                    TRY_VOID(raise_hard_limits(launched.pid.number, context.process->rlimits));
                }
                break;
            case SyncType::move_devices:
                TRY_VOID(move_devices(context, handlers, *message));
                break;
            case SyncType::run_hooks:
                TRY_VOID(handlers.run_hooks(launched.pid));
                break;
            case SyncType::ready:
                TRY_VOID(apply_scheduling(launched.pid.number, context.process));
                TRY_VOID(handlers.on_ready(launched.pid));
                launched.has_start_hooks = has_start_hooks(context);
                launched.last_word = take_last_word(*message);
                return launched.channel.send(SyncType::proceed);
            case SyncType::hooks_ran:
            case SyncType::seccomp:
                return sys::fail_code("sync message out of order", EPROTO);
            case SyncType::failed:
            case SyncType::proceed:
            case SyncType::cgroup:
                return std::unexpected(*std::move(message->error));
        }
        TRY_VOID(launched.channel.send(SyncType::proceed));
    }
}

// An init that dies meanwhile, or is killed, has not come to its program.
Result<void> await_start_hooks(const Launched& launched, int interruption) {
    std::optional<SyncMessage> message = TRY(next_message(launched, interruption));
    if (!message) {
        return sys::fail(sys::ErrorKind::system,
                         "the container's process has died during its startContainer hooks");
    }
    if (message->type == SyncType::hooks_ran) {
        return {};
    }
    return message->error ? std::unexpected(*std::move(message->error))
                          : sys::fail_code("sync message out of order", EPROTO);
}

}  // namespace

sys::UniqueFd take_last_word(SyncMessage& ready) {
    return ready.fds.empty() ? sys::UniqueFd() : std::move(ready.fds.front());
}

Result<Launched> launch(InitContext& context, const LaunchHandlers& handlers) {
    std::array<sys::UniqueFd, 2> ends = TRY(sys::make_socket_pair());
    SyncPair pair{SyncChannel(std::move(ends[0])), SyncChannel(std::move(ends[1]))};
    Launched launched;
    launched.pid = TRY(clone_child(context, pair));
    pair.child.close();
    launched.channel = std::move(pair.parent);
    if (auto served = serve(context, handlers, launched); !served) {
        kill_and_reap(launched.pid);
        return std::unexpected(std::move(served).error());
    }
    return launched;
}

Result<void> await_exec(const Launched& launched, int interruption, const TakeListener& take) {
    if (launched.has_start_hooks) {
        TRY_VOID(await_start_hooks(launched, interruption));
    }
    std::optional<SyncMessage> message = TRY(next_message(launched, interruption));
    if (message && message->type == SyncType::seccomp) {
        TRY_VOID(hand_over(take, *message));
        TRY_VOID(launched.channel.send(SyncType::proceed));
        message = TRY(next_message(launched, interruption));
    }
    if (message) {
        return message->error ? std::unexpected(*std::move(message->error))
                              : sys::fail_code("sync message out of order", EPROTO);
    }
    const int code = read_last_word(launched.last_word.get());
    if (code == 0) {
        return {};
    }
    return std::unexpected(
        sys::Error{sys::ErrorKind::exec_failed, code, "linux.seccomp",
                   "the program was not run: " + std::string(sys::errno_text(code)) +
                       " (the filter lets the process say no more)"});
}

}  // namespace libcontainer
