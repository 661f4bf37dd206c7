// SPDX-License-Identifier: Apache-2.0
// Mounts of type `cgroup` (M-09).
#pragma once

#include "libcontainer/rootfs/mount_plan.h"
#include "libcontainer/rootfs/rootfs.h"

namespace libcontainer {

// Shows the container its own cgroups at `plan.target`: on v1 a tmpfs with a mount per hierarchy,
// on v2 one mount. Child, in its cgroups and cgroup namespace.
[[nodiscard]] Result<void> mount_cgroup(Rootfs& rootfs, const MountPlan& plan);

}  // namespace libcontainer
