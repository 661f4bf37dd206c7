// SPDX-License-Identifier: Apache-2.0
// Opening below a directory that is trusted by a path that is not: kernel parameters.
#pragma once

#include <string>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace sys {

// openat2(2) that follows no symlink, goes up nowhere and enters no other mount: ELOOP, EXDEV.
// `flags` as for open(2); O_CLOEXEC is added. Where openat2 is missing (kernel < 5.6, or an outer
// seccomp filter) the path is walked component by component; another mount is then told by its
// device number.
[[nodiscard]] Result<UniqueFd> open_beneath(int directory, const std::string& path, int flags);

}  // namespace sys
