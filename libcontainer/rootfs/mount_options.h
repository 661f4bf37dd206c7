// SPDX-License-Identifier: Apache-2.0
// The mount options: one table, and what a mount's options[] ask for together. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/sys/mount_api.h"

namespace libcontainer {

using sys::Result;

// Flags of a superblock, as a bit mask; fsconfig(2) takes them by name.
namespace superblock {
inline constexpr unsigned kReadOnly = 1U << 0U;
inline constexpr unsigned kSync = 1U << 1U;
inline constexpr unsigned kDirSync = 1U << 2U;
inline constexpr unsigned kLazyTime = 1U << 3U;
inline constexpr unsigned kMandatoryLocks = 1U << 4U;
inline constexpr unsigned kInodeVersion = 1U << 5U;
inline constexpr unsigned kAcl = 1U << 6U;
inline constexpr unsigned kNoAcl = 1U << 7U;
inline constexpr unsigned kSilent = 1U << 8U;
}  // namespace superblock

// MOUNT_ATTR_* to set and to clear, as mount_setattr(2) takes them. Of a pair that contradicts
// itself the last one wins; the atime modes are one field.
struct AttributeChange {
    std::uint64_t set = 0;
    std::uint64_t clear = 0;

    [[nodiscard]] bool empty() const { return set == 0 && clear == 0; }
    bool operator==(const AttributeChange&) const = default;
};

struct PropagationChange {
    std::uint64_t type = 0;  // MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE
    sys::Recursion recursion = sys::Recursion::this_mount;

    bool operator==(const PropagationChange&) const = default;
};

// An option that only the filesystem knows: `size=64k`, `newinstance`.
struct DataOption {
    std::string key;
    std::optional<std::string> value;

    bool operator==(const DataOption&) const = default;
};

// idmap, ridmap, or crun's idmap=uids=0-1000-10;gids=...
struct IdmapOption {
    sys::Recursion recursion = sys::Recursion::this_mount;
    std::string mappings;  // after the `=`; empty: the mount's own, else the container's

    bool operator==(const IdmapOption&) const = default;
};

struct MountOptions {
    AttributeChange attributes;                  // of this mount
    AttributeChange recursive;                   // of the whole tree: rro, rnosuid, ...
    unsigned superblock = 0;                     // superblock::k*
    std::vector<PropagationChange> propagation;  // in order, each is applied
    std::vector<DataOption> data;
    std::optional<sys::Recursion> bind;  // bind, rbind
    std::optional<IdmapOption> idmap;
    bool remount = false;
    bool copy_up = false;          // tmpcopyup
    bool copy_symlink = false;     // a source that is a symlink is made anew, not bound
    bool source_nofollow = false;  // a symlink as source is bound itself
    bool destination_nofollow = false;

    bool operator==(const MountOptions&) const = default;
};

// What the options ask for together (mounts[].options, checklist 5.2). Unknown words become data.
// Error `unsupported`: an option that has a name but no meaning in the kernel (rsync, rmand, ...).
[[nodiscard]] Result<MountOptions> parse_mount_options(const std::vector<std::string>& options);

// Both of one mount together: of a pair the one that is not recursive wins.
[[nodiscard]] AttributeChange all_attributes(const MountOptions& options);

// Every option brig gives effect to, for `mountOptions` of the features document, sorted.
[[nodiscard]] std::vector<std::string_view> mount_option_names();

}  // namespace libcontainer
