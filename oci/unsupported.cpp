// SPDX-License-Identifier: Apache-2.0
// What this build does not give effect to yet: refused with its path, never silently ignored.
#include <algorithm>

#include "oci/built.h"
#include "oci/validate.h"

namespace oci {
namespace {

// A part of the spec, and whether a config asks for it.
template <typename T>
struct Part {
    std::string_view path;
    bool built;
    bool (*is_asked_for)(const T& value);
};

bool is_given(const std::optional<std::string>& text) {
    return text && !text->empty();
}

bool has_id_map(const Mount& mount) {
    return !mount.uid_mappings.empty() || !mount.gid_mappings.empty() ||
           std::ranges::any_of(mount.options, [](std::string_view option) {
               return option == "idmap" || option == "ridmap";
           });
}

constexpr Part<Process> kProcessParts[] = {
    {"scheduler", built::kScheduler, [](const Process& p) { return p.scheduler.has_value(); }},
    {"ioPriority", built::kIoPriority, [](const Process& p) { return p.io_priority.has_value(); }},
    {"execCPUAffinity", built::kExecCpuAffinity,
     [](const Process& p) { return p.exec_cpu_affinity.has_value(); }},
    {"apparmorProfile", built::kApparmor,
     [](const Process& p) { return is_given(p.apparmor_profile); }},
    {"selinuxLabel", built::kSelinux, [](const Process& p) { return is_given(p.selinux_label); }},
};

constexpr Part<Linux> kLinuxParts[] = {
    {"intelRdt", built::kIntelRdt, [](const Linux& l) { return l.intel_rdt.has_value(); }},
    {"netDevices", built::kNetDevices, [](const Linux& l) { return !l.net_devices.empty(); }},
    {"memoryPolicy", built::kMemoryPolicy,
     [](const Linux& l) { return l.memory_policy.has_value(); }},
    {"personality", built::kPersonality, [](const Linux& l) { return l.personality.has_value(); }},
    {"mountLabel", built::kSelinux, [](const Linux& l) { return is_given(l.mount_label); }},
    {"resources.rdma", built::kCgroupRdma,
     [](const Linux& l) { return !l.resources.rdma.empty(); }},
    {"resources.unified", built::kCgroupV2,
     [](const Linux& l) { return !l.resources.unified.empty(); }},
    {"seccomp.listenerPath", built::kSeccompNotify,
     [](const Linux& l) { return l.seccomp && is_given(l.seccomp->listener_path); }},
    {"seccomp.syscalls", built::kSeccompNotify,
     [](const Linux& l) { return l.seccomp && notifies(*l.seccomp); }},
};

template <typename T, std::size_t n>
void refuse(const Part<T> (&parts)[n], const T& value, std::string_view base,
            std::vector<Problem>& problems) {
    for (const Part<T>& part : parts) {
        if (!part.built && part.is_asked_for(value)) {
            problems.push_back({std::string(base) + std::string(part.path),
                                "not supported by this build of brig yet",
                                {}});
        }
    }
}

}  // namespace

std::vector<Problem> unsupported(const Spec& spec) {
    std::vector<Problem> problems;
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) {
        if (!built::kIdmappedMounts && has_id_map(spec.mounts[i])) {
            problems.push_back({"mounts[" + std::to_string(i) + ']',
                                "id-mapped mounts are not supported by this build of brig yet",
                                {}});
        }
    }
    refuse(kLinuxParts, spec.linux, "linux.", problems);
    if (spec.process) {
        refuse(kProcessParts, *spec.process, "process.", problems);
    }
    return problems;
}

std::vector<Problem> unsupported(const Process& process) {
    std::vector<Problem> problems;
    refuse(kProcessParts, process, "", problems);
    return problems;
}

}  // namespace oci
