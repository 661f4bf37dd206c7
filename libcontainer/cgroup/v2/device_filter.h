// SPDX-License-Identifier: Apache-2.0
// The device policy of v2: a BPF program on the cgroup (BPF_PROG_TYPE_CGROUP_DEVICE, Linux 4.15).
#pragma once

#include <linux/bpf.h>

#include <span>
#include <string>
#include <vector>

#include "libcontainer/cgroup/device_rules.h"
#include "libcontainer/sys/error.h"

namespace libcontainer::v2 {

// For each kind of access the last rule that speaks of it decides; what no rule speaks of is
// denied. Unlike v1 this can take a part out of a wider rule.
[[nodiscard]] std::vector<bpf_insn> compile_device_filter(std::span<const DeviceRule> rules);

// Loads the filter for linux.resources.devices and the defaults, and makes it the cgroup's one
// program, in the place of what was attached, so that at no moment there is no filter (RD-04).
// Programs of cgroups above judge, too, unless they were attached with BPF_F_ALLOW_OVERRIDE.
[[nodiscard]] Result<void> apply_device_filter(const std::string& directory,
                                               const std::vector<oci::DeviceRule>& rules);

}  // namespace libcontainer::v2
