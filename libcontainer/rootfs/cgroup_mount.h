// SPDX-License-Identifier: Apache-2.0
// Mounts of type `cgroup` (M-09).
#pragma once

#include "libcontainer/rootfs/mount_plan.h"
#include "libcontainer/rootfs/rootfs.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

// Shows the container its own cgroups at `plan.target`: on v1 a tmpfs with a mount per hierarchy,
// on v2 one mount. Gives the attached mount, which is private. Child, in its cgroups and cgroup
// namespace.
[[nodiscard]] Result<sys::UniqueFd> mount_cgroup(const Rootfs& rootfs, const MountPlan& plan);

}  // namespace libcontainer
