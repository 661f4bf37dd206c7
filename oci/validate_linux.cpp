// SPDX-License-Identifier: Apache-2.0
// Checks of the linux section but for sysctl, seccomp and resources (§10–§14, §16, §17, §20).
#include <algorithm>

#include "oci/validate_checks.h"

namespace oci::check {
namespace {

constexpr std::size_t kMaxExtents = 340;  // user_namespaces(7), Linux ≥ 4.15
constexpr std::uint64_t kIdLimit = 0xffffffff;
constexpr std::int64_t kMaxMajor = (1 << 12) - 1;
constexpr std::int64_t kMaxMinor = (1 << 20) - 1;
constexpr std::uint32_t kModeBits = 07777;
constexpr std::uint32_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::size_t kMaxInterfaceName = 15;  // IFNAMSIZ with its NUL

bool overlap(std::uint32_t a, std::uint32_t a_size, std::uint32_t b, std::uint32_t b_size) {
    return std::uint64_t{a} < std::uint64_t{b} + b_size &&
           std::uint64_t{b} < std::uint64_t{a} + a_size;
}

// What mknod(2) holds above the mode bits; engines leave it in fileMode.
std::uint32_t format_bits(DeviceType type) {
    switch (type) {
        case DeviceType::character:
            return 0020000;
        case DeviceType::block:
            return 0060000;
        case DeviceType::fifo:
            break;
    }
    return 0010000;
}

void device_number(const Device& device, const std::optional<std::int64_t>& number,
                   std::int64_t highest, Problems& problems, std::size_t i, std::string_view key) {
    if (device.type == DeviceType::fifo) {
        return;
    }
    if (!number) {
        problems.add("required but missing: only a fifo has no device number", "linux", "devices",
                     i, key);
    } else if (*number < 0 || *number > highest) {
        problems.add("must be from 0 to " + std::to_string(highest), "linux", "devices", i, key);
    }
}

// As dev_valid_name() in net/core/dev.c.
bool is_interface_name(std::string_view name) {
    return !name.empty() && name.size() <= kMaxInterfaceName && name != "." && name != ".." &&
           std::ranges::none_of(name, [](char c) {
               return c == '/' || c == ':' || c == ' ' || (c >= '\t' && c <= '\r');
           });
}

// The kernel puts a number for a closing "%d"; as a new name anything else with a percent sign is
// refused (dev_prep_valid_name() in net/core/dev.c).
bool is_template(std::string_view name) {
    return name.ends_with("%d");
}

bool is_new_interface_name(std::string_view name) {
    const std::string_view fixed = name.substr(0, name.size() - (is_template(name) ? 2 : 0));
    return is_interface_name(name) && fixed.find('%') == std::string_view::npos;
}

void paths_must_be_absolute(const std::vector<std::string>& paths, bool own_mounts,
                            Problems& problems, std::string_view key) {
    if (!paths.empty() && !own_mounts) {
        problems.add("would change the host: linux.namespaces has no mount namespace", "linux",
                     key);
    }
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (!is_absolute(paths[i])) {
            problems.add("must be an absolute path", "linux", key, i);
        }
    }
}

bool has_newline(const std::string& text) {
    return text.find('\n') != std::string::npos;
}

bool has_flag(const MemoryPolicy& policy, MemoryPolicyFlag flag) {
    return std::ranges::find(policy.flags, flag) != policy.flags.end();
}

}  // namespace

const Namespace* find_namespace(const Spec& spec, NamespaceType type) {
    const auto found = std::ranges::find(spec.linux.namespaces, type, &Namespace::type);
    return found == spec.linux.namespaces.end() ? nullptr : &*found;
}

// N-02, N-04.
void namespaces(const Spec& spec, Problems& problems) {
    const std::vector<Namespace>& list = spec.linux.namespaces;
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (find_namespace(spec, list[i].type) != &list[i]) {
            problems.add("a second namespace of type " + quoted(to_name(list[i].type)), "linux",
                         "namespaces", i, "type");
        }
        if (list[i].path && !is_absolute(*list[i].path)) {
            problems.add("must be an absolute path", "linux", "namespaces", i, "path");
        }
    }
}

void id_map(const std::vector<IdMapping>& map, Problems& problems, const std::string& map_path) {
    if (map.size() > kMaxExtents) {
        problems.add_at(map_path, "more than 340 mappings");
        return;
    }
    for (std::size_t i = 0; i < map.size(); ++i) {
        const IdMapping& one = map[i];
        const std::string path = map_path + '[' + std::to_string(i) + ']';
        if (one.size == 0) {
            problems.add_at(path + ".size", "must be greater than 0");
        }
        if (std::uint64_t{one.container_id} + one.size > kIdLimit ||
            std::uint64_t{one.host_id} + one.size > kIdLimit) {
            problems.add_at(path, "goes past the last id, 4294967294");
        }
        for (std::size_t before = 0; before < i; ++before) {
            const IdMapping& other = map[before];
            if (overlap(one.container_id, one.size, other.container_id, other.size) ||
                overlap(one.host_id, one.size, other.host_id, other.size)) {
                problems.add_at(path, "overlaps mapping " + std::to_string(before));
                break;
            }
        }
    }
}

// N-09, N-10.
void id_mappings(const Spec& spec, Problems& problems) {
    const Namespace* const users = find_namespace(spec, NamespaceType::user);
    const auto one = [&](const std::vector<IdMapping>& map, std::string_view key) {
        if (!map.empty() && users == nullptr) {
            problems.add("needs a user namespace in linux.namespaces", "linux", key);
        } else if (map.empty() && users != nullptr && !users->path) {
            problems.add("required by the new user namespace but missing", "linux", key);
        } else if (users != nullptr && !users->path &&
                   std::ranges::find(map, 0U, &IdMapping::container_id) == map.end()) {
            // Root makes the container's root file system, whoever the program's user is.
            problems.add("containerID 0 is not mapped: the set-up needs it", "linux", key);
        }
        id_map(map, problems, "linux." + std::string(key));
    };
    one(spec.linux.uid_mappings, "uidMappings");
    one(spec.linux.gid_mappings, "gidMappings");
}

// T-02, T-03.
void time_offsets(const Spec& spec, Problems& problems) {
    if (spec.linux.time_offsets.empty()) {
        return;
    }
    const Namespace* own = find_namespace(spec, NamespaceType::time);
    if (own == nullptr || own->path) {
        problems.add("needs a new time namespace in linux.namespaces", "linux", "timeOffsets");
    }
    for (const auto& [clock, offset] : spec.linux.time_offsets) {
        if (offset.nanosecs.value_or(0) >= kNanosecondsPerSecond) {
            problems.add("must be less than 1000000000", "linux", "timeOffsets", to_name(clock),
                         "nanosecs");
        }
    }
}

// D-01…D-04.
void devices(const Spec& spec, Problems& problems) {
    for (std::size_t i = 0; i < spec.linux.devices.size(); ++i) {
        const Device& device = spec.linux.devices[i];
        if (!is_absolute(device.path)) {
            problems.add("must be an absolute path", "linux", "devices", i, "path");
        }
        device_number(device, device.major, kMaxMajor, problems, i, "major");
        device_number(device, device.minor, kMaxMinor, problems, i, "minor");
        const std::uint32_t format = device.file_mode.value_or(0) & ~kModeBits;
        if (format != 0 && format != format_bits(device.type)) {
            problems.add("has bits beyond 07777 (4095)", "linux", "devices", i, "fileMode");
        }
    }
}

// ND-01, ND-03, ND-07.
void net_devices(const Spec& spec, Problems& problems) {
    if (!spec.linux.net_devices.empty() &&
        find_namespace(spec, NamespaceType::network) == nullptr) {
        problems.add("needs a network namespace in linux.namespaces", "linux", "netDevices");
    }
    std::map<std::string_view, std::string_view> new_names;
    for (const auto& [host_name, device] : spec.linux.net_devices) {
        if (!is_interface_name(host_name)) {
            problems.add("not a network interface's name", "linux", "netDevices", host_name);
        }
        if (device.name && !is_new_interface_name(*device.name)) {
            problems.add("not a network interface's name", "linux", "netDevices", host_name,
                         "name");
        }
        const std::string_view new_name = device.name ? *device.name : host_name;
        const auto [first, is_free] = new_names.emplace(new_name, host_name);
        if (!is_free && !is_template(new_name)) {
            problems.add("the same new name as that of " + quoted(first->second), "linux",
                         "netDevices", host_name);
        }
    }
}

// CG-01: no way out of the hierarchy.
void cgroups_path(const Spec& spec, Problems& problems) {
    std::string_view rest =
        spec.linux.cgroups_path ? std::string_view(*spec.linux.cgroups_path) : "";
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('/'), rest.size());
        if (rest.substr(0, end) == "..") {
            problems.add("must not contain \"..\"", "linux", "cgroupsPath");
            return;
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
}

// RF-02, RF-03, N-03.
void hidden_paths(const Spec& spec, Problems& problems) {
    const bool own_mounts = find_namespace(spec, NamespaceType::mount) != nullptr;
    paths_must_be_absolute(spec.linux.masked_paths, own_mounts, problems, "maskedPaths");
    paths_must_be_absolute(spec.linux.readonly_paths, own_mounts, problems, "readonlyPaths");
}

// RDT-02, RDT-07.
void intel_rdt(const Spec& spec, Problems& problems) {
    if (!spec.linux.intel_rdt) {
        return;
    }
    const IntelRdt& rdt = *spec.linux.intel_rdt;
    if (rdt.clos_id && *rdt.clos_id != "/" &&
        (rdt.clos_id->empty() || *rdt.clos_id == "." || *rdt.clos_id == ".." ||
         rdt.clos_id->find_first_of("/\n") != std::string::npos)) {
        problems.add("must be \"/\" or the name of one directory", "linux", "intelRdt", "closID");
    }
    if (rdt.l3_cache_schema && has_newline(*rdt.l3_cache_schema)) {
        problems.add("must be one line", "linux", "intelRdt", "l3CacheSchema");
    }
    if (rdt.mem_bw_schema &&
        (!rdt.mem_bw_schema->starts_with("MB:") || has_newline(*rdt.mem_bw_schema))) {
        problems.add("must be one line that starts with \"MB:\"", "linux", "intelRdt",
                     "memBwSchema");
    }
    for (std::size_t i = 0; i < rdt.schemata.size(); ++i) {
        if (has_newline(rdt.schemata[i])) {
            problems.add("must be one line", "linux", "intelRdt", "schemata", i);
        }
    }
}

// MP-02, MP-03; set_mempolicy(2).
void memory_policy(const Spec& spec, Problems& problems) {
    if (!spec.linux.memory_policy) {
        return;
    }
    using enum MemoryPolicyMode;
    const MemoryPolicy& policy = *spec.linux.memory_policy;
    const MemoryPolicyMode mode = policy.mode;
    const std::string name(to_name(mode));
    const bool has_nodes = !policy.nodes.value_or("").empty();
    const auto add = [&](std::string_view key, std::string message) {
        problems.add(std::move(message), "linux", "memoryPolicy", key);
    };
    if (has_nodes && !is_number_list(*policy.nodes, kMaxMemoryNodes)) {
        add("nodes", "not a list of nodes such as 0-3,7, each below 1024");
    }
    if (has_nodes && (mode == default_ || mode == local)) {
        add("nodes", name + " takes no nodes");
    }
    if (!has_nodes && mode != default_ && mode != local && mode != preferred) {
        add("nodes", name + " needs nodes");
    }
    const bool relative = has_flag(policy, MemoryPolicyFlag::relative_nodes);
    const bool fixed = has_flag(policy, MemoryPolicyFlag::static_nodes);
    if (relative && fixed) {
        add("flags", "MPOL_F_RELATIVE_NODES and MPOL_F_STATIC_NODES exclude each other");
    } else if ((relative || fixed) && !has_nodes && (mode == local || mode == preferred)) {
        add("flags", std::string(fixed ? "MPOL_F_STATIC_NODES" : "MPOL_F_RELATIVE_NODES") +
                         " needs nodes to be about");
    }
    // MPOL_PREFERRED_MANY takes it since Linux 6.10, which is the kernel's to say.
    if (has_flag(policy, MemoryPolicyFlag::numa_balancing) && mode != bind &&
        mode != preferred_many) {
        add("flags", "MPOL_F_NUMA_BALANCING needs MPOL_BIND");
    }
}

// RF-06: the spec defines no flag, so none can be given effect.
void personality(const Spec& spec, Problems& problems) {
    if (spec.linux.personality && !spec.linux.personality->flags.empty()) {
        problems.add("no personality flag is defined", "linux", "personality", "flags");
    }
}

// §15.2. Zero is how engines write "unset".
void lone_swap_limit(const Spec& spec, Problems& problems) {
    const Memory& memory = spec.linux.resources.memory;
    if (memory.swap.value_or(0) > 0 && memory.limit.value_or(0) == 0) {
        problems.add("needs a limit of memory too", "linux", "resources", "memory", "swap");
    }
}

}  // namespace oci::check
