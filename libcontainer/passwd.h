// SPDX-License-Identifier: Apache-2.0
// /etc/passwd without NSS: a static binary has none, and the container's file is hostile.
#pragma once

#include <optional>
#include <string>

namespace libcontainer {

struct PasswdEntry {
    std::string name;
    std::string home;
};

// The entry of a uid in `path`; reads at most 1 MiB of a regular file, anything else is no entry.
// Child (the container's file, for HOME: P-04) and parent (the host's, for the owner in `list`).
[[nodiscard]] std::optional<PasswdEntry> find_passwd_entry(const char* path, unsigned uid);

}  // namespace libcontainer
