// SPDX-License-Identifier: Apache-2.0
// Detached clones of what the host gives to a container.
#include "libcontainer/rootfs/host_mounts.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "libcontainer/rootfs/idmap.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/mount_api.h"

namespace libcontainer {
namespace {

using sys::call;
using sys::clone_mount;
using sys::ErrorKind;
using sys::fail;
using sys::LastLink;
using sys::MountAttributes;
using sys::Recursion;
using sys::set_mount_attributes;

Result<void> open_root(Rootfs& rootfs) {
    // The slash makes the kernel refuse what is no directory.
    auto tree = clone_mount(AT_FDCWD, rootfs.path + "/", Recursion::whole_tree);
    if (!tree) {
        return std::unexpected(std::move(tree).error().at("root.path"));
    }
    // A clone of a shared mount is its peer: without this the container's mounts would appear on
    // the host. Shared rootfs_propagation comes back after the pivot, in a group of its own.
    MountAttributes attributes;
    attributes.propagation = source_propagation(*rootfs.spec) == MS_SLAVE ? MS_SLAVE : MS_PRIVATE;
    auto set = set_mount_attributes(tree->get(), attributes, Recursion::whole_tree);
    if (!set && set.error().code != ENOSYS) {
        return std::unexpected(std::move(set).error().wrap(rootfs.path).at("root.path"));
    }
    rootfs.tree = *std::move(tree);
    rootfs.tree_propagation = set ? 0 : attributes.propagation;
    return {};
}

// copy-symlink: a source that is a link becomes the same link inside.
Result<bool> read_source_link(MountPlan& plan) {
    if (!plan.options.copy_symlink) {
        return false;
    }
    auto text = sys::read_link(AT_FDCWD, plan.source);
    if (!text) {
        if (text.error().code == EINVAL) {
            return false;
        }
        return std::unexpected(std::move(text).error());
    }
    plan.kind = MountKind::symlink;
    plan.source = *std::move(text);
    return true;
}

Result<void> open_bind(const Rootfs& rootfs, MountPlan& plan, const oci::Mount& mount,
                       Idmaps& idmaps) {
    if (plan.kind != MountKind::bind || TRY(read_source_link(plan))) {
        return {};
    }
    plan.tree = TRY(clone_mount(AT_FDCWD, plan.source, *plan.options.bind,
                                plan.options.source_nofollow ? LastLink::keep : LastLink::follow));
    TRY_VOID(idmaps.apply(plan.tree.get(), mount, plan.options));
    auto applied = set_bind_options(plan, source_propagation(*rootfs.spec));
    const std::uint64_t cleared = plan.options.attributes.clear | plan.options.recursive.clear;
    if (!applied && applied.error().code == EPERM && cleared != 0) {
        // Dropping the wish would leave the mount other than the config says (T-103).
        return std::unexpected(
            std::move(applied).error().wrap("a flag that the source has locked cannot be cleared"));
    }
    return applied;
}

Result<void> open_null_device(Rootfs& rootfs) {
    if (rootfs.spec->linux.masked_paths.empty()) {
        return {};
    }
    rootfs.null_device = TRY(clone_device("/dev/null", S_IFCHR, makedev(1, 3)));
    MountAttributes attributes;
    attributes.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
    attributes.propagation = MS_PRIVATE;
    auto set = set_mount_attributes(rootfs.null_device.get(), attributes, Recursion::this_mount);
    // The flags are a second fence: without mount_setattr the mask is the null device all the same.
    return !set && set.error().code == ENOSYS ? Result<void>() : set;
}

Result<void> open_devices(Rootfs& rootfs) {
    if (!rootfs.own_user_namespace) {
        return {};
    }
    for (DevicePlan& device : rootfs.devices) {
        if (device.type == S_IFIFO) {
            continue;
        }
        auto source = clone_device("/" + device.path, device.type, device.number);
        if (!source) {
            return std::unexpected(std::move(source).error().at(device.config_path));
        }
        device.source = *std::move(source);
    }
    return {};
}

Result<void> change_mount(int tree, const AttributeChange& change, std::uint64_t propagation,
                          Recursion recursion) {
    if (change.empty() && propagation == 0) {
        return {};
    }
    MountAttributes attributes;
    attributes.set = change.set;
    attributes.clear = change.clear;
    attributes.propagation = propagation;
    return set_mount_attributes(tree, attributes, recursion);
}

}  // namespace

Result<void> open_binds(Rootfs& rootfs) {
    Idmaps idmaps(*rootfs.spec);
    for (std::size_t i = 0; i < rootfs.mounts.size(); ++i) {
        MountPlan& plan = rootfs.mounts[i];
        if (auto opened = open_bind(rootfs, plan, rootfs.spec->mounts[i], idmaps); !opened) {
            return std::unexpected(std::move(opened).error().at(plan.config_path));
        }
    }
    return {};
}

Result<void> apply_bind_options(int tree, const MountOptions& options, std::uint64_t base) {
    AttributeChange whole = options.recursive;
    AttributeChange top = options.attributes;
    const Recursion bind = *options.bind;
    if (bind == Recursion::this_mount) {
        whole = all_attributes(options);
        top = {};
    }
    // One call for everything where the only propagation asked for is reached in one step.
    std::uint64_t first = base;
    auto rest = options.propagation.begin();
    if (rest != options.propagation.end() && (rest->type != MS_SHARED || base == 0) &&
        (rest->recursion == Recursion::whole_tree || bind == Recursion::this_mount)) {
        first = rest->type;
        ++rest;
    }
    TRY_VOID(change_mount(tree, whole, first, bind));
    TRY_VOID(change_mount(tree, top, 0, Recursion::this_mount));
    for (; rest != options.propagation.end(); ++rest) {
        TRY_VOID(change_mount(tree, {}, rest->type, rest->recursion));
    }
    return {};
}

Result<void> set_bind_options(MountPlan& plan, std::uint64_t base) {
    auto applied = apply_bind_options(plan.tree.get(), plan.options, base);
    if (!applied && applied.error().code == ENOSYS && plan.options.recursive.empty()) {
        plan.options_later = true;
        return {};
    }
    return applied;
}

Result<sys::UniqueFd> clone_device(const std::string& path, mode_t type, dev_t number) {
    sys::UniqueFd node = TRY(clone_mount(AT_FDCWD, path, Recursion::this_mount, LastLink::keep));
    struct stat info = {};
    if (::fstat(node.get(), &info) != 0) {
        return sys::fail_errno(call("fstat", path));
    }
    if ((info.st_mode & S_IFMT) != type || info.st_rdev != number) {
        return fail(ErrorKind::invalid, "the host's " + path + " is not the device " +
                                            std::to_string(major(number)) + ":" +
                                            std::to_string(minor(number)));
    }
    return node;
}

Result<void> open_host_mounts(Rootfs& rootfs) {
    TRY_VOID(open_root(rootfs));
    TRY_VOID(open_binds(rootfs));
    TRY_VOID(open_null_device(rootfs));
    TRY_VOID(open_devices(rootfs));
    rootfs.opened = true;
    return {};
}

}  // namespace libcontainer
