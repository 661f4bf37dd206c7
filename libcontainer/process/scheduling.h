// SPDX-License-Identifier: Apache-2.0
// When, where and how eagerly a process runs: process.scheduler, process.ioPriority and
// process.execCPUAffinity.
#pragma once

#include <sys/types.h>

#include <string>

#include "libcontainer/sys/error.h"
#include "oci/spec.h"

namespace libcontainer {

using sys::Result;

// process.scheduler and process.ioPriority of a child that has entered its cgroup and leads a
// process group (P-12..P-14, P-16; sched_setattr(2), ioprio_set(2)). By the parent, once the child
// is ready: the kernel asks for CAP_SYS_NICE in the host's user namespace, and neither brig's own
// set-up nor hooks before this point are to run that way. Without either: nothing.
[[nodiscard]] Result<void> apply_scheduling(pid_t pid, const oci::Process* process);

// process.oomScoreAdj; absent leaves what was inherited (P-11). By the parent, if it is root, which
// alone may have the right to lower it; and else by the child while its files in /proc are still
// its user's.
[[nodiscard]] Result<void> write_oom_score_adj(const std::string& pid, const oci::Process* process);

// execCPUAffinity.initial: where the caller runs from now on, and its child until it is in the
// container's cgroup (P-17). The parent of an `exec`.
[[nodiscard]] Result<void> apply_initial_affinity(const oci::Process& process);

// execCPUAffinity.final, for the caller once it is in the container's cgroup (P-18). With `initial`
// alone the kernel decides what becomes of it; with neither all CPUs that the cgroup allows are
// taken. The child of an `exec`.
[[nodiscard]] Result<void> apply_final_affinity(const oci::Process& process);

// All CPUs, as far as the cgroup lets: engines start the runtime under `taskset` (engines 1.1).
// Child.
void reset_affinity();

}  // namespace libcontainer
