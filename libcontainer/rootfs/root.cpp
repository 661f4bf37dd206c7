// SPDX-License-Identifier: Apache-2.0
// The root mount itself: attached, made "/", read-only, its propagation.
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "libcontainer/rootfs/host_mounts.h"
#include "libcontainer/rootfs/rootfs.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/mount_api.h"
#include "libcontainer/sys/mountinfo.h"

namespace libcontainer {
namespace {

using sys::call;
using sys::fail_errno;
using sys::MountAttributes;
using sys::Recursion;
using sys::UniqueFd;

Result<void> enter_root(const Rootfs& rootfs) {
    if (::fchdir(rootfs.root.get()) != 0) {
        return fail_errno(call("fchdir", rootfs.path));
    }
    return {};
}

// Where the runtime itself runs in a chroot, the mount namespace's root lies outside of it:
// pivot_root would then leave the host's tree in the container's namespace, for setns and for a
// chroot escape to find. Joining the own namespace again makes its root this process's root.
Result<void> enter_namespace_root() {
    const UniqueFd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
    if (!self) {
        return fail_errno("pidfd_open");
    }
    if (::setns(self.get(), CLONE_NEWNS) != 0) {
        return fail_errno("setns(mount namespace)");
    }
    return {};
}

// Nothing that is mounted or unmounted from here on reaches the host; and pivot_root refuses a root
// whose parent is shared. Hooks and the config's paths go on to resolve in the runtime's root.
Result<void> leave_propagation() {
    const UniqueFd root = TRY(sys::open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY));
    TRY_VOID(enter_namespace_root());
    TRY_VOID(sys::set_propagation("/", MS_SLAVE | MS_REC));
    if (::fchdir(root.get()) != 0 || ::chroot(".") != 0) {
        return fail_errno("chroot");
    }
    return {};
}

// The old root lies on top of the new one after this; attach_root made all of it a slave, so that
// its unmounting stays in this namespace. The working directory stays at the new root, hence "/".
Result<void> pivot(Rootfs& rootfs) {
    bool done = ::syscall(SYS_pivot_root, ".", ".") == 0;
    // root.path is the host's own root, which the new one covers: joining the namespace again has
    // led to the new one, and only from the old one can it be left.
    if (!done && errno == EBUSY && ::fchdir(rootfs.place.get()) == 0 && ::chroot(".") == 0) {
        TRY_VOID(enter_root(rootfs));
        done = ::syscall(SYS_pivot_root, ".", ".") == 0;
    }
    if (!done) {
        return fail_errno("pivot_root");
    }
    rootfs.place.reset();
    if (::umount2(".", MNT_DETACH) != 0) {
        return fail_errno("umount2(old root)");
    }
    return {};
}

Result<void> change_root() {
    if (::chroot(".") != 0) {
        return fail_errno("chroot");
    }
    if (::chdir("/") != 0) {
        return fail_errno("chdir(\"/\")");
    }
    return {};
}

// A root moved over the old one leaves the old mounts in the namespace. A whole proc or sysfs among
// them would let a user namespace inside mount a fresh one without the container's masks, so they
// go, or are covered where the kernel has them locked.
Result<void> drop_kernel_filesystems() {
    // The kernel's own name of the new root, which is the working directory now.
    std::string inside(PATH_MAX, '\0');
    if (::getcwd(inside.data(), inside.size()) == nullptr) {
        return fail_errno("getcwd");
    }
    inside.resize(std::string_view(inside.c_str()).size());
    const std::string mountinfo = TRY(sys::read_file(AT_FDCWD, "/proc/self/mountinfo"));
    for (const auto& [root, place, type, options] :
         sys::mounts_of_type(mountinfo, {"proc", "sysfs"})) {
        if (root != "/" || place == inside || place.starts_with(inside + "/")) {
            continue;
        }
        if (::umount2(place.c_str(), MNT_DETACH) == 0) {
            continue;
        }
        if (errno != EINVAL && errno != EPERM) {
            return fail_errno(call("umount2", place));
        }
        if (::mount("tmpfs", place.c_str(), "tmpfs", MS_RDONLY, nullptr) != 0) {
            return fail_errno(call("mount", place));
        }
    }
    return {};
}

Result<void> move_to_root(const Rootfs& rootfs) {
    TRY_VOID(drop_kernel_filesystems());
    // ELOOP: root.path is the host's own root, which the new one covers already.
    if (::mount(".", "/", nullptr, MS_MOVE, nullptr) != 0 && errno != ELOOP) {
        return fail_errno(call("mount(MS_MOVE)", rootfs.path));
    }
    return change_root();
}

// Where the root lies until the switch: on its own path, where hooks look for it. The root of a
// user namespace may not pass folders that are the host's root's alone; then on the first of them,
// which hides only what it cannot reach anyway.
Result<UniqueFd> open_place(const Rootfs& rootfs) {
    std::string path = rootfs.path;
    auto place = sys::open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY);
    while (!place && place.error().code == EACCES && rootfs.own_user_namespace &&
           path.rfind('/') > 0) {
        path = sys::directory_of(path);
        place = sys::open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY);
    }
    return place;
}

Result<void> attach_tree(Rootfs& rootfs) {
    rootfs.place = TRY(open_place(rootfs));
    if (auto attached = sys::attach_mount(rootfs.tree.get(), rootfs.place.get()); !attached) {
        return std::unexpected(std::move(attached).error().wrap(rootfs.path).at("root.path"));
    }
    rootfs.root = std::move(rootfs.tree);  // the same mount, which has a place now
    if (rootfs.tree_propagation == 0) {
        return {};
    }
    MountAttributes attributes;
    attributes.propagation = rootfs.tree_propagation;
    return sys::set_mount_attributes(rootfs.root.get(), attributes, Recursion::whole_tree);
}

// In the runtime's own mount namespace (N-03): a place that is shared has made the tree so, and
// what is mounted in it next would appear in every namespace that the host's mounts reach.
Result<void> attach_shared_root(Rootfs& rootfs) {
    if (!rootfs.tree) {
        rootfs.root = TRY(sys::open_at(AT_FDCWD, rootfs.path, O_PATH | O_DIRECTORY));
        return {};
    }
    TRY_VOID(attach_tree(rootfs));
    MountAttributes attributes;
    attributes.propagation = MS_PRIVATE;
    return sys::set_mount_attributes(rootfs.root.get(), attributes, Recursion::whole_tree);
}

}  // namespace

Result<void> attach_root(Rootfs& rootfs) {
    if (!rootfs.own_mount_namespace) {
        return attach_shared_root(rootfs);
    }
    TRY_VOID(leave_propagation());
    if (!rootfs.opened) {
        TRY_VOID(open_host_mounts(rootfs));
    }
    return attach_tree(rootfs);
}

Result<void> switch_root(Rootfs& rootfs, RootSwitch how) {
    if (how == RootSwitch::pivot_root) {
        TRY_VOID(enter_namespace_root());
    }
    TRY_VOID(enter_root(rootfs));
    switch (how) {
        case RootSwitch::pivot_root:
            return pivot(rootfs);
        case RootSwitch::move_root:
            return move_to_root(rootfs);
        case RootSwitch::chroot_only:
            break;
    }
    return change_root();
}

Result<void> apply_root_readonly(Rootfs& rootfs) {
    MountAttributes attributes;
    attributes.set = MOUNT_ATTR_RDONLY;
    for (const Rootfs::LaterReadonly& later : rootfs.readonly_later) {
        if (auto set = sys::set_mount_attributes(later.mount.get(), attributes, later.recursion);
            !set) {
            return std::unexpected(std::move(set).error().at(later.config_path));
        }
    }
    rootfs.readonly_later.clear();
    if (rootfs.spec->root && rootfs.spec->root->readonly) {
        if (auto set =
                sys::set_mount_attributes(rootfs.root.get(), attributes, Recursion::this_mount);
            !set) {
            return std::unexpected(std::move(set).error().at("root.readonly"));
        }
    }
    return {};
}

Result<void> apply_root_propagation(Rootfs& rootfs) {
    if (!rootfs.spec->linux.rootfs_propagation) {
        return {};
    }
    MountAttributes attributes;
    Recursion recursion = Recursion::this_mount;
    switch (*rootfs.spec->linux.rootfs_propagation) {
        case oci::Propagation::rshared:
            recursion = Recursion::whole_tree;
            [[fallthrough]];
        case oci::Propagation::shared:
            attributes.propagation = MS_SHARED;
            break;
        case oci::Propagation::runbindable:
            recursion = Recursion::whole_tree;
            [[fallthrough]];
        case oci::Propagation::unbindable:
            attributes.propagation = MS_UNBINDABLE;
            break;
        case oci::Propagation::slave:
        case oci::Propagation::rslave:
        case oci::Propagation::private_:
        case oci::Propagation::rprivate:
            return {};  // the root is so since it was cloned; a bind's own wish must outlive this
    }
    if (auto set = sys::set_mount_attributes(rootfs.root.get(), attributes, recursion); !set) {
        return std::unexpected(std::move(set).error().at("linux.rootfsPropagation"));
    }
    return {};
}

}  // namespace libcontainer
