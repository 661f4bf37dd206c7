// SPDX-License-Identifier: Apache-2.0
// The capabilities of capabilities(7), by number.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace oci {

// The index is the kernel's number.
inline constexpr std::array<std::string_view, 41> kCapabilities = {
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
};

// The number of a name exactly as the spec spells it ("CAP_KILL"); nothing for an unknown one.
constexpr std::optional<int> capability_number(std::string_view name) {
    for (std::size_t number = 0; number < kCapabilities.size(); ++number) {
        if (kCapabilities[number] == name) {
            return static_cast<int>(number);
        }
    }
    return std::nullopt;
}

// The known capabilities of a set, bit by number. A set may be long, so look-ups go here.
constexpr std::uint64_t capability_mask(std::span<const std::string> set) {
    std::uint64_t mask = 0;
    for (const std::string& name : set) {
        if (const std::optional<int> number = capability_number(name)) {
            mask |= std::uint64_t{1} << *number;
        }
    }
    return mask;
}

}  // namespace oci
