// SPDX-License-Identifier: Apache-2.0
// Who the process is: groups, user, umask, and that it cannot gain more. Child steps, no /proc
// needed.
#pragma once

#include <cstdint>
#include <optional>

#include "libcontainer/sys/error.h"
#include "oci/spec.h"

namespace libcontainer {

using sys::Result;

// setgroups(2) with exactly process.user.additionalGids, also when it is empty (R-27, P-21). Before
// apply_ids. Where the user namespace denies setgroups(2) (/proc/PID/setgroups, R-28) an empty list
// leaves the caller's groups and is no error; a list with members is. Not called for a process that
// keeps its original groups: that is the caller's decision.
[[nodiscard]] Result<void> apply_groups(const oci::User& user);

// setresgid(2), then setresuid(2), all three ids of each (P-19). The capabilities survive if
// apply_bounding_set went before.
[[nodiscard]] Result<void> apply_ids(const oci::User& user);

// process.user.umask; 0022 when absent, as images and both other runtimes expect (P-20). Beyond
// 0777 is an error.
[[nodiscard]] Result<void> apply_umask(const std::optional<std::uint32_t>& umask);

// PR_SET_NO_NEW_PRIVS (P-10). Not called when process.noNewPrivileges is false: there is no way
// back.
[[nodiscard]] Result<void> apply_no_new_privileges();

// PR_SET_DUMPABLE. `no` before anything of the container is entered. The kernel resets it on
// a change of ids (to suid_dumpable) and on execve (to 1), so a step that changes ids repeats it.
enum class Dumpable : unsigned char { no, yes };
[[nodiscard]] Result<void> apply_dumpable(Dumpable dumpable);

}  // namespace libcontainer
