// SPDX-License-Identifier: Apache-2.0
// linux.resources.devices: the rules as brig applies them (RD-01, RD-02), before they become v1
// writes or a BPF program.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libcontainer/sys/error.h"
#include "oci/resources.h"

namespace libcontainer {

using sys::Result;

// Of what a rule speaks, as bits.
enum DeviceAccess : unsigned { kRead = 1, kWrite = 2, kMknod = 4, kAllAccess = 7 };

inline constexpr std::int64_t kAnyNumber = -1;

// One kind of device ('b' or 'c'); numbers may be kAnyNumber.
struct DevicePattern {
    char type = 'c';
    std::int64_t major = kAnyNumber;
    std::int64_t minor = kAnyNumber;

    bool operator==(const DevicePattern&) const = default;
};

// A rule of config.json, checked.
struct DeviceRule {
    bool allow = false;
    unsigned access = kAllAccess;
    std::optional<DevicePattern> pattern;  // absent: every device
};

// Errors point at linux.resources.devices[i].
[[nodiscard]] Result<DeviceRule> check_device_rule(const oci::DeviceRule& rule, std::size_t index);

// What every container may do, whatever the rules say (RD-02): make any node, use null, zero, full,
// random, urandom, tty, ptmx and the pseudo terminals. Peers give it too, engines count on it.
[[nodiscard]] std::span<const DeviceRule> default_device_rules();

// What a sequence of rules comes to when the last one that matches decides: a default and
// exceptions from it, each of one pattern. Without any rule everything is denied (R-35, T-62).
struct DevicePolicy {
    struct Exception {
        DevicePattern pattern;
        unsigned access = 0;
        bool is_own = false;  // asked for by config.json, not by default_device_rules()
    };
    bool allow_by_default = false;
    std::vector<Exception> exceptions;
};

// Config rules, then the defaults. An exception from a part of an exception ("all of major 8, but
// not 8:1") cannot be said that way: that is `unsupported`, because the kernel's v1 controller
// would pass over it silently and leave the device open.
[[nodiscard]] Result<DevicePolicy> plan_device_policy(const std::vector<oci::DeviceRule>& rules);

// "c 1:3 rwm", as v1's devices.allow and devices.deny want it.
[[nodiscard]] std::string device_line(const DevicePattern& pattern, unsigned access);

// Whether the caller is root of the initial user namespace: what it makes can make and reach
// devices of the host, so it goes without a device policy only if it was told to.
[[nodiscard]] bool is_host_root();

// Whether a policy that the kernel refused with `error` may be missing: neither may the root of a
// user namespace set one (v1's devices, v2's BPF), nor can it make or reach a device that its user
// may not; the policy of the cgroups above goes on to hold (RD-03).
[[nodiscard]] bool may_go_without_device_policy(const sys::Error& error);

}  // namespace libcontainer
