// SPDX-License-Identifier: Apache-2.0
// Joining what an update gives with what it leaves out.
#include "libcontainer/cgroup/update_plan.h"

#include "libcontainer/cgroup/memory_limits.h"
#include "oci/merge_resources.h"

namespace libcontainer {

UpdatePlan plan_update(const oci::Resources& in_force, oci::Resources changes) {
    changes.devices.clear();
    if (changes.memory.limit == kUnlimited && changes.memory.swap.value_or(0) == 0) {
        changes.memory.swap = kUnlimited;
    }
    UpdatePlan plan{std::move(changes), in_force};
    oci::merge_resources(plan.outcome, plan.writes);
    oci::Memory& memory = plan.writes.memory;
    const oci::Memory& memory_outcome = plan.outcome.memory;
    if (memory.limit.value_or(0) != 0 || memory.swap.value_or(0) != 0) {
        memory.limit = memory_outcome.limit;
        memory.swap = memory_outcome.swap;
        memory.check_before_update = memory_outcome.check_before_update;
    }
    oci::Cpu& cpu = plan.writes.cpu;
    if (cpu.shares.value_or(0) != 0 || cpu.idle) {
        cpu.shares = plan.outcome.cpu.shares;
        cpu.idle = plan.outcome.cpu.idle;
    }
    return plan;
}

}  // namespace libcontainer
