// SPDX-License-Identifier: Apache-2.0
// Mount targets.
#include "libcontainer/rootfs/mount_target.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>

#include "libcontainer/rootfs/filesystem_mount.h"
#include "libcontainer/sys/file.h"
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
constexpr ino_t kSysfsRootInode = 1;
constexpr mode_t kDirectoryMode = 0755;
// What the kernel gives a tmpfs by itself. The directory has it too, for the container may be
// started again, and then the directory is there (M-10).
constexpr mode_t kTmpfsMode = 01777;

bool needs_real_directory(const MountPlan& plan) {
    return plan.kind == MountKind::filesystem && (plan.type == "proc" || plan.type == "sysfs");
}

Result<bool> wants_directory(int source) {
    if (source < 0) {
        return true;
    }
    struct stat info = {};
    if (::fstat(source, &info) != 0) {
        return fail_errno("fstat(source)");
    }
    return S_ISDIR(info.st_mode);
}

// The usual case at a third of the calls: the directory above is there and the name in it is free.
// An invalid descriptor: it was not so simple.
UniqueFd make_last(int root, const std::string& target, Symlinks symlinks, mode_t mode) {
    const std::size_t slash = target.rfind('/');
    UniqueFd above;
    int directory = root;
    std::string name = target;
    if (slash != std::string::npos) {
        auto opened = sys::open_in_root(root, ContainerPath(target.substr(0, slash)), symlinks);
        if (!opened) {
            return {};
        }
        above = *std::move(opened);
        directory = above.get();
        name = target.substr(slash + 1);
    }
    const bool is_directory = S_ISDIR(mode);
    const int made = is_directory ? ::mkdirat(directory, name.c_str(), mode & 07777U)
                                  : ::mknodat(directory, name.c_str(), mode, 0);
    if (made != 0) {
        return {};
    }
    return UniqueFd(::openat(directory, name.c_str(),
                             O_PATH | O_NOFOLLOW | O_CLOEXEC | (is_directory ? O_DIRECTORY : 0)));
}

// The same with the directories above that are missing.
Result<UniqueFd> make_with_parents(int root, const std::string& target, Symlinks symlinks,
                                   mode_t mode) {
    UniqueFd made = make_last(root, target, symlinks, mode);
    const std::size_t slash = target.rfind('/');
    if (!made && (mode & 07777U) == kTmpfsMode && slash != std::string::npos) {
        TRY(sys::make_directory_in_root(root, ContainerPath(target.substr(0, slash))));
        made = make_last(root, target, symlinks, mode);
    }
    return made;
}

Result<MountTarget> make_target(int root, const MountPlan& plan, Symlinks symlinks, int source) {
    const ContainerPath path(plan.target);
    const bool is_directory = TRY(wants_directory(source));
    const mode_t mode = !is_directory              ? S_IFREG | 0644U
                        : takes_covered_mode(plan) ? S_IFDIR | kTmpfsMode
                                                   : S_IFDIR | kDirectoryMode;
    MountTarget target;
    target.fd = TRY(make_with_parents(root, plan.target, symlinks, mode));
    if (target.fd) {
        target.made = true;
        target.mode = mode;
        return target;
    }
    target.fd = TRY(is_directory ? sys::make_directory_in_root(root, path)
                                 : sys::make_file_in_root(root, path));
    if (symlinks == Symlinks::refuse) {
        target.fd = TRY(sys::open_in_root(root, path, symlinks));
    }
    return target;
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

Result<MountTarget> open_or_make(const Rootfs& rootfs, const MountPlan& plan, int source) {
    const ContainerPath path(plan.target);
    const int root = rootfs.root.get();
    const Symlinks symlinks = needs_real_directory(plan) ? Symlinks::refuse : Symlinks::inside_root;
    auto fd = plan.options.destination_nofollow ? open_last_itself(root, path)
                                                : sys::open_in_root(root, path, symlinks);
    if (!fd && fd.error().code == ENOENT) {
        return make_target(root, plan, symlinks, source);
    }
    if (!fd && fd.error().code == ELOOP && symlinks == Symlinks::refuse) {
        return fail(ErrorKind::invalid, "the destination of " + plan.type +
                                            " must be a directory, not reached by symlinks");
    }
    MountTarget target;
    target.fd = TRY(std::move(fd));
    return target;
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

// The magic number of the filesystem that it is on.
Result<long> filesystem_of(int fd) {
    struct statfs info = {};
    if (::fstatfs(fd, &info) != 0) {
        return fail_errno("fstatfs");
    }
    return info.f_type;
}

// Whether `source` is the root of a procfs.
Result<bool> is_proc_root(int source) {
    struct stat info = {};
    if (::fstat(source, &info) != 0) {
        return fail_errno("fstat(source)");
    }
    return info.st_ino == kProcRootInode && TRY(filesystem_of(source)) == PROC_SUPER_MAGIC;
}

bool is_new_proc(const MountPlan& plan) {
    return plan.kind == MountKind::filesystem && plan.type == "proc";
}

// On /proc goes a procfs, made or bound, whole (M-11, CVE-2019-16884).
Result<void> check_source(const MountPlan& plan, int source) {
    if (plan.target != "proc" || is_new_proc(plan) || (source >= 0 && TRY(is_proc_root(source)))) {
        return {};
    }
    return fail(ErrorKind::invalid, "only a proc filesystem may be mounted on /proc");
}

// The kernel's files under /proc are where brig and the container's software write what confines
// them: whatever path led there, nothing may stand in for them (CVE-2019-19921, CVE-2025-52881).
Result<void> check_place(const Rootfs& rootfs, const MountPlan& plan, int fd, ino_t inode) {
    const long filesystem = TRY(filesystem_of(fd));
    if (rootfs.is_live && filesystem == SYSFS_MAGIC && inode == kSysfsRootInode) {
        return fail(ErrorKind::invalid, "a mount on the root of a sysfs is not allowed here");
    }
    if (filesystem != PROC_SUPER_MAGIC || may_cover_proc(plan.target)) {
        return {};
    }
    if (inode == kProcRootInode && (is_new_proc(plan) || plan.target == "proc")) {
        return {};
    }
    return fail(ErrorKind::invalid, "a mount inside a proc filesystem is not allowed here");
}

}  // namespace

Result<UniqueFd> open_file_target(int directory, const std::string& name, std::string_view path) {
    if (::mknodat(directory, name.c_str(), S_IFREG | 0600, 0) != 0 && errno != EEXIST) {
        return fail_errno(call("mknod", path));
    }
    UniqueFd place = TRY(sys::open_at(directory, name, O_PATH | O_NOFOLLOW));
    struct stat info = {};
    if (::fstat(place.get(), &info) != 0) {
        return fail_errno(call("fstat", path));
    }
    if (S_ISLNK(info.st_mode)) {
        return sys::fail_code(call("open", path), ELOOP);
    }
    return place;
}

Result<MountTarget> open_mount_target(const Rootfs& rootfs, const MountPlan& plan, int source) {
    TRY_VOID(check_source(plan, source));
    MountTarget target = TRY(open_or_make(rootfs, plan, source));
    if (target.made && !rootfs.is_live) {
        return target;
    }
    target.made = false;  // in a container that runs, something else may lie there by now
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
    TRY_VOID(check_place(rootfs, plan, target.fd.get(), info.stx_ino));
    return target;
}

}  // namespace libcontainer
