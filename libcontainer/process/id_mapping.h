// SPDX-License-Identifier: Apache-2.0
// uid_map and gid_map of a new user namespace, written by the parent.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/sys/error.h"
#include "oci/spec.h"

namespace libcontainer {

using sys::Result;

// `container host size` lines, as /proc/PID/uid_map takes them.
[[nodiscard]] std::string format_id_map(const std::vector<oci::IdMapping>& mappings);

// Parent, when the child asks (N-09, N-10): writes both maps of process `pid`. A caller without
// privilege over the ids goes through newuidmap and newgidmap, by absolute path and with an empty
// environment, or maps just itself after `deny` in setgroups (CVE-2014-8989).
[[nodiscard]] Result<void> write_id_maps(pid_t pid, const oci::Linux& linux);

// Parent: mappings that the config gives beside a user namespace that is joined must be the ones it
// has, as seen from the runtime's (N-11). `pid` is a process in it.
[[nodiscard]] Result<void> check_joined_id_maps(pid_t pid, const oci::Linux& linux);

// The lines of a uid_map or gid_map, in the order of container ids; what is no such line ends it.
[[nodiscard]] std::vector<oci::IdMapping> parse_id_map(std::string_view text);

}  // namespace libcontainer
