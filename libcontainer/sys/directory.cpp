// SPDX-License-Identifier: Apache-2.0
// Reading the entries of a directory.
#include "libcontainer/sys/directory.h"

#include <fcntl.h>

#include <cerrno>
#include <string_view>

#include "libcontainer/sys/file.h"

namespace sys {

Result<Directory> Directory::open(int at, const std::string& path) {
    UniqueFd fd = TRY(open_at(at, path, O_RDONLY | O_DIRECTORY));
    DIR* const stream = ::fdopendir(fd.get());
    if (stream == nullptr) {
        return fail_errno(call("fdopendir", path));
    }
    static_cast<void>(fd.release());
    return Directory(stream);
}

Result<const dirent*> Directory::next() {
    while (true) {
        errno = 0;
        const dirent* const entry = ::readdir(stream_.get());
        if (entry == nullptr && errno != 0) {
            return fail_errno("readdir");
        }
        const std::string_view name = entry != nullptr ? entry->d_name : "";
        if (name != "." && name != "..") {
            return entry;
        }
    }
}

}  // namespace sys
