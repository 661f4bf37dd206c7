// SPDX-License-Identifier: Apache-2.0
// New filesystems by fsopen, fsconfig, fsmount.
#include "libcontainer/rootfs/filesystem_mount.h"

#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "libcontainer/rootfs/mount_label.h"

namespace libcontainer {
namespace {

using sys::FilesystemContext;

// The kernel's own filesystems: one superblock may serve many mounts, even the host's, so ro stays
// with the mount.
constexpr auto kKernelFilesystems = std::to_array<std::string_view>(
    {"cgroup", "cgroup2", "devpts", "mqueue", "proc", "sysfs", "tmpfs"});

struct SuperblockFlag {
    unsigned bit;
    const char* name;  // fsconfig's
};

// `silent` and `loud` only change how much the kernel logs; fsconfig has no word for them.
constexpr auto kSuperblockFlags = std::to_array<SuperblockFlag>({
    {superblock::kReadOnly, "ro"},
    {superblock::kSync, "sync"},
    {superblock::kDirSync, "dirsync"},
    {superblock::kLazyTime, "lazytime"},
    {superblock::kMandatoryLocks, "mand"},
    {superblock::kInodeVersion, "iversion"},
    {superblock::kAcl, "acl"},
    {superblock::kNoAcl, "noacl"},
});

Result<void> set_superblock_flag(FilesystemContext& context, const SuperblockFlag& flag) {
    auto set = context.set_flag(flag.name);
    // mount(2) takes MS_I_VERSION for every filesystem and most ignore it; fsconfig hands the word
    // to the filesystem, which refuses.
    if (!set && flag.bit == superblock::kInodeVersion && set.error().code == EINVAL) {
        return {};
    }
    return set;
}

bool has_data(const MountOptions& options, std::string_view key) {
    return std::ranges::find(options.data, key, &DataOption::key) != options.data.end();
}

std::string octal(mode_t mode) {
    std::string digits;
    do {
        digits.insert(digits.begin(), static_cast<char>('0' + (mode & 7U)));
        mode >>= 3U;
    } while (mode != 0);
    return digits;
}

}  // namespace

Result<void> configure(FilesystemContext& context, const std::string& type,
                       const MountOptions& options) {
    const bool is_kernels = std::ranges::find(kKernelFilesystems, type) != kKernelFilesystems.end();
    for (const SuperblockFlag& flag : kSuperblockFlags) {
        if ((options.superblock & flag.bit) != 0 &&
            !(flag.bit == superblock::kReadOnly && is_kernels)) {
            TRY_VOID(set_superblock_flag(context, flag));
        }
    }
    for (const DataOption& option : options.data) {
        TRY_VOID(option.value ? context.set_string(option.key, *option.value)
                              : context.set_flag(option.key));
    }
    return {};
}

bool takes_covered_mode(const MountPlan& plan) {
    return plan.type == "tmpfs" && !has_data(plan.options, "mode");
}

Result<sys::UniqueFd> make_filesystem(const MountPlan& plan, mode_t covered) {
    FilesystemContext context = TRY(FilesystemContext::open(plan.type));
    TRY_VOID(context.set_string("source", plan.source));
    TRY_VOID(configure(context, plan.type, plan.options));
    if (takes_covered_mode(plan)) {
        TRY_VOID(context.set_string("mode", octal(covered & 07777U)));
    }
    sys::UniqueFd mount = TRY(context.mount(all_attributes(plan.options).set));
    if (!plan.root_label.empty()) {
        TRY_VOID(label_root(mount.get(), plan.root_label));
    }
    return mount;
}

}  // namespace libcontainer
