// SPDX-License-Identifier: Apache-2.0
// Checks of process (§6), for config.json and for the process.json of `exec`.
#include <algorithm>
#include <limits>

#include "oci/capability_names.h"
#include "oci/validate_checks.h"

namespace oci::check {
namespace {

constexpr std::uint32_t kNoId = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint32_t kMaxUmask = 0777;
constexpr std::size_t kMaxGroups = 65536;  // NGROUPS_MAX

}  // namespace

// P-03.
void cwd(const Process& process, Problems& problems) {
    if (!is_absolute(process.cwd)) {
        problems.add("must be an absolute path", "cwd");
    }
}

// P-02. Without a terminal it is ignored, whatever it is.
void console_size(const Process& process, Problems& problems) {
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint16_t>::max();
    if (!process.terminal || !process.console_size) {
        return;
    }
    if (process.console_size->height > kMost) {
        problems.add("a terminal has at most 65535 lines", "consoleSize", "height");
    }
    if (process.console_size->width > kMost) {
        problems.add("a terminal has at most 65535 columns", "consoleSize", "width");
    }
}

// P-05.
void args(const Process& process, Problems& problems) {
    if (process.args.empty()) {
        problems.add("must name a program", "args");
    } else if (process.args.front().empty()) {
        problems.add("exec: \"\": executable file not found in $PATH", "args", std::size_t{0});
    }
}

// P-19, P-20, P-21. The highest id means "no change" to setuid(2) and its kin.
void user(const Process& process, Problems& problems) {
    if (process.user.uid == kNoId) {
        problems.add("not a user id: 4294967295", "user", "uid");
    }
    if (process.user.gid == kNoId) {
        problems.add("not a group id: 4294967295", "user", "gid");
    }
    if (process.user.umask.value_or(0) > kMaxUmask) {
        problems.add("must be from 0 to 511 (0777)", "user", "umask");
    }
    const std::vector<std::uint32_t>& groups = process.user.additional_gids;
    if (groups.size() > kMaxGroups) {
        problems.add("more than 65536 groups", "user", "additionalGids");
    }
    const auto bad = std::ranges::find(groups, kNoId);
    if (bad != groups.end()) {
        problems.add("not a group id: 4294967295", "user", "additionalGids",
                     static_cast<std::size_t>(bad - groups.begin()));
    }
}

// P-09. capset(2) refuses it; unknown names are skipped by whoever sets them. An ambient set
// beyond permitted and inheritable is no error: the templates of crun and runc have one.
void capabilities(const Process& process, Problems& problems) {
    if (!process.capabilities) {
        return;
    }
    const Capabilities& sets = *process.capabilities;
    const std::uint64_t permitted = capability_mask(sets.permitted);
    for (std::size_t i = 0; i < sets.effective.size(); ++i) {
        const std::optional<int> number = capability_number(sets.effective[i]);
        if (number && (permitted >> *number & 1) == 0) {
            problems.add(sets.effective[i] + " is not in the permitted set", "capabilities",
                         "effective", i);
        }
    }
}

// P-07.
void rlimits(const Process& process, Problems& problems) {
    for (std::size_t i = 0; i < process.rlimits.size(); ++i) {
        const Rlimit& limit = process.rlimits[i];
        const auto first = std::ranges::find(process.rlimits, limit.type, &Rlimit::type);
        if (&*first != &limit) {
            problems.add("a second limit of " + std::string(to_name(limit.type)), "rlimits", i,
                         "type");
        }
        if (limit.soft > limit.hard) {
            problems.add("must not be greater than hard", "rlimits", i, "soft");
        }
    }
}

// P-11.
void oom_score_adj(const Process& process, Problems& problems) {
    const std::int32_t value = process.oom_score_adj.value_or(0);
    if (value < -1000 || value > 1000) {
        problems.add("must be from -1000 to 1000", "oomScoreAdj");
    }
}

// P-12, P-13; sched_setattr(2).
void scheduler(const Process& process, Problems& problems) {
    if (!process.scheduler) {
        return;
    }
    using enum SchedulerPolicy;
    const Scheduler& wanted = *process.scheduler;
    const std::string policy(to_name(wanted.policy));
    const bool fair = wanted.policy == other || wanted.policy == batch;
    const bool realtime = wanted.policy == fifo || wanted.policy == rr;
    const std::int32_t nice = wanted.nice.value_or(0);
    const std::int32_t priority = wanted.priority.value_or(0);
    if (nice < -20 || nice > 19) {
        problems.add("must be from -20 to 19", "scheduler", "nice");
    } else if (nice != 0 && !fair) {
        problems.add(policy + " takes no nice value", "scheduler", "nice");
    }
    if (realtime && (priority < 1 || priority > 99)) {
        problems.add(policy + " needs a priority from 1 to 99", "scheduler", "priority");
    } else if (!realtime && priority != 0) {
        problems.add(policy + " takes no priority", "scheduler", "priority");
    }
    const std::uint64_t runtime = wanted.runtime.value_or(0);
    const std::uint64_t deadline_ns = wanted.deadline.value_or(0);
    const std::uint64_t period = wanted.period.value_or(0);
    if (wanted.policy != deadline) {
        if (runtime != 0 || deadline_ns != 0 || period != 0) {
            problems.add("runtime, deadline and period need SCHED_DEADLINE", "scheduler");
        }
    } else if (runtime == 0 || runtime > deadline_ns || (period != 0 && deadline_ns > period)) {
        // A period of 0 is the deadline.
        problems.add("SCHED_DEADLINE needs 0 < runtime <= deadline <= period", "scheduler");
    }
}

// P-16.
void io_priority(const Process& process, Problems& problems) {
    if (process.io_priority &&
        (process.io_priority->priority < 0 || process.io_priority->priority > 7)) {
        problems.add("must be from 0 to 7", "ioPriority", "priority");
    }
}

// P-17, P-18.
void exec_cpu_affinity(const Process& process, Problems& problems) {
    if (!process.exec_cpu_affinity) {
        return;
    }
    const auto one = [&](const std::optional<std::string>& list, std::string_view key) {
        if (list && !list->empty() && !is_number_list(*list, kMaxCpus)) {
            problems.add("not a list of cpus such as 0-3,7, each below 8192", "execCPUAffinity",
                         key);
        }
    };
    one(process.exec_cpu_affinity->initial, "initial");
    one(process.exec_cpu_affinity->final_, "final");
}

}  // namespace oci::check
