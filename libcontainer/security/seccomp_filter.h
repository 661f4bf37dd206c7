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

// Parent. Looks into the cache folder first (`cache_directory`: root-only, made if missing, "" for
// no cache); the key is collision-free over all that the program depends on (the whole section,
// libseccomp's version, the architecture, the kernel's supported flags). A broken or foreign cache
// file is recompiled, never trusted. A cache that cannot be written is no error.
[[nodiscard]] Result<SeccompProgram> compile_seccomp(const oci::Seccomp& seccomp,
                                                     const std::string& cache_directory);

// Child: seccomp(2) SECCOMP_SET_MODE_FILTER with exactly the program's flags. Needs no_new_privs or
// CAP_SYS_ADMIN.
[[nodiscard]] Result<void> load_seccomp(const SeccompProgram& program);

}  // namespace libcontainer
