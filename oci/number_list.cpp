// SPDX-License-Identifier: Apache-2.0
// See number_list.h.
#include "oci/number_list.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace oci {
namespace {

constexpr std::size_t kBits = std::numeric_limits<unsigned long>::digits;

std::string_view trim(std::string_view text) {
    const std::size_t begin = std::min(text.find_first_not_of(' '), text.size());
    return text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

// One number, which ends where `text` does.
bool read_number(std::string_view text, std::uint32_t limit, std::uint32_t& value) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    return error == std::errc() && stop == end && value < limit;
}

void add_range(NumberMask& mask, std::uint32_t first, std::uint32_t last) {
    mask.resize(std::max(mask.size(), last / kBits + 1));
    for (std::size_t number = first; number <= last; ++number) {
        mask[number / kBits] |= 1UL << number % kBits;
    }
}

}  // namespace

std::optional<NumberMask> parse_number_list(std::string_view text, std::uint32_t limit) {
    NumberMask mask;
    while (true) {
        const std::size_t comma = std::min(text.find(','), text.size());
        const std::string_view part = trim(text.substr(0, comma));
        const std::size_t dash = std::min(part.find('-'), part.size());
        std::uint32_t first = 0;
        if (!read_number(part.substr(0, dash), limit, first)) {
            return std::nullopt;
        }
        std::uint32_t last = first;
        if (dash < part.size() && !read_number(part.substr(dash + 1), limit, last)) {
            return std::nullopt;
        }
        if (last < first) {
            return std::nullopt;
        }
        add_range(mask, first, last);
        if (comma == text.size()) {
            return mask;
        }
        text.remove_prefix(comma + 1);
    }
}

}  // namespace oci
