// SPDX-License-Identifier: Apache-2.0
// A classic BPF machine, as the kernel runs seccomp filters, and what a profile itself says.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "oci/seccomp.h"

namespace bpf {

// The filter's verdict, SECCOMP_RET_* with data. Throws on what the kernel's checker refuses:
// an unknown instruction, a jump or an end outside of the program.
[[nodiscard]] std::uint32_t run(const std::vector<sock_filter>& program, const seccomp_data& data);

// The profile on one system call, worked out from its rules and not from any program. More than one
// verdict is possible when rules with different actions match: libseccomp's order is its own.
[[nodiscard]] std::set<std::uint32_t> verdicts(const oci::Seccomp& profile, std::uint32_t token,
                                               const seccomp_data& data);

// Arguments at and around each border that the rules of a system call draw.
[[nodiscard]] std::vector<seccomp_data> border_cases(const oci::Seccomp& profile,
                                                     std::uint32_t token, int number);

}  // namespace bpf
