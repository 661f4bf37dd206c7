// SPDX-License-Identifier: Apache-2.0
// Making a container's directory in one v1 hierarchy.
#include "libcontainer/cgroup/v1/directories.h"

#include <fcntl.h>

#include <cerrno>

#include "libcontainer/cgroup/tree.h"
#include "libcontainer/cgroup/v1/freezer.h"
#include "libcontainer/sys/file.h"

namespace libcontainer::v1 {
namespace {

// Copies cpus and mems of the parent, which gets them from its own if another has left it empty.
// The root of the hierarchy is never empty, so this ends there.
Result<void> inherit_cpuset(const std::string& path) {
    const std::string parent = sys::directory_of(path);
    for (const char* const file : {"/cpuset.cpus", "/cpuset.mems"}) {
        std::string value = TRY(sys::read_file(AT_FDCWD, parent + file));
        if (value.find_first_not_of('\n') == std::string::npos) {
            TRY_VOID(inherit_cpuset(parent));
            value = TRY(sys::read_file(AT_FDCWD, parent + file));
        }
        TRY_VOID(sys::write_attribute(AT_FDCWD, path + file, value));
    }
    return {};
}

}  // namespace

bool has_controller(std::string_view controllers, std::string_view name) {
    while (!controllers.empty()) {
        const std::size_t end = std::min(controllers.find(','), controllers.size());
        if (controllers.substr(0, end) == name) {
            return true;
        }
        controllers.remove_prefix(std::min(end + 1, controllers.size()));
    }
    return false;
}

Result<void> make_directory(CgroupRecord::Directory& directory, std::vector<std::string>& made) {
    const bool has_cpuset = has_controller(directory.controllers, "cpuset");
    auto is_new = make_path(directory.path, made, has_cpuset ? &inherit_cpuset : nullptr);
    directory.found = !is_new;
    if (!is_new) {
        if (is_new.error().code != EEXIST) {
            return is_new;
        }
        const std::vector<pid_t> found = TRY(read_pids(directory.path));
        TRY_VOID(check_no_processes(found, directory.path));
        if (has_cpuset) {
            TRY_VOID(inherit_cpuset(directory.path));
        }
    }
    // A new one too: below a frozen parent whoever enters is frozen on the way.
    if (has_controller(directory.controllers, "freezer") && TRY(is_frozen(directory.path))) {
        return refuse_frozen(directory.path, is_new ? Age::is_new : Age::was_there);
    }
    return {};
}

}  // namespace libcontainer::v1
