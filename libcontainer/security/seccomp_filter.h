// SPDX-License-Identifier: Apache-2.0
// linux.seccomp as a BPF program: compiled by libseccomp in the parent, cached, loaded by the
// child.
#pragma once

#include <linux/filter.h>

#include <string>
#include <vector>

#include "libcontainer/sys/error.h"
#include "oci/seccomp.h"

namespace libcontainer {

using sys::Result;

struct SeccompProgram {
    std::vector<sock_filter> instructions;
    unsigned flags = 0;  // SECCOMP_FILTER_FLAG_*
};

// Parent. Looks into the cache folder first (seccomp_cache.h; "" for no cache). A cache that is
// broken, foreign or cannot be written is no error: the profile is compiled. Flags absent from the
// config mean SPEC_ALLOW, as all peers set it; a flag the kernel does not know is `unsupported`.
[[nodiscard]] Result<SeccompProgram> compile_seccomp(const oci::Seccomp& seccomp,
                                                     const std::string& cache_directory);

// Child: seccomp(2) SECCOMP_SET_MODE_FILTER with exactly the program's flags. Needs no_new_privs or
// CAP_SYS_ADMIN.
[[nodiscard]] Result<void> load_seccomp(const SeccompProgram& program);

}  // namespace libcontainer
