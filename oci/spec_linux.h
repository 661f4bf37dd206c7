// SPDX-License-Identifier: Apache-2.0
// The `linux` section of config.json (§10–§20). Every leaf that may be absent is an optional, a
// vector or a map; a section whose absence means the same as {} is a plain member.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "oci/resources.h"
#include "oci/seccomp.h"
#include "oci/vocabulary.h"

namespace oci {

struct IdMapping {
    std::uint32_t container_id = 0;
    std::uint32_t host_id = 0;
    std::uint32_t size = 0;

    bool operator==(const IdMapping&) const = default;
};

struct Namespace {
    NamespaceType type = NamespaceType::pid;
    std::optional<std::string> path;  // absent: a new one

    bool operator==(const Namespace&) const = default;
};

struct TimeOffset {
    std::optional<std::int64_t> secs;
    std::optional<std::uint32_t> nanosecs;

    bool operator==(const TimeOffset&) const = default;
};

struct Device {
    std::string path;
    DeviceType type = DeviceType::character;
    std::optional<std::int64_t> major;
    std::optional<std::int64_t> minor;
    std::optional<std::uint32_t> file_mode;
    std::optional<std::uint32_t> uid;
    std::optional<std::uint32_t> gid;

    bool operator==(const Device&) const = default;
};

struct NetDevice {
    std::optional<std::string> name;  // inside the container; absent: the host's name

    bool operator==(const NetDevice&) const = default;
};

// Present, even when empty, asks for resctrl (RDT-01).
struct IntelRdt {
    std::optional<std::string> clos_id;
    std::vector<std::string> schemata;
    std::optional<std::string> l3_cache_schema;
    std::optional<std::string> mem_bw_schema;
    bool enable_monitoring = false;

    bool operator==(const IntelRdt&) const = default;
};

struct MemoryPolicy {
    MemoryPolicyMode mode = MemoryPolicyMode::default_;
    std::optional<std::string> nodes;
    std::vector<MemoryPolicyFlag> flags;

    bool operator==(const MemoryPolicy&) const = default;
};

struct Personality {
    PersonalityDomain domain = PersonalityDomain::linux64;
    std::vector<std::string> flags;

    bool operator==(const Personality&) const = default;
};

struct Linux {
    std::vector<Namespace> namespaces;
    std::vector<IdMapping> uid_mappings;
    std::vector<IdMapping> gid_mappings;
    std::map<Clock, TimeOffset> time_offsets;
    std::vector<Device> devices;
    std::map<std::string, NetDevice> net_devices;
    std::optional<std::string> cgroups_path;
    Resources resources;
    std::optional<IntelRdt> intel_rdt;
    std::optional<MemoryPolicy> memory_policy;
    std::map<std::string, std::string> sysctl;
    std::optional<Seccomp> seccomp;
    std::optional<Propagation> rootfs_propagation;
    std::vector<std::string> masked_paths;
    std::vector<std::string> readonly_paths;
    std::optional<std::string> mount_label;
    std::optional<Personality> personality;

    bool operator==(const Linux&) const = default;
};

}  // namespace oci
