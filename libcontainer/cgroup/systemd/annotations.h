// SPDX-License-Identifier: Apache-2.0
// Properties that a container's annotations give its unit: org.systemd.property.NAME.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/cgroup/systemd/properties.h"
#include "libcontainer/sys/error.h"

namespace libcontainer::systemd {

using sys::Result;

// A value in GVariant's text format, as engines write it: true, 15 (int32), uint64 90, 0.5, 'text',
// ['a', 'b'], @as []; a text is of one line. NAMESec is in seconds and becomes NAMEUSec
// (engines 6). Errors name the annotation. Pure.
[[nodiscard]] Result<std::vector<Property>> parse_unit_annotations(
    const std::map<std::string, std::string>& annotations);

// The value alone; errors say what is wrong.
[[nodiscard]] Result<Value> parse_variant(std::string_view text);

}  // namespace libcontainer::systemd
