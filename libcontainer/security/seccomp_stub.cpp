// SPDX-License-Identifier: Apache-2.0
// ENOSYS for system calls that are newer than the profile.
#include "libcontainer/security/seccomp_stub.h"

#include <linux/seccomp.h>
#include <seccomp.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "libcontainer/security/seccomp_compiler.h"

namespace libcontainer {
namespace {

constexpr std::uint32_t kX32Bit = 0x40000000;  // set in the numbers of x32, whose arch is x86-64's

constexpr std::uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr std::uint16_t kJumpIfEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr std::uint16_t kJumpIfGreater = BPF_JMP | BPF_JGT | BPF_K;
constexpr std::uint16_t kJumpIfNotLess = BPF_JMP | BPF_JGE | BPF_K;
constexpr std::uint16_t kJump = BPF_JMP | BPF_JA;
constexpr std::uint16_t kReturn = BPF_RET | BPF_K;

[[nodiscard]] bool wants_stub(const oci::Seccomp& seccomp) {
    switch (seccomp.default_action) {
        case oci::SeccompAction::error:
            return seccomp.default_errno_ret != ENOSYS;
        case oci::SeccompAction::kill:
        case oci::SeccompAction::kill_thread:
        case oci::SeccompAction::kill_process:
            return true;
        default:
            return false;
    }
}

// Where socketcall(2) or ipc(2) exist libseccomp gives the calls behind them made-up numbers, -100
// to -120 and -200 to -224, and rules for the real ones, which it does not tell. 402 (msgctl) is
// the largest of these on every such architecture.
constexpr int kLargestMultiplexed = 402;

[[nodiscard]] bool is_multiplexed(int number) {
    return (number <= -100 && number >= -120) || (number <= -200 && number >= -224);
}

// The largest number that the rules name on an architecture; nothing if they name none there.
[[nodiscard]] std::optional<std::uint32_t> largest_number(const oci::Seccomp& seccomp,
                                                          std::uint32_t arch) {
    int largest = -1;  // libseccomp's numbers of calls which the architecture lacks are negative
    for (const oci::SeccompSyscall& rule : seccomp.syscalls) {
        for (const std::string& name : rule.names) {
            const int number = ::seccomp_syscall_resolve_name_arch(arch, name.c_str());
            largest = std::max(largest, is_multiplexed(number) ? kLargestMultiplexed : number);
        }
    }
    return largest < 0 ? std::nullopt : std::optional(static_cast<std::uint32_t>(largest));
}

// What the kernel reports as the architecture: x32 goes by x86-64's name.
struct ArchLimits {
    std::uint32_t arch = 0;
    std::optional<std::uint32_t> largest;
    std::optional<std::uint32_t> largest_x32;
};

[[nodiscard]] std::vector<ArchLimits> limits_of(const oci::Seccomp& seccomp) {
    std::vector<std::uint32_t> tokens = {::seccomp_arch_native()};
    for (const oci::SeccompArch arch : seccomp.architectures) {
        tokens.push_back(seccomp_arch_token(arch));
    }
    std::vector<ArchLimits> limits;
    for (const std::uint32_t token : tokens) {
        const std::uint32_t arch = token == SCMP_ARCH_X32 ? SCMP_ARCH_X86_64 : token;
        auto entry = std::ranges::find(limits, arch, &ArchLimits::arch);
        if (entry == limits.end()) {
            entry = limits.insert(limits.end(), ArchLimits{arch, {}, {}});
        }
        (token == SCMP_ARCH_X32 ? entry->largest_x32 : entry->largest) =
            largest_number(seccomp, token);
    }
    return limits;
}

// Appends the code of one architecture. The accumulator holds the architecture, before and, when
// it is another one, after.
void append_block(std::vector<sock_filter>& stub, const ArchLimits& limits) {
    constexpr std::uint32_t kEnosys = SECCOMP_RET_ERRNO | ENOSYS;
    // A limit that no number exceeds.
    const std::uint32_t largest = limits.largest.value_or(UINT32_MAX);
    const std::uint32_t largest_x32 = limits.largest_x32.value_or(UINT32_MAX);
    if (limits.arch == SCMP_ARCH_X86_64) {
        stub.insert(stub.end(), {
                                    {kJumpIfEqual, 0, 6, limits.arch},
                                    {kLoad, 0, 0, offsetof(seccomp_data, nr)},
                                    {kJumpIfNotLess, 1, 0, kX32Bit},
                                    {kJumpIfGreater, 1, 2, largest},
                                    {kJumpIfGreater, 0, 1, largest_x32},
                                    {kReturn, 0, 0, kEnosys},
                                    {kJump, 0, 0, 0},
                                });
        return;
    }
    stub.insert(stub.end(), {
                                {kJumpIfEqual, 0, 4, limits.arch},
                                {kLoad, 0, 0, offsetof(seccomp_data, nr)},
                                {kJumpIfGreater, 0, 1, largest},
                                {kReturn, 0, 0, kEnosys},
                                {kJump, 0, 0, 0},
                            });
}

}  // namespace

std::vector<sock_filter> plan_enosys_stub(const oci::Seccomp& seccomp) {
    if (!wants_stub(seccomp)) {
        return {};
    }
    std::vector<sock_filter> stub = {{kLoad, 0, 0, offsetof(seccomp_data, arch)}};
    for (const ArchLimits& limits : limits_of(seccomp)) {
        if (limits.largest || limits.largest_x32) {
            append_block(stub, limits);
        }
    }
    if (stub.size() == 1) {
        return {};
    }
    // An unconditional jump reaches as far as a program can be long; a conditional one, 255.
    for (std::size_t i = 0; i < stub.size(); ++i) {
        if (stub[i].code == kJump) {
            stub[i].k = static_cast<std::uint32_t>(stub.size() - i - 1);
        }
    }
    return stub;
}

}  // namespace libcontainer
