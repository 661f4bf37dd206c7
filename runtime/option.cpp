// SPDX-License-Identifier: Apache-2.0
#include "runtime/option.h"

#include <charconv>

#include "libcontainer/sys/file.h"

namespace runtime {

namespace {

Result<unsigned> parse_number(const std::string& text) {
    unsigned number = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || rest != end) {
        return sys::fail(sys::ErrorKind::invalid, "not a number: \"" + text + "\"");
    }
    return number;
}

}  // namespace

// The spellings of Go's strconv.ParseBool: go-runc writes `--rootless=true`.
Result<void> assign(bool& member, const std::string& value) {
    for (const std::string_view yes : {"true", "1", "t", "T", "TRUE", "True"}) {
        if (value == yes) {
            member = true;
            return {};
        }
    }
    for (const std::string_view no : {"false", "0", "f", "F", "FALSE", "False"}) {
        if (value == no) {
            member = false;
            return {};
        }
    }
    return sys::fail(sys::ErrorKind::invalid, "neither true nor false: \"" + value + "\"");
}

Result<void> assign(std::optional<bool>& member, const std::string& value) {
    return assign(member.emplace(), value);
}

Result<void> assign(unsigned& member, const std::string& value) {
    member = TRY(parse_number(value));
    return {};
}

Result<void> assign(std::string& member, const std::string& value) {
    member = value;
    return {};
}

Result<void> assign(std::optional<std::string>& member, const std::string& value) {
    member = value;
    return {};
}

Result<void> assign(std::vector<std::string>& member, const std::string& value) {
    member.push_back(value);
    return {};
}

Result<void> assign(std::vector<unsigned>& member, const std::string& value) {
    member.push_back(TRY(parse_number(value)));
    return {};
}

Result<void> assign_path(std::string& member, const std::string& value) {
    if (value.empty()) {
        return sys::fail(sys::ErrorKind::invalid, "empty path");
    }
    member = TRY(sys::absolute_path(value));
    return {};
}

}  // namespace runtime
