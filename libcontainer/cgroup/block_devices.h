// SPDX-License-Identifier: Apache-2.0
// linux.resources.blockIO: weights and devices, the same for v1 and v2 (§15.4).
#pragma once

#include <cerrno>
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

// "8:0", as the kernel names a disk.
template <typename Device>
[[nodiscard]] std::string device_number(const Device& device) {
    return std::to_string(device.major) + ":" + std::to_string(device.minor);
}

// The kernel says ENODEV of a partition too.
[[nodiscard]] inline Result<void> explain_device(Result<void> written) {
    if (!written && written.error().code == ENODEV) {
        written.error().message += " (it has to be a whole disk that is there, no partition)";
    }
    return written;
}

}  // namespace libcontainer
