// SPDX-License-Identifier: Apache-2.0
// Reading /proc/PID/mountinfo.
#include "libcontainer/sys/mountinfo.h"

#include <algorithm>
#include <array>

namespace sys {
namespace {

// Blanks, tabs, newlines and backslashes are \ooo.
std::string decode_octal(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size()) {
            const auto digit = [&](std::size_t at) { return text[at] - '0'; };
            decoded += static_cast<char>(digit(i + 1) * 64 + digit(i + 2) * 8 + digit(i + 3));
            i += 3;
        } else {
            decoded += text[i];
        }
    }
    return decoded;
}

// The first `count` fields; false if there are fewer.
template <std::size_t count>
bool split_fields(std::string_view line, std::array<std::string_view, count>& fields) {
    for (std::string_view& field : fields) {
        const std::size_t end = std::min(line.find(' '), line.size());
        field = line.substr(0, end);
        line.remove_prefix(std::min(end + 1, line.size()));
    }
    return !fields.back().empty();
}

}  // namespace

std::vector<MountLine> mounts_of_type(std::string_view mountinfo,
                                      std::initializer_list<std::string_view> types) {
    constexpr std::string_view kSeparator = " - ";
    std::vector<MountLine> mounts;
    while (!mountinfo.empty()) {
        const std::size_t end = std::min(mountinfo.find('\n'), mountinfo.size());
        const std::string_view line = mountinfo.substr(0, end);
        mountinfo.remove_prefix(std::min(end + 1, mountinfo.size()));
        const std::size_t separator = line.find(kSeparator);
        if (separator == std::string_view::npos) {
            continue;
        }
        // Most lines are of other filesystems: look at the type before anything else.
        const std::string_view rest = line.substr(separator + kSeparator.size());
        const std::string_view type = rest.substr(0, rest.find(' '));
        if (std::ranges::find(types, type) == types.end()) {
            continue;
        }
        std::array<std::string_view, 6> before;  // 36 35 98:0 ROOT PLACE OPTIONS [TAGS]
        std::array<std::string_view, 3> after;   // TYPE SOURCE OPTIONS
        if (split_fields(line.substr(0, separator), before) && split_fields(rest, after)) {
            mounts.push_back({decode_octal(before[3]), decode_octal(before[4]), std::string(type),
                              std::string(after[2])});
        }
    }
    return mounts;
}

std::optional<std::string> mount_point_of(std::string_view mountinfo, std::uint64_t id) {
    const std::string wanted = std::to_string(id);
    while (!mountinfo.empty()) {
        const std::size_t end = std::min(mountinfo.find('\n'), mountinfo.size());
        std::array<std::string_view, 5> fields;  // 36 35 98:0 ROOT PLACE
        if (split_fields(mountinfo.substr(0, end), fields) && fields.front() == wanted) {
            return decode_octal(fields.back());
        }
        mountinfo.remove_prefix(std::min(end + 1, mountinfo.size()));
    }
    return std::nullopt;
}

}  // namespace sys
