// SPDX-License-Identifier: Apache-2.0
// Mount targets.
#include "libcontainer/rootfs/mount_target.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>

#include "libcontainer/sys/open_in_root.h"

namespace libcontainer {
namespace {

using sys::call;
using sys::ContainerPath;
using sys::ErrorKind;
using sys::fail;
using sys::fail_errno;
using sys::Symlinks;
using sys::UniqueFd;

constexpr ino_t kProcRootInode = 1;

bool needs_real_directory(const MountPlan& plan) {
    return plan.kind == MountKind::filesystem && (plan.type == "proc" || plan.type == "sysfs");
}

Result<UniqueFd> make_target(int root, const ContainerPath& path, int source) {
    if (source >= 0) {
        struct stat info = {};
        if (::fstat(source, &info) != 0) {
            return fail_errno("fstat(source)");
        }
        if (!S_ISDIR(info.st_mode)) {
            return sys::make_file_in_root(root, path);
        }
    }
    return sys::make_directory_in_root(root, path);
}

// dest-nofollow: a symlink as last component is itself the place.
Result<UniqueFd> open_last_itself(int root, const ContainerPath& path) {
    const sys::ParentInRoot parent = TRY(sys::open_parent_in_root(root, path));
    UniqueFd fd(
        ::openat(parent.directory.get(), parent.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) {
        return fail_errno(call("open", path.text()));
    }
    return fd;
}

Result<UniqueFd> open_or_make(const Rootfs& rootfs, const MountPlan& plan, int source) {
    const ContainerPath path(plan.target);
    const int root = rootfs.root.get();
    const Symlinks symlinks = needs_real_directory(plan) ? Symlinks::refuse : Symlinks::inside_root;
    auto fd = plan.options.destination_nofollow ? open_last_itself(root, path)
                                                : sys::open_in_root(root, path, symlinks);
    if (!fd && fd.error().code == ENOENT) {
        fd = make_target(root, path, source);
        if (fd && symlinks == Symlinks::refuse) {
            fd = sys::open_in_root(root, path, symlinks);
        }
    }
    if (!fd && fd.error().code == ELOOP && symlinks == Symlinks::refuse) {
        return fail(ErrorKind::invalid, "the destination of " + plan.type +
                                            " must be a directory, not reached by symlinks");
    }
    return fd;
}

Result<struct statx> status(int fd) {
    struct statx info = {};
    constexpr unsigned kWanted = STATX_TYPE | STATX_MODE | STATX_INO | STATX_MNT_ID;
    if (::statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, kWanted, &info) != 0) {
        return fail_errno("statx");
    }
    return info;
}

bool same_place(const struct statx& one, const struct statx& other) {
    return one.stx_ino == other.stx_ino && one.stx_dev_major == other.stx_dev_major &&
           one.stx_dev_minor == other.stx_dev_minor && one.stx_mnt_id == other.stx_mnt_id;
}

Result<bool> is_on_proc(int fd) {
    struct statfs info = {};
    if (::fstatfs(fd, &info) != 0) {
        return fail_errno("fstatfs");
    }
    return info.f_type == PROC_SUPER_MAGIC;
}

// Whether `source` is the root of a procfs.
Result<bool> is_proc_root(int source) {
    struct stat info = {};
    if (::fstat(source, &info) != 0) {
        return fail_errno("fstat(source)");
    }
    return info.st_ino == kProcRootInode && TRY(is_on_proc(source));
}

// The kernel's files under /proc are where brig and the container's software write what confines
// them: nothing may stand in for them (CVE-2019-16884, CVE-2025-52881).
Result<void> check_proc(const MountPlan& plan, int fd, ino_t inode, int source) {
    const bool is_proc = plan.type == "proc" && plan.kind == MountKind::filesystem;
    if (plan.target == "proc" && !is_proc && !(source >= 0 && TRY(is_proc_root(source)))) {
        return fail(ErrorKind::invalid, "only a proc filesystem may be mounted on /proc");
    }
    if (!TRY(is_on_proc(fd)) || may_cover_proc(plan.target)) {
        return {};
    }
    if (inode == kProcRootInode && (is_proc || plan.target == "proc")) {
        return {};
    }
    return fail(ErrorKind::invalid, "a mount inside a proc filesystem is not allowed here");
}

}  // namespace

Result<MountTarget> open_mount_target(const Rootfs& rootfs, const MountPlan& plan, int source) {
    MountTarget target;
    target.fd = TRY(open_or_make(rootfs, plan, source));
    const struct statx info = TRY(status(target.fd.get()));
    target.mode = info.stx_mode;
    // Only a mount's root can be the container's root.
    if ((info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0 ||
        (info.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) == 0) {
        if (same_place(info, TRY(status(rootfs.root.get())))) {
            return fail(ErrorKind::invalid, "the destination is the root itself");
        }
    }
    if (needs_real_directory(plan) && !S_ISDIR(target.mode)) {
        return fail(ErrorKind::invalid, "the destination of " + plan.type + " must be a directory");
    }
    TRY_VOID(check_proc(plan, target.fd.get(), info.stx_ino, source));
    return target;
}

}  // namespace libcontainer
