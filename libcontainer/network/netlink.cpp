// SPDX-License-Identifier: Apache-2.0
// rtnetlink by hand.
#include "libcontainer/network/netlink.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace libcontainer {
namespace {

constexpr std::size_t kAlignment = 4;  // NLMSG_ALIGNTO, RTA_ALIGNTO
constexpr sockaddr_nl kKernel = {AF_NETLINK, 0, 0, 0};
constexpr int kMaxForeign = 4096;  // messages to a group, which do not have to be the kernel's

[[nodiscard]] std::size_t aligned(std::size_t length) {
    return (length + kAlignment - 1) / kAlignment * kAlignment;
}

// Cuts a record of `length` bytes and its padding, which the last one may lack, from the front.
[[nodiscard]] std::string_view cut(std::string_view& bytes, std::size_t length) {
    const std::string_view record = bytes.substr(0, length);
    bytes.remove_prefix(std::min(aligned(length), bytes.size()));
    return record;
}

Result<void> set_option(int socket, int option, int value) {
    if (::setsockopt(socket, SOL_NETLINK, option, &value, sizeof value) != 0) {
        return sys::fail_errno("setsockopt(SOL_NETLINK)");
    }
    return {};
}

// Twice, for memory may be short for a moment.
bool enter_again(int network) {
    bool entered = false;
    for (int attempt = 0; attempt < 2 && !entered; ++attempt) {
        entered = ::setns(network, CLONE_NEWNET) == 0;
    }
    return entered;
}

}  // namespace

void NetlinkRequest::align() {
    payload_.resize(aligned(payload_.size()));
}

NetlinkRequest& NetlinkRequest::add(std::uint16_t type, std::string_view value) {
    const rtattr header = {static_cast<unsigned short>(sizeof(rtattr) + value.size()), type};
    payload_ += as_bytes(header);
    payload_ += value;
    align();
    return *this;
}

std::string NetlinkRequest::encode(std::uint32_t sequence) const {
    const nlmsghdr header = {static_cast<std::uint32_t>(sizeof(nlmsghdr) + payload_.size()), type_,
                             static_cast<std::uint16_t>(flags_ | NLM_F_REQUEST | NLM_F_ACK),
                             sequence, 0};
    return std::string(as_bytes(header)) + payload_;
}

Result<NetlinkAttributes> NetlinkAttributes::parse(std::string_view bytes) {
    NetlinkAttributes attributes;
    while (!bytes.empty()) {
        const auto header = read_struct<rtattr>(bytes);
        if (!header || header->rta_len < sizeof(rtattr) || header->rta_len > bytes.size()) {
            return sys::fail_code("netlink attribute", EBADMSG);
        }
        const std::string_view record = cut(bytes, header->rta_len);
        attributes.list_.push_back({static_cast<std::uint16_t>(header->rta_type & NLA_TYPE_MASK),
                                    record.substr(sizeof(rtattr))});
    }
    return attributes;
}

std::optional<std::string_view> NetlinkAttributes::find(std::uint16_t type) const {
    const auto found = std::ranges::find(list_, type, &NetlinkAttribute::type);
    return found == list_.end() ? std::nullopt : std::optional(found->value);
}

std::string NetlinkAttributes::text(std::uint16_t type) const {
    const std::string_view value = find(type).value_or("");
    return std::string(value.substr(0, value.find('\0')));
}

Result<std::vector<NetlinkMessage>> split_messages(std::string_view datagram) {
    std::vector<NetlinkMessage> messages;
    while (!datagram.empty()) {
        const auto header = read_struct<nlmsghdr>(datagram);
        if (!header || header->nlmsg_len < sizeof(nlmsghdr) ||
            header->nlmsg_len > datagram.size()) {
            return sys::fail_code("netlink message", EBADMSG);
        }
        const std::string_view record = cut(datagram, header->nlmsg_len);
        messages.push_back({header->nlmsg_type, header->nlmsg_seq, header->nlmsg_flags,
                            record.substr(sizeof(nlmsghdr))});
    }
    return messages;
}

Result<NetlinkVerdict> read_verdict(const NetlinkMessage& message) {
    const auto code = read_struct<std::int32_t>(message.payload);
    if (!code) {
        return sys::fail_code("netlink verdict", EBADMSG);
    }
    NetlinkVerdict verdict{-*code, {}};
    // The request's own header follows, cut there by NETLINK_CAP_ACK; NLMSG_DONE has none.
    const std::size_t begin = message.type == NLMSG_ERROR ? sizeof(nlmsgerr) : sizeof(std::int32_t);
    if ((message.flags & NLM_F_ACK_TLVS) != 0 && message.payload.size() > begin) {
        verdict.text =
            TRY(NetlinkAttributes::parse(message.payload.substr(begin))).text(NLMSGERR_ATTR_MSG);
    }
    return verdict;
}

Result<RouteSocket> RouteSocket::open() {
    sys::UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!socket) {
        return sys::fail_errno("socket(AF_NETLINK)");
    }
    // From now on the kernel drops what other processes send to this port. In a namespace that is
    // joined they could speak for it, or fill the buffer. It also gives the socket its port,
    // without which it would hear no news.
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&kKernel), sizeof kKernel) != 0) {
        return sys::fail_errno("connect(AF_NETLINK)");
    }
    TRY_VOID(set_option(socket.get(), NETLINK_CAP_ACK, 1));
    TRY_VOID(set_option(socket.get(), NETLINK_EXT_ACK, 1));
    // A filter in a dump's request counts (Linux 4.20).
    TRY_VOID(set_option(socket.get(), NETLINK_GET_STRICT_CHK, 1));
    return RouteSocket(std::move(socket));
}

Result<RouteSocket> RouteSocket::open_in(int there, int own) {
    if (::setns(there, CLONE_NEWNET) != 0) {
        return sys::fail_errno("setns(network)");
    }
    auto socket = open();
    if (!enter_again(own)) {
        // It can only want for memory. Nothing may follow: what undoes a create, the hooks above
        // all, would do so in the container's namespace.
        constexpr std::string_view kText = "brig: setns(own network) failed: cannot go on\n";
        static_cast<void>(!::write(STDERR_FILENO, kText.data(), kText.size()));
        ::_exit(1);
    }
    return socket;
}

Result<void> RouteSocket::hear(LinkNews news) {
    return set_option(socket_.get(),
                      news == LinkNews::on ? NETLINK_ADD_MEMBERSHIP : NETLINK_DROP_MEMBERSHIP,
                      RTNLGRP_LINK);
}

// The kernel works in send, and for a dump in recv: whatever it answers is there, or is lost.
Result<std::string> RouteSocket::receive() {
    for (int foreign = 0; foreign < kMaxForeign; ++foreign) {
        // The size first: a datagram is never cut.
        ssize_t size = ::recv(socket_.get(), nullptr, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
        std::string datagram(static_cast<std::size_t>(std::max<ssize_t>(size, 0)), '\0');
        sockaddr_nl sender = {};
        socklen_t length = sizeof sender;
        if (size >= 0) {
            size =
                ::recvfrom(socket_.get(), datagram.data(), datagram.size(),
                           MSG_TRUNC | MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&sender), &length);
        }
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            return sys::fail_errno("netlink: recv");
        }
        if (sender.nl_pid != 0) {
            continue;
        }
        if (static_cast<std::size_t>(size) != datagram.size()) {
            return sys::fail_code("netlink: recv", EMSGSIZE);
        }
        return datagram;
    }
    return sys::fail_code("netlink: recv", ENOBUFS);
}

Result<void> RouteSocket::take_news(const Handler& handler) {
    while (true) {
        const auto datagram = receive();
        if (!datagram) {
            return datagram.error().code == EAGAIN ? Result<void>()
                                                   : std::unexpected(datagram.error());
        }
        for (const NetlinkMessage& message : TRY(split_messages(*datagram))) {
            TRY_VOID(handler(message));
        }
    }
}

Result<void> RouteSocket::ask(const NetlinkRequest& request, std::string_view what,
                              const Handler& handler) {
    const std::string bytes = request.encode(++sequence_);
    if (::send(socket_.get(), bytes.data(), bytes.size(), 0) < 0) {
        return sys::fail_errno(what);
    }
    bool inconsistent = false;
    while (true) {
        const std::string datagram = TRY(receive());
        for (const NetlinkMessage& message : TRY(split_messages(datagram))) {
            const bool is_news = message.sequence == 0;
            if (!is_news && message.sequence != sequence_) {
                continue;  // of a request that failed here before its verdict came
            }
            if (is_news || (message.type != NLMSG_ERROR && message.type != NLMSG_DONE)) {
                inconsistent = inconsistent || (message.flags & NLM_F_DUMP_INTR) != 0;
                TRY_VOID(handler ? handler(message) : Result<void>());
                continue;
            }
            const NetlinkVerdict verdict = TRY(read_verdict(message));
            if (verdict.code == 0) {
                return inconsistent ? sys::fail_code(what, EINTR) : Result<void>();
            }
            sys::Error error = sys::errno_error(what, verdict.code);
            error.message += verdict.text.empty() ? "" : " (" + verdict.text + ")";
            return std::unexpected(std::move(error));
        }
    }
}

}  // namespace libcontainer
