// SPDX-License-Identifier: Apache-2.0
// What is handed to the engine: terminal, pidfd, pid file.
#include "libcontainer/handover.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "libcontainer/sys/file.h"
#include "libcontainer/sys/socket.h"

namespace libcontainer {

Result<ConsoleTarget> ConsoleTarget::connect(bool terminal, const std::string& socket_path,
                                             Attachment attachment) {
    ConsoleTarget target;
    if (!terminal && !socket_path.empty()) {
        return sys::fail(sys::ErrorKind::invalid,
                         "cannot use console socket if brig will not detach or allocate tty");
    }
    if (terminal && socket_path.empty() && attachment == Attachment::detached) {
        return sys::fail(sys::ErrorKind::invalid,
                         "cannot allocate tty if brig will detach without setting console socket");
    }
    if (!socket_path.empty()) {
        target.socket_ = TRY(sys::connect_unix(socket_path));
    }
    return target;
}

Result<void> ConsoleTarget::take(sys::UniqueFd master, bool has_size) {
    if (socket_) {
        const int fd = master.get();
        return sys::send_message(socket_.get(), "/dev/ptmx", std::span<const int>(&fd, 1));
    }
    if (!has_size) {
        copy_window_size(master.get());
    }
    master_ = std::move(master);
    return {};
}

void copy_window_size(int master) {
    winsize size = {};
    for (const int fd : {STDERR_FILENO, STDOUT_FILENO, STDIN_FILENO}) {
        if (::ioctl(fd, TIOCGWINSZ, &size) == 0) {
            ::ioctl(master, TIOCSWINSZ, &size);
            return;
        }
    }
    const sys::UniqueFd terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (terminal && ::ioctl(terminal.get(), TIOCGWINSZ, &size) == 0) {
        ::ioctl(master, TIOCSWINSZ, &size);
    }
}

Result<void> send_pidfd(const std::string& socket_path, int pidfd, std::string_view payload) {
    const sys::UniqueFd socket = TRY_WRAP("pidfd socket", sys::connect_unix(socket_path));
    return sys::send_message(socket.get(), payload, std::span<const int>(&pidfd, 1));
}

Result<void> write_pid_file(const std::string& path, int pid) {
    const sys::UniqueFd directory = TRY_WRAP(
        "pid file", sys::open_at(AT_FDCWD, sys::directory_of(path), O_RDONLY | O_DIRECTORY));
    auto written =
        sys::write_file_atomically(directory.get(), sys::base_of(path), std::to_string(pid), 0644);
    return written ? written : std::unexpected(std::move(written).error().wrap("pid file"));
}

}  // namespace libcontainer
