// SPDX-License-Identifier: Apache-2.0
// The table of mount options, and the reading of a mount's options[] by it.
#include "libcontainer/rootfs/mount_options.h"

#include <sys/mount.h>

#include <algorithm>
#include <array>

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

namespace libcontainer {
namespace {

using sys::Recursion;

enum class Kind : unsigned char {
    nothing,              // defaults
    attribute,            // MOUNT_ATTR_* of this mount
    recursive_attribute,  // MOUNT_ATTR_* of the whole tree
    superblock,           // superblock::k*
    read_only,            // both: mount(8) sets the mount and the filesystem
    propagation,          // MS_*
    recursive_propagation,
    bind,
    recursive_bind,
    idmap,
    recursive_idmap,
    remount,
    copy_up,
    copy_symlink,
    source_nofollow,
    destination_nofollow,
    without_meaning,  // crun lists the name, the kernel has no such attribute
};

// An option writes `value` into the bits `field` of what its kind says. A name that takes a mode
// back (norelatime) does so only from the mode it names: `undoes`.
struct Option {
    std::string_view name;
    Kind kind = Kind::nothing;
    std::uint64_t field = 0;
    std::uint64_t value = 0;
    std::optional<std::uint64_t> undoes = std::nullopt;
};

constexpr std::uint64_t kAtime = MOUNT_ATTR__ATIME;
constexpr std::uint64_t kNone = 0;

constexpr Option sets(std::string_view name, Kind kind, std::uint64_t bit) {
    return {name, kind, bit, bit};
}
constexpr Option clears(std::string_view name, Kind kind, std::uint64_t bit) {
    return {name, kind, bit, kNone};
}
constexpr Option atime(std::string_view name, Kind kind, std::uint64_t mode) {
    return {name, kind, kAtime, mode};
}
// Back to relatime, which the kernel takes when nothing is said.
constexpr Option not_atime(std::string_view name, Kind kind, std::uint64_t mode) {
    return {name, kind, kAtime, MOUNT_ATTR_RELATIME, mode};
}

// Sorted by name; `mount_option_names` and the search rely on it.
constexpr auto kOptions = std::to_array<Option>({
    {"acl", Kind::superblock, superblock::kAcl | superblock::kNoAcl, superblock::kAcl},
    clears("async", Kind::superblock, superblock::kSync),
    not_atime("atime", Kind::attribute, MOUNT_ATTR_NOATIME),
    {"bind", Kind::bind},
    {"copy-symlink", Kind::copy_symlink},
    {"defaults", Kind::nothing},
    {"dest-nofollow", Kind::destination_nofollow},
    clears("dev", Kind::attribute, MOUNT_ATTR_NODEV),
    clears("diratime", Kind::attribute, MOUNT_ATTR_NODIRATIME),
    sets("dirsync", Kind::superblock, superblock::kDirSync),
    clears("exec", Kind::attribute, MOUNT_ATTR_NOEXEC),
    {"idmap", Kind::idmap},
    sets("iversion", Kind::superblock, superblock::kInodeVersion),
    sets("lazytime", Kind::superblock, superblock::kLazyTime),
    clears("loud", Kind::superblock, superblock::kSilent),
    sets("mand", Kind::superblock, superblock::kMandatoryLocks),
    {"noacl", Kind::superblock, superblock::kAcl | superblock::kNoAcl, superblock::kNoAcl},
    atime("noatime", Kind::attribute, MOUNT_ATTR_NOATIME),
    sets("nodev", Kind::attribute, MOUNT_ATTR_NODEV),
    sets("nodiratime", Kind::attribute, MOUNT_ATTR_NODIRATIME),
    sets("noexec", Kind::attribute, MOUNT_ATTR_NOEXEC),
    clears("noiversion", Kind::superblock, superblock::kInodeVersion),
    clears("nolazytime", Kind::superblock, superblock::kLazyTime),
    clears("nomand", Kind::superblock, superblock::kMandatoryLocks),
    not_atime("norelatime", Kind::attribute, MOUNT_ATTR_RELATIME),
    not_atime("nostrictatime", Kind::attribute, MOUNT_ATTR_STRICTATIME),
    sets("nosuid", Kind::attribute, MOUNT_ATTR_NOSUID),
    sets("nosymfollow", Kind::attribute, MOUNT_ATTR_NOSYMFOLLOW),
    {"private", Kind::propagation, kNone, MS_PRIVATE},
    {"rasync", Kind::without_meaning},
    not_atime("ratime", Kind::recursive_attribute, MOUNT_ATTR_NOATIME),
    {"rbind", Kind::recursive_bind},
    clears("rdev", Kind::recursive_attribute, MOUNT_ATTR_NODEV),
    clears("rdiratime", Kind::recursive_attribute, MOUNT_ATTR_NODIRATIME),
    {"rdirsync", Kind::without_meaning},
    atime("relatime", Kind::attribute, MOUNT_ATTR_RELATIME),
    {"remount", Kind::remount},
    clears("rexec", Kind::recursive_attribute, MOUNT_ATTR_NOEXEC),
    {"ridmap", Kind::recursive_idmap},
    {"rmand", Kind::without_meaning},
    atime("rnoatime", Kind::recursive_attribute, MOUNT_ATTR_NOATIME),
    sets("rnodev", Kind::recursive_attribute, MOUNT_ATTR_NODEV),
    sets("rnodiratime", Kind::recursive_attribute, MOUNT_ATTR_NODIRATIME),
    sets("rnoexec", Kind::recursive_attribute, MOUNT_ATTR_NOEXEC),
    {"rnomand", Kind::without_meaning},
    not_atime("rnorelatime", Kind::recursive_attribute, MOUNT_ATTR_RELATIME),
    not_atime("rnostrictatime", Kind::recursive_attribute, MOUNT_ATTR_STRICTATIME),
    sets("rnosuid", Kind::recursive_attribute, MOUNT_ATTR_NOSUID),
    sets("rnosymfollow", Kind::recursive_attribute, MOUNT_ATTR_NOSYMFOLLOW),
    sets("ro", Kind::read_only, MOUNT_ATTR_RDONLY),
    {"rprivate", Kind::recursive_propagation, kNone, MS_PRIVATE},
    atime("rrelatime", Kind::recursive_attribute, MOUNT_ATTR_RELATIME),
    sets("rro", Kind::recursive_attribute, MOUNT_ATTR_RDONLY),
    clears("rrw", Kind::recursive_attribute, MOUNT_ATTR_RDONLY),
    {"rshared", Kind::recursive_propagation, kNone, MS_SHARED},
    {"rslave", Kind::recursive_propagation, kNone, MS_SLAVE},
    atime("rstrictatime", Kind::recursive_attribute, MOUNT_ATTR_STRICTATIME),
    clears("rsuid", Kind::recursive_attribute, MOUNT_ATTR_NOSUID),
    clears("rsymfollow", Kind::recursive_attribute, MOUNT_ATTR_NOSYMFOLLOW),
    {"rsync", Kind::without_meaning},
    {"runbindable", Kind::recursive_propagation, kNone, MS_UNBINDABLE},
    clears("rw", Kind::read_only, MOUNT_ATTR_RDONLY),
    {"shared", Kind::propagation, kNone, MS_SHARED},
    sets("silent", Kind::superblock, superblock::kSilent),
    {"slave", Kind::propagation, kNone, MS_SLAVE},
    {"src-nofollow", Kind::source_nofollow},
    atime("strictatime", Kind::attribute, MOUNT_ATTR_STRICTATIME),
    clears("suid", Kind::attribute, MOUNT_ATTR_NOSUID),
    clears("symfollow", Kind::attribute, MOUNT_ATTR_NOSYMFOLLOW),
    sets("sync", Kind::superblock, superblock::kSync),
    {"tmpcopyup", Kind::copy_up},
    {"unbindable", Kind::propagation, kNone, MS_UNBINDABLE},
});
static_assert(std::ranges::is_sorted(kOptions, {}, &Option::name));

const Option* find_option(std::string_view name) {
    const auto* const found = std::ranges::lower_bound(kOptions, name, {}, &Option::name);
    return found != kOptions.end() && found->name == name ? found : nullptr;
}

void change(AttributeChange& attributes, const Option& option) {
    const std::uint64_t touched = attributes.set | attributes.clear;
    if (option.undoes && (touched & option.field) != 0 &&
        (attributes.set & option.field) != *option.undoes) {
        return;
    }
    attributes.set = (attributes.set & ~option.field) | option.value;
    // The kernel wants the whole atime field cleared whenever a mode of it is set.
    const std::uint64_t kept = option.field == kAtime ? kNone : option.value;
    attributes.clear = (attributes.clear | option.field) & ~kept;
}

void change(unsigned& flags, std::uint64_t field, std::uint64_t value) {
    flags = static_cast<unsigned>((flags & ~field) | value);
}

Result<void> apply_option(MountOptions& plan, const Option& option) {
    switch (option.kind) {
        case Kind::nothing:
            break;
        case Kind::attribute:
            change(plan.attributes, option);
            break;
        case Kind::recursive_attribute:
            change(plan.recursive, option);
            break;
        case Kind::superblock:
            change(plan.superblock, option.field, option.value);
            break;
        case Kind::read_only:
            change(plan.attributes, option);
            change(plan.superblock, superblock::kReadOnly,
                   option.value != 0 ? superblock::kReadOnly : kNone);
            break;
        case Kind::propagation:
            plan.propagation.push_back({option.value, Recursion::this_mount});
            break;
        case Kind::recursive_propagation:
            plan.propagation.push_back({option.value, Recursion::whole_tree});
            break;
        case Kind::bind:
            plan.bind = plan.bind.value_or(Recursion::this_mount);
            break;
        case Kind::recursive_bind:
            plan.bind = Recursion::whole_tree;
            break;
        case Kind::idmap:
            plan.idmap = IdmapOption{Recursion::this_mount, {}};
            break;
        case Kind::recursive_idmap:
            plan.idmap = IdmapOption{Recursion::whole_tree, {}};
            break;
        case Kind::remount:
            plan.remount = true;
            break;
        case Kind::copy_up:
            plan.copy_up = true;
            break;
        case Kind::copy_symlink:
            plan.copy_symlink = true;
            break;
        case Kind::source_nofollow:
            plan.source_nofollow = true;
            break;
        case Kind::destination_nofollow:
            plan.destination_nofollow = true;
            break;
        case Kind::without_meaning:
            return sys::fail(sys::ErrorKind::unsupported,
                             "mount option \"" + std::string(option.name) +
                                 "\": the kernel has no such attribute");
    }
    return {};
}

}  // namespace

Result<MountOptions> parse_mount_options(const std::vector<std::string>& options) {
    MountOptions plan;
    for (const std::string& text : options) {
        if (const Option* const option = find_option(text)) {
            TRY_VOID(apply_option(plan, *option));
            continue;
        }
        const std::size_t equals = text.find('=');
        const std::string_view key = std::string_view(text).substr(0, equals);
        if (equals == std::string::npos) {
            if (!text.empty()) {
                plan.data.push_back({text, std::nullopt});
            }
            continue;
        }
        std::string value = text.substr(equals + 1);
        if (key == "idmap" || key == "ridmap") {
            plan.idmap = IdmapOption{
                key == "ridmap" ? Recursion::whole_tree : Recursion::this_mount, std::move(value)};
        } else {
            plan.data.push_back({std::string(key), std::move(value)});
        }
    }
    return plan;
}

AttributeChange all_attributes(const MountOptions& options) {
    const AttributeChange& above = options.attributes;
    AttributeChange all = options.recursive;
    all.set = (all.set & ~above.clear) | above.set;
    all.clear |= above.clear;
    return all;
}

std::vector<std::string_view> mount_option_names() {
    std::vector<std::string_view> names;
    for (const Option& option : kOptions) {
        if (option.kind != Kind::without_meaning) {
            names.push_back(option.name);
        }
    }
    return names;
}

}  // namespace libcontainer
