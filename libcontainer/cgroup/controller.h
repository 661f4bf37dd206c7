// SPDX-License-Identifier: Apache-2.0
// A cgroup controller: what it writes into its directory for a given linux.resources (§15). One
// file per controller, below v1/ and v2/; each is tested on a temporary folder.
#pragma once

#include <initializer_list>
#include <string_view>

#include "libcontainer/cgroup/attribute.h"
#include "libcontainer/sys/error.h"
#include "oci/resources.h"

namespace libcontainer {

struct Controller {
    std::string_view name;  // as the kernel calls it
    // JSON path of the first value that cannot do without this controller; empty: there is none.
    // Values that limit nothing (0, -1, false: §26.6) can, and engines send them.
    std::string_view (*asks)(const oci::Resources& resources);
    // Checks the values and writes those that are there; errors name the JSON path and the file.
    Result<void> (*apply)(const AttributeDirectory& directory, const oci::Resources& resources);
    // What an `update` has to ask before anything is written; null: nothing.
    Result<void> (*check_update)(const AttributeDirectory& directory,
                                 const oci::Resources& resources) = nullptr;
};

// The same on v1 and v2.
extern const Controller kCpuset;
extern const Controller kPids;
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

}  // namespace libcontainer
