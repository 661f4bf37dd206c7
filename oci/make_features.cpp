// SPDX-License-Identifier: Apache-2.0
// See make_features.h.
#include "oci/make_features.h"

#include "oci/annotations.h"
#include "oci/built.h"
#include "oci/capability_names.h"
#include "oci/spec.h"

namespace oci {
namespace {

template <typename E>
std::vector<std::string> all_names() {
    std::vector<std::string> names;
    for (const Name<E>& entry : names_of<E>()) {
        names.emplace_back(entry.name);
    }
    return names;
}

SeccompFeatures seccomp_features(const std::vector<SeccompFlag>& usable_flags) {
    SeccompFeatures features{.enabled = true,
                             .actions = all_names<SeccompAction>(),
                             .operators = all_names<SeccompOperator>(),
                             .archs = all_names<SeccompArch>(),
                             .known_flags = all_names<SeccompFlag>(),
                             .supported_flags = std::vector<std::string>{}};
    if constexpr (!built::kSeccompNotify) {
        std::erase(*features.actions, to_name(SeccompAction::notify));
    }
    for (const SeccompFlag flag : usable_flags) {
        features.supported_flags->emplace_back(to_name(flag));
    }
    return features;
}

MemoryPolicyFeatures memory_policy_features() {
    if constexpr (built::kMemoryPolicy) {
        return {.modes = all_names<MemoryPolicyMode>(), .flags = all_names<MemoryPolicyFlag>()};
    }
    return {.modes = std::vector<std::string>{}, .flags = std::vector<std::string>{}};
}

LinuxFeatures linux_features(const std::vector<SeccompFlag>& usable_seccomp_flags) {
    using namespace built;
    return {
        .namespaces = all_names<NamespaceType>(),
        .capabilities = std::vector<std::string>(kCapabilities.begin(), kCapabilities.end()),
        .cgroup = CgroupFeatures{.v1 = kCgroupV1,
                                 .v2 = kCgroupV2,
                                 .systemd = kCgroupSystemd,
                                 .systemd_user = kCgroupSystemd,
                                 .rdma = kCgroupRdma},
        .seccomp = seccomp_features(usable_seccomp_flags),
        .apparmor = EnabledFeature{kApparmor},
        .selinux = EnabledFeature{kSelinux},
        .intel_rdt =
            IntelRdtFeatures{.enabled = kIntelRdt, .schemata = kIntelRdt, .monitoring = kIntelRdt},
        .memory_policy = memory_policy_features(),
        .mount_extensions = MountExtensions{EnabledFeature{kIdmappedMounts}},
        .net_devices = EnabledFeature{kNetDevices},
    };
}

}  // namespace

Features make_features(FeatureSources sources) {
    return {
        .oci_version_min = std::string(kOciVersionMin),
        .oci_version_max = std::string(kOciVersionMax),
        .hooks = all_names<HookKind>(),
        .mount_options = std::move(sources.mount_options),
        .linux = linux_features(sources.usable_seccomp_flags),
        .annotations = std::move(sources.annotations),
        .potentially_unsafe_config_annotations =
            std::vector<std::string>(std::begin(kUnsafeAnnotations), std::end(kUnsafeAnnotations)),
    };
}

}  // namespace oci
