// SPDX-License-Identifier: Apache-2.0
// linux.cgroupsPath: what is accepted and what it means for the cgroupfs driver.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/sys/error.h"

namespace libcontainer {

using sys::Result;

enum class PathBase : unsigned char {
    hierarchy_root,  // absolute: below the mount point (CG-01)
    own_cgroup,      // relative: below the runtime's own cgroup (CG-02)
    beside_own,      // v2: beside that, which has processes, the runtime at least, and so no
                     // controllers to hand on. Relative if the caller may; absent, and the top
                     // is closed to us (engines 7.3)
};

struct CgroupsPath {
    PathBase base = PathBase::hierarchy_root;
    std::string path;  // components joined by '/', none at either end; never empty
};

// What create() does where the host refuses to make a directory (EACCES, EPERM, EROFS).
enum class IfDenied : unsigned char {
    fail,
    stay_outside,  // linux.cgroupsPath is absent, so nobody will look for it (engines trap 56);
                   // but not as the host's root
};

// Takes the path apart component-wise: `.` and doubled slashes vanish; `..`, NUL, control
// characters and a path that names no group of its own are refused. Absent or empty is
// `/ID` (CG-03, engines 7.3). A colon has no meaning here: engines send `slice:prefix:name` to
// this driver too (engines 7.1). Errors point at linux.cgroupsPath.
[[nodiscard]] Result<CgroupsPath> parse_cgroups_path(const std::optional<std::string>& text,
                                                     std::string_view id);

// The same rules for a cgroup below another: `exec --cgroup` (T-60). Absolute is refused too.
[[nodiscard]] Result<std::string> parse_sub_cgroup(std::string_view text);

// Where a process goes below the container's own cgroup.
struct SubCgroup {
    std::string controller;  // of the hierarchy that is meant; empty: all
    std::string path;
};

// The arguments of `exec --cgroup`: one PATH, or any number of CONTROLLER[,CONTROLLER]...:PATH,
// none of which names a controller again.
[[nodiscard]] Result<std::vector<SubCgroup>> parse_sub_cgroups(
    const std::vector<std::string>& texts);

}  // namespace libcontainer
