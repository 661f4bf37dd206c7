// SPDX-License-Identifier: Apache-2.0
// The wire format of protocol buffers, as far as CRIU's messages need it: varints and byte strings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace libcontainer {

// A message that grows by one field per call; field numbers are those of CRIU's rpc.proto.
class WireWriter {
  public:
    // int32, uint32, bool, enum. Negative numbers take ten bytes, as the format wants it.
    void number(unsigned field, std::int64_t value);
    // string, or a message within.
    void text(unsigned field, std::string_view value);
    void message(unsigned field, const WireWriter& inner) { text(field, inner.bytes_); }

    [[nodiscard]] const std::string& bytes() const { return bytes_; }

  private:
    void varint(std::uint64_t value);

    std::string bytes_;
};

struct WireField {
    unsigned field = 0;
    std::uint64_t number = 0;  // of a varint
    std::string_view bytes;    // of a string or message; refers to the input
};

// Takes the next field off `rest`; fields of fixed width come without value. nullopt: the message
// has ended, or is malformed, and then `rest` is not empty.
[[nodiscard]] std::optional<WireField> next_field(std::string_view& rest);

}  // namespace libcontainer
