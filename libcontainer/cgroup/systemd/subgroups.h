// SPDX-License-Identifier: Apache-2.0
// Cgroups below a unit's own that annotations ask for: run.oci.systemd.subgroup,
// run.oci.delegate-cgroup.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "libcontainer/cgroup/manager.h"
#include "libcontainer/sys/error.h"

namespace libcontainer::systemd {

// Their names into `unit`, whose own name is known. An empty subgroup is none. Errors name the
// annotation. Pure.
[[nodiscard]] Result<void> name_subgroups(const std::map<std::string, std::string>& annotations,
                                          SystemdUnit& unit);

// For the other drivers, which make no cgroup below the container's own: one that the container
// is to rule is not left out silently. Pure.
[[nodiscard]] Result<void> refuse_delegation(const std::map<std::string, std::string>& annotations);

// Whether this can be the name of one cgroup below another.
[[nodiscard]] bool is_cgroup_name(std::string_view name);

}  // namespace libcontainer::systemd
