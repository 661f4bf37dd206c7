// SPDX-License-Identifier: Apache-2.0
// What a container is doing right now.
#include "libcontainer/status.h"

#include <fcntl.h>

#include <cerrno>

#include "libcontainer/state/record_cgroup.h"
#include "libcontainer/sys/file.h"

namespace libcontainer {
namespace {

// What cannot be found out is an error, not a dead container: CRI-O and containerd believe what
// they are told (trap 29).
Result<bool> is_alive(const ContainerRecord& record) {
    const auto stat = TRY(sys::read_process_stat(record.state.pid.value_or(0)));
    return stat && stat->state != 'Z' && stat->state != 'X' &&
           stat->start_time == record.start_time && record.boot_id == TRY(read_boot_id());
}

Result<bool> is_frozen(const StateDirectory& directory, const ContainerRecord& record) {
    const auto cgroup = TRY(open_cgroup(directory, record));
    auto frozen = cgroup->is_frozen();
    const bool is_gone =
        !frozen && (frozen.error().code == ENOENT || frozen.error().code == ENODEV);
    return is_gone ? Result<bool>(false) : frozen;
}

}  // namespace

Result<std::string> read_boot_id() {
    std::string id = TRY(sys::read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64));
    while (id.ends_with('\n')) {
        id.pop_back();
    }
    return id;
}

Result<std::uint64_t> start_time_of(pid_t pid) {
    const auto stat = TRY(sys::read_process_stat(pid));
    return stat ? stat->start_time : 0;
}

Result<oci::ContainerStatus> current_status(const StateDirectory& directory,
                                            const ContainerRecord& record) {
    if (record.state.status == oci::ContainerStatus::creating) {
        // Its create may have completed it, and ended, since the record was read: then it was still
        // being created at that moment.
        const bool is_abandoned =
            !directory.is_locked() &&
            TRY(directory.read_record()).state.status == oci::ContainerStatus::creating;
        return is_abandoned ? oci::ContainerStatus::stopped : oci::ContainerStatus::creating;
    }
    if (!TRY(is_alive(record))) {
        return oci::ContainerStatus::stopped;
    }
    if (TRY(is_frozen(directory, record))) {
        return oci::ContainerStatus::paused;
    }
    return TRY(directory.waits_for_start()) ? oci::ContainerStatus::created
                                            : oci::ContainerStatus::running;
}

Result<std::optional<sys::Pid>> open_init(const ContainerRecord& record) {
    if (record.state.pid.value_or(0) <= 0) {
        return std::nullopt;
    }
    auto pid = sys::open_pid(*record.state.pid);
    if (!pid && pid.error().code != ESRCH) {
        return std::unexpected(std::move(pid).error());
    }
    if (!pid || !TRY(is_alive(record))) {
        return std::nullopt;
    }
    return *std::move(pid);
}

bool is_being_created(const StateDirectory& directory) {
    const auto record = directory.read_record();
    return record && record->state.status == oci::ContainerStatus::creating &&
           directory.is_locked();
}

Result<std::optional<sys::Pid>> open_creator(const StateDirectory& directory,
                                             const ContainerRecord& record) {
    if (record.creator <= 0 || record.boot_id != TRY(read_boot_id())) {
        return std::nullopt;
    }
    auto pid = sys::open_pid(record.creator);
    // Looked at after the pidfd was opened: the number may have been another's before.
    if (!pid || !directory.is_open_in(record.creator)) {
        return std::nullopt;
    }
    return *std::move(pid);
}

Result<FoundContainer> find_container(const std::string& root, const std::string& id) {
    StateDirectory directory = TRY(StateDirectory::open(root, id));
    ContainerRecord record = TRY(directory.read_record());
    return FoundContainer{std::move(directory), std::move(record)};
}

Result<FoundContainer> lock_container(const std::string& root, const std::string& id) {
    StateDirectory directory = TRY(StateDirectory::open(root, id));
    if (!TRY(directory.try_lock())) {
        if (is_being_created(directory)) {
            return sys::fail(sys::ErrorKind::wrong_state, "the container is being created");
        }
        TRY_VOID(directory.lock());
    }
    ContainerRecord record = TRY(directory.read_record());
    return FoundContainer{std::move(directory), std::move(record)};
}

}  // namespace libcontainer
