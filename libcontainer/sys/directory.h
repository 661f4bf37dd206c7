// SPDX-License-Identifier: Apache-2.0
// Reading the entries of a directory.
#pragma once

#include <dirent.h>

#include <memory>
#include <string>

#include "libcontainer/sys/error.h"

namespace sys {

class Directory {
  public:
    // Relative to `at`, a directory or AT_FDCWD; has an offset of its own. Errors: openat(2).
    [[nodiscard]] static Result<Directory> open(int at, const std::string& path);

    // The next entry but "." and "..", good until the next call; nullptr at the end. Errors:
    // readdir(3).
    [[nodiscard]] Result<const dirent*> next();
    [[nodiscard]] int fd() const { return ::dirfd(stream_.get()); }

  private:
    struct Close {
        void operator()(DIR* stream) const { ::closedir(stream); }
    };
    explicit Directory(DIR* stream) : stream_(stream) {}

    std::unique_ptr<DIR, Close> stream_;
};

}  // namespace sys
