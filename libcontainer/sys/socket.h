// SPDX-License-Identifier: Apache-2.0
// Unix sockets that carry descriptors: the pair between parent and child, and engines' console
// sockets.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace sys {

// socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC): one datagram per message, EOF when the peer
// is gone.
[[nodiscard]] Result<std::array<UniqueFd, 2>> make_socket_pair();

// The argument registers that a system call of three arguments leaves unused: nothing to the
// kernel, but a seccomp filter sees them, and can tell one call from another by them.
using UnusedArguments = std::array<unsigned long, 3>;

// One message of `data` (at least one byte: Linux drops ancillary data without payload) with `fds`
// attached, all of them in the first segment of a stream. Never raises SIGPIPE. EAGAIN: a send
// timeout ran out.
[[nodiscard]] Result<void> send_message(int socket, std::string_view data,
                                        std::span<const int> fds = {},
                                        const UnusedArguments& unused = {});

struct Message {
    std::string data;  // empty: the peer closed its end
    std::vector<UniqueFd> fds;
};

// Receives one message of at most `limit` bytes and `kMaxMessageFds` descriptors, each O_CLOEXEC.
inline constexpr std::size_t kMaxMessageFds = 64;
[[nodiscard]] Result<Message> receive_message(int socket, std::size_t limit = 16384,
                                              const UnusedArguments& unused = {});

// The text of one message of at most `limit` bytes. Never waits (EAGAIN: there is none).
// Descriptors that came along are dropped by the kernel and never this process's: close(2) of one
// asks its file system, and a hostile FUSE server need not answer.
[[nodiscard]] Result<std::string> receive_text(int socket, std::size_t limit = 16384);

// From here on connect and each send that a peer holds up for so long fail with EAGAIN.
[[nodiscard]] Result<void> limit_sends(int socket, std::chrono::seconds limit);

// Connects to a stream socket; a path beyond sun_path's 107 bytes goes by a descriptor. A peer that
// does not play along hangs nobody (T-48): connect (a full backlog) and each send (a full buffer)
// fail with EAGAIN after ten seconds.
[[nodiscard]] Result<UniqueFd> connect_unix(const std::string& path);

}  // namespace sys
