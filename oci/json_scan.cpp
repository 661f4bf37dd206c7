// SPDX-License-Identifier: Apache-2.0
// See json_scan.h.
#include "oci/json_scan.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>

namespace oci::json_scan {
namespace {

// The code unit of the \uXXXX at `offset`; nothing if there is none.
std::optional<std::uint16_t> unit_at(std::string_view json, std::size_t offset) {
    if (offset + 6 > json.size() || json[offset] != '\\' || json[offset + 1] != 'u') {
        return std::nullopt;
    }
    std::uint16_t unit = 0;
    const char* digits = json.data() + offset + 2;
    const auto result = std::from_chars(digits, digits + 4, unit, 16);
    if (result.ec != std::errc{} || result.ptr != digits + 4) {
        return std::nullopt;
    }
    return unit;
}

bool is_high_surrogate(std::uint16_t unit) {
    return unit >= 0xd800 && unit <= 0xdbff;
}

bool is_low_surrogate(std::uint16_t unit) {
    return unit >= 0xdc00 && unit <= 0xdfff;
}

}  // namespace

// The second byte's range is what rules out overlong forms, surrogates and values past U+10FFFF.
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) {
        return 1;
    }
    if (lead < 0xc2 || lead > 0xf4) {
        return 0;
    }
    const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (text.size() < length) {
        return 0;
    }
    const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (byte(1) < low || byte(1) > high) {
        return 0;
    }
    for (std::size_t i = 2; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) {
            return 0;
        }
    }
    return length;
}

bool is_ascii(std::string_view text) {
    constexpr std::uint64_t kHighBits = 0x8080808080808080;
    std::size_t i = 0;
    for (; i + sizeof kHighBits <= text.size(); i += sizeof kHighBits) {
        std::uint64_t word;
        std::memcpy(&word, text.data() + i, sizeof word);
        if ((word & kHighBits) != 0) {
            return false;
        }
    }
    return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(i), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = sequence_length(text);
        if (length == 0) {
            return false;
        }
        text.remove_prefix(length);
    }
    return true;
}

std::vector<BadEscape> find_bad_escapes(std::string_view json) {
    std::vector<BadEscape> bad;
    std::size_t at = json.find('\\');
    while (at != std::string_view::npos) {
        const std::optional<std::uint16_t> unit = unit_at(json, at);
        std::size_t length = unit ? 6 : 2;
        if (unit == 0) {
            bad.push_back({at, "a string must not contain NUL (\\u0000)"});
        } else if (unit && is_high_surrogate(*unit)) {
            const std::optional<std::uint16_t> low = unit_at(json, at + 6);
            if (low && is_low_surrogate(*low)) {
                length = 12;
            } else {
                bad.push_back({at, "half a surrogate pair is not a character"});
            }
        } else if (unit && is_low_surrogate(*unit)) {
            bad.push_back({at, "half a surrogate pair is not a character"});
        }
        at = json.find('\\', at + length);
    }
    return bad;
}

std::size_t token_start(std::string_view json, std::size_t offset) {
    const std::size_t start = json.find_first_not_of(" \t\r\n,:", offset);
    return start == std::string_view::npos ? json.size() : start;
}

Position position_at(std::string_view json, std::size_t offset) {
    const std::string_view before = json.substr(0, offset);
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    const auto lines = static_cast<std::size_t>(std::ranges::count(before, '\n'));
    return {lines + 1, before.size() - line_start + 1};
}

}  // namespace oci::json_scan
