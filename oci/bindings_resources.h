// SPDX-License-Identifier: Apache-2.0
// linux.resources bound to JSON: one line per field.
#pragma once

#include "oci/binding.h"
#include "oci/resources.h"

namespace oci {

template <>
inline constexpr Field kFields<DeviceRule>[] = {
    required<&DeviceRule::allow>("allow"), field<&DeviceRule::type>("type"),
    field<&DeviceRule::major>("major"),    field<&DeviceRule::minor>("minor"),
    field<&DeviceRule::access>("access"),
};

template <>
inline constexpr Field kFields<Memory>[] = {
    field<&Memory::limit>("limit"),
    field<&Memory::reservation>("reservation"),
    field<&Memory::swap>("swap"),
    field<&Memory::kernel>("kernel"),
    field<&Memory::kernel_tcp>("kernelTCP"),
    field<&Memory::swappiness>("swappiness"),
    field<&Memory::disable_oom_killer>("disableOOMKiller"),
    field<&Memory::use_hierarchy>("useHierarchy"),
    field<&Memory::check_before_update>("checkBeforeUpdate"),
};

template <>
inline constexpr Field kFields<Cpu>[] = {
    field<&Cpu::shares>("shares"),
    field<&Cpu::quota>("quota"),
    field<&Cpu::burst>("burst"),
    field<&Cpu::period>("period"),
    field<&Cpu::realtime_runtime>("realtimeRuntime"),
    field<&Cpu::realtime_period>("realtimePeriod"),
    field<&Cpu::cpus>("cpus"),
    field<&Cpu::mems>("mems"),
    field<&Cpu::idle>("idle"),
};

template <>
inline constexpr Field kFields<WeightDevice>[] = {
    field<&WeightDevice::major>("major"),
    field<&WeightDevice::minor>("minor"),
    field<&WeightDevice::weight>("weight"),
    field<&WeightDevice::leaf_weight>("leafWeight"),
};

template <>
inline constexpr Field kFields<ThrottleDevice>[] = {
    field<&ThrottleDevice::major>("major"),
    field<&ThrottleDevice::minor>("minor"),
    field<&ThrottleDevice::rate>("rate"),
};

template <>
inline constexpr Field kFields<BlockIo>[] = {
    field<&BlockIo::weight>("weight"),
    field<&BlockIo::leaf_weight>("leafWeight"),
    field<&BlockIo::weight_device>("weightDevice"),
    field<&BlockIo::throttle_read_bps_device>("throttleReadBpsDevice"),
    field<&BlockIo::throttle_write_bps_device>("throttleWriteBpsDevice"),
    field<&BlockIo::throttle_read_iops_device>("throttleReadIOPSDevice"),
    field<&BlockIo::throttle_write_iops_device>("throttleWriteIOPSDevice"),
};

template <>
inline constexpr Field kFields<Pids>[] = {
    required<&Pids::limit>("limit"),
};

template <>
inline constexpr Field kFields<HugepageLimit>[] = {
    field<&HugepageLimit::page_size>("pageSize"),
    field<&HugepageLimit::limit>("limit"),
};

template <>
inline constexpr Field kFields<InterfacePriority>[] = {
    field<&InterfacePriority::name>("name"),
    field<&InterfacePriority::priority>("priority"),
};

template <>
inline constexpr Field kFields<Network>[] = {
    field<&Network::class_id>("classID"),
    field<&Network::priorities>("priorities"),
};

template <>
inline constexpr Field kFields<Rdma>[] = {
    field<&Rdma::hca_handles>("hcaHandles"),
    field<&Rdma::hca_objects>("hcaObjects"),
};

template <>
inline constexpr Field kFields<Resources>[] = {
    field<&Resources::devices>("devices"),  field<&Resources::memory>("memory"),
    field<&Resources::cpu>("cpu"),          field<&Resources::pids>("pids"),
    field<&Resources::block_io>("blockIO"), field<&Resources::hugepage_limits>("hugepageLimits"),
    field<&Resources::network>("network"),  field<&Resources::rdma>("rdma"),
    field<&Resources::unified>("unified"),
};

}  // namespace oci
