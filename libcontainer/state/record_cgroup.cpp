// SPDX-License-Identifier: Apache-2.0
// From a container's record to its cgroups.
#include "libcontainer/state/record_cgroup.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "libcontainer/cgroup/ownership.h"
#include "libcontainer/cgroup/systemd/sockets.h"
#include "libcontainer/cgroup/systemd/subgroups.h"
#include "libcontainer/sys/file.h"

namespace libcontainer {
namespace {

bool has_dots(std::string_view path) {
    return (std::string(path) + "/").find("/../") != std::string::npos;
}

// One that is gone harms nobody.
bool is_on_cgroupfs(const std::string& path) {
    struct statfs filesystem = {};
    if (::statfs(path.c_str(), &filesystem) != 0) {
        return errno == ENOENT;
    }
    return filesystem.f_type == CGROUP_SUPER_MAGIC || filesystem.f_type == CGROUP2_SUPER_MAGIC;
}

std::unexpected<sys::Error> refuse(const std::string& what, const char* why) {
    return sys::fail(sys::ErrorKind::invalid, "state file container.json: \"" + what + "\" " + why);
}

Result<void> check_paths(const CgroupRecord& cgroup) {
    constexpr std::string_view kUsualPlace = "/sys/fs/cgroup/";
    for (const CgroupRecord::Directory& directory : cgroup.directories) {
        const std::string& path = directory.path;
        const bool is_plain = path.starts_with('/') && !has_dots(path);
        if (!is_plain || (!path.starts_with(kUsualPlace) && !is_on_cgroupfs(path))) {
            return refuse(path, "is no cgroup");
        }
    }
    return {};
}

// What a systemd is asked to stop is of a kind that brig makes, and its description ends with the
// folder of this container's record: that of the unit itself has to be the same.
Result<void> check_unit(const CgroupRecord& cgroup, const std::string& id) {
    const SystemdUnit& unit = *cgroup.unit;
    for (const std::optional<std::string>& name : {unit.subgroup, unit.delegated}) {
        if (name && !systemd::is_cgroup_name(*name)) {
            return refuse(*name, "is no cgroup of this container");
        }
    }
    const bool is_in_subgroup = std::ranges::all_of(cgroup.directories, [&unit](const auto& own) {
        return !unit.subgroup || own.path.ends_with("/" + *unit.subgroup);
    });
    if (!is_in_subgroup) {
        return refuse(*unit.subgroup, "is not the container's cgroup");
    }
    const bool is_kind = unit.name.ends_with(".scope") || unit.name.ends_with(".slice");
    if (!is_kind || unit.name.find('/') != std::string::npos ||
        !unit.description.ends_with("/" + id + ")")) {
        return refuse(unit.name, "is no unit of this container");
    }
    return systemd::is_socket(unit.socket) ? Result<void>()
                                           : refuse(unit.socket, "is no socket of systemd");
}

// Says nothing of the mark: asked again, the answer may be another.
bool is_shortage(const sys::Error& error) {
    constexpr std::array kShortages = {ENOMEM, EMFILE, ENFILE, EINTR};
    return std::ranges::find(kShortages, error.code) != kShortages.end();
}

bool are_on_one_filesystem(int directory, int other) {
    struct stat info = {};
    struct stat others = {};
    return ::fstat(directory, &info) == 0 && ::fstat(other, &others) == 0 &&
           info.st_dev == others.st_dev;
}

// Whoever made the mark chose the path: it must be one without symlinks, /proc/PID/root among them,
// and lead to where this container's own root is. There no container writes.
Result<ContainerRecord> read_marked(int own_root, const std::string& folder) {
    if (TRY(sys::real_path(folder)) != folder) {
        return sys::fail(sys::ErrorKind::invalid, "no path of ours");
    }
    const StateDirectory other =
        TRY(StateDirectory::open(sys::directory_of(folder), sys::base_of(folder)));
    if (!are_on_one_filesystem(own_root, other.root())) {
        return sys::fail(sys::ErrorKind::invalid, "no state root beside ours");
    }
    return other.read_record();
}

Result<bool> is_there(int own_root, const std::string& mark, const std::string& directory) {
    const auto record = read_marked(own_root, folder_of_mark(mark));
    if (!record) {
        return is_shortage(record.error()) ? Result<bool>(std::unexpected(record.error())) : false;
    }
    return record->cgroup.mark == mark &&
           std::ranges::any_of(record->cgroup.directories, [&](const auto& theirs) {
               return theirs.found && theirs.path == directory;
           });
}

}  // namespace

Result<std::unique_ptr<CgroupManager>> open_cgroup(const StateDirectory& directory,
                                                   const ContainerRecord& record) {
    TRY_VOID(check_paths(record.cgroup));
    if (record.cgroup.unit) {
        TRY_VOID(check_unit(record.cgroup, directory.id()));
    }
    return open_cgroup(record.cgroup,
                       [root = directory.root()](const std::string& mark, const std::string& path) {
                           return is_there(root, mark, path);
                       });
}

}  // namespace libcontainer
