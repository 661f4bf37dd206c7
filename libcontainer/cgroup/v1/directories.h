// SPDX-License-Identifier: Apache-2.0
// Making a container's directory in one v1 hierarchy, so that processes can enter it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/cgroup/manager.h"
#include "libcontainer/sys/error.h"

namespace libcontainer::v1 {

// Makes the directory with its parents and adds what it made to `made`, outermost first. One that
// exists is taken, and marked as found, if it is fit (CG-05): no process in it or below, not
// frozen. In the cpuset
// hierarchy every new directory gets what its parent has, for the kernel lets nobody into an empty
// one.
[[nodiscard]] Result<void> make_directory(CgroupRecord::Directory& directory,
                                          std::vector<std::string>& made);

// "cpu,cpuacct" has "cpu".
[[nodiscard]] bool has_controller(std::string_view controllers, std::string_view name);

}  // namespace libcontainer::v1
