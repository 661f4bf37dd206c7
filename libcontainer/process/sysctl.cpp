// SPDX-License-Identifier: Apache-2.0
// linux.sysctl, written in the container's namespaces.
#include "libcontainer/process/sysctl.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "libcontainer/sys/mount_api.h"

namespace libcontainer {
namespace {

Result<void> write_sysctl(int proc, const std::string& key, const std::string& value) {
    open_how how = {};
    how.flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
    const std::string path = "sys/" + sysctl_path(key);
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

}  // namespace

std::string sysctl_path(const std::string& key) {
    const std::size_t separator = key.find_first_of("./");
    std::string path = key;
    if (separator == std::string::npos || key[separator] == '/') {
        return path;
    }
    for (char& character : path) {
        if (character == '.') {
            character = '/';
        } else if (character == '/') {
            character = '.';
        }
    }
    return path;
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
