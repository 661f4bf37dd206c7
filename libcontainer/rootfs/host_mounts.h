// SPDX-License-Identifier: Apache-2.0
// The host's side of a root filesystem: root, bind sources and device nodes as detached clones.
#pragma once

#include <sys/types.h>

#include <string>

#include "libcontainer/rootfs/rootfs.h"

namespace libcontainer {

// Clones the root, every bind source, /dev/null and the device nodes to bind, with all their mount
// attributes. Parent; or child, before it attaches anything, where the parent may not
// clone mounts.
[[nodiscard]] Result<void> open_host_mounts(Rootfs& rootfs);

// Its part for the bind sources alone. Parent.
[[nodiscard]] Result<void> open_binds(Rootfs& rootfs);

// Gives the clone of a bind's source what the entry asks for. `base`: source_propagation.
[[nodiscard]] Result<void> apply_bind_options(int tree, const MountOptions& options,
                                              std::uint64_t base);

// The same for the detached clone of `plan`; what has to wait for its place is left to
// options_later.
[[nodiscard]] Result<void> set_bind_options(MountPlan& plan, std::uint64_t base);

// Detached clone of the host's device node at `path`, which must be exactly the device that is
// wanted: a bind of anything else would hand out what nobody asked for (CVE-2025-31133).
[[nodiscard]] Result<sys::UniqueFd> clone_device(const std::string& path, mode_t type,
                                                 dev_t number);

}  // namespace libcontainer
