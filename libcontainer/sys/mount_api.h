// SPDX-License-Identifier: Apache-2.0
// The new mount API (Linux 5.2, mount_setattr 5.12) as Results: mounts are made detached, given all
// their attributes, and only then attached by descriptor, so nothing is ever visible with weaker
// flags.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace sys {

// A filesystem being configured: fsopen(2), fsconfig(2), fsmount(2).
class FilesystemContext {
  public:
    // ENODEV: the kernel has no filesystem of that type.
    [[nodiscard]] static Result<FilesystemContext> open(const std::string& type);
    // fspick(2): the filesystem that is mounted at `mount`, for reconfigure().
    [[nodiscard]] static Result<FilesystemContext> pick(int mount);

    [[nodiscard]] Result<void> set_flag(const std::string& key);
    [[nodiscard]] Result<void> set_string(const std::string& key, const std::string& value);
    // Creates the superblock and gives it as a detached mount with MOUNT_ATTR_* `attributes`.
    [[nodiscard]] Result<UniqueFd> mount(std::uint64_t attributes);
    // Applies what was set to a picked filesystem.
    [[nodiscard]] Result<void> reconfigure();

  private:
    FilesystemContext(UniqueFd fd, std::string type) : fd_(std::move(fd)), type_(std::move(type)) {}
    // The error of a failed call with the kernel's own explanation, which the context keeps as
    // messages.
    [[nodiscard]] std::unexpected<Error> explain(std::string_view operation,
                                                 std::string_view object) const;

    UniqueFd fd_;
    std::string type_;
};

enum class Recursion : unsigned char { this_mount, whole_tree };
enum class LastLink : unsigned char { follow, keep };  // a symlink as last component

// open_tree(2) with OPEN_TREE_CLONE: a detached copy of the mount at `path` below `directory`
// (AT_FDCWD for a host path; an empty path means `directory` itself).
[[nodiscard]] Result<UniqueFd> clone_mount(int directory, const std::string& path,
                                           Recursion recursion,
                                           LastLink last_link = LastLink::follow);

// mount(2)'s MS_* for MOUNT_ATTR_* `attributes`.
[[nodiscard]] unsigned long mount_flags(std::uint64_t attributes);

// mount_setattr(2) on the mount behind `mount`. `set` and `clear` are MOUNT_ATTR_*, propagation is
// MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE or 0 for unchanged. Where a seccomp filter around
// brig hides the call (ENOSYS; crun#1131), mount(2) does the same on an attached mount, by the
// caller's /proc/self/fd; ENOSYS is left for what it cannot do: attributes of a whole tree, id
// maps, detached mounts.
struct MountAttributes {
    std::uint64_t set = 0;
    std::uint64_t clear = 0;
    std::uint64_t propagation = 0;
    int userns_fd = -1;  // with MOUNT_ATTR_IDMAP in `set`
};
[[nodiscard]] Result<void> set_mount_attributes(int mount, const MountAttributes& attributes,
                                                Recursion recursion);

// move_mount(2): attaches a detached mount on what `target` (O_PATH) refers to, whatever its name
// is by now.
[[nodiscard]] Result<void> attach_mount(int mount, int target);
// The same on the entry `name` of `directory`; a symlink there is not followed.
[[nodiscard]] Result<void> attach_mount_at(int mount, int directory, const std::string& name);

// mount(2) of the propagation type alone, on a path: MS_SHARED, MS_SLAVE, MS_PRIVATE,
// MS_UNBINDABLE, | MS_REC.
[[nodiscard]] Result<void> set_propagation(const char* path, unsigned long flags);

}  // namespace sys
