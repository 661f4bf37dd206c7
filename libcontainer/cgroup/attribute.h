// SPDX-License-Identifier: Apache-2.0
// The files of one cgroup directory.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/rollback.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

using sys::Result;

struct AttributeLine {
    std::string value;
    std::string config_path;  // for errors
};

// "linux.resources.hugepageLimits[1]".
[[nodiscard]] inline std::string indexed(std::string_view config_path, std::size_t index) {
    return std::string(config_path).append("[").append(std::to_string(index)).append("]");
}

// A cgroup directory; a test gives it a temporary folder with empty files instead. It holds no
// descriptor: most controllers have no value to write, the others one or two.
class AttributeDirectory {
  public:
    // `undos`, if there, gets for each write what makes it undone (`update`, which may fail after
    // its first).
    explicit AttributeDirectory(std::string path, sys::Rollback* undos = nullptr)
        : path_(std::move(path)), undos_(undos) {}

    // One write(2) of `value` to an existing file. Errors carry the JSON path, errno in `code`, and
    // name file and value; a file that does not exist is `unsupported` with ENOENT: the kernel
    // offers an attribute as a file, and the usual text would be taken for a missing program
    // (engines trap 41).
    [[nodiscard]] Result<void> write(std::string_view file, std::string_view value,
                                     std::string_view config_path) const;
    // The same for several values: the file is opened once, each value is one write(2).
    [[nodiscard]] Result<void> write_each(std::string_view file,
                                          std::span<const AttributeLine> lines) const;
    // Content without the newline at its end.
    [[nodiscard]] Result<std::string> read(std::string_view file) const;
    [[nodiscard]] bool has(std::string_view file) const;
    // Opened for writes whose failures the caller judges by itself.
    [[nodiscard]] Result<sys::UniqueFd> open(std::string_view file, int flags) const;

    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    [[nodiscard]] Result<std::string> read_before(std::string_view file) const;
    void remember(std::string_view file, const std::string& written,
                  const Result<std::string>& before) const;

    std::string path_;
    sys::Rollback* undos_;
};

// What to write to a file that had the content `before` until `written` was written to it. Files
// with a line per device or name are told by their name.
[[nodiscard]] std::string undoing_value(std::string_view file, std::string_view written,
                                        std::string_view before);

// True if the kernel does not offer the file: write() and read() failed with that.
[[nodiscard]] inline bool is_absent(const sys::Error& error) {
    return error.kind == sys::ErrorKind::unsupported && error.code != 0;
}

}  // namespace libcontainer
