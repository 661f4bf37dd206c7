// SPDX-License-Identifier: Apache-2.0
// Whose processes are in a cgroup that two containers were configured for, one after the other.
#pragma once

#include <string>

#include "libcontainer/sys/error.h"

namespace libcontainer {

using sys::Result;

// Engines make a container's cgroup beforehand, or keep one for the next container, so one that is
// there and empty is entered (CG-05, trap 33). The container that made it may still be there,
// stopped, even in another state root, and its delete kills what is in the cgroup. So whoever
// enters a cgroup that it has not made leaves its mark on the directory, as an extended attribute;
// the last mark tells whose processes are in there. One without a mark is its maker's.
//
// All are for the parent; `directory` is an absolute path, `owner` the record's mark or "".

// A mark like no other.
[[nodiscard]] Result<std::string> make_mark();
// Goes without where the kernel does not let us: in a user namespace, or on a file system that has
// no such attributes.
[[nodiscard]] Result<void> mark_directory(const std::string& directory, const std::string& mark);
void unmark_directory(const std::string& directory);
// Whether another container has entered since.
[[nodiscard]] Result<bool> belongs_to_another(const std::string& directory,
                                              const std::string& mark);

// The maker is deleted, the directory has another's mark: it is for that one to remove.
void leave_directory(const std::string& directory);
[[nodiscard]] bool is_left(const std::string& directory);

}  // namespace libcontainer
