// SPDX-License-Identifier: Apache-2.0
// The new mount API as Results.
#include "libcontainer/sys/mount_api.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <array>
#include <cerrno>

namespace sys {

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
    if (::mount_setattr(mount, "", flags, &wanted, sizeof wanted) != 0) {
        return fail_errno("mount_setattr");
    }
    return {};
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
