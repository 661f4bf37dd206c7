// SPDX-License-Identifier: Apache-2.0
// Waiting for lines of cgroup.events.
#include "libcontainer/cgroup/v2/events.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "libcontainer/sys/file.h"

namespace libcontainer::v2 {
namespace {

constexpr std::string_view kGone = "populated 0\nfrozen 0\n";

bool is_gone(int code) {
    return code == ENOENT || code == ENODEV;
}

bool has_line(std::string_view text, std::string_view line) {
    for (std::size_t at = text.find(line); at != std::string_view::npos;
         at = text.find(line, at + 1)) {
        const std::size_t end = at + line.size();
        if ((at == 0 || text[at - 1] == '\n') && (end == text.size() || text[end] == '\n')) {
            return true;
        }
    }
    return false;
}

// Reading from the start is what arms the next poll(2).
Result<bool> is_told(int events, const std::string& path, std::string_view line) {
    std::array<char, 256> buffer = {};
    const ssize_t got = ::pread(events, buffer.data(), buffer.size(), 0);
    if (got < 0 && !is_gone(errno)) {
        return sys::fail_errno(sys::call("read", path));
    }
    return has_line(
        got < 0 ? kGone : std::string_view(buffer.data(), static_cast<std::size_t>(got)), line);
}

}  // namespace

Result<bool> has_event(const std::string& directory, std::string_view line) {
    return wait_for_event(directory, line, std::chrono::milliseconds(0));
}

Result<bool> wait_for_event(const std::string& directory, std::string_view line,
                            std::chrono::milliseconds limit) {
    using Clock = std::chrono::steady_clock;
    const std::string path = directory + "/cgroup.events";
    const auto events = sys::open_at(AT_FDCWD, path, O_RDONLY);
    if (!events) {
        return is_gone(events.error().code) ? Result<bool>(has_line(kGone, line))
                                            : std::unexpected(events.error());
    }
    const auto deadline = Clock::now() + limit;
    while (!TRY(is_told(events->get(), path, line))) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0) {
            return false;
        }
        pollfd descriptor = {events->get(), POLLPRI, 0};
        if (::poll(&descriptor, 1, static_cast<int>(left.count())) < 0 && errno != EINTR) {
            return sys::fail_errno("poll");
        }
    }
    return true;
}

}  // namespace libcontainer::v2
