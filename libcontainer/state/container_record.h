// SPDX-License-Identifier: Apache-2.0
// What is kept of a container between two calls of brig, and how it is written as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libcontainer/cgroup/manager.h"
#include "libcontainer/resctrl/group.h"
#include "libcontainer/rootfs/shared_root.h"
#include "oci/bindings_resources.h"
#include "oci/bindings_state.h"
#include "oci/state.h"

namespace libcontainer {

// container.json in the container's state folder. Written once before anything is made outside the
// folder (with status `creating`: the journal, from which a killed create is cleaned up), once when
// the container is complete, and by each `update`. Engines omit --systemd-cgroup, bundle and
// environment in later calls, so all that those calls need is here (engines trap 24).
struct ContainerRecord {
    std::uint32_t version = 1;  // of this format
    oci::State state;           // pid as the runtime sees it; status only `creating` or `created`
    std::uint64_t start_time = 0;  // of the pid: clock ticks since boot (O-07)
    std::string boot_id;           // pids and start times of another boot mean nothing (T-90)
    std::int32_t creator = 0;      // pid of the runtime that is making it
    CgroupRecord cgroup;
    std::optional<ResctrlRecord> resctrl;     // with linux.intelRdt
    std::optional<oci::Resources> resources;  // of the last `update`; before: config.json's
    bool private_pid_namespace = false;
    bool has_process = false;
    bool has_late_hooks = false;  // poststart or poststop: start and delete must read config.json
    bool no_new_keyring = false;
    std::vector<std::string> allowed_annotations;  // by --allow-annotations
    std::optional<std::string> seccomp_receiver;   // the listenerPath that config.json lacks
    std::vector<MountIdentity> added_mounts;       // by `mounts add`, while the container ran
    std::optional<std::int32_t> exit_status;       // of init, once `run --keep` has seen its end
    std::optional<MountIdentity>
        shared_root;  // to unmount, of a container without mount namespace (N-03)
};

// oci_version, id, status, pid, bundle, annotations with the status of the moment, for hooks'
// stdin.
[[nodiscard]] oci::State hook_state(const ContainerRecord& record, oci::ContainerStatus status,
                                    std::int32_t pid);

}  // namespace libcontainer

namespace oci {

template <>
inline constexpr Name<libcontainer::CgroupDriver> kNames<libcontainer::CgroupDriver>[] = {
    {"cgroupfs", libcontainer::CgroupDriver::cgroupfs},
    {"systemd", libcontainer::CgroupDriver::systemd},
    {"disabled", libcontainer::CgroupDriver::disabled},
};

template <>
inline constexpr Field kFields<libcontainer::CgroupRecord::Directory>[] = {
    field<&libcontainer::CgroupRecord::Directory::controllers>("controllers"),
    field<&libcontainer::CgroupRecord::Directory::path>("path"),
    field<&libcontainer::CgroupRecord::Directory::found>("found"),
};

template <>
inline constexpr Field kFields<libcontainer::SystemdUnit>[] = {
    required<&libcontainer::SystemdUnit::name>("name"),
    required<&libcontainer::SystemdUnit::socket>("socket"),
    required<&libcontainer::SystemdUnit::description>("description"),
    field<&libcontainer::SystemdUnit::subgroup>("subgroup"),
    field<&libcontainer::SystemdUnit::delegated>("delegated"),
};

template <>
inline constexpr Field kFields<libcontainer::CgroupRecord>[] = {
    field<&libcontainer::CgroupRecord::driver>("driver"),
    field<&libcontainer::CgroupRecord::directories>("directories"),
    field<&libcontainer::CgroupRecord::mark>("mark"),
    field<&libcontainer::CgroupRecord::unit>("unit"),
};

template <>
inline constexpr Field kFields<libcontainer::ResctrlRecord>[] = {
    required<&libcontainer::ResctrlRecord::group>("group"),
    field<&libcontainer::ResctrlRecord::monitoring>("monitoring"),
    field<&libcontainer::ResctrlRecord::is_own>("isOwn"),
};

template <>
inline constexpr Field kFields<libcontainer::MountIdentity>[] = {
    field<&libcontainer::MountIdentity::id>("id"),
    field<&libcontainer::MountIdentity::unique_id>("uniqueId"),
    field<&libcontainer::MountIdentity::device>("device"),
    field<&libcontainer::MountIdentity::inode>("inode"),
    field<&libcontainer::MountIdentity::mount_namespace>("mountNamespace"),
};

template <>
inline constexpr Field kFields<libcontainer::ContainerRecord>[] = {
    field<&libcontainer::ContainerRecord::version>("version"),
    required<&libcontainer::ContainerRecord::state>("state"),
    field<&libcontainer::ContainerRecord::start_time>("startTime"),
    field<&libcontainer::ContainerRecord::boot_id>("bootId"),
    field<&libcontainer::ContainerRecord::creator>("creator"),
    required<&libcontainer::ContainerRecord::cgroup>("cgroup"),
    field<&libcontainer::ContainerRecord::resctrl>("resctrl"),
    field<&libcontainer::ContainerRecord::resources>("resources"),
    field<&libcontainer::ContainerRecord::private_pid_namespace>("privatePidNamespace"),
    field<&libcontainer::ContainerRecord::has_process>("hasProcess"),
    field<&libcontainer::ContainerRecord::has_late_hooks>("hasLateHooks"),
    field<&libcontainer::ContainerRecord::no_new_keyring>("noNewKeyring"),
    field<&libcontainer::ContainerRecord::allowed_annotations>("allowedAnnotations"),
    field<&libcontainer::ContainerRecord::seccomp_receiver>("seccompReceiver"),
    field<&libcontainer::ContainerRecord::added_mounts>("addedMounts"),
    field<&libcontainer::ContainerRecord::exit_status>("exitStatus"),
    field<&libcontainer::ContainerRecord::shared_root>("sharedRoot"),
};

}  // namespace oci
