// SPDX-License-Identifier: Apache-2.0
// Capabilities, seccomp, labels and groups of a process, planned by the parent alike for init and
// exec.
#include "libcontainer/process/plan_security.h"

#include <unistd.h>

#include "libcontainer/security/seccomp_notify.h"
#include "libcontainer/security/seccomp_raw.h"
#include "oci/annotations.h"

namespace libcontainer {
namespace {

// Root's alone, whatever --root is: engines share their roots with other runtimes, which list what
// is in them.
constexpr const char* kSeccompCache = "/run/brig/.seccomp";

[[nodiscard]] bool keeps_groups(const oci::Spec& spec) {
    const std::string* const given =
        oci::find_annotation(spec.annotations, oci::kKeepOriginalGroups);
    return given != nullptr && *given == "1";
}

enum class UnknownNames : unsigned char { skipped, refused };

// A program from the cache has been told of before: where unknown names are refused, none counts.
Result<SeccompProgram> compile_profile(const oci::Seccomp& seccomp, UnknownNames unknown,
                                       const Warn& warn) {
    const bool may_skip = unknown == UnknownNames::skipped;
    const char* const cache = ::geteuid() == 0 && may_skip ? kSeccompCache : "";
    std::vector<std::string> skipped;
    auto program = compile_seccomp(seccomp, cache, warn || !may_skip ? &skipped : nullptr);
    if (!program) {
        return std::unexpected(std::move(program).error().at("linux.seccomp"));
    }
    if (!may_skip && !skipped.empty()) {
        return std::unexpected(sys::Error{sys::ErrorKind::invalid, 0,
                                          oci::annotation_path(oci::kSeccompFailUnknown),
                                          skipped.front()});
    }
    for (const std::string& line : skipped) {
        warn(line);
    }
    return program;
}

Result<std::optional<SeccompProgram>> plan_seccomp(const oci::Spec& spec, const Warn& warn) {
    if (const std::string* const raw =
            oci::find_annotation(spec.annotations, oci::kSeccompBpfData)) {
        auto program = read_raw_seccomp(*raw);
        if (!program) {
            program.error().config_path = oci::annotation_path(oci::kSeccompBpfData);
            return std::unexpected(std::move(program).error());
        }
        return *std::move(program);
    }
    if (!spec.linux.seccomp) {
        return std::nullopt;
    }
    TRY_VOID(check_seccomp_listener(*spec.linux.seccomp));
    const UnknownNames unknown =
        oci::find_annotation(spec.annotations, oci::kSeccompFailUnknown) == nullptr
            ? UnknownNames::skipped
            : UnknownNames::refused;
    return TRY(compile_profile(*spec.linux.seccomp, unknown, warn));
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
    context.seccomp = TRY(plan_seccomp(*context.spec, warn));
    return {};
}

}  // namespace libcontainer
