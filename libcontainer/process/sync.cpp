// SPDX-License-Identifier: Apache-2.0
// The conversation between the runtime (parent) and the container's process (child).
#include "libcontainer/process/sync.h"

#include <array>
#include <cerrno>
#include <cstring>

namespace libcontainer {
namespace {

// Fixed-size head with 32-bit lengths; texts follow. Both ends are the same binary.
struct ErrorHead {
    std::uint8_t kind;
    std::int32_t code;
    std::uint32_t path_length;
    std::uint32_t text_length;
};

struct MessageHead {
    SyncType type;
    std::int32_t number;
};

constexpr std::size_t kMaxText = 4096;
constexpr std::size_t kMaxMessage = 16384;

template <typename Head>
void append(std::string& bytes, const Head& head) {
    std::array<char, sizeof head> raw = {};
    std::memcpy(raw.data(), &head, sizeof head);
    bytes.append(raw.data(), raw.size());
}

}  // namespace

std::string encode_error(const sys::Error& error) {
    const std::string path = error.config_path.substr(0, kMaxText);
    const std::string text = error.message.substr(0, kMaxText);
    std::string bytes;
    append(bytes, ErrorHead{static_cast<std::uint8_t>(error.kind), error.code,
                            static_cast<std::uint32_t>(path.size()),
                            static_cast<std::uint32_t>(text.size())});
    return bytes + path + text;
}

std::optional<sys::Error> decode_error(std::string_view bytes) {
    ErrorHead head = {};
    if (bytes.size() < sizeof head) {
        return std::nullopt;
    }
    std::memcpy(&head, bytes.data(), sizeof head);
    bytes.remove_prefix(sizeof head);
    if (head.kind > static_cast<std::uint8_t>(sys::ErrorKind::exec_failed) ||
        head.path_length > kMaxText || head.text_length > kMaxText ||
        bytes.size() != head.path_length + head.text_length) {
        return std::nullopt;
    }
    return sys::Error{static_cast<sys::ErrorKind>(head.kind), head.code,
                      std::string(bytes.substr(0, head.path_length)),
                      std::string(bytes.substr(head.path_length))};
}

bool SyncOrder::accept(SyncType next) {
    const bool legal =
        next == SyncType::failed || (next >= first_ && next < SyncType::failed &&
                                     (!last_ || (*last_ != SyncType::failed && *last_ < next)));
    if (legal) {
        last_ = next;
    }
    return legal;
}

Result<void> SyncChannel::send(SyncType type, std::int32_t number, std::span<const int> fds,
                               const sys::UnusedArguments& unused) const {
    std::string bytes;
    append(bytes, MessageHead{type, number});
    return sys::send_message(socket_.get(), bytes, fds, unused);
}

Result<void> SyncChannel::send_error(const sys::Error& error,
                                     const sys::UnusedArguments& unused) const {
    std::string bytes;
    append(bytes, MessageHead{SyncType::failed, 0});
    return sys::send_message(socket_.get(), bytes + encode_error(error), {}, unused);
}

Result<std::optional<SyncMessage>> SyncChannel::receive() const {
    return receive(kMaxMessage, {});
}

Result<std::optional<SyncMessage>> SyncChannel::receive(std::size_t limit,
                                                        const sys::UnusedArguments& unused) const {
    sys::Message raw = TRY(sys::receive_message(socket_.get(), limit, unused));
    if (raw.data.empty()) {
        return std::nullopt;
    }
    MessageHead head = {};
    if (raw.data.size() < sizeof head) {
        return sys::fail_code("sync message", EPROTO);
    }
    std::memcpy(&head, raw.data.data(), sizeof head);
    if (head.type > SyncType::cgroup) {
        return sys::fail_code("sync message", EPROTO);
    }
    SyncMessage message;
    message.type = head.type;
    message.number = head.number;
    if (head.type == SyncType::failed) {
        message.error = decode_error(std::string_view(raw.data).substr(sizeof head));
        if (!message.error) {
            return sys::fail_code("sync message", EPROTO);
        }
    }
    message.fds = std::move(raw.fds);
    return message;
}

Result<void> SyncChannel::request(SyncType type, std::span<const int> fds,
                                  const sys::UnusedArguments& unused) const {
    TRY_VOID(send(type, 0, fds, unused));
    TRY(expect(SyncType::proceed, unused));
    return {};
}

Result<SyncMessage> SyncChannel::expect(SyncType type, const sys::UnusedArguments& unused) const {
    // The parent says no more than a head, which needs no memory from the kernel: under a filter
    // that would be one more call.
    std::optional<SyncMessage> message = TRY(receive(sizeof(MessageHead), unused));
    if (!message || message->type != type) {
        return sys::fail_code("sync: the runtime is gone", EPIPE);
    }
    return *std::move(message);
}

}  // namespace libcontainer
