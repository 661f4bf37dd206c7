// SPDX-License-Identifier: Apache-2.0
// JSON text to bound structs and back (see oci/binding.h): one strict reader for config.json,
// process.json, state files and resources (security rule R-42), and one writer.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "oci/binding.h"

namespace oci {

// Where in the text; both count from 1, columns in bytes.
struct Position {
    std::size_t line = 0;
    std::size_t column = 0;

    bool operator==(const Position&) const = default;
};

struct ParseError {
    std::string path;  // as "linux.devices[3].path"; empty for the document itself
    std::string message;
    Position position;

    bool operator==(const ParseError&) const = default;
};

// "config.json:12:15: process.user.uid: expected an integer…"
std::string to_string(const ParseError& error, std::string_view file);

// A foreign string made fit for a message: in quotes, control characters escaped, cut when long.
std::string quoted(std::string_view text);

// Adds the next step to a JSON path: ".name", or ["name"] for what is no plain word; "[3]".
void append_step(std::string& path, std::string_view name);
void append_step(std::string& path, std::size_t index);

// Limits of the reader.
inline constexpr std::size_t kMaxJsonSize = 16U << 20;
inline constexpr std::size_t kMaxJsonDepth = 64;
inline constexpr std::size_t kMaxJsonMembers = 1U << 20;  // of one array or object
inline constexpr std::size_t kMaxJsonErrors = 20;

// Reads `json` into `*target`, a default-made value of `type`; parse_json is its typed form.
// Returns every mistake found, none if the value may be used. Strict: exact types, integers only
// and in range, no duplicate names, no NUL, valid UTF-8, nothing before or after the document.
// Unknown names are skipped; `warnings`, if given, tells of those that look like a known one.
std::vector<ParseError> read_json(const Type& type, void* target, std::string_view json,
                                  std::vector<ParseError>* warnings);

template <binding::Bound T>
std::expected<T, std::vector<ParseError>> parse_json(std::string_view json,
                                                     std::vector<ParseError>* warnings = nullptr) {
    std::expected<T, std::vector<ParseError>> value;
    std::vector<ParseError> errors = read_json(kType<T>, &*value, json, warnings);
    if (!errors.empty()) {
        value = std::unexpected(std::move(errors));
    }
    return value;
}

// The position of each path in a text that was read before; of the nearest enclosing value where
// the path itself is absent. For messages about a value, made long after it was read.
std::vector<Position> locate(std::string_view json, const std::vector<std::string>& paths);

// Compact is one line; pretty has four blanks per level and a newline at the end.
enum class Layout { compact, pretty };

std::string write_json(const Type& type, const void* value, Layout layout);

template <binding::Bound T>
std::string write_json(const T& value, Layout layout) {
    return write_json(kType<T>, &value, layout);
}

}  // namespace oci
