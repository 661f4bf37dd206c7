// SPDX-License-Identifier: Apache-2.0
// linux.memoryPolicy: which NUMA nodes a process' memory comes from.
#pragma once

#include "libcontainer/sys/error.h"
#include "oci/spec_linux.h"

namespace libcontainer {

using sys::Result;

// set_mempolicy(2) of the caller, kept across execve (MP-01..MP-03). Child, once it is in its
// cgroup, because the kernel counts nodes within the cpuset. Errors say which node or mode the
// kernel does not have, as far as it tells.
[[nodiscard]] Result<void> apply_memory_policy(const oci::MemoryPolicy& policy);

}  // namespace libcontainer
