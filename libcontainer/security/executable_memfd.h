// SPDX-License-Identifier: Apache-2.0
// An unnamed file in memory that may be executed and, once sealed, never be changed again.
#pragma once

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

using sys::Result;

// memfd_create(2), empty, mode 0777, O_CLOEXEC. EACCES: vm.memfd_noexec is 2.
[[nodiscard]] Result<sys::UniqueFd> make_executable_memfd();
// F_SEAL_WRITE, GROW, SHRINK and SEAL: no one can write to it, whatever its descriptor or name.
[[nodiscard]] Result<void> seal(int memfd);
// Whether all of these seals are set; false for a file that cannot have any.
[[nodiscard]] bool is_sealed(int fd);

}  // namespace libcontainer
