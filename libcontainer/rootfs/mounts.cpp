// SPDX-License-Identifier: Apache-2.0
// mounts[] applied: each entry made or taken detached, its target opened, attached by descriptor.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "libcontainer/rootfs/cgroup_mount.h"
#include "libcontainer/rootfs/filesystem_mount.h"
#include "libcontainer/rootfs/host_mounts.h"
#include "libcontainer/rootfs/long_data_mount.h"
#include "libcontainer/rootfs/mount_target.h"
#include "libcontainer/rootfs/rootfs.h"
#include "libcontainer/rootfs/tmpfs_copy.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/mount_api.h"
#include "libcontainer/sys/open_in_root.h"

namespace libcontainer {
namespace {

using sys::call;
using sys::ContainerPath;
using sys::fail_errno;
using sys::MountAttributes;
using sys::Recursion;
using sys::UniqueFd;

Result<void> apply_propagation(int mount, const MountOptions& options) {
    for (const PropagationChange& change : options.propagation) {
        MountAttributes attributes;
        attributes.propagation = change.type;
        TRY_VOID(sys::set_mount_attributes(mount, attributes, change.recursion));
    }
    return {};
}

// A bind has its propagation already and what is new is private, unless the place is shared and
// made it so.
Result<void> propagate(const Rootfs& rootfs, const MountPlan& plan, int mount) {
    const bool is_new = plan.kind == MountKind::filesystem || plan.kind == MountKind::cgroup;
    const bool asks_for_more =
        is_new &&
        std::ranges::any_of(plan.options.propagation, [](const PropagationChange& change) {
            return change.type == MS_SHARED || change.type == MS_UNBINDABLE;
        });
    return asks_for_more || rootfs.has_shared_mounts ? apply_propagation(mount, plan.options)
                                                     : Result<void>{};
}

// move_mount's EINVAL, said for people.
sys::Error explain_refusal(sys::Error error, const MountPlan& plan, int mount,
                           const MountTarget& target) {
    struct stat source = {};
    if (error.code == EINVAL && ::fstat(mount, &source) == 0 &&
        S_ISDIR(source.st_mode) != S_ISDIR(target.mode)) {
        error.message = S_ISDIR(source.st_mode) ? "a directory cannot be mounted on what is none"
                                                : "what is no directory cannot be mounted on one";
        error.message += ": not a directory";  // as dockerd looks for it (engines 4.6)
        return error;
    }
    return std::move(error).wrap("/" + plan.target);
}

Result<void> attach(Rootfs& rootfs, const MountPlan& plan, UniqueFd mount,
                    const MountTarget& target) {
    if (rootfs.before_attach) {
        TRY_VOID(rootfs.before_attach(mount));
    }
    if (auto attached = sys::attach_mount(mount.get(), target.fd.get()); !attached) {
        return std::unexpected(
            explain_refusal(std::move(attached).error(), plan, mount.get(), target));
    }
    if (plan.options_later) {
        TRY_VOID(apply_bind_options(mount.get(), plan.options, source_propagation(*rootfs.spec)));
    }
    TRY_VOID(propagate(rootfs, plan, mount.get()));
    if (plan.type == "devpts" && plan.target == "dev/pts") {
        rootfs.devpts = UniqueFd(::fcntl(mount.get(), F_DUPFD_CLOEXEC, 0));
    }
    if (plan.readonly_later) {
        rootfs.readonly_later.push_back({std::move(mount), *plan.readonly_later, plan.config_path});
    }
    return {};
}

// A user namespace may mount sysfs only with a network namespace of its own: then the host's /sys
// takes its place, with the flags on all of it (M-08).
Result<UniqueFd> clone_host_sys(const MountPlan& plan) {
    UniqueFd tree = TRY(sys::clone_mount(AT_FDCWD, "/sys", Recursion::whole_tree));
    MountAttributes attributes;
    attributes.set = all_attributes(plan.options).set;
    if ((attributes.set & MOUNT_ATTR__ATIME) != 0) {
        attributes.clear = MOUNT_ATTR__ATIME;
    }
    attributes.propagation = MS_SLAVE;
    TRY_VOID(sys::set_mount_attributes(tree.get(), attributes, Recursion::whole_tree));
    return tree;
}

// These belong to another namespace, and a user namespace has no rights over one that is not its
// own (M-08).
struct Owned {
    std::string_view type;
    oci::NamespaceType by;
};
constexpr auto kOwned = std::to_array<Owned>({{"proc", oci::NamespaceType::pid},
                                              {"sysfs", oci::NamespaceType::network},
                                              {"mqueue", oci::NamespaceType::ipc}});

sys::Error explain_owner(sys::Error error, const Rootfs& rootfs, const std::string& type) {
    const auto* const owned = std::ranges::find(kOwned, type, &Owned::type);
    if (error.code == EPERM && rootfs.own_user_namespace && owned != kOwned.end() &&
        std::ranges::find(rootfs.spec->linux.namespaces, owned->by, &oci::Namespace::type) ==
            rootfs.spec->linux.namespaces.end()) {
        error.message += " (a user namespace needs a " + std::string(oci::to_name(owned->by)) +
                         " namespace of its own for that)";
    }
    return error;
}

Result<void> mount_with_long_data(Rootfs& rootfs, const MountPlan& plan,
                                  const MountTarget& target) {
    TRY_VOID(mount_long_data(plan, target.fd.get()));
    const UniqueFd mount = TRY(sys::open_in_root(rootfs.root.get(), ContainerPath(plan.target)));
    return apply_propagation(mount.get(), plan.options);
}

Result<void> mount_filesystem(Rootfs& rootfs, const MountPlan& plan) {
    const MountTarget target = TRY(open_mount_target(rootfs, plan, -1));
    if (has_long_data(plan.options)) {
        return mount_with_long_data(rootfs, plan, target);
    }
    auto mount = make_filesystem(plan, target.mode);
    if (!mount && mount.error().code == EPERM && plan.type == "sysfs") {
        if (auto tree = clone_host_sys(plan)) {
            mount = std::move(tree);
        }
    }
    if (!mount) {
        return std::unexpected(explain_owner(std::move(mount).error(), rootfs, plan.type));
    }
    if (plan.options.copy_up) {
        TRY_VOID(copy_up(target.fd.get(), mount->get()));
    }
    return attach(rootfs, plan, *std::move(mount), target);
}

Result<void> mount_bind(Rootfs& rootfs, MountPlan& plan) {
    if (plan.kind == MountKind::bind_inside) {
        const UniqueFd source =
            TRY(sys::open_in_root(rootfs.root.get(), ContainerPath(plan.source)));
        plan.tree =
            TRY_WRAP("/" + plan.source, sys::clone_mount(source.get(), "", *plan.options.bind));
        TRY_VOID(set_bind_options(plan, source_propagation(*rootfs.spec)));
    }
    const MountTarget target = TRY(open_mount_target(rootfs, plan, plan.tree.get()));
    return attach(rootfs, plan, std::move(plan.tree), target);
}

Result<void> make_symlink(const Rootfs& rootfs, const MountPlan& plan) {
    const sys::ParentInRoot place =
        TRY(sys::open_parent_in_root(rootfs.root.get(), ContainerPath(plan.target)));
    const int directory = place.directory.get();
    if (::symlinkat(plan.source.c_str(), directory, place.name.c_str()) == 0) {
        return {};
    }
    if (errno == EEXIST) {
        const auto text = sys::read_link(directory, place.name);
        if (text && *text == plan.source) {
            return {};
        }
        errno = EEXIST;
    }
    return fail_errno(call("symlink", "/" + plan.target));
}

Result<void> remount(const Rootfs& rootfs, const MountPlan& plan) {
    const UniqueFd target = TRY(sys::open_in_root(rootfs.root.get(), ContainerPath(plan.target)));
    const MountOptions& options = plan.options;
    if (!options.bind && (options.superblock != 0 || !options.data.empty())) {
        sys::FilesystemContext context = TRY(sys::FilesystemContext::pick(target.get()));
        TRY_VOID(configure(context, plan.type, options));
        TRY_VOID(context.reconfigure());
    }
    const auto apply = [&](const AttributeChange& change, Recursion recursion) -> Result<void> {
        if (change.empty()) {
            return {};
        }
        MountAttributes attributes;
        attributes.set = change.set;
        attributes.clear = change.clear;
        return sys::set_mount_attributes(target.get(), attributes, recursion);
    };
    TRY_VOID(apply(options.recursive, Recursion::whole_tree));
    TRY_VOID(apply(options.attributes, Recursion::this_mount));
    return apply_propagation(target.get(), options);
}

Result<void> apply_mount(Rootfs& rootfs, MountPlan& plan) {
    switch (plan.kind) {
        case MountKind::filesystem:
            return mount_filesystem(rootfs, plan);
        case MountKind::bind:
        case MountKind::bind_inside:
            return mount_bind(rootfs, plan);
        case MountKind::symlink:
            return make_symlink(rootfs, plan);
        case MountKind::cgroup:
            return propagate(rootfs, plan, TRY(mount_cgroup(rootfs, plan)).get());
        case MountKind::remount:
            break;
    }
    return remount(rootfs, plan);
}

}  // namespace

Result<void> apply_mounts(Rootfs& rootfs) {
    for (MountPlan& plan : rootfs.mounts) {
        if (auto applied = apply_mount(rootfs, plan); !applied) {
            return std::unexpected(std::move(applied).error().at(plan.config_path));
        }
    }
    return {};
}

}  // namespace libcontainer
