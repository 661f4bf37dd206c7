// SPDX-License-Identifier: Apache-2.0
// The linux section bound to JSON: one line per field.
#pragma once

#include "oci/binding.h"
#include "oci/bindings_resources.h"
#include "oci/spec_linux.h"

namespace oci {

template <>
inline constexpr Field kFields<SeccompArg>[] = {
    field<&SeccompArg::index>("index"),
    field<&SeccompArg::value>("value"),
    field<&SeccompArg::value_two>("valueTwo"),
    field<&SeccompArg::op>("op"),
};

template <>
inline constexpr Field kFields<SeccompSyscall>[] = {
    required<&SeccompSyscall::names>("names"),
    field<&SeccompSyscall::action>("action"),
    field<&SeccompSyscall::errno_ret>("errnoRet"),
    field<&SeccompSyscall::args>("args"),
};

template <>
inline constexpr Field kFields<Seccomp>[] = {
    field<&Seccomp::default_action>("defaultAction"),
    field<&Seccomp::default_errno_ret>("defaultErrnoRet"),
    field<&Seccomp::architectures>("architectures"),
    field<&Seccomp::flags>("flags"),
    field<&Seccomp::listener_path>("listenerPath"),
    field<&Seccomp::listener_metadata>("listenerMetadata"),
    field<&Seccomp::syscalls>("syscalls"),
};

template <>
inline constexpr Field kFields<IdMapping>[] = {
    field<&IdMapping::container_id>("containerID"),
    field<&IdMapping::host_id>("hostID"),
    field<&IdMapping::size>("size"),
};

template <>
inline constexpr Field kFields<Namespace>[] = {
    field<&Namespace::type>("type"),
    field<&Namespace::path>("path"),
};

template <>
inline constexpr Field kFields<TimeOffset>[] = {
    field<&TimeOffset::secs>("secs"),
    field<&TimeOffset::nanosecs>("nanosecs"),
};

template <>
inline constexpr Field kFields<Device>[] = {
    field<&Device::path>("path"),
    field<&Device::type>("type"),
    field<&Device::major>("major"),
    field<&Device::minor>("minor"),
    field<&Device::file_mode>("fileMode"),
    field<&Device::uid>("uid"),
    field<&Device::gid>("gid"),
};

template <>
inline constexpr Field kFields<NetDevice>[] = {
    field<&NetDevice::name>("name"),
};

template <>
inline constexpr Field kFields<IntelRdt>[] = {
    field<&IntelRdt::clos_id>("closID"),
    field<&IntelRdt::schemata>("schemata"),
    field<&IntelRdt::l3_cache_schema>("l3CacheSchema"),
    field<&IntelRdt::mem_bw_schema>("memBwSchema"),
    field<&IntelRdt::enable_monitoring>("enableMonitoring"),
};

template <>
inline constexpr Field kFields<MemoryPolicy>[] = {
    field<&MemoryPolicy::mode>("mode"),
    field<&MemoryPolicy::nodes>("nodes"),
    field<&MemoryPolicy::flags>("flags"),
};

template <>
inline constexpr Field kFields<Personality>[] = {
    field<&Personality::domain>("domain"),
    field<&Personality::flags>("flags"),
};

template <>
inline constexpr Field kFields<Linux>[] = {
    field<&Linux::uid_mappings>("uidMappings"),
    field<&Linux::gid_mappings>("gidMappings"),
    field<&Linux::sysctl>("sysctl"),
    field<&Linux::resources>("resources"),
    field<&Linux::cgroups_path>("cgroupsPath"),
    field<&Linux::namespaces>("namespaces"),
    field<&Linux::devices>("devices"),
    field<&Linux::net_devices>("netDevices"),
    field<&Linux::seccomp>("seccomp"),
    field<&Linux::rootfs_propagation>("rootfsPropagation"),
    field<&Linux::masked_paths>("maskedPaths"),
    field<&Linux::readonly_paths>("readonlyPaths"),
    field<&Linux::mount_label>("mountLabel"),
    field<&Linux::intel_rdt>("intelRdt"),
    field<&Linux::memory_policy>("memoryPolicy"),
    field<&Linux::personality>("personality"),
    field<&Linux::time_offsets>("timeOffsets"),
};

}  // namespace oci
