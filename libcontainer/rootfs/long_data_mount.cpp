// SPDX-License-Identifier: Apache-2.0
// Filesystems whose data fsconfig cannot take.
#include "libcontainer/rootfs/long_data_mount.h"

#include <sys/mount.h>

#include <algorithm>
#include <array>

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

namespace libcontainer {
namespace {

constexpr std::size_t kLongestValue = 255;

struct Flag {
    std::uint64_t attribute;  // MOUNT_ATTR_* or superblock::k*
    unsigned long flag;       // MS_*
};

constexpr auto kAttributes = std::to_array<Flag>({
    {MOUNT_ATTR_RDONLY, MS_RDONLY},
    {MOUNT_ATTR_NOSUID, MS_NOSUID},
    {MOUNT_ATTR_NODEV, MS_NODEV},
    {MOUNT_ATTR_NOEXEC, MS_NOEXEC},
    {MOUNT_ATTR_NOATIME, MS_NOATIME},
    {MOUNT_ATTR_STRICTATIME, MS_STRICTATIME},
    {MOUNT_ATTR_NODIRATIME, MS_NODIRATIME},
    {MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW},
});
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
    const std::uint64_t attributes = options.attributes.set | options.recursive.set;
    unsigned long flags = 0;
    for (const Flag& entry : kAttributes) {
        flags |= (attributes & entry.attribute) != 0 ? entry.flag : 0;
    }
    for (const Flag& entry : kSuperblock) {
        flags |= (options.superblock & entry.attribute) != 0 ? entry.flag : 0;
    }
    return flags;
}

Result<std::string> join_data(const std::vector<DataOption>& options) {
    std::string data;
    for (const DataOption& option : options) {
        const std::string text = option.value ? option.key + "=" + *option.value : option.key;
        if (text.find(',') != std::string::npos) {
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
