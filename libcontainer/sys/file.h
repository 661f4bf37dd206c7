// SPDX-License-Identifier: Apache-2.0
// Whole-file reads and writes relative to a directory descriptor.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace sys {

// openat(2) with O_CLOEXEC added; `dir` may be AT_FDCWD. Host paths only: paths of the container go
// through sys::open_in_root. Retries EINTR.
[[nodiscard]] Result<UniqueFd> open_at(int dir, std::string_view path, int flags, mode_t mode = 0);

// Everything a descriptor yields from its present offset, at most `limit` bytes (more is EFBIG).
[[nodiscard]] Result<std::string> read_all(int fd, std::string_view name,
                                           std::size_t limit = 16U << 20U);
[[nodiscard]] Result<std::string> read_file(int dir, std::string_view path,
                                            std::size_t limit = 16U << 20U);

// Writes all of `data`; a short write goes on.
[[nodiscard]] Result<void> write_all(int fd, std::string_view data, std::string_view name);
// One write(2) of `data` to an existing file, as kernel attribute files (cgroup, procfs) want it;
// no O_CREAT, no O_TRUNC.
[[nodiscard]] Result<void> write_attribute(int dir, std::string_view path, std::string_view data);

// Replaces `name` in `dir` at once: O_EXCL temporary file in the same directory, full write,
// renameat. A reader sees the old content or the new one, never a part; a symlink at
// `name` is replaced, not followed.
[[nodiscard]] Result<void> write_file_atomically(int dir, const std::string& name,
                                                 std::string_view data, mode_t mode);

// Writes a file that must not be there yet.
[[nodiscard]] Result<void> write_new_file(int dir, std::string_view name, std::string_view data,
                                          mode_t mode);

// mkdir -p of a host path, each new component with `mode`.
[[nodiscard]] Result<void> make_directories(const std::string& path, mode_t mode);

// readlink(2) of any length.
[[nodiscard]] Result<std::string> read_link(int dir, const std::string& path);

// The absolute form of `path` against the current directory, lexically: no symlink is resolved
// (B-01).
[[nodiscard]] Result<std::string> absolute_path(std::string_view path);
// realpath(3): absolute, and without symlinks; the path must exist. Host paths only.
[[nodiscard]] Result<std::string> real_path(const std::string& path);

// Directory part ("." if none) and last component of a path.
[[nodiscard]] std::string directory_of(std::string_view path);
[[nodiscard]] std::string base_of(std::string_view path);

}  // namespace sys
