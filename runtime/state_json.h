// SPDX-License-Identifier: Apache-2.0
// A container as `state` prints it and `list` repeats it.
#pragma once

#include "libcontainer/container.h"
#include "oci/state.h"

namespace runtime {

// The keys of engines.md 5: the runtime-spec's, and beside them rootfs, created, owner. The pid is
// there even of a stopped container, as 0.
[[nodiscard]] oci::State to_state(libcontainer::ContainerInfo info);

}  // namespace runtime
