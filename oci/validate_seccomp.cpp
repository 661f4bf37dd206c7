// SPDX-License-Identifier: Apache-2.0
// Checks of linux.seccomp (§19).
#include "oci/validate_checks.h"

namespace oci::check {
namespace {

constexpr std::uint32_t kMaxErrno = 4095;         // MAX_ERRNO in linux/err.h
constexpr std::uint32_t kMaxTraceValue = 0xffff;  // SECCOMP_RET_DATA
constexpr std::uint32_t kLastArgument = 5;

// SC-02, SC-10. Empty if the value fits the action.
std::string problem_of(SeccompAction action, std::optional<std::uint32_t> value) {
    if (!value) {
        return {};
    }
    if (action == SeccompAction::error) {
        return *value <= kMaxErrno ? "" : "must be from 0 to 4095";
    }
    if (action == SeccompAction::trace) {
        return *value <= kMaxTraceValue ? "" : "must be from 0 to 65535";
    }
    return std::string(to_name(action)) + " takes no errno";
}

void check_rule(const SeccompSyscall& rule, Problems& problems, std::size_t i) {
    if (rule.names.empty()) {
        problems.add("must name at least one system call", "linux", "seccomp", "syscalls", i,
                     "names");
    }
    for (std::size_t n = 0; n < rule.names.size(); ++n) {
        if (rule.names[n].empty()) {
            problems.add("must not be empty", "linux", "seccomp", "syscalls", i, "names", n);
        }
    }
    std::string problem = problem_of(rule.action, rule.errno_ret);
    if (!problem.empty()) {
        problems.add(std::move(problem), "linux", "seccomp", "syscalls", i, "errnoRet");
    }
    for (std::size_t a = 0; a < rule.args.size(); ++a) {
        if (rule.args[a].index > kLastArgument) {
            problems.add("must be from 0 to 5", "linux", "seccomp", "syscalls", i, "args", a,
                         "index");
        }
    }
}

}  // namespace

// SC-01, SC-02.
void seccomp_default(const Spec& spec, Problems& problems) {
    if (!spec.linux.seccomp) {
        return;
    }
    const Seccomp& seccomp = *spec.linux.seccomp;
    std::string problem = problem_of(seccomp.default_action, seccomp.default_errno_ret);
    if (!problem.empty()) {
        problems.add(std::move(problem), "linux", "seccomp", "defaultErrnoRet");
    }
}

// SC-05, SC-06.
void seccomp_listener(const Spec& spec, Problems& problems) {
    if (!spec.linux.seccomp) {
        return;
    }
    const Seccomp& seccomp = *spec.linux.seccomp;
    const std::string path = seccomp.listener_path.value_or("");
    if (path.empty() && notifies(seccomp)) {
        problems.add("required by SCMP_ACT_NOTIFY but missing", "linux", "seccomp", "listenerPath");
    }
    if (!path.empty() && !is_absolute(path)) {
        problems.add("must be an absolute path", "linux", "seccomp", "listenerPath");
    }
    if (path.empty() && seccomp.listener_metadata) {
        problems.add("needs listenerPath", "linux", "seccomp", "listenerMetadata");
    }
}

// SC-08…SC-11.
void seccomp_syscalls(const Spec& spec, Problems& problems) {
    if (!spec.linux.seccomp) {
        return;
    }
    const std::vector<SeccompSyscall>& rules = spec.linux.seccomp->syscalls;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        check_rule(rules[i], problems, i);
    }
}

}  // namespace oci::check
