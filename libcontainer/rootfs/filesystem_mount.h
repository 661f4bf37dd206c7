// SPDX-License-Identifier: Apache-2.0
// New filesystems: tmpfs, proc, sysfs, mqueue, devpts, overlay and any other the kernel has.
#pragma once

#include <sys/types.h>

#include "libcontainer/rootfs/mount_plan.h"
#include "libcontainer/sys/mount_api.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

// Whether it is a tmpfs that is told no mode: it takes over that of the directory below (M-10).
[[nodiscard]] bool takes_covered_mode(const MountPlan& plan);

// Makes the filesystem of `plan` as a detached mount with all its attributes. `covered` is the mode
// of the directory it will cover: a tmpfs takes it over unless told one (M-10). Child.
[[nodiscard]] Result<sys::UniqueFd> make_filesystem(const MountPlan& plan, mode_t covered);

// Sets flags and data of `options` on a filesystem being made or picked for remount.
[[nodiscard]] Result<void> configure(sys::FilesystemContext& context, const std::string& type,
                                     const MountOptions& options);

}  // namespace libcontainer
