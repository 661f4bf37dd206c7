// SPDX-License-Identifier: Apache-2.0
// linux.resources.blockIO weights (§15.4).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libcontainer/sys/error.h"

namespace libcontainer {

using sys::Result;

// A weight is 10..1000; 0, which is unset, is not for here.
[[nodiscard]] inline Result<void> check_block_weight(std::uint16_t weight,
                                                     std::string_view config_path) {
    constexpr std::uint16_t kLeast = 10;
    constexpr std::uint16_t kMost = 1000;
    if (weight >= kLeast && weight <= kMost) {
        return {};
    }
    return std::unexpected(sys::Error{sys::ErrorKind::invalid, 0, std::string(config_path),
                                      std::to_string(weight) + " is not in 10..1000"});
}

}  // namespace libcontainer
