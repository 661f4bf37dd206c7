// SPDX-License-Identifier: Apache-2.0
// Who gets a container's cgroup (CG-07; config-linux.md, "Cgroup ownership").
#pragma once

#include <sys/types.h>

#include <optional>

#include "oci/spec.h"

namespace libcontainer {

// The host's uid of process.user, if the cgroup is to be that user's: the container makes a cgroup
// namespace and mounts its cgroups read-write on /sys/fs/cgroup. Nothing where the cgroup is that
// user's anyway, or the user namespace is another's, so that its map is not known. Pure; what it
// says is for v2 alone.
[[nodiscard]] std::optional<uid_t> delegate_to(const oci::Spec& spec);

}  // namespace libcontainer
