// SPDX-License-Identifier: Apache-2.0
// What is handed to the engine beside the container: terminal, pidfd, pid file.
#pragma once

#include <string>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

using sys::Result;

// What brig does after the process is made.
enum class Attachment : unsigned char { detached, foreground };

// Where the master of a process' terminal goes: to the engine's socket, or to brig itself, which
// then relays.
class ConsoleTarget {
  public:
    // Connects to the engine's socket, once and before any namespace is entered (engines 3.2,
    // trap 13). Errors: a terminal without a socket although brig will not stay; a socket without
    // terminal.
    [[nodiscard]] static Result<ConsoleTarget> connect(bool terminal,
                                                       const std::string& socket_path,
                                                       Attachment attachment);

    // Before the user's program runs: sends the master on, or keeps it and gives it the size of the
    // caller's terminal, unless config.json has one (P-02).
    [[nodiscard]] Result<void> take(sys::UniqueFd master, bool has_size);
    [[nodiscard]] sys::UniqueFd release_master() { return std::move(master_); }

  private:
    sys::UniqueFd socket_;
    sys::UniqueFd master_;
};

// The size of the caller's terminal, looked for on 2, 1, 0 and /dev/tty, for the pty behind
// `master`; none is no error.
void copy_window_size(int master);

// Sends one pidfd with the payload `standard` (init) or `setns` (exec): --pidfd-socket
// (engines 3.8).
[[nodiscard]] Result<void> send_pidfd(const std::string& socket_path, int pidfd,
                                      std::string_view payload);

// The pid alone, without newline, replaced at once; what the name was before, a symlink too, is
// replaced (engines 2.1, R-39).
[[nodiscard]] Result<void> write_pid_file(const std::string& path, int pid);

}  // namespace libcontainer
