// SPDX-License-Identifier: Apache-2.0
// Filesystems whose data fsconfig cannot take.
#include "libcontainer/rootfs/long_data_mount.h"

#include <sys/mount.h>

#include <algorithm>
#include <array>

namespace libcontainer {
namespace {

constexpr std::size_t kLongestValue = 255;

struct Flag {
    unsigned bit;        // superblock::k*
    unsigned long flag;  // MS_*
};

constexpr auto kSuperblock = std::to_array<Flag>({
    {superblock::kReadOnly, MS_RDONLY},
    {superblock::kSync, MS_SYNCHRONOUS},
    {superblock::kDirSync, MS_DIRSYNC},
    {superblock::kLazyTime, MS_LAZYTIME},
    {superblock::kMandatoryLocks, MS_MANDLOCK},
    {superblock::kInodeVersion, MS_I_VERSION},
    {superblock::kAcl, MS_POSIXACL},
    {superblock::kSilent, MS_SILENT},
});

unsigned long mount_flags(const MountOptions& options) {
    unsigned long flags = sys::mount_flags(all_attributes(options).set);
    for (const Flag& entry : kSuperblock) {
        flags |= (options.superblock & entry.bit) != 0 ? entry.flag : 0;
    }
    return flags;
}

Result<std::string> join_data(const std::vector<DataOption>& options) {
    std::string data;
    for (const DataOption& option : options) {
        std::string text = option.value ? option.key + "=" + *option.value : option.key;
        if (option.key.ends_with("context") && option.value) {
            text =
                option.key + "=\"" + *option.value + "\"";  // SELinux takes quotes, and has commas
        } else if (text.find(',') != std::string::npos) {
            return sys::fail(sys::ErrorKind::invalid,
                             "\"" + option.key + "\": a comma is not possible in data this long");
        }
        data += (data.empty() ? "" : ",") + text;
    }
    return data;
}

}  // namespace

bool has_long_data(const MountOptions& options) {
    return std::ranges::any_of(options.data, [](const DataOption& option) {
        return option.value && option.value->size() > kLongestValue;
    });
}

Result<void> mount_long_data(const MountPlan& plan, int target) {
    const std::string data = TRY(join_data(plan.options.data));
    const std::string place = "/proc/self/fd/" + std::to_string(target);
    if (::mount(plan.source.c_str(), place.c_str(), plan.type.c_str(), mount_flags(plan.options),
                data.c_str()) != 0) {
        return sys::fail_errno(plan.type + ": " + sys::call("mount", "/" + plan.target));
    }
    return {};
}

}  // namespace libcontainer
