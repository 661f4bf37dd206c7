// SPDX-License-Identifier: Apache-2.0
// Capabilities, seccomp, labels and groups of a process, planned by the parent alike for init and
// exec.
#include "libcontainer/process/plan_security.h"

#include <unistd.h>

#include "libcontainer/security/seccomp_notify.h"
#include "oci/annotations.h"

namespace libcontainer {
namespace {

// Root's alone, whatever --root is: engines share their roots with other runtimes, which list what
// is in them.
constexpr const char* kSeccompCache = "/run/brig/.seccomp";

[[nodiscard]] bool keeps_groups(const oci::Spec& spec) {
    const auto annotation = spec.annotations.find(std::string(oci::kKeepOriginalGroups));
    return annotation != spec.annotations.end() && annotation->second == "1";
}

Result<SeccompProgram> plan_seccomp(const oci::Seccomp& seccomp, const Warn& warn) {
    TRY_VOID(check_seccomp_listener(seccomp));
    std::vector<std::string> skipped;
    auto program =
        compile_seccomp(seccomp, ::geteuid() == 0 ? kSeccompCache : "", warn ? &skipped : nullptr);
    if (!program) {
        return std::unexpected(std::move(program).error().at("linux.seccomp"));
    }
    for (const std::string& line : skipped) {
        warn(line);
    }
    return program;
}

}  // namespace

Result<void> plan_security(InitContext& context, const Warn& warn) {
    TRY(plan_selinux(context.spec->linux.mount_label, "linux.mountLabel"));
    if (context.process == nullptr) {
        return {};
    }
    context.has_apparmor_profile = TRY(plan_apparmor(context.process->apparmor_profile));
    context.has_selinux_label =
        TRY(plan_selinux(context.process->selinux_label, "process.selinuxLabel"));
    std::vector<std::string> ignored;
    context.capabilities = plan_capabilities(
        context.process->capabilities.value_or(oci::Capabilities()), warn ? &ignored : nullptr,
        context.plan.own(oci::NamespaceType::user) ? CapabilitySource::user_namespace
                                                   : CapabilitySource::caller);
    for (const std::string& name : ignored) {
        warn("process.capabilities: " + name + " cannot be granted and is left out");
    }
    context.keep_groups = keeps_groups(*context.spec);
    if (context.spec->linux.seccomp) {
        context.seccomp = TRY(plan_seccomp(*context.spec->linux.seccomp, warn));
    }
    return {};
}

}  // namespace libcontainer
