// SPDX-License-Identifier: Apache-2.0
// linux.seccomp as a BPF program: compiled by libseccomp in the parent, cached, loaded by the
// child.
#pragma once

#include <linux/filter.h>

#include <optional>
#include <string>
#include <vector>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/socket.h"
#include "libcontainer/sys/unique_fd.h"
#include "oci/seccomp.h"

namespace libcontainer {

using sys::Result;

struct SeccompProgram {
    std::vector<sock_filter> instructions;
    unsigned flags = 0;  // SECCOMP_FILTER_FLAG_*
    // With SCMP_ACT_NOTIFY: what lets the loader's own calls through (seccomp_pass.h).
    std::optional<sys::UnusedArguments> pass;
};

// Parent. Looks into the cache folder first (seccomp_cache.h; "" for no cache). A cache that is
// broken, foreign or cannot be written is no error: the profile is compiled. Flags absent from the
// config mean SPEC_ALLOW, as all peers set it; a flag the kernel does not know is `unsupported`.
// `skipped`: see compile_seccomp_program; a program from the cache has been warned of.
[[nodiscard]] Result<SeccompProgram> compile_seccomp(const oci::Seccomp& seccomp,
                                                     const std::string& cache_directory,
                                                     std::vector<std::string>* skipped = nullptr);

// Child: seccomp(2) SECCOMP_SET_MODE_FILTER with exactly the program's flags. Needs no_new_privs or
// CAP_SYS_ADMIN. Gives the listener of a program with SCMP_ACT_NOTIFY, else no descriptor.
[[nodiscard]] Result<sys::UniqueFd> load_seccomp(const SeccompProgram& program);

}  // namespace libcontainer
