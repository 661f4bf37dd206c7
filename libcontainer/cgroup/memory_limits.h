// SPDX-License-Identifier: Apache-2.0
// linux.resources.memory: which values limit something and which contradict each other, the same
// for v1 and v2 (§15.2).
#pragma once

#include <cstdint>
#include <optional>

#include "libcontainer/sys/error.h"
#include "oci/resources.h"

namespace libcontainer {

using sys::Result;

inline constexpr std::int64_t kUnlimited = -1;

// Bytes, or kUnlimited; nothing: leave as it is.
struct MemoryLimits {
    std::optional<std::int64_t> limit;
    std::optional<std::int64_t> reservation;
    std::optional<std::int64_t> swap;  // memory and swap together, as v1 and the spec count
    std::optional<std::uint64_t> swappiness;
};

// 0 is unset (§26.8), any negative number unlimited; no limit without a word on swap means no limit
// of that either (§27). The largest swappiness is an engine's -1, so unset (§26.6).
[[nodiscard]] MemoryLimits plan_memory_limits(const oci::Memory& memory);

// For a new container: swap needs a limit and is not below it; swappiness is 0..100. For one that
// exists (`update`) the kernel compares with what is in force.
[[nodiscard]] Result<void> check_memory(const oci::Memory& memory);

}  // namespace libcontainer
