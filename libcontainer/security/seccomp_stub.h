// SPDX-License-Identifier: Apache-2.0
// ENOSYS for system calls that are newer than the profile.
#pragma once

#include <linux/filter.h>

#include <vector>

#include "oci/seccomp.h"

namespace libcontainer {

// Instructions to stand in front of the compiled profile (R-32b, SC-08). Without them a C library
// that tries a new system call first gets the profile's EPERM, which it takes for an answer,
// instead of ENOSYS, which makes it fall back to the old one.
//
// Per architecture of the filter, x86-64 and x32 apart: a number above the largest that a rule
// names gives ENOSYS; anything else goes on to the profile. Empty unless the default action is an
// errno (other than ENOSYS) or a kill. Holes below the largest number stay the profile's.
[[nodiscard]] std::vector<sock_filter> plan_enosys_stub(const oci::Seccomp& seccomp);

}  // namespace libcontainer
