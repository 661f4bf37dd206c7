// SPDX-License-Identifier: Apache-2.0
// What CRIU changes on the host without being asked: the options of the cgroup v2 hierarchy.
#pragma once

#include <string>

#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

// CRIU mounts the hierarchy for itself, without options, at each dump and restore (3.17 to 4.2, its
// issue 3029). There is one for all mounts, so the host's would be without nsdelegate, which keeps
// containers from lifting their limits, and memory_recursiveprot. Read when this is made, and set
// again when it goes, if they are others by then. Where the kernel does not let us it had not let
// CRIU.
//
// They are noted on the hierarchy meanwhile, for whoever begins when another's CRIU has taken them
// away, or after one that was killed; the last one, by a lock, removes the note.
class HierarchyOptions {
  public:
    HierarchyOptions();
    HierarchyOptions(const HierarchyOptions&) = delete;
    HierarchyOptions& operator=(const HierarchyOptions&) = delete;
    ~HierarchyOptions();

  private:
    sys::UniqueFd hierarchy_;  // locked, shared; invalid: there is none
    std::string options_;      // "rw,nsdelegate"
};

}  // namespace libcontainer
