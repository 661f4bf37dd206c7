// SPDX-License-Identifier: Apache-2.0
// Undoing a container, from whatever state it is in.
#pragma once

#include "libcontainer/state/state_directory.h"

namespace libcontainer {

// Kills what is left of the container, removes its cgroups and its state folder, runs the poststop
// hooks (O-05, H-06). Idempotent: what is gone already is no error, and it can be repeated after
// having been killed itself. The caller holds the lock.
[[nodiscard]] Result<void> destroy_container(const StateDirectory& directory,
                                             const ContainerRecord& record);

}  // namespace libcontainer
