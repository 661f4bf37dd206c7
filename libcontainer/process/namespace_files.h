// SPDX-License-Identifier: Apache-2.0
// Namespaces as files: those that a config joins, the runtime's own, and why the kernel makes none.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "libcontainer/process/namespace_plan.h"
#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

using sys::Result;

// Parent: opens the namespaces that are joined by path and checks each one's type before the first
// is entered (R-29, N-04). The runtime's own user namespace is refused: nothing can enter that.
[[nodiscard]] Result<std::vector<sys::UniqueFd>> open_namespaces(const NamespacePlan& plan);

// Whether an opened namespace is the caller's. What cannot be compared is not trusted, and is.
[[nodiscard]] bool is_own_namespace(oci::NamespaceType type, int fd);

// Both: enters the namespace of plan.joins[i].
[[nodiscard]] Result<void> join_namespace(const NamespacePlan::Join& join, int fd);

// The file that sets the clocks of the caller's next time namespace. /proc is a procfs, in which
// /proc/self belongs to the caller: that ends with prctl(PR_SET_DUMPABLE, 0). The rights that count
// are those of whoever opens it: CAP_SYS_TIME in the user namespace that owns the new one, which
// that one's owner has (user_namespaces(7)).
[[nodiscard]] Result<sys::UniqueFd> open_time_offsets();

// Makes a time namespace for the caller's future children and sets its clocks by that file, while
// nobody is in it (T-01). The caller's user namespace owns it, so: the parent; an intermediate
// process that has joined the container's; the child, if it is the root of a new one.
[[nodiscard]] Result<void> make_time_namespace(const std::map<oci::Clock, oci::TimeOffset>& offsets,
                                               int offsets_file);

// Both: why a clone3 or unshare with these CLONE_NEW* flags failed, where the kernel's number alone
// does not tell: a type that it has not, or a limit of user.max_*_namespaces (N-01, T-93).
[[nodiscard]] sys::Error explain_no_namespace(sys::Error error, std::uint64_t flags);

}  // namespace libcontainer
