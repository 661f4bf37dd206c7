// SPDX-License-Identifier: Apache-2.0
// Making a container's directory in the v2 hierarchy, with the controllers in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/cgroup/manager.h"
#include "libcontainer/sys/error.h"

namespace libcontainer::v2 {

using sys::Result;

// Makes the directory with its parents and adds what it made to `made`, outermost first. One that
// exists is taken, and marked as found, if it is fit (CG-05): no process in it or below, not
// frozen.
[[nodiscard]] Result<void> make_directory(CgroupRecord::Directory& directory,
                                          std::vector<std::string>& made);

// Hands every controller that the mount point has down to the directory, as runc and crun do:
// engines read the figures of all of them. What an ancestor does not hand on (not delegated to us,
// or it has processes of its own) is left out: that matters only if a limit asks for it (engines
// trap 58), and then lacking_controller() tells why.
[[nodiscard]] Result<void> enable_controllers(const std::string& mount_point,
                                              const std::string& path);

// Gives the directory, and those of its files that the kernel says may be given with it, to a user.
// Without privilege nothing can be given away, and it need not be.
[[nodiscard]] Result<void> give_to(uid_t uid, const std::string& path);

// Why the directory has no files of a controller, as text for an error that names the cgroup which
// does not hand it on and what keeps it from that (CG-06); empty if it has them.
[[nodiscard]] std::string lacking_controller(const std::string& path, std::string_view controller);

}  // namespace libcontainer::v2
