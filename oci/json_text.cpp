// SPDX-License-Identifier: Apache-2.0
// Text around JSON: paths, quoted strings, the wording of errors.
#include <algorithm>

#include "oci/json.h"

namespace oci {
namespace {

constexpr std::size_t kLongestQuote = 80;

bool is_plain_word(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    });
}

// Bytes from a config may carry terminal escapes; none of them reaches a message as it is.
void append_quoted(std::string& out, std::string_view text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    const bool cut = text.size() > kLongestQuote;
    out += '"';
    for (const char c : text.substr(0, kLongestQuote)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte >= 0x7f) {
            out += "\\x";
            out += kHex[byte >> 4];
            out += kHex[byte & 0xf];
        } else if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else {
            out += c;
        }
    }
    out += cut ? "…\"" : "\"";
}

}  // namespace

std::string quoted(std::string_view text) {
    std::string out;
    append_quoted(out, text);
    return out;
}

void append_step(std::string& path, std::string_view name) {
    if (is_plain_word(name) && name.size() <= kLongestQuote) {
        if (!path.empty()) {
            path += '.';
        }
        path += name;
        return;
    }
    path += '[';
    append_quoted(path, name);
    path += ']';
}

void append_step(std::string& path, std::size_t index) {
    path += '[';
    path += std::to_string(index);
    path += ']';
}

std::string to_string(const ParseError& error, std::string_view file) {
    std::string out(file);
    if (error.position.line != 0) {
        out += ':' + std::to_string(error.position.line);
        out += ':' + std::to_string(error.position.column);
    }
    out += ": ";
    if (!error.path.empty()) {
        out += error.path + ": ";
    }
    out += error.message;
    return out;
}

}  // namespace oci
