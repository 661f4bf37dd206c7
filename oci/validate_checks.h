// SPDX-License-Identifier: Apache-2.0
// The checks behind validate(): each is a named function over one part of the spec.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

#include "oci/number_list.h"
#include "oci/validate.h"

namespace oci {

// Collects problems, the first kMaxJsonErrors; paths are built only for those.
class Problems {
  public:
    // `base` is what all paths start with: "process" in a config, nothing in a process.json.
    explicit Problems(std::string_view base) : base_(base) {}

    // add("message", "rlimits", i, "soft") is about process.rlimits[i].soft.
    template <typename... Steps>
    void add(std::string message, const Steps&... steps) {
        if (is_full()) {
            return;
        }
        std::string path(base_);
        (append(path, steps), ...);
        found_.push_back({std::move(path), std::move(message), {}});
    }

    // For a path that is at hand.
    void add_at(std::string path, std::string message) {
        if (!is_full()) {
            found_.push_back({std::move(path), std::move(message), {}});
        }
    }

    std::vector<Problem> take() && { return std::move(found_); }

  private:
    [[nodiscard]] bool is_full() const { return found_.size() >= kMaxJsonErrors; }

    static void append(std::string& path, std::size_t index) { append_step(path, index); }
    static void append(std::string& path, std::string_view name) { append_step(path, name); }

    std::string_view base_;
    std::vector<Problem> found_;
};

template <typename T>
struct Check {
    std::string_view name;
    void (*run)(const T& value, Problems& problems);
};

namespace check {

inline bool is_absolute(std::string_view path) {
    return path.starts_with('/');
}

const Namespace* find_namespace(const Spec& spec, NamespaceType type);

inline bool is_number_list(std::string_view text, std::uint32_t limit) {
    return parse_number_list(text, limit).has_value();
}

// oci/validate_spec.cpp
void oci_version(const Spec& spec, Problems& problems);
void root(const Spec& spec, Problems& problems);
void host_names(const Spec& spec, Problems& problems);
void mounts(const Spec& spec, Problems& problems);
void mount_id_maps(const Spec& spec, Problems& problems);
void hooks(const Spec& spec, Problems& problems);
void deadline_hooks(const Spec& spec, Problems& problems);
void annotations(const Spec& spec, Problems& problems);

// oci/validate_linux.cpp
void namespaces(const Spec& spec, Problems& problems);
void id_mappings(const Spec& spec, Problems& problems);
void time_offsets(const Spec& spec, Problems& problems);
void devices(const Spec& spec, Problems& problems);
void net_devices(const Spec& spec, Problems& problems);
void cgroups_path(const Spec& spec, Problems& problems);
void hidden_paths(const Spec& spec, Problems& problems);
void intel_rdt(const Spec& spec, Problems& problems);
void memory_policy(const Spec& spec, Problems& problems);
void personality(const Spec& spec, Problems& problems);
void lone_swap_limit(const Spec& spec, Problems& problems);

// The extents of one map: sizes, wrap-around, overlaps, the kernel's limit of 340.
void id_map(const std::vector<IdMapping>& map, Problems& problems, const std::string& map_path);

// oci/validate_sysctl.cpp
void sysctl(const Spec& spec, Problems& problems);

// oci/validate_seccomp.cpp
void seccomp_default(const Spec& spec, Problems& problems);
void seccomp_listener(const Spec& spec, Problems& problems);
void seccomp_syscalls(const Spec& spec, Problems& problems);

// oci/validate_process.cpp
void cwd(const Process& process, Problems& problems);
void console_size(const Process& process, Problems& problems);
void args(const Process& process, Problems& problems);
void user(const Process& process, Problems& problems);
void capabilities(const Process& process, Problems& problems);
void rlimits(const Process& process, Problems& problems);
void oom_score_adj(const Process& process, Problems& problems);
void scheduler(const Process& process, Problems& problems);
void io_priority(const Process& process, Problems& problems);
void exec_cpu_affinity(const Process& process, Problems& problems);

// oci/validate_resources.cpp
void device_rules(const Resources& resources, Problems& problems);
void memory(const Resources& resources, Problems& problems);
void cpu(const Resources& resources, Problems& problems);
void block_io(const Resources& resources, Problems& problems);
void hugepages(const Resources& resources, Problems& problems);
void network(const Resources& resources, Problems& problems);
void rdma(const Resources& resources, Problems& problems);
void unified(const Resources& resources, Problems& problems);

}  // namespace check
}  // namespace oci
