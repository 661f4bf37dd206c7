// SPDX-License-Identifier: Apache-2.0
// The options of the cgroup v2 hierarchy, before and after CRIU.
#include "libcontainer/checkpoint/hierarchy_options.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "libcontainer/sys/file.h"
#include "libcontainer/sys/mount_api.h"
#include "libcontainer/sys/mountinfo.h"

namespace libcontainer {
namespace {

constexpr const char* kNote = "trusted.brig.options";
constexpr std::size_t kLongestNote = 256;

// Of a mount of the hierarchy; empty without any.
sys::MountLine read_mount() {
    const auto text = sys::read_file(AT_FDCWD, "/proc/self/mountinfo");
    const auto mounts = sys::mounts_of_type(text.value_or(""), {"cgroup2"});
    return mounts.empty() ? sys::MountLine() : mounts.front();
}

std::string read_note(int hierarchy) {
    std::array<char, kLongestNote> note = {};
    const ssize_t size = ::fgetxattr(hierarchy, kNote, note.data(), note.size());
    return {note.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

// All that are to be: the kernel takes those away that are not named. Some that it shows are none
// that it takes ("rw", "seclabel").
sys::Result<void> set_options(int mount, std::string_view options) {
    sys::FilesystemContext hierarchy = TRY(sys::FilesystemContext::pick(mount));
    while (!options.empty()) {
        const std::size_t end = std::min(options.find(','), options.size());
        static_cast<void>(hierarchy.set_flag(std::string(options.substr(0, end))));
        options.remove_prefix(std::min(end + 1, options.size()));
    }
    return hierarchy.reconfigure();
}

}  // namespace

HierarchyOptions::HierarchyOptions() {
    const std::string mount_point = read_mount().mount_point;
    auto hierarchy = sys::open_at(AT_FDCWD, mount_point, O_RDONLY | O_DIRECTORY);
    if (mount_point.empty() || !hierarchy) {
        return;
    }
    hierarchy_ = *std::move(hierarchy);
    ::flock(hierarchy_.get(), LOCK_SH | LOCK_NB);
    options_ = read_note(hierarchy_.get());
    if (!options_.empty()) {
        return;
    }
    options_ = read_mount().options;
    if (::fsetxattr(hierarchy_.get(), kNote, options_.data(), options_.size(), XATTR_CREATE) != 0 &&
        errno == EEXIST) {
        options_ = read_note(hierarchy_.get());  // of one that was quicker, and so knows better
    }
}

HierarchyOptions::~HierarchyOptions() {
    if (!hierarchy_ || options_.empty()) {
        return;
    }
    if (read_mount().options != options_) {
        static_cast<void>(set_options(hierarchy_.get(), options_));
    }
    if (::flock(hierarchy_.get(), LOCK_EX | LOCK_NB) == 0) {
        ::fremovexattr(hierarchy_.get(), kNote);
    }
}

}  // namespace libcontainer
