// SPDX-License-Identifier: Apache-2.0
// Idmapped mounts.
#include "libcontainer/rootfs/idmap.h"

namespace libcontainer {

Result<void> apply_idmap(int /*tree*/, const oci::Spec& /*spec*/, const oci::Mount& mount,
                         const MountOptions& options) {
    if (!options.idmap && mount.uid_mappings.empty() && mount.gid_mappings.empty()) {
        return {};
    }
    return sys::fail(sys::ErrorKind::unsupported, "idmapped mounts are not there yet");
}

}  // namespace libcontainer
