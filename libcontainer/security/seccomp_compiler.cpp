// SPDX-License-Identifier: Apache-2.0
// linux.seccomp to BPF by libseccomp.
#include "libcontainer/security/seccomp_compiler.h"

#include <linux/bpf_common.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "libcontainer/security/seccomp_optimizer.h"
#include "libcontainer/security/seccomp_stub.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {
namespace {

constexpr std::uint32_t kMaxErrno =
    4094;  // libseccomp takes no more; the kernel's MAX_ERRNO is 4095
constexpr std::uint32_t kMaxTraceMessage = 0xffff;
constexpr unsigned kSyscallArguments = 6;
constexpr std::uint32_t kBinaryTree = 2;  // SCMP_FLTATR_CTL_OPTIMIZE

struct Release {
    void operator()(scmp_filter_ctx filter) const { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Release>;

[[nodiscard]] std::string rule_path(std::size_t index) {
    return "linux.seccomp.syscalls[" + std::to_string(index) + "]";
}

[[nodiscard]] std::unexpected<sys::Error> fail_at(sys::ErrorKind kind, std::string path,
                                                  std::string text) {
    return std::unexpected(sys::Error{kind, 0, std::move(path), std::move(text)});
}

// The libseccomp functions return a negative errno.
[[nodiscard]] std::unexpected<sys::Error> fail_libseccomp(std::string_view function, int result,
                                                          std::string_view path) {
    return std::unexpected(sys::errno_error(function, -result).at(path));
}

// An action and its errno as SCMP_ACT_*. `errno_path`: where the errno stands in config.json.
Result<std::uint32_t> action_of(oci::SeccompAction action,
                                const std::optional<std::uint32_t>& errno_ret,
                                const std::string& errno_path) {
    const bool takes_errno =
        action == oci::SeccompAction::error || action == oci::SeccompAction::trace;
    if (errno_ret && !takes_errno) {
        return fail_at(sys::ErrorKind::invalid, errno_path,
                       "only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take a value, not " +
                           std::string(oci::to_name(action)));
    }
    const std::uint32_t value = errno_ret.value_or(EPERM);
    const std::uint32_t limit = action == oci::SeccompAction::error ? kMaxErrno : kMaxTraceMessage;
    if (value > limit) {
        return fail_at(sys::ErrorKind::invalid, errno_path,
                       std::to_string(value) + " is beyond " + std::to_string(limit));
    }
    switch (action) {
        case oci::SeccompAction::kill:
        case oci::SeccompAction::kill_thread:
            return SCMP_ACT_KILL_THREAD;
        case oci::SeccompAction::kill_process:
            return SCMP_ACT_KILL_PROCESS;
        case oci::SeccompAction::trap:
            return SCMP_ACT_TRAP;
        case oci::SeccompAction::error:
            return SCMP_ACT_ERRNO(value);
        case oci::SeccompAction::trace:
            return SCMP_ACT_TRACE(value);
        case oci::SeccompAction::allow:
            return SCMP_ACT_ALLOW;
        case oci::SeccompAction::log:
            return SCMP_ACT_LOG;
        case oci::SeccompAction::notify:
            break;
    }
    return SCMP_ACT_NOTIFY;
}

[[nodiscard]] scmp_compare operator_of(oci::SeccompOperator op) {
    switch (op) {
        case oci::SeccompOperator::ne:
            return SCMP_CMP_NE;
        case oci::SeccompOperator::lt:
            return SCMP_CMP_LT;
        case oci::SeccompOperator::le:
            return SCMP_CMP_LE;
        case oci::SeccompOperator::eq:
            return SCMP_CMP_EQ;
        case oci::SeccompOperator::ge:
            return SCMP_CMP_GE;
        case oci::SeccompOperator::gt:
            return SCMP_CMP_GT;
        case oci::SeccompOperator::masked_eq:
            break;
    }
    return SCMP_CMP_MASKED_EQ;
}

// The conditions of a rule: one group is AND-ed, several groups are OR-ed.
using Conditions = std::vector<scmp_arg_cmp>;

Result<std::vector<Conditions>> conditions_of(const oci::SeccompSyscall& rule,
                                              const std::string& path) {
    Conditions conditions;
    unsigned tested = 0;
    bool same_argument_twice = false;
    for (std::size_t i = 0; i < rule.args.size(); ++i) {
        const oci::SeccompArg& arg = rule.args[i];
        if (arg.index >= kSyscallArguments) {
            return fail_at(sys::ErrorKind::invalid, path + ".args[" + std::to_string(i) + "].index",
                           std::to_string(arg.index) + " is beyond 5");
        }
        same_argument_twice = same_argument_twice || (tested & (1U << arg.index)) != 0;
        tested |= 1U << arg.index;
        conditions.push_back(
            {arg.index, operator_of(arg.op), arg.value, arg.value_two.value_or(0)});
    }
    if (!same_argument_twice) {
        return std::vector<Conditions>{std::move(conditions)};
    }
    std::vector<Conditions> alternatives;
    for (const scmp_arg_cmp& condition : conditions) {
        alternatives.push_back({condition});
    }
    return alternatives;
}

Result<void> add_architectures(scmp_filter_ctx filter,
                               const std::vector<oci::SeccompArch>& architectures) {
    for (std::size_t i = 0; i < architectures.size(); ++i) {
        const std::string path = "linux.seccomp.architectures[" + std::to_string(i) + "]";
        const std::string name(oci::to_name(architectures[i]));
        const std::uint32_t token = seccomp_arch_token(architectures[i]);
        if (token == 0) {
            return fail_at(sys::ErrorKind::unsupported, path,
                           name + " is unknown to this libseccomp");
        }
        const int result = ::seccomp_arch_add(filter, token);
        if (result == -EDOM) {
            return fail_at(sys::ErrorKind::invalid, path,
                           name + " has another byte order than this machine");
        }
        if (result != 0 && result != -EEXIST) {
            return fail_libseccomp("seccomp_arch_add(" + name + ")", result, path);
        }
    }
    return {};
}

// What was added already, each as its bytes: libseccomp compares a rule with every one that the
// call has, so the same one 100,000 times over would take minutes.
class AddedRules {
  public:
    // False: the very same is there.
    bool insert(int number, std::uint32_t action, const Conditions& conditions) {
        std::string key;
        append(key, number);
        append(key, action);
        for (const scmp_arg_cmp& condition : conditions) {
            append(key, condition.arg);
            append(key, condition.op);
            append(key, condition.datum_a);
            append(key, condition.datum_b);
        }
        return keys_.insert(std::move(key)).second;
    }

  private:
    template <typename T>
    static void append(std::string& key, T value) {
        key.append(reinterpret_cast<const char*>(&value), sizeof value);
    }

    std::unordered_set<std::string> keys_;
};

Result<void> add_rule(scmp_filter_ctx filter, std::uint32_t action, const oci::SeccompSyscall& rule,
                      const std::string& path, AddedRules& added,
                      std::vector<std::string>* skipped) {
    const auto alternatives = TRY(conditions_of(rule, path));
    for (std::size_t i = 0; i < rule.names.size(); ++i) {
        const int number = ::seccomp_syscall_resolve_name(rule.names[i].c_str());
        if (number == __NR_SCMP_ERROR) {
            if (skipped != nullptr) {
                skipped->push_back(path + ".names[" + std::to_string(i) + "]: \"" + rule.names[i] +
                                   "\" is unknown to this libseccomp and is left out");
            }
            continue;
        }
        for (const Conditions& conditions : alternatives) {
            if (!added.insert(number, action, conditions)) {
                continue;
            }
            const int result = ::seccomp_rule_add_array(filter, action, number,
                                                        static_cast<unsigned>(conditions.size()),
                                                        conditions.data());
            // EEXIST: one with the same conditions is there already.
            if (result != 0 && result != -EEXIST) {
                return fail_libseccomp("seccomp_rule_add(" + rule.names[i] + ")", result,
                                       path + ".names[" + std::to_string(i) + "]");
            }
        }
    }
    return {};
}

Result<std::vector<sock_filter>> export_program(scmp_filter_ctx filter) {
    const sys::UniqueFd file(::memfd_create("seccomp", MFD_CLOEXEC));
    if (!file) {
        return sys::fail_errno("memfd_create");
    }
    if (const int result = ::seccomp_export_bpf(filter, file.get()); result != 0) {
        return fail_libseccomp("seccomp_export_bpf", result, "linux.seccomp");
    }
    const off_t size = ::lseek(file.get(), 0, SEEK_END);
    if (size < 0) {
        return sys::fail_errno("lseek");
    }
    std::vector<sock_filter> program(static_cast<std::size_t>(size) / sizeof(sock_filter));
    const std::size_t bytes = program.size() * sizeof(sock_filter);
    if (::pread(file.get(), program.data(), bytes, 0) != static_cast<ssize_t>(bytes)) {
        return sys::fail_errno("pread");
    }
    return program;
}

}  // namespace

std::uint32_t seccomp_arch_token(oci::SeccompArch arch) {
    // libseccomp's names are the spec's in lower case, without the prefix.
    std::string name(oci::to_name(arch).substr(std::string_view("SCMP_ARCH_").size()));
    for (char& letter : name) {
        letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    }
    return ::seccomp_arch_resolve_name(name.c_str());
}

std::vector<std::uint32_t> audit_architectures(const oci::Seccomp& seccomp) {
    std::vector<std::uint32_t> architectures = {::seccomp_arch_native()};
    for (const oci::SeccompArch arch : seccomp.architectures) {
        const std::uint32_t token = seccomp_arch_token(arch);
        const std::uint32_t audit = token == SCMP_ARCH_X32 ? SCMP_ARCH_X86_64 : token;
        if (std::ranges::find(architectures, audit) == architectures.end()) {
            architectures.push_back(audit);
        }
    }
    return architectures;
}

Result<std::vector<sock_filter>> compile_seccomp_program(const oci::Seccomp& seccomp,
                                                         std::vector<std::string>* skipped) {
    const std::uint32_t default_action = TRY(action_of(
        seccomp.default_action, seccomp.default_errno_ret, "linux.seccomp.defaultErrnoRet"));
    const Filter filter(::seccomp_init(default_action));
    if (!filter) {
        return fail_at(
            sys::ErrorKind::unsupported, "linux.seccomp.defaultAction",
            "libseccomp or the kernel has no " + std::string(oci::to_name(seccomp.default_action)));
    }
    // Since libseccomp 2.5; with an older one the program is right, but linear.
    (void)::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, kBinaryTree);
    TRY_VOID(add_architectures(filter.get(), seccomp.architectures));
    AddedRules added;
    for (std::size_t i = 0; i < seccomp.syscalls.size(); ++i) {
        const oci::SeccompSyscall& rule = seccomp.syscalls[i];
        const std::string path = rule_path(i);
        const std::uint32_t action =
            TRY(action_of(rule.action, rule.errno_ret, path + ".errnoRet"));
        if (action != default_action) {
            TRY_VOID(add_rule(filter.get(), action, rule, path, added, skipped));
        }
    }
    std::vector<sock_filter> program = plan_enosys_stub(seccomp);
    const std::vector<sock_filter> profile = TRY(export_program(filter.get()));
    program.insert(program.end(), profile.begin(), profile.end());
    program = optimize_seccomp_program(program, audit_architectures(seccomp));
    TRY_VOID(check_program_size(program.size()));
    return program;
}

Result<void> check_program_size(std::size_t instructions) {
    if (instructions > BPF_MAXINSNS) {
        return fail_at(sys::ErrorKind::unsupported, "linux.seccomp",
                       "the filter has " + std::to_string(instructions) +
                           " instructions, the kernel takes " + std::to_string(BPF_MAXINSNS));
    }
    return {};
}

}  // namespace libcontainer
