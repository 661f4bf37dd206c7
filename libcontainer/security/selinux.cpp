// SPDX-License-Identifier: Apache-2.0
// process.selinuxLabel.
#include "libcontainer/security/selinux.h"

#include <unistd.h>

#include "libcontainer/security/thread_attribute.h"

namespace libcontainer {
namespace {

constexpr const char* kPlace = "process.selinuxLabel";
constexpr const char* kExec = "exec";
constexpr const char* kKeycreate = "keycreate";

// The kernel makes the folder when it starts with SELinux, whether or not selinuxfs is mounted
// there.
bool is_enabled() {
    return ::access("/sys/fs/selinux", F_OK) == 0;
}

Result<void> write_label(int file, const char* name, const std::string& label) {
    auto written = write_thread_attribute(file, name, label);
    return written
               ? written
               : std::unexpected(
                     std::move(written).error().wrap("selinux label \"" + label + "\"").at(kPlace));
}

}  // namespace

Result<bool> plan_selinux(const std::optional<std::string>& label, const std::string& place) {
    if (!label || label->empty()) {
        return false;
    }
    if (!is_enabled()) {
        return std::unexpected(
            sys::Error{sys::ErrorKind::unsupported, 0, place,
                       "selinux label \"" + *label +
                           "\" is specified, but SELinux is not enabled in the kernel (" +
                           quoted_attribute(kExec) + ")"});
    }
    return true;
}

Result<SelinuxFiles> open_selinux(int proc) {
    auto exec = open_thread_attribute(proc, kExec);
    auto keycreate = open_thread_attribute(proc, kKeycreate);
    for (auto* const file : {&exec, &keycreate}) {
        if (!*file) {
            return std::unexpected(std::move(*file).error().at(kPlace));
        }
    }
    return SelinuxFiles{*std::move(exec), *std::move(keycreate)};
}

Result<void> apply_selinux(int exec, const std::string& label) {
    return write_label(exec, kExec, label);
}

Result<void> apply_selinux_to_keys(int keycreate, const std::string& label) {
    return write_label(keycreate, kKeycreate, label);
}

}  // namespace libcontainer
