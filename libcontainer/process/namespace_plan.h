// SPDX-License-Identifier: Apache-2.0
// Which namespaces a container gets and how: a pure function of the Spec, made before any process
// is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "oci/spec.h"

namespace libcontainer {

// CLONE_NEW* of a namespace type.
[[nodiscard]] std::uint64_t clone_flag(oci::NamespaceType type);
// Its file in /proc/PID/ns.
[[nodiscard]] const char* proc_name(oci::NamespaceType type);

struct NamespacePlan {
    struct Join {
        oci::NamespaceType type;
        std::string path;   // in the runtime's mount namespace (N-04)
        std::size_t index;  // in linux.namespaces, for error paths
    };

    // Born into by clone3, all at once. With CLONE_NEWUSER among them the kernel makes it first and
    // it owns the rest.
    std::uint64_t clone_flags = 0;
    // Unshared by the child itself. First: the network namespace, the most expensive of all (0.5
    // ms), while the parent makes the cgroup; not with a user namespace of its own, which has to be
    // mapped before it can own one.
    std::uint64_t unshare_first = 0;
    // In the end: the cgroup namespace, once the child is in its cgroups, so that they are its root
    // (N-08).
    std::uint64_t unshare_in_cgroup = 0;
    // Joined by setns, in this order: mount last, because it hides the paths. User stands first,
    // but the others are tried before it, with the host's rights. A pid namespace alone is joined
    // by the parent around clone3, so it needs no second fork.
    std::vector<Join> joins;
    // A user namespace that is joined must own the new ones, and one that is made has no right over
    // those that are joined. So an intermediate process joins, and then makes the container's
    // process as the parent's child (CLONE_PARENT).
    bool needs_intermediate = false;
    // New time namespace, whose clocks can be set only while nobody is in it (T-01). Unshared by
    // the parent before clone3; by the intermediate process in a user namespace that is joined, by
    // the child in a new one, which has to own it.
    bool new_time_namespace = false;

    [[nodiscard]] bool makes(oci::NamespaceType type) const {
        return ((clone_flags | unshare_first | unshare_in_cgroup) & clone_flag(type)) != 0 ||
               (type == oci::NamespaceType::time && new_time_namespace);
    }
    [[nodiscard]] const Join* joined(oci::NamespaceType type) const;
    // New or joined by path: not the runtime's.
    [[nodiscard]] bool own(oci::NamespaceType type) const {
        return makes(type) || joined(type) != nullptr;
    }
};

[[nodiscard]] NamespacePlan plan_namespaces(const oci::Linux& linux);

}  // namespace libcontainer
