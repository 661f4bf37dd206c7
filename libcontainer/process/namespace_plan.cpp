// SPDX-License-Identifier: Apache-2.0
// Which namespaces a container gets and how.
#include "libcontainer/process/namespace_plan.h"

#include <linux/sched.h>

#include <algorithm>
#include <array>

namespace libcontainer {
namespace {

using oci::NamespaceType;

constexpr auto kJoinOrder = std::to_array<NamespaceType>(
    {NamespaceType::user, NamespaceType::pid, NamespaceType::ipc, NamespaceType::uts,
     NamespaceType::network, NamespaceType::cgroup, NamespaceType::time, NamespaceType::mount});

struct Entry {
    NamespaceType type;
    std::uint64_t flag;
    const char* file;
};

constexpr auto kEntries = std::to_array<Entry>({
    {NamespaceType::pid, CLONE_NEWPID, "pid"},
    {NamespaceType::network, CLONE_NEWNET, "net"},
    {NamespaceType::mount, CLONE_NEWNS, "mnt"},
    {NamespaceType::ipc, CLONE_NEWIPC, "ipc"},
    {NamespaceType::uts, CLONE_NEWUTS, "uts"},
    {NamespaceType::user, CLONE_NEWUSER, "user"},
    {NamespaceType::cgroup, CLONE_NEWCGROUP, "cgroup"},
    {NamespaceType::time, CLONE_NEWTIME, "time"},
});

const Entry& entry_of(NamespaceType type) {
    return *std::ranges::find(kEntries, type, &Entry::type);
}

}  // namespace

std::uint64_t clone_flag(NamespaceType type) {
    return entry_of(type).flag;
}

const char* proc_name(NamespaceType type) {
    return entry_of(type).file;
}

const NamespacePlan::Join* NamespacePlan::joined(NamespaceType type) const {
    const auto join = std::ranges::find(joins, type, &Join::type);
    return join != joins.end() ? &*join : nullptr;
}

NamespacePlan plan_namespaces(const oci::Linux& linux) {
    NamespacePlan plan;
    for (std::size_t i = 0; i < linux.namespaces.size(); ++i) {
        const oci::Namespace& wanted = linux.namespaces[i];
        if (wanted.path && !wanted.path->empty()) {
            plan.joins.push_back({wanted.type, *wanted.path, i});
        } else if (wanted.type == NamespaceType::cgroup) {
            plan.unshare_in_cgroup |= CLONE_NEWCGROUP;
        } else if (wanted.type == NamespaceType::time) {
            plan.new_time_namespace = true;
        } else {
            plan.clone_flags |= clone_flag(wanted.type);
        }
    }
    std::ranges::sort(plan.joins, {}, [](const NamespacePlan::Join& join) {
        return std::ranges::find(kJoinOrder, join.type) - kJoinOrder.begin();
    });
    if (!plan.own(NamespaceType::user)) {
        plan.unshare_first = plan.clone_flags & CLONE_NEWNET;
        plan.clone_flags &= ~plan.unshare_first;
    }
    plan.needs_intermediate = plan.joined(NamespaceType::user) != nullptr ||
                              (plan.makes(NamespaceType::user) &&
                               std::ranges::any_of(plan.joins, [](const NamespacePlan::Join& join) {
                                   return join.type != NamespaceType::pid;
                               }));
    return plan;
}

}  // namespace libcontainer
