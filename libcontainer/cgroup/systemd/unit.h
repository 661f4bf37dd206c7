// SPDX-License-Identifier: Apache-2.0
// linux.cgroupsPath as the systemd driver reads it: the name of a unit and the slice it is in.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libcontainer/sys/error.h"

namespace libcontainer::systemd {

using sys::Result;

// Which systemd is asked: the host's, or that of an ordinary user.
enum class Instance : unsigned char { system, user };

struct UnitPlace {
    std::string name;   // "docker-abc.scope", or a slice
    std::string slice;  // "system.slice", "a-b.slice"; "-.slice" is the root
};

// SLICE:PREFIX:NAME is PREFIX-NAME.scope in SLICE; without a prefix NAME.scope; without a slice
// that of the host's services or of the user's programs (CG-04). A NAME that ends with .slice is a
// slice itself. Absent or empty is brig-ID.scope (CG-03). Any other shape is refused, at
// linux.cgroupsPath. Pure.
[[nodiscard]] Result<UnitPlace> parse_unit_place(const std::optional<std::string>& cgroups_path,
                                                 std::string_view id, Instance instance);

// Whether a unit is a slice, that is without processes of its own at its start.
[[nodiscard]] bool is_slice(std::string_view unit);

}  // namespace libcontainer::systemd
