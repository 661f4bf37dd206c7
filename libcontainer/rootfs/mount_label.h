// SPDX-License-Identifier: Apache-2.0
// linux.mountLabel: the SELinux context of what the container's new filesystems hold (RF-04, M-12).
#pragma once

#include <string>
#include <vector>

#include "libcontainer/rootfs/mount_plan.h"
#include "libcontainer/sys/mount_api.h"
#include "oci/spec.h"

namespace libcontainer {

// Gives each new filesystem of mounts[] the label as its `context` option, or as the annotation
// run.oci.mount_context_type names it (engines 3.7: podman asks for rootcontext), unless its own
// options say something of the kind. Not proc, sysfs, cgroup and binds, which are not the
// container's alone; mqueue has no such option and gets an extended attribute on its root. Pure.
[[nodiscard]] Result<void> label_mounts(std::vector<MountPlan>& mounts, const oci::Spec& spec);

// The same for a tmpfs that config.json does not list: masks, the place of cgroups.
[[nodiscard]] Result<void> label_filesystem(sys::FilesystemContext& context, const oci::Spec& spec);

// Writes `label` on the root of the filesystem that is mounted at `mount`.
[[nodiscard]] Result<void> label_root(int mount, const std::string& label);

}  // namespace libcontainer
