// SPDX-License-Identifier: Apache-2.0
// What is kept of a container between two calls of brig.
#include "libcontainer/state/container_record.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <cerrno>

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

}  // namespace

sys::Result<void> check_cgroups(const CgroupRecord& cgroup) {
    constexpr std::string_view kUsualPlace = "/sys/fs/cgroup/";
    for (const CgroupRecord::Directory& directory : cgroup.directories) {
        const std::string& path = directory.path;
        const bool is_plain = path.starts_with('/') && !has_dots(path);
        if (!is_plain || (!path.starts_with(kUsualPlace) && !is_on_cgroupfs(path))) {
            return sys::fail(sys::ErrorKind::invalid,
                             "state file container.json: \"" + path + "\" is no cgroup");
        }
    }
    return {};
}

oci::State hook_state(const ContainerRecord& record, oci::ContainerStatus status,
                      std::int32_t pid) {
    oci::State state = record.state;
    state.status = status;
    state.pid = pid;
    state.created.reset();
    state.owner.reset();
    state.rootfs.reset();
    return state;
}

}  // namespace libcontainer
