// SPDX-License-Identifier: Apache-2.0
// linux.seccomp to BPF by libseccomp.
#pragma once

#include <linux/filter.h>
#include <seccomp.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "libcontainer/sys/error.h"
#include "oci/seccomp.h"

namespace libcontainer {

using sys::Result;

// Parent. The program for the kernel, at most BPF_MAXINSNS instructions (SC-13):
// - the native architecture is always in it (SC-03);
// - names that libseccomp does not know are skipped (SC-08) and `skipped`, if given, gets a line
// for
//   each; rules that only repeat the default action are skipped, too (SC-09);
// - the conditions of a rule are AND-ed; when two of them test the same argument, each becomes a
//   rule of its own (SC-11, as every peer does);
// - what is newer than the profile gives ENOSYS (seccomp_stub.h).
// Errors name the JSON path.
[[nodiscard]] Result<std::vector<sock_filter>> compile_seccomp_program(
    const oci::Seccomp& seccomp, std::vector<std::string>* skipped = nullptr);

// Error `unsupported` above BPF_MAXINSNS.
[[nodiscard]] Result<void> check_program_size(std::size_t instructions);

// libseccomp's token of an architecture (AUDIT_ARCH_*, SCMP_ARCH_X32); 0 if this libseccomp does
// not know it.
[[nodiscard]] std::uint32_t seccomp_arch_token(oci::SeccompArch arch);

// The native architecture and those of the profile, as the kernel tells them apart (AUDIT_ARCH_*):
// x32 goes by x86-64's name.
[[nodiscard]] std::vector<std::uint32_t> audit_architectures(const oci::Seccomp& seccomp);

}  // namespace libcontainer
