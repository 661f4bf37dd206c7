// SPDX-License-Identifier: Apache-2.0
// linux.sysctl, written in the container's namespaces.
#include "libcontainer/process/sysctl.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "libcontainer/process/namespace_files.h"
#include "libcontainer/security/thread_attribute.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/mount_api.h"
#include "libcontainer/sys/open_beneath.h"
#include "oci/sysctl_key.h"

namespace libcontainer {
namespace {

Result<void> write_sysctl(int proc, const std::string& key, const std::string& value) {
    const std::string path = "sys/" + oci::sysctl_path(key).value_or("");
    const sys::UniqueFd file = TRY(sys::open_beneath(proc, path, O_WRONLY));
    const ssize_t written = ::write(file.get(), value.data(), value.size());
    if (written < 0) {
        return sys::fail_errno(sys::call("write", path) + " \"" + value + "\"");
    }
    if (static_cast<std::size_t>(written) != value.size()) {
        return sys::fail_code(sys::call("write", path), EIO);
    }
    return {};
}

// An instance of our own; not subset=pid, which would hide sys. A user namespace that does not own
// the pid namespace gets none: then the host's, in which the parameters are those of the caller's
// namespaces just as well.
Result<sys::UniqueFd> open_procfs() {
    sys::FilesystemContext context = TRY(sys::FilesystemContext::open("proc"));
    auto proc = context.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    if (proc || proc.error().code != EPERM) {
        return proc;
    }
    auto host = open_host_proc();
    return host ? std::move(host) : std::move(proc);
}

}  // namespace

Result<void> check_namespaced_settings(const oci::Spec& spec, const NamespacePlan& plan,
                                       const std::vector<sys::UniqueFd>& namespaces) {
    const auto check = [&](std::optional<oci::NamespaceType> holder,
                           const std::string& place) -> Result<void> {
        for (std::size_t i = 0; i < plan.joins.size(); ++i) {
            if (holder == plan.joins[i].type &&
                is_own_namespace(plan.joins[i].type, namespaces[i].get())) {
                return std::unexpected(sys::Error{sys::ErrorKind::invalid, 0, place,
                                                  "would change the host: \"" + plan.joins[i].path +
                                                      "\" is the runtime's own namespace"});
            }
        }
        return {};
    };
    if (spec.hostname) {
        TRY_VOID(check(oci::NamespaceType::uts, "hostname"));
    }
    if (spec.domainname) {
        TRY_VOID(check(oci::NamespaceType::uts, "domainname"));
    }
    if (!spec.linux.net_devices.empty()) {
        TRY_VOID(check(oci::NamespaceType::network, "linux.netDevices"));
    }
    for (const auto& [key, value] : spec.linux.sysctl) {
        const std::optional<std::string> path = oci::sysctl_path(key);
        TRY_VOID(check(path ? oci::sysctl_holder(*path) : std::nullopt,
                       "linux.sysctl[\"" + key + "\"]"));
    }
    return {};
}

Result<void> apply_sysctls(const std::map<std::string, std::string>& sysctls) {
    if (sysctls.empty()) {
        return {};
    }
    const sys::UniqueFd proc = TRY(open_procfs());
    for (const auto& [key, value] : sysctls) {
        if (auto written = write_sysctl(proc.get(), key, value); !written) {
            return std::unexpected(std::move(written).error().at("linux.sysctl[\"" + key + "\"]"));
        }
    }
    return {};
}

}  // namespace libcontainer
