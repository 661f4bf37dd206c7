// SPDX-License-Identifier: Apache-2.0
// The parent's side: makes the container's process and serves it until it is ready.
#include "libcontainer/process/launcher.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "libcontainer/process/id_mapping.h"
#include "libcontainer/process/init_steps.h"
#include "libcontainer/process/interruption.h"
#include "libcontainer/process/rlimits.h"
#include "libcontainer/process/scheduling.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/socket.h"

namespace libcontainer {
namespace {

using oci::NamespaceType;

// Namespaces that the parent enters for its future children only, and leaves again: a pid namespace
// that is joined, and a new time namespace, whose offsets can be written only while nobody is in it
// (T-01).
class ChildNamespaces {
  public:
    ChildNamespaces() = default;
    ChildNamespaces(const ChildNamespaces&) = delete;
    ChildNamespaces& operator=(const ChildNamespaces&) = delete;
    ~ChildNamespaces() {
        for (const sys::UniqueFd& own : own_) {
            static_cast<void>(::setns(own.get(), 0));
        }
    }

    // A pid namespace by its own descriptor, or of the process behind a pidfd.
    Result<void> join_pid(int descriptor) {
        TRY_VOID(remember("pid"));
        if (::setns(descriptor, CLONE_NEWPID) != 0) {
            return sys::fail_errno("setns(pid)");
        }
        return {};
    }

    Result<void> make_time(const std::map<oci::Clock, oci::TimeOffset>& offsets) {
        TRY_VOID(remember("time"));
        if (::unshare(CLONE_NEWTIME) != 0) {
            return sys::fail_errno("unshare(CLONE_NEWTIME)");
        }
        for (const auto& [clock, offset] : offsets) {
            const std::string line = std::string(oci::to_name(clock)) + " " +
                                     std::to_string(offset.secs.value_or(0)) + " " +
                                     std::to_string(offset.nanosecs.value_or(0));
            if (auto written = sys::write_attribute(AT_FDCWD, "/proc/self/timens_offsets", line);
                !written) {
                return std::unexpected(std::move(written).error().at(
                    "linux.timeOffsets." + std::string(oci::to_name(clock))));
            }
        }
        return {};
    }

  private:
    Result<void> remember(const char* name) {
        own_.push_back(TRY(sys::open_at(AT_FDCWD, std::string("/proc/self/ns/") + name, O_RDONLY)));
        return {};
    }

    std::vector<sys::UniqueFd> own_;
};

// Both ends until the child exists; then each side keeps its own, or neither would ever see the
// other's end of file.
struct SyncPair {
    SyncChannel parent;
    SyncChannel child;
};

[[noreturn]] void become_child(InitContext& context, SyncPair& pair) {
    pair.parent.close();
    context.channel = std::move(pair.child);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    run_init(context);
}

Result<void> join_for_child(const InitContext& context, NamespaceType type) {
    for (std::size_t i = 0; i < context.plan.joins.size(); ++i) {
        const NamespacePlan::Join& join = context.plan.joins[i];
        if (join.type == type &&
            ::setns(context.namespaces[i].get(), static_cast<int>(clone_flag(type))) != 0) {
            return std::unexpected(
                sys::last_error(sys::call("setns", join.path))
                    .at("linux.namespaces[" + std::to_string(join.index) + "].path"));
        }
    }
    return {};
}

// Joins the user namespace and makes the container's process there, as a child of the runtime.
[[noreturn]] void become_intermediate(InitContext& context, SyncPair& pair) {
    pair.parent.close();
    const auto done = [&context, &pair]() -> Result<void> {
        // The pid namespace with the host's rights still, and here, not in the parent: the pid that
        // clone3 gives is the one in the caller's own namespace, and has to be the host's.
        TRY_VOID(join_for_child(context, NamespaceType::pid));
        TRY_VOID(join_for_child(context, NamespaceType::user));
        if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) {
            return sys::fail_errno("setresuid(0)");
        }
        // In the cgroup already, by birth: here the right to enter it is gone.
        const std::optional<sys::Pid> child =
            TRY(sys::clone_process({context.plan.clone_flags | CLONE_PARENT, -1}));
        if (!child) {
            // The parent has to know the pid before anything else is said.
            const std::optional<SyncMessage> go = TRY(pair.child.receive());
            if (!go) {
                ::_exit(1);
            }
            become_child(context, pair);
        }
        return pair.child.send(SyncType::init_pid, child->number);
    }();
    if (!done) {
        static_cast<void>(pair.child.send_error(done.error()));
    }
    ::_exit(0);
}

Result<sys::Pid> clone_child(InitContext& context, SyncPair& pair) {
    ChildNamespaces for_children;
    if (context.role == ProcessRole::exec) {
        // setns with the pid namespace only changes that of children.
        if (context.plan.own(NamespaceType::pid)) {
            TRY_VOID(for_children.join_pid(context.container_pidfd.get()));
        }
        std::optional<sys::Pid> child =
            TRY(sys::clone_process({0, context.cgroup.directory.get()}));
        if (!child) {
            become_child(context, pair);
        }
        return *std::move(child);
    }
    const bool direct = !context.plan.needs_intermediate;
    for (std::size_t i = 0; direct && i < context.plan.joins.size(); ++i) {
        if (context.plan.joins[i].type == NamespaceType::pid) {
            TRY_VOID(for_children.join_pid(context.namespaces[i].get()));
        }
    }
    if (context.plan.new_time_namespace) {
        TRY_VOID(for_children.make_time(context.spec->linux.time_offsets));
    }
    std::optional<sys::Pid> child = TRY(sys::clone_process(
        {direct ? context.plan.clone_flags : 0, context.cgroup.directory.get()}));
    if (!child) {
        if (direct) {
            become_child(context, pair);
        }
        become_intermediate(context, pair);
    }
    return *std::move(child);
}

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

// The next message; nullopt when the child is gone. The pidfd is watched too, for a child that was
// killed while a process of its making still holds the socket.
Result<std::optional<SyncMessage>> next_message(const Launched& launched, int interruption) {
    std::array<pollfd, 3> waits = {pollfd{launched.channel.fd(), POLLIN, 0},
                                   pollfd{launched.pid.fd.get(), POLLIN, 0},
                                   pollfd{interruption, POLLIN, 0}};
    do {
        if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) {
            return sys::fail_errno("poll");
        }
        if (waits[2].revents != 0) {
            TRY_VOID(check_interruption(interruption));
        }
    } while (waits[0].revents == 0 && waits[1].revents == 0);
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

// Everything that does not wait for the child.
Result<void> work_beside(InitContext& context, const LaunchHandlers& handlers,
                         const Launched& launched) {
    if (handlers.work_meanwhile) {
        TRY_VOID(handlers.work_meanwhile());
    }
    if (!context.cgroup_follows) {
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
    SyncOrder order;
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
                TRY_VOID(hand_over(handlers.move_devices, *message));
                break;
            case SyncType::run_hooks:
                TRY_VOID(handlers.run_hooks(launched.pid));
                break;
            case SyncType::ready:
                TRY_VOID(apply_scheduling(launched.pid.number, context.process));
                TRY_VOID(handlers.on_ready(launched.pid));
                return launched.channel.send(SyncType::proceed);
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

}  // namespace

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

Result<void> write_oom_score_adj(pid_t pid, const oci::Process* process) {
    if (process == nullptr || !process->oom_score_adj) {
        return {};
    }
    auto written = sys::write_attribute(AT_FDCWD, "/proc/" + std::to_string(pid) + "/oom_score_adj",
                                        std::to_string(*process->oom_score_adj));
    return written ? written
                   : std::unexpected(std::move(written).error().at("process.oomScoreAdj"));
}

Result<void> await_exec(const Launched& launched, int interruption, const TakeListener& take) {
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
    return {};
}

Result<std::vector<sys::UniqueFd>> open_namespaces(const NamespacePlan& plan) {
    std::vector<sys::UniqueFd> namespaces;
    for (const NamespacePlan::Join& join : plan.joins) {
        const std::string place = "linux.namespaces[" + std::to_string(join.index) + "].path";
        auto fd = sys::open_at(AT_FDCWD, join.path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        if (!fd) {
            return std::unexpected(std::move(fd).error().at(place));
        }
        struct statfs filesystem = {};
        if (::fstatfs(fd->get(), &filesystem) != 0 || filesystem.f_type != NSFS_MAGIC ||
            ::ioctl(fd->get(), NS_GET_NSTYPE) != static_cast<int>(clone_flag(join.type))) {
            return std::unexpected(sys::Error{sys::ErrorKind::invalid, EINVAL, place,
                                              "\"" + join.path + "\" is not a " +
                                                  std::string(oci::to_name(join.type)) +
                                                  " namespace"});
        }
        namespaces.push_back(*std::move(fd));
    }
    return namespaces;
}

}  // namespace libcontainer
