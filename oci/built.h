// SPDX-License-Identifier: Apache-2.0
// Which parts of the spec this build gives effect to. What is false here is refused by
// unsupported() and reported so by make_features().
#pragma once

namespace oci::built {

inline constexpr bool kApparmor = true;
inline constexpr bool kCgroupRdma = true;
#ifdef BRIG_STATIC
inline constexpr bool kCgroupSystemd = false;  // libsystemd is loaded when it is asked for
#else
inline constexpr bool kCgroupSystemd = true;
#endif
inline constexpr bool kCgroupV1 = true;
inline constexpr bool kCgroupV2 = true;
inline constexpr bool kExecCpuAffinity = true;
inline constexpr bool kIdmappedMounts = true;
inline constexpr bool kIntelRdt = true;
inline constexpr bool kIoPriority = true;
inline constexpr bool kMemoryPolicy = true;
inline constexpr bool kNetDevices = true;
inline constexpr bool kPersonality = true;
inline constexpr bool kScheduler = true;
inline constexpr bool kSeccompNotify = true;
inline constexpr bool kSelinux = true;

}  // namespace oci::built
