// SPDX-License-Identifier: Apache-2.0
// Opening below a directory that is trusted by a path that is not.
#include "libcontainer/sys/open_beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <string_view>

namespace sys {
namespace {

Result<dev_t> device_of(int fd, const std::string& path) {
    struct stat info = {};
    if (::fstat(fd, &info) != 0) {
        return fail_errno(call("fstat", path));
    }
    return info.st_dev;
}

Result<UniqueFd> walk(int directory, const std::string& path, int flags) {
    const dev_t device = TRY(device_of(directory, path));
    UniqueFd parent;
    std::string_view rest = path;
    while (true) {
        const std::size_t slash = rest.find('/');
        const std::string component(rest.substr(0, slash));
        if (component.empty() || component == "." || component == "..") {
            return fail_code(call("open", path), EXDEV);
        }
        const bool is_last = slash == std::string_view::npos;
        UniqueFd next(::openat(parent ? parent.get() : directory, component.c_str(),
                               (is_last ? flags : O_PATH | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC));
        if (!next) {
            return fail_errno(call("open", path));
        }
        if (TRY(device_of(next.get(), path)) != device) {
            return fail_code(call("open", path), EXDEV);
        }
        if (is_last) {
            return next;
        }
        parent = std::move(next);
        rest.remove_prefix(slash + 1);
    }
}

}  // namespace

Result<UniqueFd> open_beneath(int directory, const std::string& path, int flags) {
    open_how how = {};
    how.flags = static_cast<__u64>(flags | O_CLOEXEC | O_NOFOLLOW);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
    UniqueFd fd(
        static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how)));
    if (fd) {
        return fd;
    }
    if (errno == ENOSYS || errno == EPERM) {
        return walk(directory, path, flags);
    }
    return fail_errno(call("open", path));
}

}  // namespace sys
