// SPDX-License-Identifier: Apache-2.0
// process.rlimits in two phases, because raising needs privilege and lowering would get in brig's
// own way.
#pragma once

#include <sys/types.h>

#include <vector>

#include "libcontainer/sys/error.h"
#include "oci/spec.h"

namespace libcontainer {

using sys::Result;

// Raises the hard limits that are lower than wanted, before privilege is given up: the child for
// itself (`pid` 0), or the parent for a child in a new user namespace, which has lost the right
// (P-07).
[[nodiscard]] Result<void> raise_hard_limits(pid_t pid, const std::vector<oci::Rlimit>& rlimits);

// Child, right before execve: exactly what is wanted (R-45: RLIMIT_NOFILE 0 must not break the
// set-up).
[[nodiscard]] Result<void> apply_rlimits(const std::vector<oci::Rlimit>& rlimits);

}  // namespace libcontainer
