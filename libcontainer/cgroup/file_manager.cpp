// SPDX-License-Identifier: Apache-2.0
// Kill and removal of a container's cgroups.
#include "libcontainer/cgroup/file_manager.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "libcontainer/cgroup/device_rules.h"
#include "libcontainer/cgroup/memory_limits.h"
#include "libcontainer/cgroup/ownership.h"
#include "libcontainer/cgroup/tree.h"

namespace libcontainer {

Result<void> FileManager::check_stay_outside(sys::Error error) const {
    if (error.code != EACCES && error.code != EPERM && error.code != EROFS) {
        return std::unexpected(std::move(error));
    }
    if (may_stay_outside() && !is_host_root()) {
        return {};
    }
    error.message += " (--cgroup-manager disabled goes without a cgroup)";
    return std::unexpected(std::move(error));
}

Result<void> FileManager::look_around(const std::string& folder) {
    const std::string* const watched = process_directory();
    const auto found = watched == nullptr ? std::nullopt : TRY(find_pids(*watched));
    if (!found) {
        return {};
    }
    for (CgroupRecord::Directory& directory : record_.directories) {
        directory.found = ::access(directory.path.c_str(), F_OK) == 0;
    }
    record_.mark = TRY(make_mark(folder));
    return check_no_processes(*found, *watched);
}

void FileManager::undo_create() {
    for (const CgroupRecord::Directory& directory : record_.directories) {
        if (!directory.found) {
            ::rmdir(directory.path.c_str());
        }
    }
    is_claimed_ = false;
}

// Only with a mark that the journal has already: after a kill it tells our processes.
Result<void> FileManager::claim() {
    if (!record_.mark) {
        return {};
    }
    for (const CgroupRecord::Directory& directory : record_.directories) {
        if (directory.found) {
            TRY_VOID(mark_directory(directory.path, *record_.mark));
        }
    }
    return {};
}

Result<bool> FileManager::is_anothers(const std::string& directory) const {
    const std::optional<std::string> mark = TRY(read_mark(directory));
    if (!mark || mark == record_.mark) {
        return false;
    }
    return confirm_ ? confirm_(*mark, directory) : Result<bool>(true);
}

Result<void> FileManager::apply(const oci::Resources& resources) {
    TRY_VOID(claim());
    TRY_VOID(check_memory(resources.memory));
    return write_resources(resources, nullptr);
}

Result<void> FileManager::update(const oci::Resources& resources, sys::Rollback& undos) {
    return write_resources(resources, &undos);
}

Result<std::vector<pid_t>> FileManager::pids() const {
    const std::string* const directory = process_directory();
    return directory == nullptr || TRY(is_anothers(*directory)) ? std::vector<pid_t>()
                                                                : read_pids(*directory);
}

Result<void> FileManager::kill_all(int signal) {
    const std::string* const directory = process_directory();
    if (directory == nullptr) {
        return sys::fail(sys::ErrorKind::unsupported,
                         "the container has no cgroup, so its processes are not known");
    }
    if (TRY(is_anothers(*directory))) {
        return sys::fail(sys::ErrorKind::wrong_state, "container not running");
    }
    if (signal == SIGKILL) {
        return kill_tree(*directory);
    }
    TRY(signal_tree(*directory, signal));
    return {};
}

Result<bool> FileManager::give_up(const CgroupRecord::Directory& directory) const {
    const std::string& path = directory.path;
    if (!directory.found && ::rmdir(path.c_str()) == 0) {
        return true;
    }
    if (TRY(is_anothers(path))) {
        if (!directory.found) {
            leave_directory(path);
        }
        return true;
    }
    if (!directory.found || is_left(path)) {
        return remove_tree(path);
    }
    const bool is_empty = TRY(empty_tree(path));
    if (is_empty && record_.mark) {
        unmark_directory(path);
    }
    return is_empty;
}

Result<void> FileManager::destroy() {
    if (!is_claimed_) {
        return {};  // nothing of it was made, or what was is removed; the rest is another's
    }
    std::vector<const CgroupRecord::Directory*> left;
    for (const CgroupRecord::Directory& directory : record_.directories) {
        left.push_back(&directory);
    }
    for (Patience patience(kKillTime);;) {
        std::vector<const CgroupRecord::Directory*> busy;
        for (const CgroupRecord::Directory* const directory : left) {
            if (!TRY(give_up(*directory))) {
                busy.push_back(directory);
            }
        }
        if (busy.empty()) {
            return {};
        }
        left = std::move(busy);
        const std::string& first = left.front()->path;
        if (!patience.wait()) {
            return sys::fail(sys::ErrorKind::system, sys::call("rmdir", first) +
                                                         ": still busy after 10 s: pids " +
                                                         list_pids(TRY(read_pids(first))));
        }
        for (const CgroupRecord::Directory* const directory : left) {
            TRY_VOID(kill_once(directory->path));
        }
    }
}

std::unexpected<sys::Error> survived(const std::string& directory) {
    return sys::fail(sys::ErrorKind::system,
                     "processes survive SIGKILL for 10 s: pids " +
                         list_pids(read_pids(directory).value_or(std::vector<pid_t>())));
}

}  // namespace libcontainer
