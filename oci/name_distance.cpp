// SPDX-License-Identifier: Apache-2.0
// See name_distance.h.
#include "oci/name_distance.h"

#include <algorithm>

#include "oci/json.h"

namespace oci {
namespace {

constexpr std::size_t kShortList = 10;
constexpr std::size_t kShortestName = 4;  // below it one letter is too much of the name

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

bool is_near_miss(std::string_view text, std::string_view name) {
    const std::size_t difference =
        text.size() > name.size() ? text.size() - name.size() : name.size() - text.size();
    if (difference > 1) {
        return false;
    }
    if (equal(text, name)) {
        return true;
    }
    if (name.size() < kShortestName) {
        return false;
    }
    const auto [a, b] = std::ranges::mismatch(text, name, {}, lower, lower);
    const std::string_view rest_text(a, text.end());
    const std::string_view rest_name(b, name.end());
    const std::size_t skip_text = text.size() >= name.size() ? 1 : 0;
    const std::size_t skip_name = name.size() >= text.size() ? 1 : 0;
    return equal(rest_text.substr(skip_text), rest_name.substr(skip_name));
}

std::string name_hint(std::string_view text, std::span<const std::string_view> names) {
    std::string hint;
    if (names.size() > kShortList) {
        const auto near = std::ranges::find_if(
            names, [&](std::string_view name) { return is_near_miss(text, name); });
        if (near != names.end()) {
            hint = ": is " + quoted(*near) + " meant?";
        }
        return hint;
    }
    for (const std::string_view name : names) {
        hint += hint.empty() ? ": one of " : ", ";
        hint += name;
    }
    return hint;
}

}  // namespace oci
