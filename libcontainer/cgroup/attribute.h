// SPDX-License-Identifier: Apache-2.0
// The files of one cgroup directory, read and written relative to its descriptor.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

using sys::Result;

// A cgroup directory. A test gives it a temporary folder with empty files instead.
class AttributeDirectory {
  public:
    [[nodiscard]] static Result<AttributeDirectory> open(std::string path);

    // One write(2) of `value` to an existing file. Errors of kind `system` carry errno in `code`
    // and name file and value; a file that does not exist is `unsupported` with ENOENT: the kernel
    // offers an attribute as a file, and "no such file" would be taken for the container's program
    // (engines.md trap 41).
    [[nodiscard]] Result<void> write(std::string_view file, std::string_view value) const;
    // The same for several values: the file is opened once, each value is one write(2).
    [[nodiscard]] Result<void> write_each(std::string_view file,
                                          std::span<const std::string> values) const;
    // Content without the newline at its end.
    [[nodiscard]] Result<std::string> read(std::string_view file) const;
    [[nodiscard]] bool has(std::string_view file) const;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] int fd() const { return fd_.get(); }

  private:
    AttributeDirectory(sys::UniqueFd fd, std::string path)
        : fd_(std::move(fd)), path_(std::move(path)) {}
    [[nodiscard]] Result<sys::UniqueFd> open_file(std::string_view file, int flags) const;

    sys::UniqueFd fd_;
    std::string path_;
};

}  // namespace libcontainer
