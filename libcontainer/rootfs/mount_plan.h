// SPDX-License-Identifier: Apache-2.0
// What each entry of mounts[] comes to: kind, place, source and options. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/rootfs/mount_options.h"
#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"
#include "oci/spec.h"

namespace libcontainer {

using sys::Result;

enum class MountKind : unsigned char {
    filesystem,
    bind,         // of a host path
    bind_inside,  // of a path inside the root, which an earlier mount may have put there
    symlink,      // copy-symlink of a source that is one: `source` is the link's text
    cgroup,
    remount,
};

struct MountPlan {
    MountKind kind = MountKind::filesystem;
    std::string config_path;  // for errors: `mounts[3] (/data)`
    std::string target;       // inside, normalized, without leading slash: "dev/pts"
    std::string type;
    std::string source;  // bind: absolute host path; bind_inside: path inside the root
    MountOptions options;
    std::string root_label;  // SELinux context to write on the new filesystem's root
    // RDONLY that comes last of all: later mounts and devices need the place.
    std::optional<sys::Recursion> readonly_later;
    sys::UniqueFd tree;          // bind: detached clone of the source, with its attributes
    bool options_later = false;  // but for those: without mount_setattr they wait for its place
};

// `path` without empty components, "." and "..", and without a leading slash; ".." stops at the
// root. Lexical: what it names inside a root with symlinks is for sys::open_in_root to find.
[[nodiscard]] std::string normalize(std::string_view path);

// One plan per entry of spec.mounts (M-01…M-06). `rootfs_path` is absolute and normalized. Errors
// name `mounts[N] (DEST)`: destination missing or the root itself, bind without source, no type, a
// place below /proc that is not on the list of M-11.
[[nodiscard]] Result<std::vector<MountPlan>> plan_mounts(const oci::Spec& spec,
                                                         const std::string& bundle,
                                                         const std::string& rootfs_path);

// Whether a mount that resolves to a place on a procfs may stand there (M-11).
[[nodiscard]] bool may_cover_proc(std::string_view target);

// MS_* that bind sources get before their own options: what linux.rootfsPropagation makes of the
// host's mounts, MS_SLAVE if absent, 0 for shared.
[[nodiscard]] std::uint64_t source_propagation(const oci::Spec& spec);

}  // namespace libcontainer
