// SPDX-License-Identifier: Apache-2.0
// linux.seccomp: its structs and its vocabularies (SC-01…SC-11).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "oci/vocabulary.h"

namespace oci {

// SCMP_ACT_KILL is the spec's older name of SCMP_ACT_KILL_THREAD; both are kept apart so that a
// config is written back as it was read.
enum class SeccompAction {
    kill,
    kill_process,
    kill_thread,
    trap,
    error,
    trace,
    allow,
    log,
    notify
};

template <>
inline constexpr Name<SeccompAction> kNames<SeccompAction>[] = {
    {"SCMP_ACT_KILL", SeccompAction::kill},
    {"SCMP_ACT_KILL_PROCESS", SeccompAction::kill_process},
    {"SCMP_ACT_KILL_THREAD", SeccompAction::kill_thread},
    {"SCMP_ACT_TRAP", SeccompAction::trap},
    {"SCMP_ACT_ERRNO", SeccompAction::error},
    {"SCMP_ACT_TRACE", SeccompAction::trace},
    {"SCMP_ACT_ALLOW", SeccompAction::allow},
    {"SCMP_ACT_LOG", SeccompAction::log},
    {"SCMP_ACT_NOTIFY", SeccompAction::notify},
};

enum class SeccompOperator { ne, lt, le, eq, ge, gt, masked_eq };

template <>
inline constexpr Name<SeccompOperator> kNames<SeccompOperator>[] = {
    {"SCMP_CMP_NE", SeccompOperator::ne},
    {"SCMP_CMP_LT", SeccompOperator::lt},
    {"SCMP_CMP_LE", SeccompOperator::le},
    {"SCMP_CMP_EQ", SeccompOperator::eq},
    {"SCMP_CMP_GE", SeccompOperator::ge},
    {"SCMP_CMP_GT", SeccompOperator::gt},
    {"SCMP_CMP_MASKED_EQ", SeccompOperator::masked_eq},
};

enum class SeccompArch {
    x86,
    x86_64,
    x32,
    arm,
    aarch64,
    mips,
    mips64,
    mips64n32,
    mipsel,
    mipsel64,
    mipsel64n32,
    ppc,
    ppc64,
    ppc64le,
    s390,
    s390x,
    parisc,
    parisc64,
    riscv64,
    loongarch64,
    m68k,
    sh,
    sheb,
};

template <>
inline constexpr Name<SeccompArch> kNames<SeccompArch>[] = {
    {"SCMP_ARCH_X86", SeccompArch::x86},
    {"SCMP_ARCH_X86_64", SeccompArch::x86_64},
    {"SCMP_ARCH_X32", SeccompArch::x32},
    {"SCMP_ARCH_ARM", SeccompArch::arm},
    {"SCMP_ARCH_AARCH64", SeccompArch::aarch64},
    {"SCMP_ARCH_MIPS", SeccompArch::mips},
    {"SCMP_ARCH_MIPS64", SeccompArch::mips64},
    {"SCMP_ARCH_MIPS64N32", SeccompArch::mips64n32},
    {"SCMP_ARCH_MIPSEL", SeccompArch::mipsel},
    {"SCMP_ARCH_MIPSEL64", SeccompArch::mipsel64},
    {"SCMP_ARCH_MIPSEL64N32", SeccompArch::mipsel64n32},
    {"SCMP_ARCH_PPC", SeccompArch::ppc},
    {"SCMP_ARCH_PPC64", SeccompArch::ppc64},
    {"SCMP_ARCH_PPC64LE", SeccompArch::ppc64le},
    {"SCMP_ARCH_S390", SeccompArch::s390},
    {"SCMP_ARCH_S390X", SeccompArch::s390x},
    {"SCMP_ARCH_PARISC", SeccompArch::parisc},
    {"SCMP_ARCH_PARISC64", SeccompArch::parisc64},
    {"SCMP_ARCH_RISCV64", SeccompArch::riscv64},
    {"SCMP_ARCH_LOONGARCH64", SeccompArch::loongarch64},
    {"SCMP_ARCH_M68K", SeccompArch::m68k},
    {"SCMP_ARCH_SH", SeccompArch::sh},
    {"SCMP_ARCH_SHEB", SeccompArch::sheb},
};

// The values are seccomp(2)'s filter flags.
enum class SeccompFlag : std::uint32_t {
    tsync = 1 << 0,
    log = 1 << 1,
    spec_allow = 1 << 2,
    wait_killable_recv = 1 << 5,
};

template <>
inline constexpr Name<SeccompFlag> kNames<SeccompFlag>[] = {
    {"SECCOMP_FILTER_FLAG_TSYNC", SeccompFlag::tsync},
    {"SECCOMP_FILTER_FLAG_LOG", SeccompFlag::log},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SeccompFlag::spec_allow},
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SeccompFlag::wait_killable_recv},
};

struct SeccompArg {
    std::uint32_t index = 0;
    std::uint64_t value = 0;  // for masked_eq: the mask
    std::optional<std::uint64_t> value_two;
    SeccompOperator op = SeccompOperator::eq;

    bool operator==(const SeccompArg&) const = default;
};

struct SeccompSyscall {
    std::vector<std::string> names;
    SeccompAction action = SeccompAction::allow;
    std::optional<std::uint32_t> errno_ret;
    std::vector<SeccompArg> args;

    bool operator==(const SeccompSyscall&) const = default;
};

struct Seccomp {
    SeccompAction default_action = SeccompAction::kill;
    std::optional<std::uint32_t> default_errno_ret;
    std::vector<SeccompArch> architectures;         // empty: the native one only
    std::optional<std::vector<SeccompFlag>> flags;  // absent is not the same as [] (SC-04)
    std::optional<std::string> listener_path;
    std::optional<std::string> listener_metadata;
    std::vector<SeccompSyscall> syscalls;

    bool operator==(const Seccomp&) const = default;
};

// Whether a supervisor is asked, so that listener_path counts (SC-05).
inline bool notifies(const Seccomp& seccomp) {
    return seccomp.default_action == SeccompAction::notify ||
           std::ranges::any_of(seccomp.syscalls, [](const SeccompSyscall& rule) {
               return rule.action == SeccompAction::notify;
           });
}

}  // namespace oci
