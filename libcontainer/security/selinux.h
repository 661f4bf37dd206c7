// SPDX-License-Identifier: Apache-2.0
// process.selinuxLabel: the SELinux context of the user's program and of its keyring (P-15).
#pragma once

#include <optional>
#include <string>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

using sys::Result;

// Whether there is a label to set: not if absent or empty. Parent. A label without SELinux in the
// kernel is an error, as with runc (crun ignores it): engines send one only where SELinux is, and a
// container must not run unconfined in silence. `place` is that of the label in config.json.
[[nodiscard]] Result<bool> plan_selinux(const std::optional<std::string>& label,
                                        const std::string& place);

// Child, early, see thread_attribute.h.
struct SelinuxFiles {
    sys::UniqueFd exec;
    sys::UniqueFd keycreate;
};
[[nodiscard]] Result<SelinuxFiles> open_selinux(int proc);

// Child, late: the next execve of this thread, and of what it forks until then, gets `label`.
[[nodiscard]] Result<void> apply_selinux(int exec, const std::string& label);

// Child, around the making of the session keyring, which the program could not use otherwise; an
// empty label is the end of it.
[[nodiscard]] Result<void> apply_selinux_to_keys(int keycreate, const std::string& label);

}  // namespace libcontainer
