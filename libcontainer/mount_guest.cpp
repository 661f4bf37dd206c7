// SPDX-License-Identifier: Apache-2.0
// The visit to a container's mount namespace.
#include "libcontainer/mount_guest.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>

#include "libcontainer/process/sync.h"
#include "libcontainer/security/identity.h"
#include "libcontainer/security/self_protection.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/socket.h"

namespace libcontainer {
namespace {

using sys::UniqueFd;
using Clock = std::chrono::steady_clock;

// The child's messages; any other is an error. Only `go` has an answer, the same.
constexpr std::string_view kBegin = "begin";  // with the mount
constexpr std::string_view kGo = "go";        // with all of them
constexpr std::string_view kGone = "gone";    // one of them

constexpr auto kPatience = std::chrono::seconds(10);
constexpr int kGrace = 1'000;  // milliseconds, for what asks no filesystem

// Whether there is something to read, or the end, before the deadline.
Result<bool> is_readable(int descriptor, Clock::time_point deadline) {
    while (true) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
        pollfd wait = {descriptor, POLLIN, 0};
        const int ready = ::poll(&wait, 1, left.count() > 0 ? static_cast<int>(left.count()) : 0);
        if (ready >= 0) {
            return ready > 0;
        }
        if (errno != EINTR) {
            return sys::fail_errno("poll");
        }
    }
}

bool has_ended(const sys::Pid& child) {
    return is_readable(child.fd.get(), Clock::now() + std::chrono::milliseconds(kGrace))
        .value_or(false);
}

void keep(std::vector<UniqueFd>& mounts, std::vector<UniqueFd> more) {
    for (UniqueFd& mount : more) {
        mounts.push_back(std::move(mount));
    }
}

// Until the child has ended, or failed.
Result<void> converse(int socket, const MountVisit& visit, std::vector<UniqueFd>& begun) {
    const auto deadline = Clock::now() + kPatience;
    bool is_agreed = false;
    std::size_t left = 0;  // of those it asked about
    while (true) {
        if (!is_agreed && !TRY(is_readable(socket, deadline))) {
            return std::unexpected(
                sys::Error{sys::ErrorKind::system, ETIMEDOUT, "",
                           "a filesystem of the container does not answer within 10 s"});
        }
        sys::Message message = TRY(sys::receive_message(socket));
        if (message.data == kBegin) {
            keep(begun, std::move(message.fds));
        } else if (message.data == kGo) {
            TRY_VOID(visit.agree(message.fds));
            TRY_VOID(sys::send_message(socket, kGo));
            is_agreed = true;
            left = message.fds.size();
        } else if (message.data == kGone && left > 0) {
            visit.reported();
            --left;
        } else if (message.data.empty() && is_agreed) {
            return {};
        } else {
            return std::unexpected(
                decode_error(message.data).value_or(sys::errno_error("mounts", EPROTO)));
        }
    }
}

// In the place of a child that could not. By descriptor: no filesystem is asked.
bool unmount_all(const MountVisit& visit, const std::vector<UniqueFd>& begun) {
    if (begun.empty()) {
        return true;
    }
    const pid_t parent = ::getpid();
    const auto child = sys::clone_process({});
    if (!child) {
        return false;
    }
    if (!*child) {
        MountGuest guest({}, parent);
        bool is_done = guest.enter(visit.init, visit.own_user_namespace).has_value();
        for (auto mount = begun.rbegin(); mount != begun.rend(); ++mount) {
            is_done = is_done && guest.unmount(*mount);
        }
        ::_exit(is_done ? 0 : 1);
    }
    return has_ended(**child) && sys::wait_for(**child).value_or(1) == 0;
}

// After an error. The child undoes by itself what it has begun, unless it hangs; then what is left
// of it, perhaps until the filesystem answers, does no more than the system call that it is in.
bool clear_up(int socket, const sys::Pid& child, const MountVisit& visit,
              std::vector<UniqueFd>& begun) {
    ::shutdown(socket, SHUT_WR);
    if (has_ended(child)) {
        return sys::wait_for(child).value_or(1) == 0;
    }
    static_cast<void>(sys::send_signal(child, SIGKILL));
    if (has_ended(child)) {
        static_cast<void>(sys::wait_for(child));
    }
    while (is_readable(socket, Clock::now()).value_or(false)) {
        auto message = sys::receive_message(socket);
        if (!message || message->data.empty()) {
            break;
        }
        keep(begun, std::move(message->fds));
    }
    return unmount_all(visit, begun);
}

[[noreturn]] void be_guest(UniqueFd socket, const MountVisit& visit, pid_t parent) {
    for (const int descriptor : visit.closed) {
        ::close(descriptor);
    }
    // The caller may wait for the end of brig's output.
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        ::close(descriptor);
    }
    MountGuest guest(std::move(socket), parent);
    guest.end(visit.inside(guest));
}

}  // namespace

Result<UniqueFd> MountGuest::enter(const sys::Pid& init, bool own_user_namespace) {
    sigset_t all = {};
    ::sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, nullptr);
    ::umask(0);
    TRY_VOID(apply_dumpable(Dumpable::no));
    descriptors_ = TRY(sys::open_at(AT_FDCWD, "/proc/self/fd", O_PATH | O_DIRECTORY));
    const int flags = CLONE_NEWNS | (own_user_namespace ? CLONE_NEWUSER : 0);
    if (::setns(init.fd.get(), flags) != 0) {
        return sys::fail_errno("setns");
    }
    if (own_user_namespace) {
        // What is made inside belongs to the container's root, and the caller's groups reach
        // nothing there.
        TRY_VOID(apply_groups({}));
        if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) {
            return sys::fail_errno("setresuid(0)");
        }
        TRY_VOID(apply_dumpable(Dumpable::no));
    }
    sys::die_with_parent(parent_);  // new ids have cleared it until here
    return sys::open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
}

Result<void> MountGuest::announce(const UniqueFd& mount) {
    UniqueFd kept(::fcntl(mount.get(), F_DUPFD_CLOEXEC, 0));
    if (!kept) {
        return sys::fail_errno("fcntl(F_DUPFD_CLOEXEC)");
    }
    if (::prctl(PR_SET_PDEATHSIG, 0) != 0) {
        return sys::fail_errno("prctl(PR_SET_PDEATHSIG)");
    }
    const int number = kept.get();
    TRY_VOID(sys::send_message(socket_.get(), kBegin, {&number, 1}));
    announced_.push_back(std::move(kept));
    return {};
}

void MountGuest::undo() {
    while (!announced_.empty()) {
        static_cast<void>(unmount(announced_.back()));
        announced_.pop_back();
    }
}

bool MountGuest::ask(const std::vector<UniqueFd>& mounts) const {
    std::vector<int> numbers;
    numbers.reserve(mounts.size());
    for (const UniqueFd& mount : mounts) {
        numbers.push_back(mount.get());
    }
    if (!sys::send_message(socket_.get(), kGo, numbers)) {
        return false;
    }
    const auto answer = sys::receive_message(socket_.get());
    return answer && answer->data == kGo;
}

void MountGuest::report() const {
    static_cast<void>(sys::send_message(socket_.get(), kGone));
}

Result<void> MountGuest::unmount(const UniqueFd& mount) const {
    if (::fchdir(descriptors_.get()) != 0) {
        return sys::fail_errno("fchdir");
    }
    if (::umount2(std::to_string(mount.get()).c_str(), MNT_DETACH) != 0 && errno != EINVAL) {
        return sys::fail_errno("umount2");
    }
    return {};
}

void MountGuest::end(const Result<void>& result) const {
    if (!result) {
        static_cast<void>(sys::send_message(socket_.get(), encode_error(result.error())));
    }
    ::_exit(0);
}

Result<void> visit(const MountVisit& visit) {
    auto [own, theirs] = TRY(sys::make_socket_pair());
    const pid_t parent = ::getpid();
    const std::optional<sys::Pid> child = TRY(sys::clone_process({}));
    if (!child) {
        own.reset();
        be_guest(std::move(theirs), visit, parent);
    }
    theirs.reset();
    std::vector<UniqueFd> begun;
    auto result = converse(own.get(), visit, begun);
    if (result) {
        static_cast<void>(sys::wait_for(*child));
    } else if (!clear_up(own.get(), *child, visit, begun)) {
        result.error().message += "; some of the mounts may be left";
    }
    return result;
}

}  // namespace libcontainer
