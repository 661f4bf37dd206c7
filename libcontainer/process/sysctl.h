// SPDX-License-Identifier: Apache-2.0
// linux.sysctl, written in the container's namespaces.
#pragma once

#include <map>
#include <string>

#include "libcontainer/sys/error.h"

namespace libcontainer {

using sys::Result;

// Child, once it is in its namespaces and before the root is switched. Which keys are allowed was
// checked before (SY-02). Writes go through a procfs instance of our own that nobody can mount over
// (R-9, CVE-2025-52881), one key, one descriptor, one write (CVE-2022-0811).
[[nodiscard]] Result<void> apply_sysctls(const std::map<std::string, std::string>& sysctls);

// net.ipv4.ip_forward and net/ipv4/conf/eth0.100/forwarding: the first separator decides, as in
// sysctl.d(5) (SY-01).
[[nodiscard]] std::string sysctl_path(const std::string& key);

}  // namespace libcontainer
