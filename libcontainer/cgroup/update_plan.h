// SPDX-License-Identifier: Apache-2.0
// What an `update` has to write, given what is in force. Pure.
#pragma once

#include "oci/resources.h"

namespace libcontainer {

struct UpdatePlan {
    oci::Resources writes;   // for CgroupManager::update
    oci::Resources outcome;  // all that is in force afterwards, for the state
};

// The outcome is `in_force` with what `changes` has; device rules are not among it (engines trap
// 51: containerd sends those of the config, without the ones every container has). What the kernel
// or a conversion ties together is written together, so that a part that is not given keeps its
// value: memory and swap, of which v2 wants the difference; shares and idle, of which the latter
// resets the former. No memory limit without a word on swap means no limit of that either.
[[nodiscard]] UpdatePlan plan_update(const oci::Resources& in_force, oci::Resources changes);

}  // namespace libcontainer
