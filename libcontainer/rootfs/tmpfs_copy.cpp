// SPDX-License-Identifier: Apache-2.0
// tmpcopyup.
#include "libcontainer/rootfs/tmpfs_copy.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "libcontainer/sys/directory.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {
namespace {

using sys::call;
using sys::fail_code;
using sys::fail_errno;
using sys::UniqueFd;

constexpr int kMaxDepth = 128;

// Attributes that the tmpfs does not take (no such namespace there) are left out, as cp does.
Result<void> copy_attributes(int from, int to) {
    std::string names(1024, '\0');
    ssize_t size = ::flistxattr(from, names.data(), names.size());
    if (size < 0 && errno == ERANGE) {
        names.resize(XATTR_LIST_MAX);
        size = ::flistxattr(from, names.data(), names.size());
    }
    if (size <= 0) {
        return {};
    }
    std::string value(XATTR_SIZE_MAX, '\0');
    for (const char* name = names.data(); name < names.data() + size;
         name += std::string_view(name).size() + 1) {
        const ssize_t length = ::fgetxattr(from, name, value.data(), value.size());
        if (length < 0) {
            continue;
        }
        if (::fsetxattr(to, name, value.data(), static_cast<std::size_t>(length), 0) != 0 &&
            errno != EOPNOTSUPP && errno != EPERM) {
            return fail_errno(call("setxattr", name));
        }
    }
    return {};
}

// Owner first: changing it takes setuid bits and capabilities away.
Result<void> copy_status(int from, int to, const struct stat& info, const std::string& name) {
    if (::fchown(to, info.st_uid, info.st_gid) != 0) {
        return fail_errno(call("chown", name));
    }
    if (::fchmod(to, info.st_mode & 07777U) != 0) {
        return fail_errno(call("chmod", name));
    }
    TRY_VOID(copy_attributes(from, to));
    const std::array<timespec, 2> times = {info.st_atim, info.st_mtim};
    if (::futimens(to, times.data()) != 0) {
        return fail_errno(call("utimensat", name));
    }
    return {};
}

Result<void> copy_file(int from, int to, const std::string& name) {
    // O_NONBLOCK: it may be a FIFO by now.
    const UniqueFd source =
        TRY(sys::open_at(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    struct stat info = {};
    if (::fstat(source.get(), &info) != 0) {
        return fail_errno(call("fstat", name));
    }
    if (!S_ISREG(info.st_mode)) {
        return fail_code(call("open", name), ESTALE);
    }
    const UniqueFd copy =
        TRY(sys::open_at(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    constexpr std::size_t kChunk = 1U << 30U;
    ssize_t sent = 1;
    while (sent > 0) {
        sent = ::sendfile(copy.get(), source.get(), nullptr, kChunk);
    }
    if (sent < 0) {
        return fail_errno(call("sendfile", name));
    }
    return copy_status(source.get(), copy.get(), info, name);
}

// Of what cannot be opened: links and special files.
Result<void> copy_owner_and_times(int to, const std::string& name, const struct stat& info) {
    if (::fchownat(to, name.c_str(), info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW) != 0) {
        return fail_errno(call("chown", name));
    }
    const std::array<timespec, 2> times = {info.st_atim, info.st_mtim};
    if (::utimensat(to, name.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0) {
        return fail_errno(call("utimensat", name));
    }
    return {};
}

Result<void> copy_symlink(int from, int to, const std::string& name, const struct stat& info) {
    const std::string text = TRY(sys::read_link(from, name));
    if (::symlinkat(text.c_str(), to, name.c_str()) != 0) {
        return fail_errno(call("symlink", name));
    }
    return copy_owner_and_times(to, name, info);
}

Result<void> copy_node(int to, const std::string& name, const struct stat& info) {
    if (::mknodat(to, name.c_str(), info.st_mode, info.st_rdev) != 0) {
        // In a user namespace nobody makes devices.
        const bool is_device = S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode);
        return is_device && errno == EPERM ? Result<void>{} : fail_errno(call("mknod", name));
    }
    return copy_owner_and_times(to, name, info);
}

Result<void> copy_directory(int from, int to, int depth);

Result<void> copy_subdirectory(int from, int to, const std::string& name, int depth) {
    const UniqueFd source = TRY(sys::open_at(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    struct stat info = {};
    if (::fstat(source.get(), &info) != 0) {
        return fail_errno(call("fstat", name));
    }
    if (::mkdirat(to, name.c_str(), 0700) != 0) {
        return fail_errno(call("mkdir", name));
    }
    const UniqueFd copy = TRY(sys::open_at(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    TRY_VOID(copy_directory(source.get(), copy.get(), depth + 1));
    return copy_status(source.get(), copy.get(), info, name);
}

Result<void> copy_entry(int from, int to, const std::string& name, int depth) {
    struct stat info = {};
    if (::fstatat(from, name.c_str(), &info, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0) {
        return fail_errno(call("fstat", name));
    }
    switch (info.st_mode & S_IFMT) {
        case S_IFDIR:
            return copy_subdirectory(from, to, name, depth);
        case S_IFREG:
            return copy_file(from, to, name);
        case S_IFLNK:
            return copy_symlink(from, to, name, info);
        default:
            return copy_node(to, name, info);
    }
}

Result<void> copy_directory(int from, int to, int depth) {
    if (depth > kMaxDepth) {
        return fail_code("tmpcopyup", ELOOP);
    }
    sys::Directory directory = TRY(sys::Directory::open(from, "."));
    while (const dirent* const entry = TRY(directory.next())) {
        TRY_VOID(copy_entry(from, to, entry->d_name, depth));
    }
    return {};
}

}  // namespace

Result<void> copy_up(int from, int to) {
    const UniqueFd copy = TRY(sys::open_at(to, ".", O_RDONLY | O_DIRECTORY));
    if (auto copied = copy_directory(from, copy.get(), 0); !copied) {
        return std::unexpected(std::move(copied).error().wrap("tmpcopyup"));
    }
    return {};
}

}  // namespace libcontainer
