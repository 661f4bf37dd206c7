// SPDX-License-Identifier: Apache-2.0
#include "runtime/log.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "libcontainer/sys/file.h"
#include "libcontainer/sys/unique_fd.h"

namespace runtime {

namespace {

constexpr std::size_t kMaxLine = 8000;  // with prefix and newline below conmon's 8191
constexpr std::string_view kFile = "file:";
constexpr std::string_view kSyslog = "syslog:";
constexpr std::string_view kJournald = "journald:";

bool write_once(int fd, std::string_view text) {
    ssize_t written = -1;
    do {
        written = write(fd, text.data(), text.size());
    } while (written < 0 && errno == EINTR);
    return written == static_cast<ssize_t>(text.size());
}

bool append_to_file(const std::string& path, std::string_view entry) {
    // O_NONBLOCK: a FIFO that nobody reads must not hold up a failing create.
    const int flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
    const auto file = sys::open_at(AT_FDCWD, path, flags, 0644);
    return file && write_once(file->get(), entry);
}

bool send_datagram(std::string_view path, std::string_view text) {
    const sys::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    return socket.get() >= 0 &&
           sendto(socket.get(), text.data(), text.size(), MSG_NOSIGNAL,
                  reinterpret_cast<const sockaddr*>(&address), sizeof(address)) >= 0;
}

// The priorities of syslog(3).
std::string priority_of(LogLevel level) {
    switch (level) {
        case LogLevel::error:
            return "3";
        case LogLevel::warning:
            return "4";
        case LogLevel::info:
            return "6";
        case LogLevel::debug:
            break;
    }
    return "7";
}

bool send_to_syslog(const std::string& name, LogLevel level, std::string_view message) {
    return send_datagram("/dev/log", "<" + priority_of(level) + ">" + name + "[" +
                                         std::to_string(getpid()) +
                                         "]: " + printable(message, kMaxLine));
}

// systemd's native journal protocol: lines of FIELD=value.
bool send_to_journal(const std::string& name, LogLevel level, std::string_view message) {
    return send_datagram("/run/systemd/journal/socket",
                         "PRIORITY=" + priority_of(level) + "\nSYSLOG_IDENTIFIER=" + name +
                             "\nMESSAGE=" + printable(message, kMaxLine) + "\n");
}

std::string format_entry(const LogSettings& log, LogLevel level, std::string_view message) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return log.format == LogFormat::json ? json_entry(level, message, now)
                                         : text_entry(level, message, now);
}

// False if there is no target or it does not take the entry.
bool write_to_target(const LogSettings& log, LogLevel level, std::string_view message) {
    if (log.target.empty()) {
        return false;
    }
    if (log.target.starts_with(kSyslog)) {
        return send_to_syslog(log.target.substr(kSyslog.size()), level, message);
    }
    if (log.target.starts_with(kJournald)) {
        return send_to_journal(log.target.substr(kJournald.size()), level, message);
    }
    return append_to_file(log.target, format_entry(log, level, message));
}

}  // namespace

sys::Result<std::string> parse_log_target(const std::string& text) {
    if (text.starts_with(kSyslog) || text.starts_with(kJournald)) {
        return printable(text, kMaxLine);
    }
    const std::string path = text.starts_with(kFile) ? text.substr(kFile.size()) : text;
    if (path.empty()) {
        return sys::fail(sys::ErrorKind::invalid, "empty path");
    }
    return sys::absolute_path(path);
}

void write_entry(const LogSettings& log, LogLevel level, std::string_view message) {
    if (level <= log.level && !write_to_target(log, level, message)) {
        write_once(STDERR_FILENO, format_entry(log, level, message));
    }
}

void report_failure(const LogSettings& log, std::string_view message) {
    if (log.target.empty() && log.format == LogFormat::json) {
        write_entry(log, LogLevel::error, message.substr(0, kMaxLine));
        return;
    }
    write_to_target(log, LogLevel::error, message);
    write_once(STDERR_FILENO, "brig: " + printable(message, kMaxLine) + "\n");
}

}  // namespace runtime
