// SPDX-License-Identifier: Apache-2.0
// What the file manager does for a unit, and how a process comes into one.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "libcontainer/cgroup/attribute.h"
#include "libcontainer/cgroup/hierarchies.h"
#include "libcontainer/cgroup/systemd/manager.h"
#include "libcontainer/cgroup/tree.h"
#include "libcontainer/cgroup/v2/directories.h"
#include "libcontainer/cgroup/v2/manager.h"
#include "libcontainer/sys/file.h"
#include "oci/annotations.h"

namespace libcontainer::systemd {
namespace {

constexpr std::chrono::milliseconds kMoveTime{2'000};

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

// The unit's cgroup is new: whatever has this name there already is a file of the kernel's.
Result<void> make_subgroup(const std::string& path, std::string_view annotation) {
    constexpr mode_t kMode = 0755;
    return ::mkdir(path.c_str(), kMode) == 0
               ? Result<void>()
               : std::unexpected(sys::last_error(sys::call("mkdir", path))
                                     .at(oci::annotation_path(annotation)));
}

Result<void> move(pid_t process, const std::string& directory) {
    return AttributeDirectory(directory).write("cgroup.procs", std::to_string(process), "");
}

// Also what hooks and CRIU have left running, which may fork or end at any time.
Result<void> move_all(const std::string& own, const std::string& directory) {
    const sys::UniqueFd there = TRY(sys::open_at(AT_FDCWD, own, O_RDONLY | O_DIRECTORY));
    std::vector<pid_t> processes = TRY(read_own_pids(there.get(), own));
    for (Patience patience(kMoveTime); !processes.empty();) {
        for (const pid_t process : processes) {
            if (auto moved = move(process, directory); !moved && moved.error().code != ESRCH) {
                return moved;
            }
        }
        processes = TRY(read_own_pids(there.get(), own));
        if (!processes.empty() && !patience.wait()) {
            break;  // and so it cannot hand its controllers on
        }
    }
    return {};
}

// All controllers that the container's own cgroup has are in the one that is delegated.
Result<void> check_controllers(const std::string& own, const std::string& delegated) {
    const std::string wanted = TRY(AttributeDirectory(own).read("cgroup.controllers"));
    for (std::size_t begin = 0; begin < wanted.size();) {
        const std::size_t end = std::min(wanted.find(' ', begin), wanted.size());
        const std::string lack =
            v2::lacking_controller(delegated, std::string_view(wanted).substr(begin, end - begin));
        if (!lack.empty()) {
            return std::unexpected(sys::Error{sys::ErrorKind::unsupported, 0,
                                              oci::annotation_path(oci::kDelegateCgroup), lack});
        }
        begin = end + 1;
    }
    return {};
}

}  // namespace

std::string Manager::unit_directory() const {
    std::string path = record_.directories.front().path;
    if (record_.unit->subgroup) {
        path.erase(path.rfind('/'));
    }
    return path;
}

std::string Manager::process_directory() const {
    const std::string& own = record_.directories.front().path;
    return record_.unit->delegated ? own + "/" + *record_.unit->delegated : own;
}

// Nobody may be in a cgroup that hands controllers on, so the holder goes along.
Result<void> Manager::make_subgroups() {
    if (!record_.unit->subgroup) {
        return {};
    }
    const std::string own = record_.directories.front().path + "/" + *record_.unit->subgroup;
    TRY_VOID(make_subgroup(own, oci::kSystemdSubgroup));
    record_.directories.front().path = own;
    open_directory();
    if (record_.unit->delegated) {
        TRY_VOID(make_subgroup(process_directory(), oci::kDelegateCgroup));
    }
    return move(holder_->number(), own);
}

// By the parent: as the user namespace's root the process is not allowed to before Linux 5.16,
// whoever has opened the file.
Result<void> Manager::move_to_delegated() {
    if (!record_.unit->delegated) {
        return {};
    }
    const std::string& own = record_.directories.front().path;
    const std::string directory = process_directory();
    TRY_VOID(move_all(own, directory));
    TRY_VOID(hand_controllers_to(directory));
    TRY_VOID(check_controllers(own, directory));
    // Now all its files are there.
    return delegate_to_ ? v2::give_to(*delegate_to_, directory) : Result<void>();
}

// Of a container that exists, into what its processes are in; of one to be made, into its own.
Result<CgroupEntry> Manager::open_files_entry(const std::string& below) {
    const FileManager* const own = TRY(files());
    const bool is_new = holder_.has_value();
    if (is_new || !below.empty() || !record_.unit->delegated) {
        return files_->open_entry(below);
    }
    CgroupRecord processes = own->record();
    processes.directories.front().path = process_directory();
    return v2::Manager(std::move(processes)).open_entry("");
}

Result<CgroupEntry> Manager::open_entry(const std::string& below) {
    CgroupEntry entry = TRY(open_files_entry(below));
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
    std::string path = directory.substr(unit_directory().size());
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
    if (record_.unit->delegated) {
        delegate_to_ = uid;
        return {};
    }
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
