// SPDX-License-Identifier: Apache-2.0
// The cgroup hierarchies of this host: which exist, where they are mounted, and where in them the
// runtime itself is.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/sys/error.h"

namespace libcontainer {

using sys::Result;

struct Hierarchy {
    std::string controllers;  // "memory", "cpu,cpuacct", "name=systemd"; "" for v2
    std::string mount_point;
    std::string own_path;  // the runtime's own cgroup as /proc/self/cgroup tells it
};

// A hybrid host has both: v1 with the controllers, v2 (almost) without any.
struct Hierarchies {
    std::vector<Hierarchy> v1;
    std::optional<Hierarchy> v2;
};

// Hybrid hosts keep name=systemd on v1 even when all controllers are on v2.
[[nodiscard]] bool has_v1_controllers(const Hierarchies& hierarchies);

// Where to look; tests look elsewhere.
struct HierarchySources {
    std::string mounts_below = "/sys/fs/cgroup";
    std::string memberships = "/proc/self/cgroup";
    std::string mountinfo = "/proc/self/mountinfo";
};

// Finds what is mounted. Takes /proc/self/cgroup for the list and looks where everybody mounts
// (statfs tells a hierarchy from a plain directory of the same name); only what is not there is
// looked up in mountinfo, which on a host with many containers is long. Called by the parent.
[[nodiscard]] Result<Hierarchies> find_hierarchies(const HierarchySources& sources = {});

// Makes own_path of each hierarchy relative to what is mounted: inside a container without a cgroup
// namespace the mount shows only a part of the hierarchy (CG-02).
[[nodiscard]] Result<void> resolve_own_paths(Hierarchies& hierarchies,
                                             const HierarchySources& sources = {});

// The lines of /proc/PID/cgroup, without mount points; v2's has no controllers. cgroups(7).
[[nodiscard]] std::vector<Hierarchy> parse_memberships(std::string_view text);

}  // namespace libcontainer
