// SPDX-License-Identifier: Apache-2.0
// Unix sockets that carry descriptors: the pair between parent and child, and engines' console
// sockets.
#pragma once

#include <array>
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

// One message of `data` (at least one byte: Linux drops ancillary data without payload) with `fds`
// attached. Never raises SIGPIPE.
[[nodiscard]] Result<void> send_message(int socket, std::string_view data,
                                        std::span<const int> fds = {});

struct Message {
    std::string data;  // empty: the peer closed its end
    std::vector<UniqueFd> fds;
};

// Receives one message of at most `limit` bytes and `kMaxMessageFds` descriptors, each O_CLOEXEC.
inline constexpr std::size_t kMaxMessageFds = 64;
[[nodiscard]] Result<Message> receive_message(int socket, std::size_t limit = 16384);

// Connects to a stream socket; a path beyond sun_path's 107 bytes goes through its directory's
// descriptor.
[[nodiscard]] Result<UniqueFd> connect_unix(const std::string& path);

}  // namespace sys
