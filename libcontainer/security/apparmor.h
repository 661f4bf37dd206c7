// SPDX-License-Identifier: Apache-2.0
// process.apparmorProfile: the AppArmor profile of the user's program (P-08).
#pragma once

#include <optional>
#include <string>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

using sys::Result;

// Whether there is a profile to set: not if absent or empty. Parent. `unconfined` is what every
// program is without AppArmor; any other profile needs it: never run unconfined in silence.
[[nodiscard]] Result<bool> plan_apparmor(const std::optional<std::string>& profile);

// Child, early, see thread_attribute.h: attr/apparmor/exec, or attr/exec before Linux 5.8. `proc`
// is a procfs.
struct ApparmorFile {
    sys::UniqueFd file;
    std::string name;
};
[[nodiscard]] Result<ApparmorFile> open_apparmor(int proc);

// Child, late: the next execve of this thread, and of what it forks until then, enters `profile`.
// Before no_new_privs, which would forbid it. A profile that is not loaded is an error that names
// it.
[[nodiscard]] Result<void> apply_apparmor(const ApparmorFile& attribute,
                                          const std::string& profile);

}  // namespace libcontainer
