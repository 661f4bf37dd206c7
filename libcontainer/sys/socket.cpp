// SPDX-License-Identifier: Apache-2.0
// Unix sockets that carry descriptors.
#include "libcontainer/sys/socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "libcontainer/sys/file.h"

namespace sys {

Result<std::array<UniqueFd, 2>> make_socket_pair() {
    std::array<int, 2> ends = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return fail_errno("socketpair");
    }
    return std::array<UniqueFd, 2>{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<void> send_message(int socket, std::string_view data, std::span<const int> fds) {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxMessageFds * sizeof(int))> control = {};
    std::string payload(data);
    iovec part = {payload.data(), payload.size()};
    msghdr header = {};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    if (!fds.empty()) {
        if (fds.size() > kMaxMessageFds) {
            return fail_code("sendmsg", EMSGSIZE);
        }
        header.msg_control = control.data();
        header.msg_controllen = CMSG_SPACE(fds.size_bytes());
        cmsghdr* const rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
    }
    ssize_t sent = -1;
    do {
        sent = ::sendmsg(socket, &header, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        return fail_errno("sendmsg");
    }
    return {};
}

Result<Message> receive_message(int socket, std::size_t limit) {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxMessageFds * sizeof(int))> control = {};
    Message message;
    message.data.resize(limit);
    iovec part = {message.data.data(), message.data.size()};
    msghdr header = {};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    ssize_t got = -1;
    do {
        got = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        if (errno == ECONNRESET) {
            message.data.clear();
            return message;
        }
        return fail_errno("recvmsg");
    }
    message.data.resize(static_cast<std::size_t>(got));
    for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr;
         item = CMSG_NXTHDR(&header, item)) {
        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        const std::size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(item) + i * sizeof(int), sizeof fd);
            message.fds.emplace_back(fd);
        }
    }
    if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        return fail_code("recvmsg", EMSGSIZE);
    }
    return message;
}

Result<UniqueFd> connect_unix(const std::string& path) {
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) {
        return fail_errno("socket");
    }
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::string name = path;
    UniqueFd directory;
    if (name.size() >= sizeof address.sun_path) {
        directory = TRY(open_at(AT_FDCWD, directory_of(path), O_PATH | O_DIRECTORY));
        name = "/proc/self/fd/" + std::to_string(directory.get()) + "/" + base_of(path);
        if (name.size() >= sizeof address.sun_path) {
            return fail_code(call("connect", path), ENAMETOOLONG);
        }
    }
    std::memcpy(address.sun_path, name.data(), name.size());
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return fail_errno(call("connect", path));
    }
    return socket;
}

}  // namespace sys
