// SPDX-License-Identifier: Apache-2.0
// The wish of a person or an engine that a container's creation end: SIGINT, SIGTERM, SIGHUP,
// SIGQUIT.
#pragma once

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

using sys::Result;

enum class Held : unsigned char { not_yet, already };  // by Foreground::prepare

// From here on these signals wait in the descriptor, which is to be polled wherever the parent
// waits: a creation that is ended in between undoes itself. The child inherits the mask and resets
// its own.
[[nodiscard]] Result<sys::UniqueFd> hold_back_interruption(Held held = Held::not_yet);

// After poll(2) has told of the descriptor: the error `interrupted by signal N`, or nothing if the
// caller wants the signal ignored (nohup, a job in the background of a script).
[[nodiscard]] Result<void> check_interruption(int descriptor);

}  // namespace libcontainer
