// SPDX-License-Identifier: Apache-2.0
// Idmapped mounts: the user namespace that carries the mapping, and its application.
#pragma once

#include "libcontainer/rootfs/mount_options.h"
#include "libcontainer/sys/error.h"
#include "oci/spec.h"

namespace libcontainer {

using sys::Result;

// Maps the ids of the detached clone `tree` as `mount` asks (M-06): by its own mappings, by those
// in the option, else by the container's user namespace. Nothing to do is no error. Parent: the
// caller needs CAP_SYS_ADMIN where the filesystem was mounted (Linux 5.12).
[[nodiscard]] Result<void> apply_idmap(int tree, const oci::Spec& spec, const oci::Mount& mount,
                                       const MountOptions& options);

}  // namespace libcontainer
