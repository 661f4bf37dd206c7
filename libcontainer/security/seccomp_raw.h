// SPDX-License-Identifier: Apache-2.0
// A seccomp filter that somebody else has compiled.
#pragma once

#include <string_view>

#include "libcontainer/security/seccomp_filter.h"

namespace libcontainer {

// The annotation run.oci.seccomp_bpf_data: the kernel's instructions in base64, in the byte order
// of this machine. The flags are those of a profile that has none. What the instructions say is for
// the kernel to judge, when they are loaded. Parent.
[[nodiscard]] Result<SeccompProgram> read_raw_seccomp(std::string_view base64);

}  // namespace libcontainer
