// SPDX-License-Identifier: Apache-2.0
// The one mount of a container without a mount namespace.
#include "libcontainer/rootfs/shared_root.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "libcontainer/sys/file.h"
#include "libcontainer/sys/mountinfo.h"

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000U
#endif

namespace libcontainer {
namespace {

Result<struct statx> status(int fd, unsigned wanted) {
    struct statx info = {};
    if (::statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, wanted, &info) != 0) {
        return sys::fail_errno("statx");
    }
    return info;
}

Result<void> unmount(const MountIdentity& mount) {
    const std::string text = TRY(sys::read_file(AT_FDCWD, "/proc/self/mountinfo"));
    const std::optional<std::string> place = sys::mount_point_of(text, mount.id);
    if (!place) {
        return {};
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
    return identity;
}

Result<void> unmount_shared_root(const MountIdentity& mount) {
    // Once more, because the host would keep the mounts: its table changes under the reader, and
    // descriptors may be short for a moment.
    auto unmounted = unmount(mount);
    return unmounted ? unmounted : unmount(mount);
}

}  // namespace libcontainer
