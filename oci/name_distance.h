// SPDX-License-Identifier: Apache-2.0
// Names that look like another one, for hints in messages.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace oci {

// True if `text` is `name` but for letter case, or one letter more, less or other.
bool is_near_miss(std::string_view text, std::string_view name);

// What to add to "unknown value": ": one of a, b, c" for a short list, ": is "b" meant?" for a long
// one with a name that is near, else nothing.
std::string name_hint(std::string_view text, std::span<const std::string_view> names);

}  // namespace oci
