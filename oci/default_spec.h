// SPDX-License-Identifier: Apache-2.0
// The config that `brig spec` writes: the template all engines' runtimes share (§25.1).
#pragma once

#include <cstdint>

#include "oci/spec.h"

namespace oci {

// A shell in a rootfs at "rootfs", root with three capabilities, its own namespaces except user.
Spec default_spec();

// The same for a caller without privileges: a user namespace that maps `uid` and `gid`, the
// caller's own, to root; no network namespace, no cgroup limits, /sys bound from the host.
Spec rootless_spec(std::uint32_t uid, std::uint32_t gid);

}  // namespace oci
