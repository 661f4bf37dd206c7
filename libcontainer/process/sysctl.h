// SPDX-License-Identifier: Apache-2.0
// linux.sysctl, written in the container's namespaces.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "libcontainer/process/namespace_plan.h"
#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

using sys::Result;

// Parent, with the opened namespaces of plan.joins: a joined namespace that is the runtime's own
// would let a sysctl, hostname or domainname change the host (SY-02, T-33), which only their
// identity shows.
[[nodiscard]] Result<void> check_namespaced_settings(const oci::Spec& spec,
                                                     const NamespacePlan& plan,
                                                     const std::vector<sys::UniqueFd>& namespaces);

// Child, once it is in its namespaces and before the root is switched. Which keys are allowed was
// checked before (SY-02). Writes go through a procfs instance of our own that nobody can mount over
// (R-9, CVE-2025-52881), or the host's where a user namespace gets none; one key, one descriptor,
// one write (CVE-2022-0811).
[[nodiscard]] Result<void> apply_sysctls(const std::map<std::string, std::string>& sysctls);

}  // namespace libcontainer
