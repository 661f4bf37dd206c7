// SPDX-License-Identifier: Apache-2.0
// Reading the forms in which cgroup files show figures. A file that is not there, or cannot be read
// as one expects, is a figure that is not known: 0 or empty.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libcontainer/cgroup/attribute.h"
#include "libcontainer/cgroup/stats.h"

namespace libcontainer {

// "max" is the largest number, as Go callers have it.
[[nodiscard]] Count read_count(const AttributeDirectory& directory, std::string_view file);
// Numbers between blanks.
[[nodiscard]] std::vector<Count> read_counts(const AttributeDirectory& directory,
                                             std::string_view file);
// "0-3,7".
[[nodiscard]] std::vector<std::uint32_t> read_list(const AttributeDirectory& directory,
                                                   std::string_view file);
// Lines of "name number".
[[nodiscard]] std::map<std::string, Count> read_table(const AttributeDirectory& directory,
                                                      std::string_view file);
[[nodiscard]] std::optional<Pressure> read_pressure(const AttributeDirectory& directory,
                                                    std::string_view file);

// The words of each line.
[[nodiscard]] std::vector<std::vector<std::string_view>> words_of_lines(std::string_view text);
[[nodiscard]] Count count_of(std::string_view text);
// "8:16" to both numbers; false: it is no device.
[[nodiscard]] bool parse_device(std::string_view text, BlkioStats::Entry& entry);

}  // namespace libcontainer
