// SPDX-License-Identifier: Apache-2.0
// See default_spec.h.
#include "oci/default_spec.h"

#include <algorithm>

#include "oci/make_features.h"

namespace oci {
namespace {

using Strings = std::vector<std::string>;

std::vector<Mount> default_mounts() {
    return {
        {.destination = "/proc", .type = "proc", .source = "proc"},
        {.destination = "/dev",
         .type = "tmpfs",
         .source = "tmpfs",
         .options = {"nosuid", "strictatime", "mode=755", "size=65536k"}},
        {.destination = "/dev/pts",
         .type = "devpts",
         .source = "devpts",
         .options = {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
        {.destination = "/dev/shm",
         .type = "tmpfs",
         .source = "shm",
         .options = {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
        {.destination = "/dev/mqueue",
         .type = "mqueue",
         .source = "mqueue",
         .options = {"nosuid", "noexec", "nodev"}},
        {.destination = "/sys",
         .type = "sysfs",
         .source = "sysfs",
         .options = {"nosuid", "noexec", "nodev", "ro"}},
        {.destination = "/sys/fs/cgroup",
         .type = "cgroup",
         .source = "cgroup",
         .options = {"nosuid", "noexec", "nodev", "relatime", "ro"}},
    };
}

Process default_process() {
    const Strings capabilities = {"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"};
    Process process;
    process.terminal = true;
    process.args = {"sh"};
    process.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                   "TERM=xterm"};
    process.cwd = "/";
    // No ambient set: it could not be raised without the inheritable one, which stays empty since
    // CVE-2022-29162.
    process.capabilities = Capabilities{
        .bounding = capabilities, .effective = capabilities, .permitted = capabilities};
    process.rlimits = {{.type = RlimitType::nofile, .soft = 1024, .hard = 1024}};
    process.no_new_privileges = true;
    return process;
}

Linux default_linux() {
    Linux section;
    section.namespaces = {{NamespaceType::pid, {}},   {NamespaceType::network, {}},
                          {NamespaceType::ipc, {}},   {NamespaceType::uts, {}},
                          {NamespaceType::mount, {}}, {NamespaceType::cgroup, {}}};
    section.resources.devices = {{.allow = false, .access = "rwm"}};
    section.masked_paths = {"/proc/acpi",
                            "/proc/asound",
                            "/proc/kcore",
                            "/proc/keys",
                            "/proc/latency_stats",
                            "/proc/timer_list",
                            "/proc/timer_stats",
                            "/proc/sched_debug",
                            "/proc/scsi",
                            "/sys/firmware",
                            "/sys/devices/virtual/powercap"};
    section.readonly_paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                              "/proc/sysrq-trigger"};
    return section;
}

}  // namespace

Spec default_spec() {
    Spec spec;
    spec.oci_version = kOciVersionMax;
    spec.process = default_process();
    spec.root = Root{.path = "rootfs", .readonly = true};
    spec.hostname = "brig";
    spec.mounts = default_mounts();
    spec.linux = default_linux();
    return spec;
}

Spec rootless_spec(std::uint32_t uid, std::uint32_t gid) {
    Spec spec = default_spec();
    Linux& section = spec.linux;
    std::erase_if(section.namespaces,
                  [](const Namespace& one) { return one.type == NamespaceType::network; });
    section.namespaces.push_back({NamespaceType::user, {}});
    section.uid_mappings = {{.container_id = 0, .host_id = uid, .size = 1}};
    section.gid_mappings = {{.container_id = 0, .host_id = gid, .size = 1}};
    section.resources = {};
    for (Mount& mount : spec.mounts) {
        // Only one group is mapped, so devpts cannot give its terminals to `tty`.
        std::erase(mount.options, "gid=5");
        if (mount.destination == "/sys") {
            // A new sysfs needs a network namespace of one's own (M-08).
            mount.type = "none";
            mount.source = "/sys";
            mount.options = {"rbind", "nosuid", "noexec", "nodev", "ro"};
        }
    }
    return spec;
}

}  // namespace oci
