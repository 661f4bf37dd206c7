// SPDX-License-Identifier: Apache-2.0
// Whose processes are in a cgroup that two containers were configured for, one after the other.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "libcontainer/sys/error.h"

namespace libcontainer {

using sys::Result;

// Engines make a container's cgroup beforehand, or keep one for the next container, so one that is
// there and empty is entered (CG-05, trap 33). The container that made it may still be there,
// stopped, even in another state root, and its delete kills what is in the cgroup. So whoever
// enters a cgroup that it has not made leaves its mark on the directory, as an extended attribute;
// the last mark tells whose processes are in there. One without a mark is its maker's. Whoever is
// in the cgroup may be able to write there, too, so a mark alone proves nothing (ConfirmMark).
//
// All are for the parent; `directory` is an absolute path.

// Whether a mark found on `directory` is that of a container which there is: the mark alone may be
// forged, or left by one that is gone. Asked only about a mark that is not the container's own.
using ConfirmMark =
    std::function<Result<bool>(const std::string& mark, const std::string& directory)>;

// A mark like no other, "RANDOM FOLDER". `folder` has the container's record and exists.
[[nodiscard]] Result<std::string> make_mark(const std::string& folder);
// The folder that a mark names, whoever made it; "" if it is no such mark.
[[nodiscard]] std::string folder_of_mark(const std::string& mark);
// Goes without where the kernel does not let us: in a user namespace, or on a file system that has
// no such attributes.
[[nodiscard]] Result<void> mark_directory(const std::string& directory, const std::string& mark);
void unmark_directory(const std::string& directory);
// Absent also if it is longer than any that we leave.
[[nodiscard]] Result<std::optional<std::string>> read_mark(const std::string& directory);

// The maker is deleted, the directory has another's mark: it is for that one to remove.
void leave_directory(const std::string& directory);
[[nodiscard]] bool is_left(const std::string& directory);

}  // namespace libcontainer
