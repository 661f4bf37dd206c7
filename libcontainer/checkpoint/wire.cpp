// SPDX-License-Identifier: Apache-2.0
// The wire format of protocol buffers.
#include "libcontainer/checkpoint/wire.h"

namespace libcontainer {
namespace {

enum WireType : unsigned { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::optional<std::uint64_t> take_varint(std::string_view& rest) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
        const auto byte = static_cast<unsigned char>(rest.front());
        rest.remove_prefix(1);
        value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
        if ((byte & 0x80U) == 0) {
            return value;
        }
    }
    return std::nullopt;
}

bool skip(std::string_view& rest, std::size_t count) {
    if (rest.size() < count) {
        return false;
    }
    rest.remove_prefix(count);
    return true;
}

bool take_value(std::string_view& rest, unsigned type, WireField& field) {
    switch (type) {
        case kVarint:
        case kBytes: {
            const auto value = take_varint(rest);
            if (!value) {
                return false;
            }
            field.number = *value;
            if (type == kVarint) {
                return true;
            }
            field.bytes = rest.substr(0, *value);
            return skip(rest, *value);
        }
        case kFixed64:
            return skip(rest, 8);
        case kFixed32:
            return skip(rest, 4);
        default:
            return false;
    }
}

}  // namespace

void WireWriter::varint(std::uint64_t value) {
    while (value >= 0x80U) {
        bytes_.push_back(static_cast<char>(value | 0x80U));
        value >>= 7U;
    }
    bytes_.push_back(static_cast<char>(value));
}

void WireWriter::number(unsigned field, std::int64_t value) {
    varint(field << 3U | kVarint);
    varint(static_cast<std::uint64_t>(value));
}

void WireWriter::text(unsigned field, std::string_view value) {
    varint(field << 3U | kBytes);
    varint(value.size());
    bytes_ += value;
}

std::optional<WireField> next_field(std::string_view& rest) {
    if (rest.empty()) {
        return std::nullopt;
    }
    const std::string_view before = rest;
    WireField field;
    const auto tag = take_varint(rest);
    if (tag) {
        field.field = static_cast<unsigned>(*tag >> 3U);
        if (take_value(rest, static_cast<unsigned>(*tag & 7U), field)) {
            return field;
        }
    }
    rest = before;
    return std::nullopt;
}

}  // namespace libcontainer
