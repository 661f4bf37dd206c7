// SPDX-License-Identifier: Apache-2.0
// Compiled seccomp programs, kept between runs: compiling an engine's profile costs 10 ms.
#pragma once

#include <linux/filter.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/sys/unique_fd.h"
#include "oci/seccomp.h"

namespace libcontainer {

// All that the program depends on, as bytes: the section without its flags and listener, brig's and
// libseccomp's versions, the machine and its kernel's release. Two keys are equal only if all of it
// is.
[[nodiscard]] std::string seccomp_cache_key(const oci::Seccomp& seccomp);

// A folder of programs. A file is named by a hash of its key, holds the whole key and is used only
// if that is equal, so neither a collision nor a forged name yields another profile's program.
//
// Nothing is trusted that another user could have written: the folder must be ours with mode 0700,
// a file regular and ours, of exactly the length it announces (R-32b). All else is a miss.
class SeccompCache {
  public:
    // Opens the folder, makes it (mode 0700) if missing. A folder that is no good is never used.
    explicit SeccompCache(const std::string& directory);

    [[nodiscard]] std::optional<std::vector<sock_filter>> find(std::string_view key) const;
    // Failures are silent: the next run compiles again. Beyond 64 programs the oldest ones go.
    void store(std::string_view key, const std::vector<sock_filter>& program) const;

  private:
    sys::UniqueFd directory_;
};

}  // namespace libcontainer
