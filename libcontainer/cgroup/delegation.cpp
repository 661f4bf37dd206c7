// SPDX-License-Identifier: Apache-2.0
// Who gets a container's cgroup.
#include "libcontainer/cgroup/delegation.h"

#include <algorithm>

namespace libcontainer {
namespace {

const oci::Namespace* find(const oci::Spec& spec, oci::NamespaceType type) {
    const auto found = std::ranges::find(spec.linux.namespaces, type, &oci::Namespace::type);
    return found == spec.linux.namespaces.end() ? nullptr : &*found;
}

bool is_writable_cgroup(const oci::Mount& mount) {
    return (mount.source == "cgroup" || mount.type == "cgroup" || mount.type == "cgroup2") &&
           mount.destination == "/sys/fs/cgroup" &&
           std::ranges::find(mount.options, "ro") == mount.options.end();
}

}  // namespace

std::optional<uid_t> delegate_to(const oci::Spec& spec) {
    const oci::Namespace* const cgroup = find(spec, oci::NamespaceType::cgroup);
    if (cgroup == nullptr || cgroup->path || !spec.process ||
        std::ranges::none_of(spec.mounts, is_writable_cgroup)) {
        return std::nullopt;
    }
    const uid_t inside = spec.process->user.uid;
    if (find(spec, oci::NamespaceType::user) == nullptr) {
        return inside != 0 ? std::optional(inside) : std::nullopt;
    }
    for (const oci::IdMapping& map : spec.linux.uid_mappings) {
        if (inside >= map.container_id && inside - map.container_id < map.size) {
            const uid_t outside = map.host_id + (inside - map.container_id);
            return outside != 0 ? std::optional(outside) : std::nullopt;
        }
    }
    return std::nullopt;
}

}  // namespace libcontainer
