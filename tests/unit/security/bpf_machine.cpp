// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/security/bpf_machine.h"

#include <linux/bpf_common.h>
#include <seccomp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <stdexcept>

namespace bpf {
namespace {

[[nodiscard]] bool jump_condition(const sock_filter& instruction, std::uint32_t a) {
    switch (BPF_OP(instruction.code)) {
        case BPF_JEQ:
            return a == instruction.k;
        case BPF_JGT:
            return a > instruction.k;
        case BPF_JGE:
            return a >= instruction.k;
        case BPF_JSET:
            return (a & instruction.k) != 0;
        default:
            throw std::runtime_error("unknown jump");
    }
}

[[nodiscard]] std::uint32_t load(const sock_filter& instruction, const seccomp_data& data) {
    if (instruction.k % 4 != 0 || instruction.k >= sizeof data) {
        throw std::runtime_error("load outside of the data");
    }
    std::uint32_t word = 0;
    std::memcpy(&word, reinterpret_cast<const char*>(&data) + instruction.k, sizeof word);
    return word;
}

[[nodiscard]] std::uint32_t verdict_of(oci::SeccompAction action,
                                       const std::optional<std::uint32_t>& errno_ret) {
    switch (action) {
        case oci::SeccompAction::kill:
        case oci::SeccompAction::kill_thread:
            return SECCOMP_RET_KILL_THREAD;
        case oci::SeccompAction::kill_process:
            return SECCOMP_RET_KILL_PROCESS;
        case oci::SeccompAction::trap:
            return SECCOMP_RET_TRAP;
        case oci::SeccompAction::error:
            return SECCOMP_RET_ERRNO | errno_ret.value_or(EPERM);
        case oci::SeccompAction::trace:
            return SECCOMP_RET_TRACE | errno_ret.value_or(EPERM);
        case oci::SeccompAction::allow:
            return SECCOMP_RET_ALLOW;
        case oci::SeccompAction::log:
            return SECCOMP_RET_LOG;
        case oci::SeccompAction::notify:
            break;
    }
    return SECCOMP_RET_USER_NOTIF;
}

[[nodiscard]] bool holds(const oci::SeccompArg& arg, const seccomp_data& data) {
    const std::uint64_t value = data.args[arg.index];
    switch (arg.op) {
        case oci::SeccompOperator::ne:
            return value != arg.value;
        case oci::SeccompOperator::lt:
            return value < arg.value;
        case oci::SeccompOperator::le:
            return value <= arg.value;
        case oci::SeccompOperator::eq:
            return value == arg.value;
        case oci::SeccompOperator::ge:
            return value >= arg.value;
        case oci::SeccompOperator::gt:
            return value > arg.value;
        case oci::SeccompOperator::masked_eq:
            break;
    }
    return (value & arg.value) == (arg.value_two.value_or(0) & arg.value);
}

[[nodiscard]] bool matches(const oci::SeccompSyscall& rule, const seccomp_data& data) {
    std::set<std::uint32_t> indices;
    for (const oci::SeccompArg& arg : rule.args) {
        indices.insert(arg.index);
    }
    const auto hold = [&](const oci::SeccompArg& arg) { return holds(arg, data); };
    // The same argument twice: alternatives.
    return indices.size() == rule.args.size() ? std::ranges::all_of(rule.args, hold)
                                              : std::ranges::any_of(rule.args, hold);
}

// libseccomp gives these a made-up number on i386, because socketcall(2) and ipc(2) stand for them,
// and makes rules for both.
const std::map<std::string, int> kDirectOnX86 = {
    {"socket", 359},      {"socketpair", 360},  {"bind", 361},       {"connect", 362},
    {"listen", 363},      {"accept4", 364},     {"getsockopt", 365}, {"setsockopt", 366},
    {"getsockname", 367}, {"getpeername", 368}, {"sendto", 369},     {"sendmsg", 370},
    {"recvfrom", 371},    {"recvmsg", 372},     {"shutdown", 373},   {"recvmmsg", 337},
    {"sendmmsg", 345},    {"semget", 393},      {"semctl", 394},     {"shmget", 395},
    {"shmctl", 396},      {"shmat", 397},       {"shmdt", 398},      {"msgget", 399},
    {"msgsnd", 400},      {"msgrcv", 401},      {"msgctl", 402}};

// name -> number, per architecture; asking libseccomp each time would take minutes.
int number_of(std::uint32_t token, const std::string& name) {
    static std::map<std::pair<std::uint32_t, std::string>, int> known;
    const auto [entry, is_new] = known.try_emplace({token, name}, 0);
    if (is_new) {
        entry->second = ::seccomp_syscall_resolve_name_arch(token, name.c_str());
        const auto direct = kDirectOnX86.find(name);
        if (token == SCMP_ARCH_X86 && direct != kDirectOnX86.end()) {
            entry->second = direct->second;
        }
    }
    return entry->second;
}

[[nodiscard]] std::vector<const oci::SeccompSyscall*> rules_of(const oci::Seccomp& profile,
                                                               std::uint32_t token, int number) {
    std::vector<const oci::SeccompSyscall*> rules;
    for (const oci::SeccompSyscall& rule : profile.syscalls) {
        if (std::ranges::any_of(rule.names, [&](const std::string& name) {
                return number_of(token, name) == number;
            })) {
            rules.push_back(&rule);
        }
    }
    return rules;
}

[[nodiscard]] bool stub_applies(const oci::Seccomp& profile) {
    static const std::set<oci::SeccompAction> kinds = {
        oci::SeccompAction::error, oci::SeccompAction::kill, oci::SeccompAction::kill_thread,
        oci::SeccompAction::kill_process};
    return kinds.contains(profile.default_action) && profile.default_errno_ret != ENOSYS;
}

[[nodiscard]] bool is_beyond_profile(const oci::Seccomp& profile, std::uint32_t token,
                                     std::uint32_t number) {
    int largest = -1;
    for (const oci::SeccompSyscall& rule : profile.syscalls) {
        for (const std::string& name : rule.names) {
            largest = std::max(largest, number_of(token, name));
        }
    }
    return largest >= 0 && number > static_cast<std::uint32_t>(largest);
}

}  // namespace

std::uint32_t run(const std::vector<sock_filter>& program, const seccomp_data& data) {
    std::uint32_t a = 0;
    std::uint32_t x = 0;
    std::array<std::uint32_t, BPF_MEMWORDS> memory = {};
    for (std::size_t pc = 0;; ++pc) {
        const sock_filter& instruction = program.at(pc);  // throws beyond the end
        switch (instruction.code) {
            case BPF_LD | BPF_W | BPF_ABS:
                a = load(instruction, data);
                break;
            case BPF_ALU | BPF_AND | BPF_K:
                a &= instruction.k;
                break;
            case BPF_ST:
                memory.at(instruction.k) = a;
                break;
            case BPF_LD | BPF_MEM:
                a = memory.at(instruction.k);
                break;
            case BPF_MISC | BPF_TAX:
                x = a;
                break;
            case BPF_MISC | BPF_TXA:
                a = x;
                break;
            case BPF_JMP | BPF_JA:
                pc += instruction.k;
                break;
            case BPF_RET | BPF_K:
                return instruction.k;
            default:
                if (BPF_CLASS(instruction.code) != BPF_JMP) {
                    throw std::runtime_error("unknown instruction");
                }
                pc += jump_condition(instruction, a) ? instruction.jt : instruction.jf;
        }
    }
}

std::set<std::uint32_t> verdicts(const oci::Seccomp& profile, std::uint32_t token,
                                 const seccomp_data& data) {
    if (stub_applies(profile) &&
        is_beyond_profile(profile, token, static_cast<std::uint32_t>(data.nr))) {
        return {SECCOMP_RET_ERRNO | ENOSYS};
    }
    std::set<std::uint32_t> found;
    for (const oci::SeccompSyscall* const rule : rules_of(profile, token, data.nr)) {
        if (matches(*rule, data)) {
            found.insert(verdict_of(rule->action, rule->errno_ret));
        }
    }
    if (found.empty()) {
        found.insert(verdict_of(profile.default_action, profile.default_errno_ret));
    }
    return found;
}

std::vector<seccomp_data> border_cases(const oci::Seccomp& profile, std::uint32_t token,
                                       int number) {
    seccomp_data base = {};
    base.nr = number;
    base.arch = token == SCMP_ARCH_X32 ? SCMP_ARCH_X86_64 : token;
    std::vector<seccomp_data> cases = {base};
    // To libseccomp x32 is a 32-bit architecture: its rules do not look at the upper halves.
    const std::uint64_t range = token == SCMP_ARCH_X86_64 ? UINT64_MAX : UINT32_MAX;
    for (const oci::SeccompSyscall* const rule : rules_of(profile, token, number)) {
        const std::vector<seccomp_data> before = cases;
        for (const oci::SeccompArg& arg : rule->args) {
            const std::uint64_t two = arg.value_two.value_or(0);
            const std::array<std::uint64_t, 11> values = {arg.value - 1,
                                                          arg.value,
                                                          arg.value + 1,
                                                          ~arg.value,
                                                          two,
                                                          arg.value & two,
                                                          arg.value | two,
                                                          0,
                                                          UINT64_MAX,
                                                          arg.value | std::uint64_t{1} << 32U,
                                                          arg.value ^ std::uint64_t{1} << 63U};
            for (const std::uint64_t value : values) {
                for (seccomp_data data : before) {
                    data.args[arg.index] = value & range;
                    if (cases.size() < 4000) {
                        cases.push_back(data);
                    }
                }
            }
        }
    }
    return cases;
}

}  // namespace bpf
