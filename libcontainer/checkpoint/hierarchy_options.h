// SPDX-License-Identifier: Apache-2.0
// What CRIU changes on the host without being asked: the options of the cgroup v2 hierarchy.
#pragma once

#include <string>
#include <vector>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

// CRIU mounts the hierarchy for itself, without options, at each dump and restore (3.17 to 4.2, its
// issue 3029). There is one for all mounts, so the host's would be without nsdelegate, which keeps
// containers from lifting their limits, and memory_recursiveprot. Those that are there when this is
// made are set again by put_back(); an option is only ever added.
//
// Meanwhile they are noted in a file of root's, which whoever notes has locked (shared), for those
// who begin when another's CRIU has taken them away, or after one that was killed. The last one
// empties it, once they are all there.
class HierarchyOptions {
  public:
    HierarchyOptions();

    // While CRIU may still take them away again.
    void put_back() { static_cast<void>(try_to_put_back()); }
    // Once it has ended. An error says which ones the host lacks; they stay noted.
    [[nodiscard]] sys::Result<void> finish();

  private:
    [[nodiscard]] sys::Result<void> try_to_put_back() const;

    sys::UniqueFd note_;  // locked; invalid: it cannot be
    std::vector<std::string> wanted_;
};

}  // namespace libcontainer
