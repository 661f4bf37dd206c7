// SPDX-License-Identifier: Apache-2.0
// mounts[] as a list of plans.
#include "libcontainer/rootfs/mount_plan.h"

#include <sys/mount.h>

#include <algorithm>
#include <array>

namespace libcontainer {
namespace {

using sys::ErrorKind;
using sys::fail;

// What lxcfs and its like emulate below /proc; nothing else may cover a file that brig, or the
// container's software, trusts to be the kernel's (CVE-2019-16884, CVE-2019-19921).
constexpr auto kProcTargets = std::to_array<std::string_view>({
    "proc/cpuinfo",
    "proc/diskstats",
    "proc/loadavg",
    "proc/meminfo",
    "proc/slabinfo",
    "proc/stat",
    "proc/swaps",
    "proc/sys/crypto/fips_enabled",
    "proc/sys/kernel/ns_last_pid",
    "proc/uptime",
});

bool is_bind(const oci::Mount& mount, const MountOptions& options) {
    return options.bind.has_value() || mount.type == "bind" || mount.type == "rbind";
}

std::string absolute_source(const std::string& source, const std::string& bundle) {
    return source.starts_with('/') ? source : bundle + "/" + source;
}

Result<void> plan_bind(MountPlan& plan, const oci::Mount& mount, const std::string& bundle,
                       const std::string& rootfs_path) {
    if (!mount.source || mount.source->empty()) {
        return fail(ErrorKind::invalid, "a bind mount needs a source");
    }
    // There is no filesystem to give data to: mount(2) ignores it with MS_BIND, and engines leave
    // `mode=755` behind when they turn a mount into a bind. A bare word is rather a flag that was
    // misspelt, and must not get lost.
    for (const DataOption& option : plan.options.data) {
        if (!option.value) {
            return fail(ErrorKind::invalid, "\"" + option.key + "\" is no option of a bind mount");
        }
    }
    plan.options.data.clear();
    if (plan.options.copy_up) {
        return fail(ErrorKind::invalid, "tmpcopyup needs a tmpfs");
    }
    plan.options.bind = plan.options.bind.value_or(
        mount.type == "rbind" ? sys::Recursion::whole_tree : sys::Recursion::this_mount);
    plan.kind = MountKind::bind;
    plan.source = absolute_source(*mount.source, bundle);
    // A path below the root may lie on an earlier mount, or behind the image's symlinks: it is
    // opened in its turn, inside the root, never through the host's path.
    const std::string lexical = "/" + normalize(plan.source);
    if (lexical == rootfs_path) {
        plan.kind = MountKind::bind_inside;
        plan.source.clear();
    } else if (rootfs_path != "/" && lexical.starts_with(rootfs_path + "/")) {
        plan.kind = MountKind::bind_inside;
        plan.source = lexical.substr(rootfs_path.size() + 1);
    }
    return {};
}

Result<void> plan_filesystem(MountPlan& plan, const oci::Mount& mount) {
    if (plan.type.empty()) {
        return fail(ErrorKind::invalid, "a mount needs a type, or the option bind");
    }
    if (mount.type == "cgroup") {
        plan.kind = MountKind::cgroup;
    }
    if (plan.options.copy_up && plan.type != "tmpfs") {
        return fail(ErrorKind::invalid, "tmpcopyup needs a tmpfs");
    }
    plan.source = mount.source.value_or(plan.type);
    return {};
}

Result<void> check_proc_target(const MountPlan& plan) {
    if (plan.kind == MountKind::remount) {
        return {};
    }
    const bool binds = plan.kind == MountKind::bind || plan.kind == MountKind::bind_inside;
    if (plan.target == "proc" && plan.type != "proc" && !binds) {
        return fail(ErrorKind::invalid, "only a proc filesystem may be mounted on /proc");
    }
    if (plan.target.starts_with("proc/") && !may_cover_proc(plan.target)) {
        return fail(ErrorKind::invalid, "a mount inside /proc is not allowed here");
    }
    return {};
}

void postpone_readonly(MountPlan& plan) {
    constexpr std::uint64_t kReadOnly = MOUNT_ATTR_RDONLY;
    if ((all_attributes(plan.options).set & kReadOnly) == 0) {
        return;
    }
    plan.readonly_later = (plan.options.recursive.set & kReadOnly) != 0
                              ? sys::Recursion::whole_tree
                              : sys::Recursion::this_mount;
    plan.options.attributes.set &= ~kReadOnly;
    plan.options.recursive.set &= ~kReadOnly;
    plan.options.superblock &= ~superblock::kReadOnly;
}

// A folder that the engine has made for this container: podman keeps a second one, on a tmpfs,
// whose path ends as the bundle's, `ID/userdata`.
bool is_engines_own(const std::string& source, const std::string& bundle) {
    const std::string path = "/" + normalize(bundle);
    const std::size_t name = path.rfind('/');
    const std::size_t above = name == 0 ? 0 : path.rfind('/', name - 1);
    return ("/" + normalize(source)).find(path.substr(above) + "/") != std::string::npos;
}

// podman's --secret under --read-only makes /run/secrets read-only and then needs a place in it. In
// other folders of the host, which the container may only read, nothing is made for it either. Not
// for a recursive ro, which would take the later mounts with it.
void postpone_under_later_mounts(std::vector<MountPlan>& plans, const std::string& bundle) {
    for (auto plan = plans.begin(); plan != plans.end(); ++plan) {
        const bool binds = plan->kind == MountKind::bind_inside ||
                           (plan->kind == MountKind::bind && is_engines_own(plan->source, bundle));
        const std::string below = plan->target + "/";
        if (binds && (plan->options.attributes.set & MOUNT_ATTR_RDONLY) != 0 &&
            (plan->options.recursive.set & MOUNT_ATTR_RDONLY) == 0 &&
            std::any_of(plan + 1, plans.end(),
                        [&](const MountPlan& later) { return later.target.starts_with(below); })) {
            postpone_readonly(*plan);
        }
    }
}

Result<void> fill(MountPlan& plan, const oci::Mount& mount, const std::string& bundle,
                  const std::string& rootfs_path) {
    if (mount.destination.empty()) {
        return fail(ErrorKind::invalid, "a mount needs a destination");
    }
    plan.target = normalize(mount.destination);
    if (plan.target.empty()) {
        return fail(ErrorKind::invalid, "the destination is the root itself");
    }
    plan.type = mount.type.value_or("");
    plan.options = TRY(parse_mount_options(mount.options));
    if (plan.options.remount) {
        plan.kind = MountKind::remount;
    } else if (is_bind(mount, plan.options)) {
        TRY_VOID(plan_bind(plan, mount, bundle, rootfs_path));
    } else {
        TRY_VOID(plan_filesystem(plan, mount));
    }
    const bool maps_ids =
        plan.options.idmap || !mount.uid_mappings.empty() || !mount.gid_mappings.empty();
    if (maps_ids && plan.kind != MountKind::bind) {
        return fail(ErrorKind::unsupported, "idmapped mounts are binds of a path of the host");
    }
    TRY_VOID(check_proc_target(plan));
    if (plan.kind != MountKind::remount &&
        (plan.target == "dev" || (plan.kind == MountKind::filesystem && plan.type == "tmpfs"))) {
        postpone_readonly(plan);
    }
    return {};
}

}  // namespace

std::string normalize(std::string_view path) {
    std::string result;
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        const std::string_view component = path.substr(0, slash);
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
        if (component.empty() || component == ".") {
            continue;
        }
        if (component == "..") {
            const std::size_t last = result.rfind('/');
            result.resize(last == std::string::npos ? 0 : last);
            continue;
        }
        if (!result.empty()) {
            result += '/';
        }
        result += component;
    }
    return result;
}

bool may_cover_proc(std::string_view target) {
    return std::ranges::find(kProcTargets, target) != kProcTargets.end();
}

std::uint64_t source_propagation(const oci::Spec& spec) {
    switch (spec.linux.rootfs_propagation.value_or(oci::Propagation::rslave)) {
        case oci::Propagation::shared:
        case oci::Propagation::rshared:
            return 0;
        case oci::Propagation::slave:
        case oci::Propagation::rslave:
            return MS_SLAVE;
        case oci::Propagation::private_:
        case oci::Propagation::rprivate:
        case oci::Propagation::unbindable:
        case oci::Propagation::runbindable:
            break;
    }
    return MS_PRIVATE;
}

Result<std::vector<MountPlan>> plan_mounts(const oci::Spec& spec, const std::string& bundle,
                                           const std::string& rootfs_path) {
    std::vector<MountPlan> plans(spec.mounts.size());
    for (std::size_t i = 0; i < plans.size(); ++i) {
        const oci::Mount& mount = spec.mounts[i];
        plans[i].config_path = "mounts[" + std::to_string(i) + "] (" + mount.destination + ")";
        if (auto filled = fill(plans[i], mount, bundle, rootfs_path); !filled) {
            return std::unexpected(std::move(filled).error().at(plans[i].config_path));
        }
    }
    postpone_under_later_mounts(plans, bundle);
    return plans;
}

}  // namespace libcontainer
