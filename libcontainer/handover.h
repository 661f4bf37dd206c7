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

// Connects to the engine's socket, once and before any namespace is entered (engines.md 3.2, trap
// 13); an invalid descriptor when none is needed. Errors: a terminal without a socket although brig
// will not stay; a socket without terminal.
[[nodiscard]] Result<sys::UniqueFd> connect_console(bool terminal, const std::string& socket_path,
                                                    Attachment attachment);

// Sends one pidfd with the payload `standard` (init) or `setns` (exec): --pidfd-socket
// (engines.md 3.8).
[[nodiscard]] Result<void> send_pidfd(const std::string& socket_path, int pidfd,
                                      std::string_view payload);

// The pid alone, without newline, replaced at once; what the name was before, a symlink too, is
// replaced (engines.md 2.1, R-39).
[[nodiscard]] Result<void> write_pid_file(const std::string& path, int pid);

}  // namespace libcontainer
