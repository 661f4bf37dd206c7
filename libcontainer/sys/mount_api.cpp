// SPDX-License-Identifier: Apache-2.0
// The new mount API as Results.
#include "libcontainer/sys/mount_api.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include <array>
#include <cerrno>

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

namespace sys {
namespace {

// One attribute as mount_setattr(2), mount(2) and statvfs(3) name it.
struct AttributeNames {
    std::uint64_t attribute;
    unsigned long flag;
    unsigned long shown;
};
constexpr unsigned long kShownNoSymfollow = 8192;  // ST_NOSYMFOLLOW, Linux 5.10
constexpr auto kAttributes = std::to_array<AttributeNames>({
    {MOUNT_ATTR_RDONLY, MS_RDONLY, ST_RDONLY},
    {MOUNT_ATTR_NOSUID, MS_NOSUID, ST_NOSUID},
    {MOUNT_ATTR_NODEV, MS_NODEV, ST_NODEV},
    {MOUNT_ATTR_NOEXEC, MS_NOEXEC, ST_NOEXEC},
    {MOUNT_ATTR_NODIRATIME, MS_NODIRATIME, ST_NODIRATIME},
    {MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW, kShownNoSymfollow},
});

unsigned long atime_flag(std::uint64_t attributes) {
    switch (attributes & MOUNT_ATTR__ATIME) {
        case MOUNT_ATTR_NOATIME:
            return MS_NOATIME;
        case MOUNT_ATTR_STRICTATIME:
            return MS_STRICTATIME;
        default:
            return MS_RELATIME;
    }
}

std::uint64_t shown_attributes(unsigned long shown) {
    std::uint64_t attributes = 0;
    for (const AttributeNames& names : kAttributes) {
        attributes |= (shown & names.shown) != 0 ? names.attribute : 0;
    }
    if ((shown & ST_NOATIME) != 0) {
        return attributes | MOUNT_ATTR_NOATIME;
    }
    return (shown & ST_RELATIME) != 0 ? attributes : attributes | MOUNT_ATTR_STRICTATIME;
}

// A mount without a place cannot be changed by mount(2).
Result<void> mount_by_path(const std::string& path, unsigned long flags) {
    if (::mount(nullptr, path.c_str(), nullptr, flags, nullptr) == 0) {
        return {};
    }
    return errno == EINVAL ? fail_code("mount_setattr", ENOSYS) : fail_errno("mount(remount)");
}

Result<void> change_by_mount(int mount, const MountAttributes& wanted, Recursion recursion) {
    const std::string path = "/proc/self/fd/" + std::to_string(mount);
    if ((wanted.set | wanted.clear) != 0) {
        struct statvfs info = {};
        if (::fstatvfs(mount, &info) != 0) {
            return fail_errno("fstatvfs");
        }
        const std::uint64_t attributes =
            (shown_attributes(info.f_flag) & ~wanted.clear) | wanted.set;
        TRY_VOID(mount_by_path(path, MS_REMOUNT | MS_BIND | mount_flags(attributes)));
    }
    if (wanted.propagation == 0) {
        return {};
    }
    const unsigned long recursive =
        recursion == Recursion::whole_tree ? static_cast<unsigned long>(MS_REC) : 0;
    return mount_by_path(path, wanted.propagation | recursive);
}

}  // namespace

unsigned long mount_flags(std::uint64_t attributes) {
    unsigned long flags = atime_flag(attributes);
    for (const AttributeNames& names : kAttributes) {
        flags |= (attributes & names.attribute) != 0 ? names.flag : 0;
    }
    return flags;
}

Result<FilesystemContext> FilesystemContext::open(const std::string& type) {
    UniqueFd fd(::fsopen(type.c_str(), FSOPEN_CLOEXEC));
    if (!fd) {
        return fail_errno(call("fsopen", type));
    }
    return FilesystemContext(std::move(fd), type);
}

Result<FilesystemContext> FilesystemContext::pick(int mount) {
    UniqueFd fd(::fspick(mount, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH));
    if (!fd) {
        return fail_errno("fspick");
    }
    return FilesystemContext(std::move(fd), "remount");
}

Result<void> FilesystemContext::set_flag(const std::string& key) {
    if (::fsconfig(fd_.get(), FSCONFIG_SET_FLAG, key.c_str(), nullptr, 0) != 0) {
        return explain("fsconfig", key);
    }
    return {};
}

Result<void> FilesystemContext::set_string(const std::string& key, const std::string& value) {
    if (::fsconfig(fd_.get(), FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0) != 0) {
        return explain("fsconfig", key + "=" + value);
    }
    return {};
}

Result<UniqueFd> FilesystemContext::mount(std::uint64_t attributes) {
    if (::fsconfig(fd_.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
        return explain("fsconfig", "create");
    }
    UniqueFd mount(::fsmount(fd_.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes)));
    if (!mount) {
        return explain("fsmount", type_);
    }
    return mount;
}

Result<void> FilesystemContext::reconfigure() {
    if (::fsconfig(fd_.get(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0) != 0) {
        return explain("fsconfig", "reconfigure");
    }
    return {};
}

std::unexpected<Error> FilesystemContext::explain(std::string_view operation,
                                                  std::string_view object) const {
    Error error = last_error(std::string(type_) + ": " + call(operation, object));
    std::array<char, 512> text = {};
    // Messages read "e tmpfs: Bad value for 'size'": a level letter, a blank, the text.
    const ssize_t length = ::read(fd_.get(), text.data(), text.size());
    if (length > 2) {
        std::string_view message(text.data(), static_cast<std::size_t>(length));
        message.remove_prefix(2);
        while (message.ends_with('\n')) {
            message.remove_suffix(1);
        }
        error.message += " (";
        error.message += message;
        error.message += ')';
    }
    return std::unexpected(std::move(error));
}

Result<UniqueFd> clone_mount(int directory, const std::string& path, Recursion recursion,
                             LastLink last_link) {
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
    if (recursion == Recursion::whole_tree) {
        flags |= AT_RECURSIVE;
    }
    if (last_link == LastLink::keep) {
        flags |= AT_SYMLINK_NOFOLLOW;
    }
    if (path.empty()) {
        flags |= AT_EMPTY_PATH;
    }
    UniqueFd mount(::open_tree(directory, path.c_str(), flags));
    if (!mount) {
        return fail_errno(call("open_tree", path));
    }
    return mount;
}

Result<void> set_mount_attributes(int mount, const MountAttributes& attributes,
                                  Recursion recursion) {
    mount_attr wanted = {};
    wanted.attr_set = attributes.set;
    wanted.attr_clr = attributes.clear;
    wanted.propagation = attributes.propagation;
    if (attributes.userns_fd >= 0) {
        wanted.userns_fd = static_cast<__u64>(attributes.userns_fd);
    }
    const unsigned flags = AT_EMPTY_PATH | (recursion == Recursion::whole_tree ? AT_RECURSIVE : 0U);
    if (::mount_setattr(mount, "", flags, &wanted, sizeof wanted) == 0) {
        return {};
    }
    const bool is_simple =
        recursion == Recursion::this_mount || (wanted.attr_set | wanted.attr_clr) == 0;
    if (errno == ENOSYS && is_simple && attributes.userns_fd < 0) {
        return change_by_mount(mount, attributes, recursion);
    }
    return fail_errno("mount_setattr");
}

Result<void> attach_mount(int mount, int target) {
    if (::move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) !=
        0) {
        return fail_errno("move_mount");
    }
    return {};
}

Result<void> attach_mount_at(int mount, int directory, const std::string& name) {
    if (::move_mount(mount, "", directory, name.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) {
        return fail_errno(call("move_mount", name));
    }
    return {};
}

Result<void> set_propagation(const char* path, unsigned long flags) {
    if (::mount(nullptr, path, nullptr, flags, nullptr) != 0) {
        return fail_errno(call("mount propagation", path));
    }
    return {};
}

}  // namespace sys
