// SPDX-License-Identifier: Apache-2.0
// Mounts that a checkpointed container has from outside.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "libcontainer/checkpoint/outside.h"
#include "libcontainer/rootfs/device_plan.h"
#include "libcontainer/rootfs/mount_plan.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/open_in_root.h"

namespace libcontainer {
namespace {

constexpr const char* kNull = "/dev/null";

bool is_missing(const sys::Error& error) {
    return error.code == ENOENT || error.code == ENOTDIR;
}

bool is_below(std::string_view path, std::string_view directory) {
    return path.size() > directory.size() && path.starts_with(directory) &&
           path[directory.size()] == '/';
}

// Where it really is, seen from inside. nullopt: nowhere.
Result<std::optional<std::string>> place_of(int root, const std::string& path) {
    const auto found = sys::open_in_root(root, sys::ContainerPath(path));
    if (!found) {
        return is_missing(found.error()) ? Result<std::optional<std::string>>(std::nullopt)
                                         : std::unexpected(found.error());
    }
    // Of another mount namespace the kernel shows paths as they are inside that.
    return TRY(sys::read_link(AT_FDCWD, "/proc/self/fd/" + std::to_string(found->get())));
}

Result<bool> is_masked_file(int root, const std::string& path) {
    const auto found = sys::open_in_root(root, sys::ContainerPath(path));
    if (!found) {
        return is_missing(found.error()) ? Result<bool>(false) : std::unexpected(found.error());
    }
    struct stat info = {};
    if (::fstat(found->get(), &info) != 0) {
        return sys::fail_errno(sys::call("fstat", path));
    }
    return !S_ISDIR(info.st_mode);
}

bool has_user_namespace(const oci::Spec& spec) {
    return std::ranges::find(spec.linux.namespaces, oci::NamespaceType::user,
                             &oci::Namespace::type) != spec.linux.namespaces.end();
}

Result<bool> is_directory(const std::string& path) {
    struct stat info = {};
    if (::stat(path.c_str(), &info) != 0) {
        return sys::fail_errno(sys::call("stat", path));
    }
    return S_ISDIR(info.st_mode);
}

// The last of the mounts before `index` that `mounts[index]` stands on.
const MountPlan* mount_below(const std::vector<MountPlan>& mounts, std::size_t index) {
    const MountPlan* found = nullptr;
    for (std::size_t i = 0; i < index; ++i) {
        if (is_below(mounts[index].target, mounts[i].target)) {
            found = &mounts[i];
        }
    }
    return found;
}

Result<void> make_mount_point(const MountPlan& mount, const MountPlan* below,
                              const std::string& rootfs) {
    const bool in_bind = below != nullptr && below->kind == MountKind::bind;
    if (below != nullptr && !in_bind) {
        return {};  // the image has that filesystem's content
    }
    const std::string base = in_bind ? below->source : rootfs;
    const std::string path = in_bind ? mount.target.substr(below->target.size()) : mount.target;
    const sys::UniqueFd root = TRY(sys::open_at(AT_FDCWD, base, O_PATH | O_DIRECTORY));
    const sys::ContainerPath place(path);
    if (sys::open_in_root(root.get(), place)) {
        return {};
    }
    if (mount.kind == MountKind::bind && !TRY(is_directory(mount.source))) {
        TRY(sys::make_file_in_root(root.get(), place));
    } else {
        TRY(sys::make_directory_in_root(root.get(), place));
    }
    return {};
}

}  // namespace

Result<std::vector<OutsideMount>> plan_outside_mounts(
    const oci::Spec& spec, const std::string& bundle, const std::string& rootfs,
    const std::vector<CgroupMountSource>& cgroups) {
    std::vector<OutsideMount> outside;
    const auto add = [&outside](const std::string& target, const std::string& source) {
        outside.push_back({target, "/" + target, source});
    };
    for (const MountPlan& mount : TRY(plan_mounts(spec, bundle, rootfs))) {
        if (mount.kind == MountKind::bind) {
            add(mount.target, mount.source);
        } else if (mount.kind == MountKind::cgroup) {
            for (const CgroupMountSource& hierarchy : cgroups) {
                add(hierarchy.name.empty() ? mount.target : mount.target + "/" + hierarchy.name,
                    hierarchy.path);
            }
        }
    }
    if (has_user_namespace(spec)) {
        for (const DevicePlan& device : TRY(plan_devices(spec))) {
            add(device.path, "/" + device.path);
        }
    }
    return outside;
}

Result<void> describe_mounts(CriuRequest& request, int root, const oci::Spec& spec,
                             const std::vector<OutsideMount>& mounts) {
    for (const OutsideMount& mount : mounts) {
        if (const auto place = TRY(place_of(root, mount.target))) {
            request.add_pair(CriuField::ext_mnt, *place, mount.name);
        }
    }
    for (const std::string& path : spec.linux.masked_paths) {
        if (!TRY(is_masked_file(root, path))) {
            continue;
        }
        if (const auto place = TRY(place_of(root, path))) {
            request.add_pair(CriuField::ext_mnt, *place, kNull);
        }
    }
    return {};
}

void provide_mounts(CriuRequest& request, const oci::Spec& spec,
                    const std::vector<OutsideMount>& mounts) {
    bool has_null = false;
    for (const OutsideMount& mount : mounts) {
        has_null = has_null || mount.name == kNull;
        request.add_pair(CriuField::ext_mnt, mount.name, mount.source);
    }
    if (!spec.linux.masked_paths.empty() && !has_null) {
        request.add_pair(CriuField::ext_mnt, kNull, std::string_view(kNull));
    }
}

Result<void> make_mount_points(const oci::Spec& spec, const std::string& bundle,
                               const std::string& rootfs) {
    const std::vector<MountPlan> mounts = TRY(plan_mounts(spec, bundle, rootfs));
    for (std::size_t i = 0; i < mounts.size(); ++i) {
        const MountPlan& mount = mounts[i];
        if (mount.kind == MountKind::remount || mount.kind == MountKind::symlink) {
            continue;
        }
        if (auto made = make_mount_point(mount, mount_below(mounts, i), rootfs); !made) {
            return std::unexpected(std::move(made).error().at(mount.config_path));
        }
    }
    return {};
}

}  // namespace libcontainer
