// SPDX-License-Identifier: Apache-2.0
// rtnetlink by hand: a message builder, a reader of attributes and a socket that waits for the
// kernel's answer (netlink(7), rtnetlink(7)).
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

using sys::Result;

// The bytes of a kernel structure.
template <typename T>
[[nodiscard]] std::string_view as_bytes(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

// A kernel structure from the front of `bytes`; nothing if they are too few.
template <typename T>
[[nodiscard]] std::optional<T> read_struct(std::string_view bytes) {
    if (bytes.size() < sizeof(T)) {
        return std::nullopt;
    }
    T value = {};
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

// One request: the header of its family (ifinfomsg, ifaddrmsg), then attributes.
class NetlinkRequest {
  public:
    template <typename FamilyHeader>
    NetlinkRequest(std::uint16_t type, std::uint16_t flags, const FamilyHeader& header)
        : type_(type), flags_(flags), payload_(as_bytes(header)) {
        align();
    }

    // An attribute must be shorter than 64 KiB; all that brig sends are.
    NetlinkRequest& add(std::uint16_t type, std::string_view value);
    NetlinkRequest& add_text(std::uint16_t type, const std::string& text) {
        return add(type, {text.c_str(), text.size() + 1});
    }

    // Attributes that another request has encoded.
    NetlinkRequest& add_encoded(std::string_view attributes) {
        payload_ += attributes;
        return *this;
    }
    // Its attributes, which begin after the family's header.
    [[nodiscard]] std::string attributes(std::size_t header_size) const {
        return payload_.substr(header_size);
    }

    // The whole message, with the header that the kernel expects.
    [[nodiscard]] std::string encode(std::uint32_t sequence) const;

  private:
    void align();

    std::uint16_t type_;
    std::uint16_t flags_;
    std::string payload_;
};

struct NetlinkAttribute {
    std::uint16_t type = 0;  // without the flags of nesting and byte order
    std::string_view value;  // into the message
};

// The attributes of a message.
class NetlinkAttributes {
  public:
    // EBADMSG where a length does not fit: nothing beyond `bytes` is ever looked at.
    [[nodiscard]] static Result<NetlinkAttributes> parse(std::string_view bytes);

    [[nodiscard]] const std::vector<NetlinkAttribute>& all() const { return list_; }
    [[nodiscard]] std::optional<std::string_view> find(std::uint16_t type) const;
    // Without the closing NUL; empty if absent.
    [[nodiscard]] std::string text(std::uint16_t type) const;
    template <typename T>
    [[nodiscard]] std::optional<T> number(std::uint16_t type) const {
        const auto value = find(type);
        return value && value->size() == sizeof(T) ? read_struct<T>(*value) : std::nullopt;
    }

  private:
    std::vector<NetlinkAttribute> list_;
};

// One message of an answer: its type and what follows its header.
struct NetlinkMessage {
    std::uint16_t type = 0;
    std::uint32_t sequence = 0;
    std::uint16_t flags = 0;
    std::string_view payload;
};

// The messages of one datagram; EBADMSG where a length does not fit.
[[nodiscard]] Result<std::vector<NetlinkMessage>> split_messages(std::string_view datagram);

// What an NLMSG_ERROR says: nothing for success, else the errno and the kernel's own words.
struct NetlinkVerdict {
    int code = 0;
    std::string text;
};
[[nodiscard]] Result<NetlinkVerdict> read_verdict(const NetlinkMessage& message);

// A NETLINK_ROUTE socket. It belongs to the network namespace that it was opened in, and keeps it
// alive.
class RouteSocket {
  public:
    // In the caller's own network namespace.
    [[nodiscard]] static Result<RouteSocket> open();
    // In the namespace behind `there`, then back to `own`; without a way back the process ends, and
    // the journal tells `delete --force` what is left. The caller must be single-threaded.
    [[nodiscard]] static Result<RouteSocket> open_in(int there, int own);

    using Handler = std::function<Result<void>(const NetlinkMessage&)>;
    // Sends, hands every message but the verdict to `handler`, and gives the verdict: an error with
    // the kernel's errno and words. `what` names the request in errors. EINTR: a dump that the
    // kernel marked as inconsistent.
    [[nodiscard]] Result<void> ask(const NetlinkRequest& request, std::string_view what,
                                   const Handler& handler = {});

    // What a dump lists: `parse` makes of each message of `type` a T, or nothing. A list that
    // others changed meanwhile is asked for again.
    template <typename T, typename Parse>
    [[nodiscard]] Result<std::vector<T>> list(const NetlinkRequest& dump, std::string_view what,
                                              std::uint16_t type, const Parse& parse) {
        std::vector<T> found;
        const auto keep = [&](const NetlinkMessage& message) -> Result<void> {
            if (message.type == type) {
                if (std::optional<T> one = TRY(parse(message.payload))) {
                    found.push_back(*std::move(one));
                }
            }
            return {};
        };
        Result<void> done;
        for (int i = 0; i < kMaxDumps && (i == 0 || (!done && done.error().code == EINTR)); ++i) {
            found.clear();
            done = ask(dump, what, keep);
        }
        TRY_VOID(std::move(done));
        return found;
    }

    // Whether requests also yield what happens to links meanwhile (RTNLGRP_LINK).
    enum class LinkNews : bool { off, on };
    [[nodiscard]] Result<void> hear(LinkNews news);
    // The messages that have come unasked. ENOBUFS: some were lost.
    [[nodiscard]] Result<void> take_news(const Handler& handler);

  private:
    explicit RouteSocket(sys::UniqueFd socket) : socket_(std::move(socket)) {}
    [[nodiscard]] Result<std::string> receive();

    static constexpr int kMaxDumps = 16;

    sys::UniqueFd socket_;
    std::uint32_t sequence_ = 0;
};

}  // namespace libcontainer
