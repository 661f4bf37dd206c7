// SPDX-License-Identifier: Apache-2.0
// The one mount of a container without a mount namespace.
#include "libcontainer/rootfs/shared_root.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cstdlib>
#include <string>

#include "libcontainer/sys/directory.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/mountinfo.h"

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000U
#endif

namespace libcontainer {
namespace {

Result<struct statx> status(int fd, unsigned wanted) {
    struct statx info = {};
    constexpr int kFlags = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
    if (::statx(fd, "", kFlags, wanted, &info) != 0) {
        return sys::fail_errno("statx");
    }
    return info;
}

Result<std::uint64_t> own_mount_namespace() {
    struct stat info = {};
    if (::stat("/proc/self/ns/mnt", &info) != 0) {
        return sys::fail_errno(sys::call("stat", "/proc/self/ns/mnt"));
    }
    return info.st_ino;
}

// Any process in that mount namespace, or 0.
pid_t find_process_in(std::uint64_t mount_namespace) {
    auto processes = sys::Directory::open(AT_FDCWD, "/proc");
    while (const dirent* const entry = processes ? processes->next().value_or(nullptr) : nullptr) {
        const std::string link = std::string(entry->d_name) + "/ns/mnt";
        struct stat info = {};
        if (*entry->d_name >= '1' && *entry->d_name <= '9' &&
            ::fstatat(processes->fd(), link.c_str(), &info, 0) == 0 &&
            info.st_ino == mount_namespace) {
            return static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
        }
    }
    return 0;
}

// A mount that is not to be seen here is gone, unless it is in a namespace that still lives.
Result<void> check_gone(const MountIdentity& mount) {
    if (mount.mount_namespace == 0 || mount.mount_namespace == TRY(own_mount_namespace())) {
        return {};
    }
    const pid_t resident = find_process_in(mount.mount_namespace);
    if (resident == 0) {
        return {};
    }
    return sys::fail(
        sys::ErrorKind::wrong_state,
        "the container's root is mounted in another mount namespace, that of process " +
            std::to_string(resident) + ": delete it from there");
}

Result<void> unmount(const MountIdentity& mount) {
    const std::string text = TRY(sys::read_file(AT_FDCWD, "/proc/self/mountinfo"));
    const std::optional<std::string> place = sys::mount_point_of(text, mount.id);
    if (!place) {
        return check_gone(mount);
    }
    const sys::UniqueFd top = TRY(sys::open_at(AT_FDCWD, *place, O_PATH | O_NOFOLLOW));
    const MountIdentity there = TRY(identify_mount(top.get()));
    if (there.id != mount.id) {
        return sys::fail_code(
            "another mount covers the container's root: " + sys::call("umount2", *place), EBUSY);
    }
    if (there != mount) {
        return {};  // the id was given again
    }
    // By descriptor: whatever the path leads to by now.
    const std::string link = "/proc/self/fd/" + std::to_string(top.get());
    if (::umount2(link.c_str(), MNT_DETACH) != 0) {
        return sys::fail_errno(sys::call("umount2", *place));
    }
    return {};
}

}  // namespace

Result<MountIdentity> identify_mount(int mount) {
    const struct statx info = TRY(status(mount, STATX_INO | STATX_MNT_ID));
    const struct statx unique = TRY(status(mount, STATX_MNT_ID_UNIQUE));
    constexpr unsigned kMajorShift = 32;
    MountIdentity identity;
    identity.id = info.stx_mnt_id;
    identity.unique_id = (unique.stx_mask & STATX_MNT_ID_UNIQUE) != 0 ? unique.stx_mnt_id : 0;
    identity.device = (std::uint64_t{info.stx_dev_major} << kMajorShift) | info.stx_dev_minor;
    identity.inode = info.stx_ino;
    identity.mount_namespace = TRY(own_mount_namespace());
    return identity;
}

Result<void> check_covers_not(const std::string& root, const std::string& place) {
    const std::string top = TRY(sys::real_path(root));
    if (!(TRY(sys::real_path(place)) + "/").starts_with(top + "/")) {
        return {};
    }
    return std::unexpected(sys::Error{sys::ErrorKind::invalid, 0, "root.path",
                                      "needs a mount namespace: it would cover " + place});
}

Result<void> unmount_shared_root(const MountIdentity& mount) {
    // Once more, because the host would keep the mounts: its table changes under the reader, and
    // descriptors may be short for a moment.
    auto unmounted = unmount(mount);
    return unmounted ? unmounted : unmount(mount);
}

}  // namespace libcontainer
