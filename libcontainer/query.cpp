// SPDX-License-Identifier: Apache-2.0
// The verbs state, list, ps, pause and resume.
#include <charconv>

#include "libcontainer/container.h"
#include "libcontainer/passwd.h"
#include "libcontainer/state/record_cgroup.h"
#include "libcontainer/status.h"

namespace libcontainer {
namespace {

using oci::ContainerStatus;

std::string owner_name(const std::string& uid) {
    if (uid == "0") {
        return "root";
    }
    unsigned number = 0;
    std::from_chars(uid.data(), uid.data() + uid.size(), number);
    const auto entry = find_passwd_entry("/etc/passwd", number);
    return entry ? entry->name : "#" + uid;
}

Result<oci::State> current_state(const FoundContainer& found) {
    oci::State state = found.record.state;
    state.status = TRY(current_status(found.directory, found.record));
    if (state.status == ContainerStatus::stopped || state.status == ContainerStatus::creating) {
        state.pid = 0;
    }
    state.owner = owner_name(state.owner.value_or("0"));
    return state;
}

}  // namespace

Result<oci::State> state(const GlobalOptions& global, const std::string& id) {
    return current_state(TRY(find_container(global.root, id)));
}

Result<std::vector<oci::State>> list(const GlobalOptions& global) {
    std::vector<oci::State> states;
    for (const std::string& id : TRY(StateDirectory::ids(global.root))) {
        const auto found = find_container(global.root, id);
        if (found) {
            auto state = current_state(*found);
            if (!state && state.error().kind == sys::ErrorKind::invalid) {
                continue;  // its record names what is no cgroup
            }
            states.push_back(TRY(std::move(state)));
        } else if (found.error().kind == sys::ErrorKind::system) {
            return std::unexpected(found.error());  // it may well be there
        }
    }
    return states;
}

Result<std::vector<std::string>> ids(const GlobalOptions& global) {
    std::vector<std::string> own;
    for (std::string& id : TRY(StateDirectory::ids(global.root))) {
        const auto found = find_container(global.root, id);
        if (found || found.error().kind != sys::ErrorKind::not_found) {
            own.push_back(std::move(id));
        }
    }
    return own;
}

Result<std::vector<pid_t>> processes(const GlobalOptions& global, const std::string& id) {
    const FoundContainer found = TRY(find_container(global.root, id));
    if (found.record.cgroup.directories.empty()) {
        const std::optional<sys::Pid> init = TRY(open_init(found.record));
        return init ? std::vector<pid_t>{init->number} : std::vector<pid_t>();
    }
    return TRY(open_cgroup(found.directory, found.record))->pids();
}

Result<void> pause(const GlobalOptions& global, const std::string& id) {
    const FoundContainer found = TRY(lock_container(global.root, id));
    const ContainerStatus status = TRY(current_status(found.directory, found.record));
    if (status != ContainerStatus::running && status != ContainerStatus::created) {
        return sys::fail(sys::ErrorKind::wrong_state, "container not running");
    }
    return TRY(open_cgroup(found.directory, found.record))->freeze();
}

Result<void> resume(const GlobalOptions& global, const std::string& id) {
    const FoundContainer found = TRY(lock_container(global.root, id));
    if (TRY(current_status(found.directory, found.record)) != ContainerStatus::paused) {
        return sys::fail(sys::ErrorKind::wrong_state, "container not paused");
    }
    return TRY(open_cgroup(found.directory, found.record))->thaw();
}

}  // namespace libcontainer
