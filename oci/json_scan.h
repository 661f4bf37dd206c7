// SPDX-License-Identifier: Apache-2.0
// What the reader checks in the bytes of a text, where yajl is too lenient to rely on.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "oci/json.h"

namespace oci::json_scan {

// True if the bytes are well-formed UTF-8: no overlong form, no surrogate, nothing past U+10FFFF.
bool is_utf8(std::string_view text);

// The length of the well-formed UTF-8 sequence that a text, not empty, starts with; 0 if none.
std::size_t sequence_length(std::string_view text);

bool is_ascii(std::string_view text);

// A \u escape that no string may hold: a NUL, or half a surrogate pair.
struct BadEscape {
    std::size_t offset;  // of the backslash
    std::string_view message;
};

// In the order of the text. Found before yajl sees it: yajl turns half a pair into '?', hands NUL
// on, and unpatched versions read past the end of such a string (CVE-2017-16516).
std::vector<BadEscape> find_bad_escapes(std::string_view json);

// The first offset at or after `offset` that is not between two tokens.
std::size_t token_start(std::string_view json, std::size_t offset);

Position position_at(std::string_view json, std::size_t offset);

}  // namespace oci::json_scan
