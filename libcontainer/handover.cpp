// SPDX-License-Identifier: Apache-2.0
// What is handed to the engine: terminal, pidfd, pid file.
#include "libcontainer/handover.h"

#include <fcntl.h>

#include "libcontainer/sys/file.h"
#include "libcontainer/sys/socket.h"

namespace libcontainer {

Result<sys::UniqueFd> connect_console(bool terminal, const std::string& socket_path,
                                      Attachment attachment) {
    if (!terminal) {
        if (!socket_path.empty()) {
            return sys::fail(sys::ErrorKind::invalid,
                             "cannot use console socket if brig will not detach or allocate tty");
        }
        return sys::UniqueFd();
    }
    if (socket_path.empty()) {
        if (attachment == Attachment::detached) {
            return sys::fail(
                sys::ErrorKind::invalid,
                "cannot allocate tty if brig will detach without setting console socket");
        }
        return sys::UniqueFd();
    }
    return sys::connect_unix(socket_path);
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
