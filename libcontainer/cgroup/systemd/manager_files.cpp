// SPDX-License-Identifier: Apache-2.0
// What the file manager does for a unit, and how a process comes into one.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "libcontainer/cgroup/hierarchies.h"
#include "libcontainer/cgroup/systemd/manager.h"
#include "libcontainer/sys/file.h"

namespace libcontainer::systemd {
namespace {

// cgroups(7): whoever moves a process, or bears it elsewhere, has to be allowed to write to the
// cgroup.procs of what both places are below. A user's session is beside the user's systemd.
Result<bool> may_enter(const std::string& directory) {
    const Hierarchies hierarchies = TRY(find_hierarchies());
    const std::string own = hierarchies.v2->mount_point + hierarchies.v2->own_path + "/";
    const std::string target = directory + "/";
    const auto [different, there] = std::ranges::mismatch(own, target);
    const std::string common(own.begin(), different);
    const std::string file = common.substr(0, common.rfind('/')) + "/cgroup.procs";
    return ::faccessat(AT_FDCWD, file.c_str(), W_OK, AT_EACCESS) == 0;
}

// By the user's systemd, which asks the host's.
Result<void> attach(const SystemdUnit& unit, const std::string& below, pid_t process) {
    const Bus bus = TRY(Bus::connect(unit.socket));
    return bus.attach(unit.name, below, process);
}

}  // namespace

Result<CgroupEntry> Manager::open_entry(const std::string& below) {
    const FileManager* const known = TRY(files());
    CgroupEntry entry = TRY(files_->open_entry(below));
    if (instance_at(record_.unit->socket) == Instance::system || !entry.directory) {
        return entry;
    }
    const std::string directory =
        TRY(sys::read_link(AT_FDCWD, "/proc/self/fd/" + std::to_string(entry.directory.get())));
    if (TRY(may_enter(directory))) {
        return entry;
    }
    if (is_slice(unit())) {
        // systemd moves processes into scopes and services only.
        return std::unexpected(
            sys::Error{sys::ErrorKind::unsupported, 0, "linux.cgroupsPath",
                       "the kernel does not let this user enter the slice " + unit() +
                           "; take a scope, or call from a unit of the user's own systemd"
                           " (systemd-run --user)"});
    }
    entry.directory.reset();
    std::string path = directory.substr(known->record().directories.front().path.size());
    if (path.empty()) {
        path = "/";
    }
    entry.attach = [unit = *record_.unit, path](pid_t process) {
        return attach(unit, path, process);
    };
    return entry;
}

Result<CgroupEntry> Manager::open_entries(const std::vector<SubCgroup>& below) {
    return TRY(files())->open_entries(below);
}

Result<void> Manager::delegate(uid_t uid) {
    return TRY(files())->delegate(uid);
}

std::vector<CgroupMountSource> Manager::mount_sources() const {
    return files_ ? files_->mount_sources() : std::vector<CgroupMountSource>();
}

Result<void> Manager::freeze() {
    return TRY(files())->freeze();
}

Result<void> Manager::thaw() {
    return TRY(files())->thaw();
}

Result<bool> Manager::is_frozen() const {
    return files_ ? files_->is_frozen() : Result<bool>(false);
}

Result<CgroupStats> Manager::stats() const {
    return TRY(files())->stats();
}

Result<OomWatch> Manager::watch_oom() const {
    return TRY(files())->watch_oom();
}

Result<std::vector<pid_t>> Manager::pids() const {
    return TRY(files())->pids();
}

Result<void> Manager::kill_all(int signal) {
    // An ordinary user's cgroups have no marks that would tell.
    if (whose() == Whose::anothers) {
        return sys::fail(sys::ErrorKind::wrong_state,
                         "the unit " + unit() + " is another container's by now");
    }
    return TRY(files())->kill_all(signal);
}

}  // namespace libcontainer::systemd
