// SPDX-License-Identifier: Apache-2.0
// The v2 controllers.
#pragma once

#include <span>

#include "libcontainer/cgroup/controller.h"

namespace libcontainer::v2 {

// In the order in which they are written.
[[nodiscard]] std::span<const Controller* const> controllers();

extern const Controller kMemory;
extern const Controller kCpu;
extern const Controller kIo;
extern const Controller kHugetlb;

// Values that only v1 can put into force are errors that say so, unless they limit nothing (§26.6).
[[nodiscard]] Result<void> refuse_v1_values(const oci::Resources& resources);

// linux.resources.unified: each value into the file of its name, line by line; after everything
// else, so it wins (§15.5).
[[nodiscard]] Result<void> apply_unified(const AttributeDirectory& directory,
                                         const oci::Resources& resources);

}  // namespace libcontainer::v2
