// SPDX-License-Identifier: Apache-2.0
// Chooses the manager for this host, for the driver and for a container's record.
#include "libcontainer/cgroup/manager.h"

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "libcontainer/cgroup/cgroups_path.h"
#include "libcontainer/cgroup/device_rules.h"
#include "libcontainer/cgroup/disabled.h"
#include "libcontainer/cgroup/hierarchies.h"
#include "libcontainer/cgroup/systemd/manager.h"
#include "libcontainer/cgroup/systemd/subgroups.h"
#include "libcontainer/cgroup/v1/manager.h"
#include "libcontainer/cgroup/v2/manager.h"
#include "oci/built.h"

namespace libcontainer {
namespace {

using ManagerPointer = std::unique_ptr<CgroupManager>;
using FileManagerPointer = std::unique_ptr<FileManager>;

// Where an ordinary user has cgroups of his own, they are deeper down on v2. On v1 he has none.
bool is_closed_at_top(const Hierarchies& hierarchies) {
    return hierarchies.v2 && !has_v1_controllers(hierarchies) &&
           ::faccessat(AT_FDCWD, hierarchies.v2->mount_point.c_str(), W_OK, AT_EACCESS) != 0;
}

// Whether we may make a cgroup of v2 beside our own.
bool is_open_beside_own(const Hierarchies& hierarchies) {
    if (!hierarchies.v2 || has_v1_controllers(hierarchies)) {
        return false;
    }
    const std::string above =
        v2::plan_record(*hierarchies.v2, {PathBase::beside_own, ""}).directories.front().path;
    return ::faccessat(AT_FDCWD, above.c_str(), W_OK, AT_EACCESS) == 0;
}

Result<FileManagerPointer> choose_manager(const Hierarchies& hierarchies, const CgroupsPath& path,
                                          IfDenied if_denied) {
    if (has_v1_controllers(hierarchies)) {
        return std::make_unique<v1::Manager>(v1::plan_record(hierarchies, path), if_denied);
    }
    if (hierarchies.v2) {
        return std::make_unique<v2::Manager>(v2::plan_record(*hierarchies.v2, path),
                                             hierarchies.v2->mount_point, if_denied);
    }
    return sys::fail(sys::ErrorKind::unsupported,
                     "no cgroup hierarchy is mounted; --cgroup-manager disabled does without");
}

}  // namespace

Result<ManagerPointer> plan_cgroup(CgroupDriver driver, const std::string& id,
                                   const std::string& folder,
                                   const std::optional<std::string>& cgroups_path,
                                   const std::map<std::string, std::string>& annotations) {
    if (driver != CgroupDriver::systemd) {
        TRY_VOID(systemd::refuse_delegation(annotations));
    }
    if (driver == CgroupDriver::disabled) {
        return std::make_unique<DisabledCgroup>(CgroupRecord{driver, {}});
    }
    if (driver == CgroupDriver::systemd) {
        if (!oci::built::kCgroupSystemd) {
            return sys::fail(sys::ErrorKind::unsupported,
                             "cgroup driver systemd: not built into this brig");
        }
        return TRY_WRAP("cgroup driver systemd",
                        systemd::Manager::plan(id, folder, cgroups_path, annotations));
    }
    const bool is_free = !cgroups_path || cgroups_path->empty();
    CgroupsPath path = TRY(parse_cgroups_path(cgroups_path, id));
    Hierarchies hierarchies = TRY(find_hierarchies());
    if (is_free && !hierarchies.v2 && !has_v1_controllers(hierarchies) && !is_host_root()) {
        return std::make_unique<DisabledCgroup>(CgroupRecord{driver, {}});
    }
    if (is_free && is_closed_at_top(hierarchies)) {
        path.base = PathBase::beside_own;
    }
    if (path.base != PathBase::hierarchy_root) {
        TRY_VOID(resolve_own_paths(hierarchies));
    }
    if (path.base == PathBase::own_cgroup && is_open_beside_own(hierarchies)) {
        path.base = PathBase::beside_own;
    }
    FileManagerPointer manager =
        TRY(choose_manager(hierarchies, path, is_free ? IfDenied::stay_outside : IfDenied::fail));
    TRY_VOID(manager->look_around(folder));
    return ManagerPointer(std::move(manager));
}

Result<ManagerPointer> open_cgroup(CgroupRecord record, ConfirmMark confirm) {
    // None could be made (IfDenied::stay_outside).
    if (record.driver == CgroupDriver::cgroupfs && record.directories.empty()) {
        return std::make_unique<DisabledCgroup>(std::move(record));
    }
    switch (record.driver) {
        case CgroupDriver::disabled:
            return std::make_unique<DisabledCgroup>(std::move(record));
        case CgroupDriver::systemd:
            if (!record.unit) {
                return sys::fail(sys::ErrorKind::invalid, "state file container.json: no unit");
            }
            return std::make_unique<systemd::Manager>(std::move(record), std::move(confirm));
        case CgroupDriver::cgroupfs:
            break;
    }
    const bool is_v2 =
        record.directories.size() == 1 && record.directories.front().controllers.empty();
    FileManagerPointer manager;
    if (is_v2) {
        manager = std::make_unique<v2::Manager>(std::move(record));
    } else {
        manager = std::make_unique<v1::Manager>(std::move(record));
    }
    manager->confirm_marks_by(std::move(confirm));
    return ManagerPointer(std::move(manager));
}

Result<CgroupEntry> CgroupManager::open_entries(const std::vector<SubCgroup>& below) {
    return sys::fail(sys::ErrorKind::invalid, "the container has no hierarchy of the controller " +
                                                  below.front().controller);
}

}  // namespace libcontainer
