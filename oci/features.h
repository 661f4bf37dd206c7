// SPDX-License-Identifier: Apache-2.0
// The features document (§23): what this runtime understands, whatever the host's kernel can do.
// Absent means unknown, an empty list means known to be none.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace oci {

using FeatureList = std::optional<std::vector<std::string>>;

struct CgroupFeatures {
    std::optional<bool> v1, v2, systemd, systemd_user, rdma;
    bool operator==(const CgroupFeatures&) const = default;
};

struct SeccompFeatures {
    std::optional<bool> enabled;
    FeatureList actions, operators, archs, known_flags, supported_flags;
    bool operator==(const SeccompFeatures&) const = default;
};

struct EnabledFeature {
    std::optional<bool> enabled;
    bool operator==(const EnabledFeature&) const = default;
};

struct IntelRdtFeatures {
    std::optional<bool> enabled, schemata, monitoring;
    bool operator==(const IntelRdtFeatures&) const = default;
};

struct MemoryPolicyFeatures {
    FeatureList modes, flags;
    bool operator==(const MemoryPolicyFeatures&) const = default;
};

struct MountExtensions {
    std::optional<EnabledFeature> idmap;
    bool operator==(const MountExtensions&) const = default;
};

struct LinuxFeatures {
    FeatureList namespaces;
    FeatureList capabilities;
    std::optional<CgroupFeatures> cgroup;
    std::optional<SeccompFeatures> seccomp;
    std::optional<EnabledFeature> apparmor;
    std::optional<EnabledFeature> selinux;
    std::optional<IntelRdtFeatures> intel_rdt;
    std::optional<MemoryPolicyFeatures> memory_policy;
    std::optional<MountExtensions> mount_extensions;
    std::optional<EnabledFeature> net_devices;

    bool operator==(const LinuxFeatures&) const = default;
};

struct Features {
    std::string oci_version_min;
    std::string oci_version_max;
    FeatureList hooks;
    FeatureList mount_options;
    std::optional<LinuxFeatures> linux;
    std::map<std::string, std::string> annotations;
    FeatureList potentially_unsafe_config_annotations;

    bool operator==(const Features&) const = default;
};

}  // namespace oci
