// SPDX-License-Identifier: Apache-2.0
// The container's root filesystem: opened in the parent, assembled by the child, one function per
// init step.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "libcontainer/cgroup/manager.h"
#include "libcontainer/rootfs/device_plan.h"
#include "libcontainer/rootfs/mount_plan.h"
#include "libcontainer/rootfs/shared_root.h"
#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"
#include "oci/spec.h"

namespace libcontainer {

using sys::Result;

// All that the steps below share. The parent fills it before clone3; the child inherits the
// descriptors and goes on.
struct Rootfs {
    const oci::Spec* spec = nullptr;
    std::string path;  // absolute host path of root.path
    bool own_mount_namespace = true;
    bool own_user_namespace = false;  // new or joined: no mknod, devices are bound
    bool own_cgroup_namespace = false;
    std::vector<CgroupMountSource> cgroups;

    std::vector<MountPlan> mounts;    // one per spec->mounts, in order
    bool has_shared_mounts = false;   // a place of one mount may then make the next one shared
    std::vector<DevicePlan> devices;  // linux.devices, then the default ones
    bool opened = false;  // the host's mounts below are cloned; else attach_root does it (rootless)
    sys::UniqueFd tree;   // the root as a detached (recursive) clone, until attach_root
    std::uint64_t tree_propagation = 0;        // MS_* that it still needs once it has a place
    std::optional<MountIdentity> shared_root;  // of `tree`, without a mount namespace
    sys::UniqueFd null_device;  // detached clone of the host's verified /dev/null

    sys::UniqueFd place;   // what the root was attached on, until switch_root
    sys::UniqueFd root;    // O_PATH of the attached root; everything in the child is relative to it
    sys::UniqueFd devpts;  // root of the devpts that mounts made, for open_console
    struct LaterReadonly {
        sys::UniqueFd mount;
        sys::Recursion recursion = sys::Recursion::this_mount;
        std::string config_path;
    };
    bool is_live = false;  // the container runs: see hot_mounts.cpp
    std::function<Result<void>(const sys::UniqueFd&)> before_attach;  // of a live one
    std::vector<LaterReadonly> readonly_later;  // mounts that turn read-only last
};

// Parent, in the host's mount namespace, before clone3: opens the root, every bind source and
// /dev/null as detached mounts, before anything of the container exists. `spec` must
// outlive the result; `bundle` is absolute. Errors: `mounts[N] (DEST): open_tree("SRC"): ...`.
[[nodiscard]] Result<Rootfs> prepare_rootfs(const oci::Spec& spec, const std::string& bundle,
                                            std::vector<CgroupMountSource> cgroups);

// Child, in order, with umask 0 and the host's root still in place. Each is a row of the init step
// list.
[[nodiscard]] Result<void> attach_root(Rootfs& rootfs);   // propagation of /, the root on its place
[[nodiscard]] Result<void> apply_mounts(Rootfs& rootfs);  // mounts[], in order
[[nodiscard]] Result<void> make_devices(Rootfs& rootfs);  // E-01, E-03, E-04, linux.devices

// A pty of the container's devpts, its size set when `size` is given and not 0x0.
struct Console {
    sys::UniqueFd master;
    sys::UniqueFd peer;  // O_NOCTTY: making it the controlling terminal is the caller's job
};
enum class BindConsole : unsigned char { no, yes };
// Init: binds the peer on /dev/console if asked to.
[[nodiscard]] Result<Console> open_console(const Rootfs& rootfs,
                                           const std::optional<oci::ConsoleSize>& size,
                                           BindConsole bind_console);
// Exec, after it entered the container: `root` is an O_PATH descriptor of "/".
[[nodiscard]] Result<Console> open_console(int root, const std::optional<oci::ConsoleSize>& size);

enum class RootSwitch : unsigned char { pivot_root, move_root, chroot_only };
// What fits the config: chroot_only without a mount namespace, else pivot_root or, with --no-pivot,
// move_root.
[[nodiscard]] Result<void> switch_root(
    Rootfs& rootfs, RootSwitch how);  // afterwards "/" is the container's root and the cwd
[[nodiscard]] Result<void> apply_readonly_paths(Rootfs& rootfs);
[[nodiscard]] Result<void> apply_masked_paths(Rootfs& rootfs);
[[nodiscard]] Result<void> apply_root_readonly(Rootfs& rootfs);  // last of all mount changes
// rootfsPropagation (RF-01), after switch_root.
[[nodiscard]] Result<void> apply_root_propagation(Rootfs& rootfs);

}  // namespace libcontainer
