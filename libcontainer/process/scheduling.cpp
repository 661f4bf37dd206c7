// SPDX-License-Identifier: Apache-2.0
// See scheduling.h.
#include "libcontainer/process/scheduling.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "libcontainer/sys/file.h"
#include "oci/number_list.h"

namespace libcontainer {
namespace {

using enum oci::SchedulerPolicy;

// struct sched_attr of Linux 5.3; the C library's headers have it only in part.
struct SchedulerAttributes {
    std::uint32_t size;
    std::uint32_t policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime;
    std::uint64_t deadline;
    std::uint64_t period;
    // Values of the SCHED_FLAG_UTIL_CLAMP_*, which the spec has no fields for.
    std::uint32_t least_utilization;
    std::uint32_t most_utilization;
};

// What an errno of sched_setattr(2) means here, beyond its text.
struct Hint {
    oci::SchedulerPolicy policy;
    int code;
    std::string_view text;
};

constexpr std::string_view kNiceNeeds = "a nice value below the caller's needs CAP_SYS_NICE";
constexpr std::string_view kRealtimeNeeds =
    "needs CAP_SYS_NICE and, in a cgroup v1 cpu hierarchy, a budget in "
    "linux.resources.cpu.realtimeRuntime";
constexpr std::array kHints = std::to_array<Hint>({
    {other, EPERM, kNiceNeeds},
    {batch, EPERM, kNiceNeeds},
    {fifo, EPERM, kRealtimeNeeds},
    {rr, EPERM, kRealtimeNeeds},
    {iso, EINVAL, "this kernel has no such policy"},
    {deadline, EPERM,
     "needs CAP_SYS_NICE and every cpu of the host: linux.resources.cpu.cpus and execCPUAffinity "
     "must leave none out"},
    {deadline, EBUSY, "the other deadline tasks of the host leave too little time for it"},
    {deadline, EINVAL,
     "runtime must be at least 1024 (ns) and period within "
     "/proc/sys/kernel/sched_deadline_period_{min,max}_us"},
});

std::string_view hint_for(oci::SchedulerPolicy policy, int code) {
    if (code == EOPNOTSUPP) {
        return "this kernel has no utilization clamping";
    }
    const auto* const hint = std::ranges::find_if(
        kHints, [&](const Hint& one) { return one.policy == policy && one.code == code; });
    return hint == kHints.end() ? std::string_view() : hint->text;
}

std::unexpected<sys::Error> fail_with_hint(std::string_view call, int code, std::string_view hint,
                                           std::string_view path) {
    sys::Error error = sys::errno_error(call, code);
    if (!hint.empty()) {
        error.message += " (" + std::string(hint) + ")";
    }
    return std::unexpected(std::move(error).at(path));
}

SchedulerAttributes to_attributes(const oci::Scheduler& wanted) {
    SchedulerAttributes attributes = {};
    attributes.size = sizeof attributes;
    attributes.policy = std::to_underlying(wanted.policy);
    for (const oci::SchedulerFlag flag : wanted.flags) {
        attributes.flags |= std::to_underlying(flag);
    }
    attributes.nice = wanted.nice.value_or(0);
    attributes.priority = static_cast<std::uint32_t>(wanted.priority.value_or(0));
    attributes.runtime = wanted.runtime.value_or(0);
    attributes.deadline = wanted.deadline.value_or(0);
    attributes.period = wanted.period.value_or(0);
    return attributes;
}

Result<void> set_scheduler(pid_t pid, const oci::Scheduler& wanted) {
    const SchedulerAttributes attributes = to_attributes(wanted);
    if (::syscall(SYS_sched_setattr, pid, &attributes, 0) != 0) {
        const int code = errno;
        return fail_with_hint(sys::call("sched_setattr", oci::to_name(wanted.policy)), code,
                              hint_for(wanted.policy, code), "process.scheduler");
    }
    return {};
}

// The spec's "process group": the child's own, which it made by setsid.
Result<void> set_io_priority(pid_t group, const oci::IoPriority& wanted) {
    constexpr int kProcessGroup = 2;  // IOPRIO_WHO_PGRP
    constexpr int kClassShift = 13;   // IOPRIO_CLASS_SHIFT
    // The idle class has no levels.
    const int level = wanted.class_ == oci::IoPriorityClass::idle ? 0 : wanted.priority;
    const int value = static_cast<int>(std::to_underlying(wanted.class_)) << kClassShift | level;
    if (::syscall(SYS_ioprio_set, kProcessGroup, group, value) != 0) {
        const int code = errno;
        return fail_with_hint(sys::call("ioprio_set", oci::to_name(wanted.class_)), code,
                              code == EPERM ? "IOPRIO_CLASS_RT needs CAP_SYS_NICE" : "",
                              "process.ioPriority");
    }
    return {};
}

// `list` has been validated; one that was not is an empty mask, which the kernel refuses.
Result<void> set_affinity(const std::string& list, std::string_view path) {
    const oci::NumberMask mask =
        oci::parse_number_list(list, oci::kMaxCpus).value_or(oci::NumberMask(1));
    if (::syscall(SYS_sched_setaffinity, 0, mask.size() * sizeof(unsigned long), mask.data()) !=
        0) {
        const int code = errno;
        return fail_with_hint(sys::call("sched_setaffinity", list), code,
                              code == EINVAL ? "none of these cpus may be used here" : "", path);
    }
    return {};
}

[[nodiscard]] bool is_given(const std::optional<std::string>& list) {
    return list && !list->empty();
}

}  // namespace

Result<void> apply_scheduling(pid_t pid, const oci::Process* process) {
    if (process == nullptr) {
        return {};
    }
    if (process->io_priority) {
        TRY_VOID(set_io_priority(pid, *process->io_priority));
    }
    return process->scheduler ? set_scheduler(pid, *process->scheduler) : Result<void>();
}

Result<void> write_oom_score_adj(const std::string& pid, const oci::Process* process) {
    if (process == nullptr || !process->oom_score_adj) {
        return {};
    }
    auto written = sys::write_attribute(AT_FDCWD, "/proc/" + pid + "/oom_score_adj",
                                        std::to_string(*process->oom_score_adj));
    return written ? written
                   : std::unexpected(std::move(written).error().at("process.oomScoreAdj"));
}

Result<void> apply_initial_affinity(const oci::Process& process) {
    const auto& affinity = process.exec_cpu_affinity;
    return affinity && is_given(affinity->initial)
               ? set_affinity(*affinity->initial, "process.execCPUAffinity.initial")
               : Result<void>();
}

Result<void> apply_final_affinity(const oci::Process& process) {
    const auto& affinity = process.exec_cpu_affinity;
    if (affinity && is_given(affinity->final_)) {
        return set_affinity(*affinity->final_, "process.execCPUAffinity.final");
    }
    if (!affinity || !is_given(affinity->initial)) {
        reset_affinity();
    }
    return {};
}

void reset_affinity() {
    // A mask of more CPUs than the kernel knows is cut to those that the cpuset allows.
    std::array<unsigned long, 128> all = {};
    all.fill(~0UL);
    ::syscall(SYS_sched_setaffinity, 0, sizeof all, all.data());
}

}  // namespace libcontainer
