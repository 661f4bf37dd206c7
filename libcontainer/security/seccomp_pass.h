// SPDX-License-Identifier: Apache-2.0
// The calls that a process still has to make between loading a filter with SCMP_ACT_NOTIFY and
// execve.
#pragma once

#include <linux/filter.h>

#include <vector>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/socket.h"

namespace libcontainer {

using sys::Result;

// Once the filter is loaded the process holds its listener and has to give it away, but that is a
// system call, and if the profile notifies of it, it waits for the very supervisor that has no
// listener yet (SC-05). Peers forbid to notify of write(2), and hang with sendmsg(2).
//
// Here the loader shows a pass: random words in the argument registers that sendmsg, recvmsg,
// capset and exit_group leave unused. The program lets a call with all of them through, whatever
// the profile says. A program without CAP_SYS_PTRACE over the loader never learns them: the memory
// that holds them is gone with execve, and reading a filter back needs CAP_SYS_ADMIN of the host
// (ptrace(2), PTRACE_SECCOMP_GET_FILTER).
[[nodiscard]] Result<sys::UnusedArguments> make_seccomp_pass();

// Instructions to stand in front of the compiled profile.
[[nodiscard]] std::vector<sock_filter> plan_seccomp_pass(const sys::UnusedArguments& pass);

}  // namespace libcontainer
