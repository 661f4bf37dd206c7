// SPDX-License-Identifier: Apache-2.0
// tmpcopyup: a tmpfs that starts with what the directory under it holds.
#pragma once

#include "libcontainer/sys/error.h"

namespace libcontainer {

using sys::Result;

// Copies what is in directory `from` (O_PATH) into the detached mount `to`: files, directories,
// symlinks and nodes with owner, mode, times and extended attributes. Only *at calls on single
// names, no symlink is followed, at most 128 levels deep (ELOOP). Child.
[[nodiscard]] Result<void> copy_up(int from, int to);

}  // namespace libcontainer
