// SPDX-License-Identifier: Apache-2.0
// The one resolver of container paths: every path that the image or config.json names inside the
// root goes through here.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace sys {

// A path inside a container's root: untrusted, and on purpose no std::string, so that it cannot
// slip into a call that takes a host path. Relative paths count from the root.
class ContainerPath {
  public:
    explicit ContainerPath(std::string_view text) : text_(text) {}
    [[nodiscard]] std::string_view text() const {
        return text_;
    }  // for messages and for this resolver

  private:
    std::string text_;
};

enum class Symlinks : unsigned char {
    inside_root,  // followed, `..` and absolute targets stay inside the root
    refuse,       // any symlink on the way is ELOOP: destinations of proc and sysfs
};

// O_PATH descriptor of what `path` names below `root`: openat2(RESOLVE_IN_ROOT |
// RESOLVE_NO_MAGICLINKS), no side effects on FIFOs or devices. EAGAIN (a rename raced) is
// retried 128 times. Where openat2 is missing (kernel < 5.6, or an outer seccomp filter) the walker
// below does the same component by component.
[[nodiscard]] Result<UniqueFd> open_in_root(int root, const ContainerPath& path,
                                            Symlinks symlinks = Symlinks::inside_root);

// The same, and what is missing is made: directories 0755 (R-6, R-7: dangling symlinks resolve to a
// new directory inside).
[[nodiscard]] Result<UniqueFd> make_directory_in_root(int root, const ContainerPath& path,
                                                      mode_t mode = 0755);

// The same for a file as last component: an empty regular file is made if nothing is there.
[[nodiscard]] Result<UniqueFd> make_file_in_root(int root, const ContainerPath& path,
                                                 mode_t mode = 0644);

// A directory below the root and one single component in it, for mknodat, symlinkat, unlinkat. The
// directory is made if missing; the last component is not looked at and is never "", "." or ".."
// (that is EINVAL).
struct ParentInRoot {
    UniqueFd directory;
    std::string name;
};
[[nodiscard]] Result<ParentInRoot> open_parent_in_root(int root, const ContainerPath& path);

}  // namespace sys
