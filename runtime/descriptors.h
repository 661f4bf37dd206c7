// SPDX-License-Identifier: Apache-2.0
// The descriptors that brig's caller left open.
#pragma once

#include "libcontainer/sys/error.h"

namespace runtime {

// Opens /dev/null where 0, 1 or 2 is closed, so that no file of ours lands there and is written to
// as if it were standard error. False: no /dev/null.
[[nodiscard]] bool open_missing_standard_streams();

// Marks every inherited descriptor from 3 + `preserved` + LISTEN_FDS on as close-on-exec: engines
// leave sockets and folders open, and one of them in a container was CVE-2024-21626. Holes are
// fine.
[[nodiscard]] sys::Result<void> close_on_exec_beyond(unsigned preserved);

}  // namespace runtime
