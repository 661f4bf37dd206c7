// SPDX-License-Identifier: Apache-2.0
// The options of the cgroup v2 hierarchy, before and after CRIU.
#include "libcontainer/checkpoint/hierarchy_options.h"

#include <fcntl.h>

#include <algorithm>
#include <string_view>

#include "libcontainer/sys/file.h"
#include "libcontainer/sys/mount_api.h"
#include "libcontainer/sys/mountinfo.h"

namespace libcontainer {
namespace {

sys::Result<sys::MountLine> read_mount() {
    const std::string text = TRY(sys::read_file(AT_FDCWD, "/proc/self/mountinfo"));
    const auto mounts = sys::mounts_of_type(text, {"cgroup2"});
    return mounts.empty() ? sys::MountLine() : mounts.front();
}

// All that are to be: the kernel takes those away that are not named. Some that it shows are none
// that it takes ("rw", "seclabel").
sys::Result<void> set_options(const std::string& mount_point, std::string_view options) {
    const sys::UniqueFd mount = TRY(sys::open_at(AT_FDCWD, mount_point, O_PATH | O_DIRECTORY));
    sys::FilesystemContext hierarchy = TRY(sys::FilesystemContext::pick(mount.get()));
    while (!options.empty()) {
        const std::size_t end = std::min(options.find(','), options.size());
        static_cast<void>(hierarchy.set_flag(std::string(options.substr(0, end))));
        options.remove_prefix(std::min(end + 1, options.size()));
    }
    return hierarchy.reconfigure();
}

}  // namespace

HierarchyOptions::HierarchyOptions() {
    if (auto mount = read_mount()) {
        mount_point_ = std::move(mount->mount_point);
        options_ = std::move(mount->options);
    }
}

HierarchyOptions::~HierarchyOptions() {
    const auto now = mount_point_.empty() ? sys::MountLine() : read_mount();
    if (now && now->options != options_) {
        static_cast<void>(set_options(mount_point_, options_));
    }
}

}  // namespace libcontainer
