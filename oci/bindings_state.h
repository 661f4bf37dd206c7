// SPDX-License-Identifier: Apache-2.0
// State and the features document bound to JSON: one line per field.
#pragma once

#include "oci/binding.h"
#include "oci/features.h"
#include "oci/state.h"

namespace oci {

template <>
inline constexpr Field kFields<State>[] = {
    field<&State::oci_version>("ociVersion"),  field<&State::id>("id"),
    field<&State::status>("status"),           field<&State::pid>("pid"),
    field<&State::bundle>("bundle"),           field<&State::rootfs>("rootfs"),
    field<&State::created>("created"),         field<&State::owner>("owner"),
    field<&State::annotations>("annotations"),
};

template <>
inline constexpr Field kFields<ContainerProcessState>[] = {
    field<&ContainerProcessState::oci_version>("ociVersion"),
    required<&ContainerProcessState::fds>("fds"),
    field<&ContainerProcessState::pid>("pid"),
    field<&ContainerProcessState::metadata>("metadata"),
    required<&ContainerProcessState::state>("state"),
};

template <>
inline constexpr Field kFields<CgroupFeatures>[] = {
    field<&CgroupFeatures::v1>("v1"),           field<&CgroupFeatures::v2>("v2"),
    field<&CgroupFeatures::systemd>("systemd"), field<&CgroupFeatures::systemd_user>("systemdUser"),
    field<&CgroupFeatures::rdma>("rdma"),
};

template <>
inline constexpr Field kFields<SeccompFeatures>[] = {
    field<&SeccompFeatures::enabled>("enabled"),
    field<&SeccompFeatures::actions>("actions"),
    field<&SeccompFeatures::operators>("operators"),
    field<&SeccompFeatures::archs>("archs"),
    field<&SeccompFeatures::known_flags>("knownFlags"),
    field<&SeccompFeatures::supported_flags>("supportedFlags"),
};

template <>
inline constexpr Field kFields<EnabledFeature>[] = {
    field<&EnabledFeature::enabled>("enabled"),
};

template <>
inline constexpr Field kFields<IntelRdtFeatures>[] = {
    field<&IntelRdtFeatures::enabled>("enabled"),
    field<&IntelRdtFeatures::schemata>("schemata"),
    field<&IntelRdtFeatures::monitoring>("monitoring"),
};

template <>
inline constexpr Field kFields<MemoryPolicyFeatures>[] = {
    field<&MemoryPolicyFeatures::modes>("modes"),
    field<&MemoryPolicyFeatures::flags>("flags"),
};

template <>
inline constexpr Field kFields<MountExtensions>[] = {
    field<&MountExtensions::idmap>("idmap"),
};

template <>
inline constexpr Field kFields<LinuxFeatures>[] = {
    field<&LinuxFeatures::namespaces>("namespaces"),
    field<&LinuxFeatures::capabilities>("capabilities"),
    field<&LinuxFeatures::cgroup>("cgroup"),
    field<&LinuxFeatures::seccomp>("seccomp"),
    field<&LinuxFeatures::apparmor>("apparmor"),
    field<&LinuxFeatures::selinux>("selinux"),
    field<&LinuxFeatures::intel_rdt>("intelRdt"),
    field<&LinuxFeatures::memory_policy>("memoryPolicy"),
    field<&LinuxFeatures::mount_extensions>("mountExtensions"),
    field<&LinuxFeatures::net_devices>("netDevices"),
};

template <>
inline constexpr Field kFields<Features>[] = {
    field<&Features::oci_version_min>("ociVersionMin"),
    field<&Features::oci_version_max>("ociVersionMax"),
    field<&Features::hooks>("hooks"),
    field<&Features::mount_options>("mountOptions"),
    field<&Features::linux>("linux"),
    field<&Features::annotations>("annotations"),
    field<&Features::potentially_unsafe_config_annotations>("potentiallyUnsafeConfigAnnotations"),
};

}  // namespace oci
