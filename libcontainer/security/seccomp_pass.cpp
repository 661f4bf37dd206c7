// SPDX-License-Identifier: Apache-2.0
// The loader's pass through its own filter.
#include "libcontainer/security/seccomp_pass.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/random.h>
#include <sys/syscall.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace libcontainer {
namespace {

constexpr std::uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr std::uint16_t kJumpIfEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr std::uint16_t kReturn = BPF_RET | BPF_K;

constexpr auto kCalls =
    std::to_array<std::uint32_t>({SYS_sendmsg, SYS_recvmsg, SYS_capset, SYS_exit_group});
constexpr std::size_t kFirstUnused = 3;
constexpr std::uint32_t kHalf = sizeof(std::uint32_t);

// Code that either allows the call or is left by its end, where the profile begins.
class Gate {
  public:
    void load(std::size_t offset) { add(kLoad, static_cast<std::uint32_t>(offset), 0); }
    // Goes on if equal, else leaves the gate.
    void demand(std::uint32_t value) { add(kJumpIfEqual, value, 0); }
    // Skips `count` instructions if equal, else goes on.
    void skip_if(std::uint32_t value, std::size_t count) { add(kJumpIfEqual, value, count); }
    void allow() { add(kReturn, SECCOMP_RET_ALLOW, 0); }

    std::vector<sock_filter> close() {
        for (std::size_t i = 0; i < code_.size(); ++i) {
            sock_filter& step = code_[i];
            if (step.code == kJumpIfEqual && step.jt == 0) {
                step.jf = static_cast<std::uint8_t>(code_.size() - i - 1);
            }
        }
        return std::move(code_);
    }

  private:
    void add(std::uint16_t code, std::uint32_t value, std::size_t skip) {
        code_.push_back({code, static_cast<std::uint8_t>(skip), 0, value});
    }

    std::vector<sock_filter> code_;
};

}  // namespace

Result<sys::UnusedArguments> make_seccomp_pass() {
    sys::UnusedArguments pass = {};
    if (::getrandom(pass.data(), sizeof pass, 0) != static_cast<ssize_t>(sizeof pass)) {
        return sys::fail_errno("getrandom");
    }
    return pass;
}

std::vector<sock_filter> plan_seccomp_pass(const sys::UnusedArguments& pass) {
    Gate gate;
    gate.load(offsetof(seccomp_data, arch));
    gate.demand(::seccomp_arch_native());
    // The number first: the kernel knows of all other calls, without looking at their arguments,
    // what the profile says.
    gate.load(offsetof(seccomp_data, nr));
    for (std::size_t i = 0; i + 1 < kCalls.size(); ++i) {
        gate.skip_if(kCalls[i], kCalls.size() - i - 1);
    }
    gate.demand(kCalls.back());
    for (std::size_t i = 0; i < pass.size(); ++i) {
        const std::uint64_t word = pass[i];
        const std::size_t offset =
            offsetof(seccomp_data, args) + (kFirstUnused + i) * sizeof(std::uint64_t);
        constexpr bool kLittle = std::endian::native == std::endian::little;
        gate.load(offset + (kLittle ? 0 : kHalf));
        gate.demand(static_cast<std::uint32_t>(word));
        gate.load(offset + (kLittle ? kHalf : 0));
        gate.demand(static_cast<std::uint32_t>(word >> 32U));
    }
    gate.allow();
    return gate.close();
}

}  // namespace libcontainer
