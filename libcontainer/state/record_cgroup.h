// SPDX-License-Identifier: Apache-2.0
// From a container's record to its cgroups.
#pragma once

#include <memory>

#include "libcontainer/cgroup/manager.h"
#include "libcontainer/state/state_directory.h"

namespace libcontainer {

// Error `invalid` if the record names anything else as a cgroup, or as a unit: what is written
// there, killed, stopped and removed goes by these names (T-79). No system call where the
// hierarchies are below /sys/fs/cgroup. Judged here, not where the record is read: the rest of such
// a record still tells what `delete --force` has to end.
//
// Another container's mark on a cgroup (ownership.h) counts only with that container's record: in
// the folder that the mark names, with this very mark and this cgroup in it, and in a state root
// that is on this container's file system and passes as one. A container that writes to its
// cgroups would otherwise be safe from kill and delete by a mark of its own making. The folder must
// stay open as long as the manager is in use.
[[nodiscard]] Result<std::unique_ptr<CgroupManager>> open_cgroup(const StateDirectory& directory,
                                                                 const ContainerRecord& record);

}  // namespace libcontainer
