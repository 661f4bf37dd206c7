// SPDX-License-Identifier: Apache-2.0
// What a process would inherit from the engine and must not.
#include "libcontainer/process/inheritance.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "libcontainer/sys/open_in_root.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {
namespace {

[[nodiscard]] bool is_null_device(const struct stat& info) {
    return S_ISCHR(info.st_mode) && info.st_rdev == ::makedev(1, 3);
}

Result<void> close_gap(unsigned first, unsigned last) {
    if (first <= last && ::close_range(first, last, 0) != 0) {
        return sys::fail_errno("close_range");
    }
    return {};
}

}  // namespace

void reset_signals() {
    struct sigaction standard = {};
    standard.sa_handler = SIG_DFL;
    for (int signal = 1; signal < _NSIG; ++signal) {
        ::sigaction(signal, &standard, nullptr);
    }
    sigset_t none = {};
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::vector<int> take_inherited_descriptors(unsigned count) {
    count += passed_sockets();
    std::vector<int> open;
    for (unsigned i = 0; i < count; ++i) {
        const int fd = static_cast<int>(3 + i);
        // What the caller left open has no FD_CLOEXEC, or it would not be here; what brig has
        // opened meanwhile has it, and may sit in a hole of the range (T-42).
        const int flags = ::fcntl(fd, F_GETFD);
        if (flags >= 0 && (flags & FD_CLOEXEC) == 0) {
            open.push_back(fd);
        }
    }
    ::close_range(3 + count, ~0U, CLOSE_RANGE_CLOEXEC);
    return open;
}

Result<void> close_all_but(std::vector<int> kept) {
    std::ranges::sort(kept);
    unsigned first = 3;
    for (const int fd : kept) {
        if (fd < static_cast<int>(first)) {
            continue;  // 0-2, -1 for none, or twice the same
        }
        TRY_VOID(close_gap(first, static_cast<unsigned>(fd) - 1));
        first = static_cast<unsigned>(fd) + 1;
    }
    return close_gap(first, ~0U);
}

Result<void> pass_on(const std::vector<int>& preserved) {
    for (const int fd : preserved) {
        if (::fcntl(fd, F_SETFD, 0) != 0) {
            return sys::fail_errno("fcntl(F_SETFD)");
        }
    }
    return {};
}

unsigned passed_sockets() {
    constexpr unsigned kMost = 1024;
    const auto number = [](const char* name) -> unsigned {
        const char* const text = ::getenv(name);
        unsigned value = 0;
        const std::string_view digits = text != nullptr ? text : "";
        const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        return parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size() ? value : 0;
    };
    const unsigned count = number("LISTEN_FDS");
    return count <= kMost && number("LISTEN_PID") == static_cast<unsigned>(::getpid()) ? count : 0;
}

std::vector<std::string> socket_environment(bool private_pid_namespace) {
    const unsigned count = passed_sockets();
    if (count == 0 || !private_pid_namespace) {
        return {};
    }
    return {"LISTEN_FDS=" + std::to_string(count), "LISTEN_PID=1"};
}

void apply_stdio_owner(unsigned uid, Terminal terminal) {
    for (int fd = 0; fd < 3; ++fd) {
        struct stat info = {};
        if (::fstat(fd, &info) != 0 || info.st_uid == uid) {
            continue;
        }
        const bool is_own_pty =
            terminal == Terminal::own && S_ISCHR(info.st_mode) && ::isatty(fd) == 1;
        if (is_own_pty || S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode)) {
            // EPERM, EROFS, EINVAL (unmapped id): the engine's descriptor, not ours to insist on.
            [[maybe_unused]] const int tried = ::fchown(fd, uid, static_cast<gid_t>(-1));
        }
    }
}

Result<void> reopen_dev_null(int root) {
    std::array<bool, 3> is_null = {};
    for (int fd = 0; fd < 3; ++fd) {
        struct stat info = {};
        is_null[static_cast<std::size_t>(fd)] = ::fstat(fd, &info) == 0 && is_null_device(info);
    }
    if (std::ranges::none_of(is_null, [](bool null) { return null; })) {
        return {};
    }
    // Opening a device node has effects, so it is looked at first, and then opened by descriptor:
    // the name may lead to another one by now.
    const auto node =
        sys::open_in_root(root, sys::ContainerPath("dev/null"), sys::Symlinks::refuse);
    struct stat info = {};
    if (!node || ::fstat(node->get(), &info) != 0 || !is_null_device(info)) {
        return {};
    }
    const std::string path = "/proc/self/fd/" + std::to_string(node->get());
    const sys::UniqueFd fresh(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (!fresh) {
        return {};
    }
    for (int fd = 0; fd < 3; ++fd) {
        if (is_null[static_cast<std::size_t>(fd)] && ::dup2(fresh.get(), fd) < 0) {
            return sys::fail_errno("dup2");
        }
    }
    return {};
}

}  // namespace libcontainer
