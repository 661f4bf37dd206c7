// SPDX-License-Identifier: Apache-2.0
// Capabilities, seccomp and groups of a process, planned by the parent alike for init and exec.
#pragma once

#include "libcontainer/options.h"
#include "libcontainer/process/init_context.h"

namespace libcontainer {

// Fills the context from its spec, process and namespace plan, all set before. A filter comes from
// the cache where it was compiled before.
[[nodiscard]] Result<void> plan_security(InitContext& context, const Warn& warn);

}  // namespace libcontainer
