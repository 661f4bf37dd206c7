// SPDX-License-Identifier: Apache-2.0
// The supervisor of a container whose profile says SCMP_ACT_NOTIFY.
#include "libcontainer/security/seccomp_notify.h"

#include <sys/stat.h>

#include <cstdlib>
#include <span>
#include <string>

#include "libcontainer/sys/socket.h"
#include "oci/annotations.h"
#include "oci/bindings_state.h"
#include "oci/json.h"

namespace libcontainer {
namespace {

constexpr const char* kPlace = "linux.seccomp.listenerPath";

Result<void> send_to(const std::string& path, const oci::ContainerProcessState& process,
                     int listener) {
    const sys::UniqueFd socket = TRY(sys::connect_unix(path));
    return sys::send_message(socket.get(), oci::write_json(process, oci::Layout::compact),
                             std::span(&listener, 1));
}

}  // namespace

std::optional<std::string> settle_seccomp_listener(oci::Spec& spec) {
    if (!spec.linux.seccomp || !oci::notifies(*spec.linux.seccomp) ||
        !spec.linux.seccomp->listener_path.value_or("").empty()) {
        return std::nullopt;
    }
    if (const std::string* const given =
            oci::find_annotation(spec.annotations, oci::kSeccompReceiver)) {
        spec.linux.seccomp->listener_path = *given;
    } else if (const char* const variable = ::getenv("RUN_OCI_SECCOMP_RECEIVER")) {
        spec.linux.seccomp->listener_path = variable;
    }
    return spec.linux.seccomp->listener_path;
}

Result<void> check_seccomp_listener(const oci::Seccomp& seccomp) {
    if (!oci::notifies(seccomp)) {
        return {};
    }
    const std::string path = seccomp.listener_path.value_or("");
    struct stat info = {};
    if (::stat(path.c_str(), &info) != 0) {
        return std::unexpected(sys::last_error(sys::call("stat", path)).at(kPlace));
    }
    if (!S_ISSOCK(info.st_mode)) {
        return std::unexpected(
            sys::Error{sys::ErrorKind::invalid, 0, kPlace, "\"" + path + "\" is not a socket"});
    }
    return {};
}

Result<void> send_seccomp_listener(const oci::Seccomp& seccomp, oci::State container,
                                   std::int32_t pid, const sys::UniqueFd& listener) {
    oci::ContainerProcessState process;
    process.oci_version = container.oci_version;
    process.fds = {"seccompFd"};
    process.pid = pid;
    process.metadata = seccomp.listener_metadata;
    process.state = std::move(container);
    const std::string path = seccomp.listener_path.value_or("");
    if (auto sent = send_to(path, process, listener.get()); !sent) {
        return std::unexpected(
            std::move(sent).error().wrap("seccomp listener \"" + path + "\"").at(kPlace));
    }
    return {};
}

}  // namespace libcontainer
