// SPDX-License-Identifier: Apache-2.0
#include "libcontainer/notify.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>

#include "libcontainer/process/namespace_plan.h"
#include "libcontainer/sys/socket.h"

namespace libcontainer {
namespace {

constexpr const char* kVariable = "NOTIFY_SOCKET";
constexpr std::string_view kInside = "/run/notify";
constexpr std::chrono::seconds kPatience(5);  // with a manager that does not read

// What is read after init's end: more than is usually queued (net.unix.max_dgram_qlen), so that its
// own messages are among them, but no end of those of others in a shared pid namespace.
constexpr int kLastMessages = 1024;

std::string manager() {
    const char* const path = ::getenv(kVariable);
    return path == nullptr ? "" : path;
}

// sd_notify(3): a path, or `@name` in the abstract namespace.
Result<sys::UniqueFd> connect_to_manager() {
    const std::string path = manager();
    sys::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (!socket || path.size() >= sizeof address.sun_path) {
        return sys::fail_code(sys::call(kVariable, path), socket ? ENAMETOOLONG : errno);
    }
    TRY_VOID(sys::limit_sends(socket.get(), kPatience));
    path.copy(address.sun_path, path.size());
    if (path.starts_with('@')) {
        address.sun_path[0] = '\0';
    }
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
        return sys::fail_errno(sys::call("connect", path));
    }
    return socket;
}

Result<void> tell_ready(std::string_view ready, pid_t main) {
    const sys::UniqueFd socket = TRY(connect_to_manager());
    TRY_VOID(sys::send_message(socket.get(), std::string(ready) + "\n"));
    return sys::send_message(socket.get(), "MAINPID=" + std::to_string(main) + "\n");
}

// The manager closes the descriptor once it has read all that was said before.
Result<void> await_manager() {
    const sys::UniqueFd socket = TRY(connect_to_manager());
    std::array<int, 2> ends = {-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return sys::fail_errno("pipe2");
    }
    const sys::UniqueFd ours(ends[0]);
    sys::UniqueFd theirs(ends[1]);
    TRY_VOID(sys::send_message(socket.get(), "BARRIER=1", std::array{theirs.get()}));
    theirs.reset();
    pollfd closed = {ours.get(), 0, 0};
    ::poll(&closed, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count()));
    return {};
}

// The line READY=... of a message, empty if it has none.
std::string_view ready_line(std::string_view message) {
    while (!message.empty()) {
        const std::string_view line = message.substr(0, message.find('\n'));
        if (line.starts_with("READY=")) {
            return line;
        }
        message.remove_prefix(std::min(line.size() + 1, message.size()));
    }
    return {};
}

}  // namespace

Result<bool> NotifySocket::offer(oci::Spec& spec, const StateDirectory& directory,
                                 const std::string& state) {
    if (manager().empty() || !spec.process ||
        !plan_namespaces(spec.linux).own(oci::NamespaceType::mount)) {
        return false;
    }
    TRY_VOID(directory.make_notify_folder());
    spec.mounts.push_back({.destination = std::string(kInside),
                           .type = "bind",
                           .source = state + "/notify",
                           .options = {"bind", "ro", "nosuid", "nodev", "noexec"},
                           .uid_mappings = {},
                           .gid_mappings = {}});
    const std::string variable = std::string(kVariable) + "=";
    std::erase_if(spec.process->env, [&variable](const std::string& present) {
        return present.starts_with(variable);
    });
    spec.process->env.push_back(variable + std::string(kInside) + "/notify.sock");
    return true;
}

Result<NotifySocket> NotifySocket::listen(const StateDirectory& directory) {
    NotifySocket notify;
    if (!manager().empty()) {
        notify.socket_ = TRY(directory.listen_for_notify());
    }
    return notify;
}

bool NotifySocket::relay(pid_t main, const Warn& warn) const {
    const auto message = sys::receive_text(socket_.get());
    const std::string_view line = message ? ready_line(*message) : "";
    if (line.empty()) {
        return false;
    }
    if (const auto told = tell_ready(line, main); !told && warn) {
        warn(told.error().text());
    }
    return true;
}

Result<void> NotifySocket::wait_until_ready(const sys::Pid& init, const Warn& warn) const {
    sigset_t none = {};
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);  // the container is complete without brig
    int left = kLastMessages;
    while (left > 0) {
        std::array<pollfd, 2> waits = {pollfd{socket_.get(), POLLIN, 0},
                                       pollfd{init.fd.get(), POLLIN, 0}};
        if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) {
            return sys::fail_errno("poll");
        }
        const bool has_ended = waits[1].revents != 0;
        // A message first: a program may say that it is ready and end at once.
        if (waits[0].revents != 0) {
            if (relay(init.number, warn)) {
                static_cast<void>(await_manager());
                return {};
            }
            left -= has_ended ? 1 : 0;
        } else if (has_ended) {
            return {};
        }
    }
    return {};
}

}  // namespace libcontainer
