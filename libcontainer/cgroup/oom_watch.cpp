// SPDX-License-Identifier: Apache-2.0
// What a descriptor of an OomWatch had to tell.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "libcontainer/cgroup/stats_files.h"

namespace libcontainer {

Result<bool> OomWatch::happened() {
    if (events == POLLIN) {
        Count times = 0;
        const bool told = ::read(descriptor.get(), &times, sizeof times) == sizeof times;
        // The removal of the cgroup tells, too.
        return told && ::access(file.c_str(), F_OK) == 0;
    }
    std::array<char, 512> buffer = {};
    const ssize_t got = ::pread(descriptor.get(), buffer.data(), buffer.size(), 0);
    if (got < 0) {
        return errno == ENODEV ? Result<bool>(false) : sys::fail_errno(sys::call("read", file));
    }
    Count kills = 0;
    const std::string_view text(buffer.data(), static_cast<std::size_t>(got));
    for (const auto& words : words_of_lines(text)) {
        kills = words.size() == 2 && words[0] == "oom_kill" ? count_of(words[1]) : kills;
    }
    const bool more = kills > seen;
    seen = kills;
    return more;
}

}  // namespace libcontainer
