// SPDX-License-Identifier: Apache-2.0
// The v1 controllers: what each asks of its directory for a given linux.resources (§15). One file
// per controller; each works relative to a directory and is tested on a temporary folder.
#pragma once

#include <span>
#include <string_view>

#include "libcontainer/cgroup/attribute.h"
#include "libcontainer/sys/error.h"
#include "oci/resources.h"

namespace libcontainer::v1 {

struct Controller {
    std::string_view name;  // as /proc/cgroups calls it
    // JSON path of the first value that asks something of this controller; empty: nothing does.
    // Values that change nothing (0, -1, false: §26.6) ask nothing, engines send them.
    std::string_view (*asks)(const oci::Resources& resources);
    // Checks the values and writes them; errors name the JSON path and the file.
    Result<void> (*apply)(const AttributeDirectory& directory, const oci::Resources& resources);
};

// In the order in which they are written.
[[nodiscard]] std::span<const Controller> controllers();

extern const Controller kDevices;  // asks always: without rules the default is written (T-62)
extern const Controller kCpuset;
extern const Controller kMemory;
extern const Controller kCpu;
extern const Controller kBlkio;
extern const Controller kPids;
extern const Controller kHugetlb;
extern const Controller kNetCls;
extern const Controller kNetPrio;
extern const Controller kRdma;

}  // namespace libcontainer::v1
