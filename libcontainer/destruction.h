// SPDX-License-Identifier: Apache-2.0
// Undoing a container, from whatever state it is in.
#pragma once

#include "libcontainer/container.h"
#include "libcontainer/options.h"
#include "libcontainer/state/state_directory.h"

namespace libcontainer {

// Kills what is left of the container, removes its cgroups, runs the poststop
// hooks (O-05, H-06), and last its state folder, so that what was killed in between can be done
// again. Idempotent: what is gone already is no error. The caller holds the lock.
// `interruption` ends a poststop hook, see HookContext; -1: nothing does. Forced, a poststop hook
// has ten seconds, unless it has a timeout of its own: it must not keep the container for ever.
[[nodiscard]] Result<void> destroy_container(const StateDirectory& directory,
                                             const ContainerRecord& record, const Warn& warn,
                                             int interruption = -1, Force force = Force::no);

}  // namespace libcontainer
