// SPDX-License-Identifier: Apache-2.0
// The place inside the root where a mount goes: resolved, made if missing, judged.
#pragma once

#include <sys/types.h>

#include "libcontainer/rootfs/mount_plan.h"
#include "libcontainer/rootfs/rootfs.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

struct MountTarget {
    sys::UniqueFd fd;   // O_PATH
    mode_t mode = 0;    // of what is there, as st_mode
    bool made = false;  // an empty directory or file of ours: nothing hostile can be there
};

// Opens `plan.target` below the root; what is missing is made: a file if `source` (a descriptor, or
// -1) is no directory, else a directory. Child. Errors: the place is the root itself; proc and
// sysfs go on real directories without symlinks on the way; a place on a procfs is for proc
// and for the list of M-11 only, whatever name led there.
[[nodiscard]] Result<MountTarget> open_mount_target(const Rootfs& rootfs, const MountPlan& plan,
                                                    int source);

// The entry `name` of `directory` as a place for a device's bind: an empty file is made if nothing
// is there; a symlink is refused, for it would make files wherever it points (CVE-2026-88264).
// `path` is for messages. Child.
[[nodiscard]] Result<sys::UniqueFd> open_file_target(int directory, const std::string& name,
                                                     std::string_view path);

}  // namespace libcontainer
