// SPDX-License-Identifier: Apache-2.0
// linux.resources: what a cgroup is to limit (§15). Absent leaves the kernel's value untouched.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "oci/vocabulary.h"

namespace oci {

struct DeviceRule {
    bool allow = false;
    std::optional<DeviceRuleType> type;  // absent: all
    std::optional<std::int64_t> major;   // absent or -1: any
    std::optional<std::int64_t> minor;
    std::optional<std::string> access;  // of "rwm"; absent: all three

    bool operator==(const DeviceRule&) const = default;
};

// Bytes; -1 is no limit.
struct Memory {
    std::optional<std::int64_t> limit;
    std::optional<std::int64_t> reservation;
    std::optional<std::int64_t> swap;  // memory and swap together
    std::optional<std::int64_t> kernel;
    std::optional<std::int64_t> kernel_tcp;
    std::optional<std::uint64_t> swappiness;
    std::optional<bool> disable_oom_killer;
    std::optional<bool> use_hierarchy;
    std::optional<bool> check_before_update;

    bool operator==(const Memory&) const = default;
};

// Times in microseconds.
struct Cpu {
    std::optional<std::uint64_t> shares;
    std::optional<std::int64_t> quota;
    std::optional<std::uint64_t> burst;
    std::optional<std::uint64_t> period;
    std::optional<std::int64_t> realtime_runtime;
    std::optional<std::uint64_t> realtime_period;
    std::optional<std::string> cpus;
    std::optional<std::string> mems;
    std::optional<std::int64_t> idle;

    bool operator==(const Cpu&) const = default;
};

struct WeightDevice {
    std::int64_t major = 0;
    std::int64_t minor = 0;
    std::optional<std::uint16_t> weight;
    std::optional<std::uint16_t> leaf_weight;

    bool operator==(const WeightDevice&) const = default;
};

struct ThrottleDevice {
    std::int64_t major = 0;
    std::int64_t minor = 0;
    std::uint64_t rate = 0;  // bytes or operations per second

    bool operator==(const ThrottleDevice&) const = default;
};

struct BlockIo {
    std::optional<std::uint16_t> weight;
    std::optional<std::uint16_t> leaf_weight;
    std::vector<WeightDevice> weight_device;
    std::vector<ThrottleDevice> throttle_read_bps_device;
    std::vector<ThrottleDevice> throttle_write_bps_device;
    std::vector<ThrottleDevice> throttle_read_iops_device;
    std::vector<ThrottleDevice> throttle_write_iops_device;

    bool operator==(const BlockIo&) const = default;
};

struct Pids {
    std::optional<std::int64_t> limit;  // 0 is a limit (1.3), -1 is none

    bool operator==(const Pids&) const = default;
};

struct HugepageLimit {
    std::string page_size;
    std::uint64_t limit = 0;  // bytes

    bool operator==(const HugepageLimit&) const = default;
};

struct InterfacePriority {
    std::string name;
    std::uint32_t priority = 0;

    bool operator==(const InterfacePriority&) const = default;
};

struct Network {
    std::optional<std::uint32_t> class_id;
    std::vector<InterfacePriority> priorities;

    bool operator==(const Network&) const = default;
};

struct Rdma {
    std::optional<std::uint32_t> hca_handles;
    std::optional<std::uint32_t> hca_objects;

    bool operator==(const Rdma&) const = default;
};

struct Resources {
    std::vector<DeviceRule> devices;  // applied in order, later wins
    Memory memory;
    Cpu cpu;
    Pids pids;
    BlockIo block_io;
    std::vector<HugepageLimit> hugepage_limits;
    Network network;
    std::map<std::string, Rdma> rdma;
    std::map<std::string, std::string> unified;

    bool operator==(const Resources&) const = default;
};

}  // namespace oci
