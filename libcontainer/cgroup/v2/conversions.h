// SPDX-License-Identifier: Apache-2.0
// From linux.resources, which speaks the language of v1, to the values of v2 (§15, vectors in §27).
// Pure: `brig explain` shows them too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/cgroup/attribute.h"
#include "libcontainer/cgroup/memory_limits.h"
#include "oci/resources.h"

namespace libcontainer::v2 {

// cpu.shares 2..262144 to cpu.weight 1..10000 such that 1024 is 100, both kernels' default: the
// curve through both ends and that point which runc, crun and kubernetes agreed on in 2025. 0 is
// unset.
[[nodiscard]] std::optional<std::uint64_t> cpu_weight_from_shares(std::uint64_t shares);

// blkio.weight 10..1000 to io.weight 1..10000, linear. 0 is unset.
[[nodiscard]] std::optional<std::uint64_t> io_weight_from_blkio(std::uint16_t weight);

// The content of cpu.max, "QUOTA|max PERIOD"; what is not given is taken from `current`, which is
// that file's. Nothing to write: absent.
[[nodiscard]] std::optional<std::string> cpu_max(const oci::Cpu& cpu, std::string_view current);

// memory.max and the like: "max" or bytes.
[[nodiscard]] std::string limit_text(std::int64_t limit);

// memory.swap.max, swap alone, from the spec's memory and swap together. Absent: leave it. `limit`
// is the memory limit in force. Expects what check_memory has let through.
[[nodiscard]] std::optional<std::string> swap_max(const std::optional<std::int64_t>& swap,
                                                  std::int64_t limit);

// One line of io.max per device: "8:0 rbps=1048576 wiops=max"; a rate of 0 is no limit.
[[nodiscard]] std::vector<AttributeLine> io_max_lines(const oci::BlockIo& block_io);

}  // namespace libcontainer::v2
