// SPDX-License-Identifier: Apache-2.0
// The closed vocabularies of the runtime spec: one enum and one table of names for each. The same
// table feeds the reader, the writer, the validator and `brig features`.
#pragma once

#include <sys/resource.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace oci {

template <typename E>
struct Name {
    std::string_view name;
    E value;
};

// Every vocabulary specialises this with a constexpr array of Name<E>. Where two names mean one
// value the first is the one written.
template <typename E>
inline constexpr int kNames = 0;

// All names of a vocabulary, in table order.
template <typename E>
constexpr std::span<const Name<E>> names_of() {
    return kNames<E>;
}

// The spec's name of a value; empty for a value that is in no table.
template <typename E>
constexpr std::string_view to_name(E value) {
    for (const Name<E>& entry : kNames<E>) {
        if (entry.value == value) {
            return entry.name;
        }
    }
    return {};
}

// The value of a name, exactly as the spec spells it; nothing for an unknown one.
template <typename E>
constexpr std::optional<E> from_name(std::string_view name) {
    for (const Name<E>& entry : kNames<E>) {
        if (entry.name == name) {
            return entry.value;
        }
    }
    return std::nullopt;
}

// linux.namespaces[].type (N-01).
enum class NamespaceType { pid, network, mount, ipc, uts, user, cgroup, time };

template <>
inline constexpr Name<NamespaceType> kNames<NamespaceType>[] = {
    {"pid", NamespaceType::pid},       {"network", NamespaceType::network},
    {"mount", NamespaceType::mount},   {"ipc", NamespaceType::ipc},
    {"uts", NamespaceType::uts},       {"user", NamespaceType::user},
    {"cgroup", NamespaceType::cgroup}, {"time", NamespaceType::time},
};

// The hook kinds, in the order in which they run (H-01…H-06).
enum class HookKind {
    prestart,
    create_runtime,
    create_container,
    start_container,
    poststart,
    poststop
};

template <>
inline constexpr Name<HookKind> kNames<HookKind>[] = {
    {"prestart", HookKind::prestart},
    {"createRuntime", HookKind::create_runtime},
    {"createContainer", HookKind::create_container},
    {"startContainer", HookKind::start_container},
    {"poststart", HookKind::poststart},
    {"poststop", HookKind::poststop},
};

// process.rlimits[].type (P-07); the values are setrlimit(2)'s resources.
enum class RlimitType : std::uint32_t {
    as = RLIMIT_AS,
    core = RLIMIT_CORE,
    cpu = RLIMIT_CPU,
    data = RLIMIT_DATA,
    fsize = RLIMIT_FSIZE,
    locks = RLIMIT_LOCKS,
    memlock = RLIMIT_MEMLOCK,
    msgqueue = RLIMIT_MSGQUEUE,
    nice = RLIMIT_NICE,
    nofile = RLIMIT_NOFILE,
    nproc = RLIMIT_NPROC,
    rss = RLIMIT_RSS,
    rtprio = RLIMIT_RTPRIO,
    rttime = RLIMIT_RTTIME,
    sigpending = RLIMIT_SIGPENDING,
    stack = RLIMIT_STACK,
};

template <>
inline constexpr Name<RlimitType> kNames<RlimitType>[] = {
    {"RLIMIT_AS", RlimitType::as},
    {"RLIMIT_CORE", RlimitType::core},
    {"RLIMIT_CPU", RlimitType::cpu},
    {"RLIMIT_DATA", RlimitType::data},
    {"RLIMIT_FSIZE", RlimitType::fsize},
    {"RLIMIT_LOCKS", RlimitType::locks},
    {"RLIMIT_MEMLOCK", RlimitType::memlock},
    {"RLIMIT_MSGQUEUE", RlimitType::msgqueue},
    {"RLIMIT_NICE", RlimitType::nice},
    {"RLIMIT_NOFILE", RlimitType::nofile},
    {"RLIMIT_NPROC", RlimitType::nproc},
    {"RLIMIT_RSS", RlimitType::rss},
    {"RLIMIT_RTPRIO", RlimitType::rtprio},
    {"RLIMIT_RTTIME", RlimitType::rttime},
    {"RLIMIT_SIGPENDING", RlimitType::sigpending},
    {"RLIMIT_STACK", RlimitType::stack},
};

// process.scheduler.policy (P-12); the values are sched_setattr(2)'s policies.
enum class SchedulerPolicy : std::uint32_t {
    other = 0,
    fifo = 1,
    rr = 2,
    batch = 3,
    iso = 4,
    idle = 5,
    deadline = 6,
};

template <>
inline constexpr Name<SchedulerPolicy> kNames<SchedulerPolicy>[] = {
    {"SCHED_OTHER", SchedulerPolicy::other},
    {"SCHED_FIFO", SchedulerPolicy::fifo},
    {"SCHED_RR", SchedulerPolicy::rr},
    {"SCHED_BATCH", SchedulerPolicy::batch},
    {"SCHED_ISO", SchedulerPolicy::iso},
    {"SCHED_IDLE", SchedulerPolicy::idle},
    {"SCHED_DEADLINE", SchedulerPolicy::deadline},
};

// process.scheduler.flags[] (P-14); the values are sched_setattr(2)'s bits.
enum class SchedulerFlag : std::uint64_t {
    reset_on_fork = 0x01,
    reclaim = 0x02,
    dl_overrun = 0x04,
    keep_policy = 0x08,
    keep_params = 0x10,
    util_clamp_min = 0x20,
    util_clamp_max = 0x40,
};

template <>
inline constexpr Name<SchedulerFlag> kNames<SchedulerFlag>[] = {
    {"SCHED_FLAG_RESET_ON_FORK", SchedulerFlag::reset_on_fork},
    {"SCHED_FLAG_RECLAIM", SchedulerFlag::reclaim},
    {"SCHED_FLAG_DL_OVERRUN", SchedulerFlag::dl_overrun},
    {"SCHED_FLAG_KEEP_POLICY", SchedulerFlag::keep_policy},
    {"SCHED_FLAG_KEEP_PARAMS", SchedulerFlag::keep_params},
    {"SCHED_FLAG_UTIL_CLAMP_MIN", SchedulerFlag::util_clamp_min},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", SchedulerFlag::util_clamp_max},
};

// process.ioPriority.class (P-16); the values are ioprio_set(2)'s classes.
enum class IoPriorityClass : std::uint32_t { rt = 1, be = 2, idle = 3 };

template <>
inline constexpr Name<IoPriorityClass> kNames<IoPriorityClass>[] = {
    {"IOPRIO_CLASS_RT", IoPriorityClass::rt},
    {"IOPRIO_CLASS_BE", IoPriorityClass::be},
    {"IOPRIO_CLASS_IDLE", IoPriorityClass::idle},
};

// linux.rootfsPropagation (RF-01); the recursive forms are the peers' convention.
enum class Propagation {
    shared,
    slave,
    private_,
    unbindable,
    rshared,
    rslave,
    rprivate,
    runbindable
};

template <>
inline constexpr Name<Propagation> kNames<Propagation>[] = {
    {"shared", Propagation::shared},     {"slave", Propagation::slave},
    {"private", Propagation::private_},  {"unbindable", Propagation::unbindable},
    {"rshared", Propagation::rshared},   {"rslave", Propagation::rslave},
    {"rprivate", Propagation::rprivate}, {"runbindable", Propagation::runbindable},
};

// linux.personality.domain (RF-05); the values are personality(2)'s.
enum class PersonalityDomain : std::uint32_t { linux64 = 0x0000, linux32 = 0x0008 };

template <>
inline constexpr Name<PersonalityDomain> kNames<PersonalityDomain>[] = {
    {"LINUX", PersonalityDomain::linux64},
    {"LINUX32", PersonalityDomain::linux32},
};

// linux.memoryPolicy.mode (MP-01); the values are set_mempolicy(2)'s modes.
enum class MemoryPolicyMode : std::int32_t {
    default_ = 0,
    preferred = 1,
    bind = 2,
    interleave = 3,
    local = 4,
    preferred_many = 5,
    weighted_interleave = 6,
};

template <>
inline constexpr Name<MemoryPolicyMode> kNames<MemoryPolicyMode>[] = {
    {"MPOL_DEFAULT", MemoryPolicyMode::default_},
    {"MPOL_BIND", MemoryPolicyMode::bind},
    {"MPOL_INTERLEAVE", MemoryPolicyMode::interleave},
    {"MPOL_WEIGHTED_INTERLEAVE", MemoryPolicyMode::weighted_interleave},
    {"MPOL_PREFERRED", MemoryPolicyMode::preferred},
    {"MPOL_PREFERRED_MANY", MemoryPolicyMode::preferred_many},
    {"MPOL_LOCAL", MemoryPolicyMode::local},
};

// linux.memoryPolicy.flags[] (MP-03); the values are set_mempolicy(2)'s mode flags.
enum class MemoryPolicyFlag : std::int32_t {
    numa_balancing = 1 << 13,
    relative_nodes = 1 << 14,
    static_nodes = 1 << 15,
};

template <>
inline constexpr Name<MemoryPolicyFlag> kNames<MemoryPolicyFlag>[] = {
    {"MPOL_F_NUMA_BALANCING", MemoryPolicyFlag::numa_balancing},
    {"MPOL_F_RELATIVE_NODES", MemoryPolicyFlag::relative_nodes},
    {"MPOL_F_STATIC_NODES", MemoryPolicyFlag::static_nodes},
};

// The keys of linux.timeOffsets (T-01).
enum class Clock { monotonic, boottime };

template <>
inline constexpr Name<Clock> kNames<Clock>[] = {
    {"monotonic", Clock::monotonic},
    {"boottime", Clock::boottime},
};

// linux.devices[].type (D-02); `u` is another name of `c`.
enum class DeviceType : char { character = 'c', block = 'b', fifo = 'p' };

template <>
inline constexpr Name<DeviceType> kNames<DeviceType>[] = {
    {"c", DeviceType::character},
    {"u", DeviceType::character},
    {"b", DeviceType::block},
    {"p", DeviceType::fifo},
};

// linux.resources.devices[].type (RD-01).
enum class DeviceRuleType : char { all = 'a', character = 'c', block = 'b' };

template <>
inline constexpr Name<DeviceRuleType> kNames<DeviceRuleType>[] = {
    {"a", DeviceRuleType::all},
    {"c", DeviceRuleType::character},
    {"b", DeviceRuleType::block},
};

// State's status (§22.1); `paused` is the value all peers add.
enum class ContainerStatus { creating, created, running, paused, stopped };

template <>
inline constexpr Name<ContainerStatus> kNames<ContainerStatus>[] = {
    {"creating", ContainerStatus::creating}, {"created", ContainerStatus::created},
    {"running", ContainerStatus::running},   {"paused", ContainerStatus::paused},
    {"stopped", ContainerStatus::stopped},
};

}  // namespace oci
