// SPDX-License-Identifier: Apache-2.0
// linux.sysctl, written in the container's namespaces.
#include "libcontainer/process/sysctl.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "libcontainer/sys/mount_api.h"
#include "oci/sysctl_key.h"

namespace libcontainer {
namespace {

Result<void> write_sysctl(int proc, const std::string& key, const std::string& value) {
    open_how how = {};
    how.flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
    const std::string path = "sys/" + oci::sysctl_path(key).value_or("");
    const sys::UniqueFd file(
        static_cast<int>(::syscall(SYS_openat2, proc, path.c_str(), &how, sizeof how)));
    if (!file) {
        return sys::fail_errno(sys::call("open", path));
    }
    const ssize_t written = ::write(file.get(), value.data(), value.size());
    if (written < 0) {
        return sys::fail_errno(sys::call("write", path) + " \"" + value + "\"");
    }
    if (static_cast<std::size_t>(written) != value.size()) {
        return sys::fail_code(sys::call("write", path), EIO);
    }
    return {};
}

[[nodiscard]] bool is_own(oci::NamespaceType type, int fd) {
    const char* file = type == oci::NamespaceType::network ? "/proc/self/ns/net"
                       : type == oci::NamespaceType::ipc   ? "/proc/self/ns/ipc"
                       : type == oci::NamespaceType::uts   ? "/proc/self/ns/uts"
                                                           : "/proc/self/ns/user";
    struct stat own = {};
    struct stat joined = {};
    // What cannot be compared is not trusted.
    return ::stat(file, &own) != 0 || ::fstat(fd, &joined) != 0 ||
           (own.st_dev == joined.st_dev && own.st_ino == joined.st_ino);
}

}  // namespace

Result<void> check_namespaced_settings(const oci::Spec& spec, const NamespacePlan& plan,
                                       const std::vector<sys::UniqueFd>& namespaces) {
    const auto check = [&](std::optional<oci::NamespaceType> holder,
                           const std::string& place) -> Result<void> {
        for (std::size_t i = 0; i < plan.joins.size(); ++i) {
            if (holder == plan.joins[i].type && is_own(plan.joins[i].type, namespaces[i].get())) {
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
    // Not subset=pid, which would hide sys; the instance lives only for these writes.
    sys::FilesystemContext context = TRY(sys::FilesystemContext::open("proc"));
    const sys::UniqueFd proc =
        TRY(context.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
    for (const auto& [key, value] : sysctls) {
        if (auto written = write_sysctl(proc.get(), key, value); !written) {
            return std::unexpected(std::move(written).error().at("linux.sysctl[\"" + key + "\"]"));
        }
    }
    return {};
}

}  // namespace libcontainer
