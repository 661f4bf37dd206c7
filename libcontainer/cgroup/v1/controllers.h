// SPDX-License-Identifier: Apache-2.0
// The v1 controllers: what each writes into its directory for a given linux.resources (§15). One
// file per controller; each is tested on a temporary folder.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>

#include "libcontainer/cgroup/attribute.h"
#include "libcontainer/sys/error.h"
#include "oci/resources.h"

namespace libcontainer::v1 {

struct Controller {
    std::string_view name;  // as /proc/cgroups calls it
    // JSON path of the first value that cannot do without this controller; empty: there is none.
    // Values that limit nothing (0, -1, false: §26.6) can, and engines send them.
    std::string_view (*asks)(const oci::Resources& resources);
    // Checks the values and writes those that are there; errors name the JSON path and the file.
    Result<void> (*apply)(const AttributeDirectory& directory, const oci::Resources& resources);
};

// In the order in which they are written.
[[nodiscard]] std::span<const Controller* const> controllers();

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

// For `asks`: the path of the first that is set.
struct Asked {
    bool is_set;
    std::string_view config_path;
};
[[nodiscard]] constexpr std::string_view first_of(std::initializer_list<Asked> values) {
    for (const Asked& value : values) {
        if (value.is_set) {
            return value.config_path;
        }
    }
    return {};
}
// There, and neither 0 nor (where signed) negative, that is unlimited.
template <typename Optional>
[[nodiscard]] constexpr bool is_limit(const Optional& value) {
    return value.has_value() && *value > 0;
}

}  // namespace libcontainer::v1
