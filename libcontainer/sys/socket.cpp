// SPDX-License-Identifier: Apache-2.0
// Unix sockets that carry descriptors.
#include "libcontainer/sys/socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "libcontainer/sys/file.h"

namespace sys {
namespace {

constexpr std::chrono::seconds kPatience(10);

}  // namespace

Result<std::array<UniqueFd, 2>> make_socket_pair() {
    std::array<int, 2> ends = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return fail_errno("socketpair");
    }
    return std::array<UniqueFd, 2>{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

Result<void> send_message(int socket, std::string_view data, std::span<const int> fds,
                          const UnusedArguments& unused) {
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
    long sent = -1;
    do {
        sent =
            ::syscall(SYS_sendmsg, socket, &header, MSG_NOSIGNAL, unused[0], unused[1], unused[2]);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        return fail_errno("sendmsg");
    }
    return static_cast<std::size_t>(sent) == data.size() ? Result<void>()
                                                         : fail_code("sendmsg", EAGAIN);
}

Result<Message> receive_message(int socket, std::size_t limit, const UnusedArguments& unused) {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(kMaxMessageFds * sizeof(int))> control = {};
    Message message;
    message.data.resize(limit);
    iovec part = {message.data.data(), message.data.size()};
    msghdr header = {};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    long got = -1;
    do {
        got = ::syscall(SYS_recvmsg, socket, &header, MSG_CMSG_CLOEXEC, unused[0], unused[1],
                        unused[2]);
        // A peer that closed its end with something unread gives ECONNRESET, once, and before what
        // it has said itself (net/unix/af_unix.c): its last words are still to come.
    } while (got < 0 && (errno == EINTR || errno == ECONNRESET));
    if (got < 0) {
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

Result<std::string> receive_text(int socket, std::size_t limit) {
    std::string text(limit, '\0');
    iovec part = {text.data(), text.size()};
    msghdr header = {};  // without room for descriptors
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    ssize_t got = -1;
    do {
        got = ::recvmsg(socket, &header, MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return fail_errno("recvmsg");
    }
    text.resize(static_cast<std::size_t>(got));
    return (header.msg_flags & MSG_TRUNC) == 0 ? Result<std::string>(std::move(text))
                                               : fail_code("recvmsg", EMSGSIZE);
}

Result<void> limit_sends(int socket, std::chrono::seconds limit) {
    const timeval patience = {limit.count(), 0};
    if (::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0) {
        return fail_errno("setsockopt(SO_SNDTIMEO)");
    }
    return {};
}

Result<UniqueFd> connect_unix(const std::string& path) {
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) {
        return fail_errno("socket");
    }
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::string name = path;
    UniqueFd file;
    if (name.size() >= sizeof address.sun_path) {
        file = TRY(open_at(AT_FDCWD, path, O_PATH));
        name = "/proc/self/fd/" + std::to_string(file.get());
    }
    TRY_VOID(limit_sends(socket.get(), kPatience));
    std::memcpy(address.sun_path, name.data(), name.size());
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return fail_errno(call("connect", path));
    }
    return socket;
}

}  // namespace sys
