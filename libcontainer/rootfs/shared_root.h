// SPDX-License-Identifier: Apache-2.0
// The root of a container without a mount namespace of its own (N-03): one mount in the runtime's,
// which carries all others, and its removal.
#pragma once

#include <cstdint>
#include <string>

#include "libcontainer/sys/error.h"

namespace libcontainer {

using sys::Result;

// What tells a mount from all others. It is known, and written down, before the mount is attached.
struct MountIdentity {
    std::uint64_t id = 0;         // mountinfo's; given again once the mount is gone
    std::uint64_t unique_id = 0;  // never given again (Linux 6.8), else 0
    std::uint64_t device = 0;     // of its root folder, for kernels without unique ids
    std::uint64_t inode = 0;
    // Inode of the one that it is, or will be, attached in. 0: that of the container.
    std::uint64_t mount_namespace = 0;

    // The namespace only tells where to look.
    bool operator==(const MountIdentity& other) const {
        return id == other.id && unique_id == other.unique_id && device == other.device &&
               inode == other.inode;
    }
};

// Parent, of a detached mount that it will attach in its own mount namespace, or of any: then the
// namespace means nothing. Asks nobody who may not answer, such as a FUSE of the container.
[[nodiscard]] Result<MountIdentity> identify_mount(int mount);

// Parent: the mount must not cover what is to be found by its path later, such as the folder of the
// state, which it might make read-only. `root` is the path that it will be attached on.
[[nodiscard]] Result<void> check_covers_not(const std::string& root, const std::string& place);

// Unmounts that mount and what lies on it, whatever its path is by now, and no other; nothing to do
// is no error. Called after the last process of the container has ended. Error: another mount
// covers it, or it is in another mount namespace that a process still uses.
[[nodiscard]] Result<void> unmount_shared_root(const MountIdentity& mount);

}  // namespace libcontainer
