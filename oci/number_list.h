// SPDX-License-Identifier: Apache-2.0
// Lists of CPUs and of memory nodes, such as "0-3,7", as masks.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace oci {

inline constexpr std::uint32_t kMaxCpus = 8192;         // the kernel's largest NR_CPUS
inline constexpr std::uint32_t kMaxMemoryNodes = 1024;  // the kernel's largest MAX_NUMNODES

// One bit for each number, in the words that sched_setaffinity(2) and set_mempolicy(2) take; no
// more words than the highest number needs.
using NumberMask = std::vector<unsigned long>;

// "0-3,7" with blanks allowed around each part; ranges rise, numbers stay below `limit`. Nothing
// for any other text, an empty one included.
[[nodiscard]] std::optional<NumberMask> parse_number_list(std::string_view text,
                                                          std::uint32_t limit);

}  // namespace oci
