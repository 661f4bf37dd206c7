// SPDX-License-Identifier: Apache-2.0
// Filesystems whose data fsconfig cannot take.
#pragma once

#include "libcontainer/rootfs/mount_plan.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

// Whether a value is longer than the 255 bytes that fsconfig(2) takes: an overlay of many layers.
[[nodiscard]] bool has_long_data(const MountOptions& options);

// mount(2) of `plan` on the O_PATH descriptor `target`, whose name nobody looks up again: through
// /proc/self/fd. All flags are set from the start. Errors: a comma in a value, which would become
// an option of its own there; more than a page of data. Child.
[[nodiscard]] Result<void> mount_long_data(const MountPlan& plan, int target);

}  // namespace libcontainer
