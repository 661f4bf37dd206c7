// SPDX-License-Identifier: Apache-2.0
// /proc/PID/mountinfo: the mounts of given filesystem types, the place of one mount.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sys {

// One line of mountinfo, octal escapes decoded; proc(5).
struct MountLine {
    std::string root;  // the part of the filesystem that is mounted
    std::string mount_point;
    std::string type;
    std::string options;  // of the superblock
};

// The lines whose filesystem is of one of `types`, in their order. Lines that are cut short are
// passed over.
[[nodiscard]] std::vector<MountLine> mounts_of_type(std::string_view mountinfo,
                                                    std::initializer_list<std::string_view> types);

// Where the mount of that id lies; nullopt if it is not there.
[[nodiscard]] std::optional<std::string> mount_point_of(std::string_view mountinfo,
                                                        std::uint64_t id);

}  // namespace sys
