// SPDX-License-Identifier: Apache-2.0
// How the container's process comes into its namespaces: clone3, and what has to be entered before.
#pragma once

#include "libcontainer/process/init_context.h"
#include "libcontainer/sys/process.h"

namespace libcontainer {

// Both ends until the child exists; then each side keeps its own, or neither would ever see the
// other's end of file.
struct SyncPair {
    SyncChannel parent;
    SyncChannel child;
};

// Whether an intermediate process makes the container's, and tells of it by init_pid.
[[nodiscard]] bool has_intermediate(const InitContext& context);

// Parent: makes the process, or the intermediate one that will tell of it by init_pid. In the child
// it does not return: the list of init steps runs there.
[[nodiscard]] Result<sys::Pid> clone_child(InitContext& context, SyncPair& pair);

}  // namespace libcontainer
