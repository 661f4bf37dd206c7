// SPDX-License-Identifier: Apache-2.0
// The parent's part: plans and detached clones.
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "libcontainer/rootfs/host_mounts.h"
#include "libcontainer/rootfs/mount_label.h"
#include "libcontainer/rootfs/rootfs.h"

namespace libcontainer {
namespace {

bool has_namespace(const oci::Spec& spec, oci::NamespaceType type) {
    return std::ranges::find(spec.linux.namespaces, type, &oci::Namespace::type) !=
           spec.linux.namespaces.end();
}

bool makes_mount_namespace(const oci::Spec& spec) {
    return std::ranges::any_of(spec.linux.namespaces, [](const oci::Namespace& one) {
        return one.type == oci::NamespaceType::mount && (!one.path || one.path->empty());
    });
}

bool asks_to_be_shared(const MountPlan& plan) {
    return std::ranges::find(plan.options.propagation, std::uint64_t{MS_SHARED},
                             &PropagationChange::type) != plan.options.propagation.end();
}

// The part of the config that asks for a mount, nullptr if none does.
const char* asks_for_mounts(const oci::Spec& spec) {
    if (!spec.mounts.empty()) {
        return "mounts";
    }
    if (spec.root && spec.root->readonly) {
        return "root.readonly";
    }
    return spec.process && spec.process->terminal ? "process.terminal" : nullptr;
}

// What a container without a mount namespace cannot have (N-03): masks and propagation, as with
// runc, and mounts where it may make none. Those it has lie on a mount of the root that brig makes
// in the runtime's own namespace and removes with the container.
Result<void> check_shared_namespace(const oci::Spec& spec, const Rootfs& rootfs) {
    const auto refuse = [](std::string_view path, std::string_view why) {
        return std::unexpected(sys::Error{sys::ErrorKind::invalid, 0, std::string(path),
                                          "needs a mount namespace: " + std::string(why)});
    };
    constexpr std::string_view kHosts = "it would change the host's mounts";
    if (!spec.linux.masked_paths.empty()) {
        return refuse("linux.maskedPaths", kHosts);
    }
    if (!spec.linux.readonly_paths.empty()) {
        return refuse("linux.readonlyPaths", kHosts);
    }
    if (spec.linux.rootfs_propagation) {
        return refuse("linux.rootfsPropagation", kHosts);
    }
    const char* const changed = asks_for_mounts(spec);
    if (changed == nullptr) {
        return {};
    }
    if (rootfs.own_user_namespace) {
        return refuse(changed, "the container's user namespace has no rights over the runtime's");
    }
    struct stat host = {};
    struct stat root = {};
    if (::stat("/", &host) == 0 && ::stat(rootfs.path.c_str(), &root) == 0 &&
        host.st_dev == root.st_dev && host.st_ino == root.st_ino) {
        return refuse(changed, "root.path is the host's own root");
    }
    return {};
}

// In the runtime's own mount namespace the switch of the root would be the host's.
Result<void> check_foreign_namespace(const oci::Spec& spec) {
    for (std::size_t i = 0; i < spec.linux.namespaces.size(); ++i) {
        const oci::Namespace& wanted = spec.linux.namespaces[i];
        struct stat own = {};
        struct stat joined = {};
        if (wanted.type == oci::NamespaceType::mount && wanted.path && !wanted.path->empty() &&
            ::stat(wanted.path->c_str(), &joined) == 0 &&
            (::stat("/proc/self/ns/mnt", &own) != 0 ||
             (own.st_dev == joined.st_dev && own.st_ino == joined.st_ino))) {
            return std::unexpected(sys::Error{
                sys::ErrorKind::invalid, 0, "linux.namespaces[" + std::to_string(i) + "].path",
                "\"" + *wanted.path +
                    "\" is the runtime's own mount namespace: the host's root would be replaced"});
        }
    }
    return {};
}

sys::Error explain(sys::Error error) {
    if (error.code == ENOSYS) {
        error.kind = sys::ErrorKind::unsupported;
        error.message +=
            " (brig needs the mount calls of Linux 5.12; a seccomp filter around it may "
            "hide them)";
    }
    return error;
}

}  // namespace

Result<Rootfs> prepare_rootfs(const oci::Spec& spec, const std::string& bundle,
                              std::vector<CgroupMountSource> cgroups) {
    if (!spec.root || spec.root->path.empty()) {
        return std::unexpected(
            sys::Error{sys::ErrorKind::invalid, 0, "root.path", "a container needs a root"});
    }
    Rootfs rootfs;
    rootfs.spec = &spec;
    rootfs.path =
        spec.root->path.starts_with('/') ? spec.root->path : bundle + "/" + spec.root->path;
    rootfs.own_mount_namespace = has_namespace(spec, oci::NamespaceType::mount);
    rootfs.own_user_namespace = has_namespace(spec, oci::NamespaceType::user);
    rootfs.own_cgroup_namespace = has_namespace(spec, oci::NamespaceType::cgroup);
    rootfs.cgroups = std::move(cgroups);
    rootfs.devices = TRY(plan_devices(spec));
    if (!rootfs.own_mount_namespace) {
        TRY_VOID(check_shared_namespace(spec, rootfs));
        if (asks_for_mounts(spec) == nullptr) {
            return rootfs;
        }
    }
    TRY_VOID(check_foreign_namespace(spec));
    rootfs.mounts = TRY(plan_mounts(spec, bundle, "/" + normalize(rootfs.path)));
    TRY_VOID(label_mounts(rootfs.mounts, spec));
    rootfs.has_shared_mounts =
        source_propagation(spec) == 0 || std::ranges::any_of(rootfs.mounts, asks_to_be_shared);
    if (auto opened = open_host_mounts(rootfs); !opened) {
        // An ordinary user gets the right to clone mounts, the root's among them, only with the
        // container's own user namespace, root of a user namespace only in a mount namespace that
        // it owns: then the child does it.
        const bool has_no_right = !rootfs.tree && makes_mount_namespace(spec);
        if (opened.error().code != EPERM || (!rootfs.own_user_namespace && !has_no_right)) {
            return std::unexpected(explain(std::move(opened).error()));
        }
    }
    if (!rootfs.own_mount_namespace) {
        rootfs.shared_root = TRY(identify_mount(rootfs.tree.get()));
    }
    return rootfs;
}

}  // namespace libcontainer
