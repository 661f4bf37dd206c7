// SPDX-License-Identifier: Apache-2.0
// Who the process is. The id calls are raw system calls: glibc's forward them to other threads by a
// thread list that is stale after clone3(2).
#include "libcontainer/security/identity.h"

#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <limits>
#include <string>
#include <vector>

namespace libcontainer {
namespace {

// setresuid(2) and setresgid(2) read it as "leave as it is": a container would stay root.
constexpr std::uint32_t kNoId = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kMaxGroups = 65536;  // NGROUPS_MAX of the kernel

[[nodiscard]] std::unexpected<sys::Error> fail_id(std::string path, std::string text, int code) {
    return std::unexpected(
        sys::Error{sys::ErrorKind::invalid, code, std::move(path), std::move(text)});
}

[[nodiscard]] std::string group_path(std::size_t index) {
    return "process.user.additionalGids[" + std::to_string(index) + "]";
}

[[nodiscard]] bool has_effective_setgid() {
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> words = {};
    __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    return ::capget(&header, words.data()) == 0 &&
           (words[CAP_TO_INDEX(CAP_SETGID)].effective & CAP_TO_MASK(CAP_SETGID)) != 0;
}

// The kernel does not say which id it rejects: try them one by one.
[[nodiscard]] std::unexpected<sys::Error> explain_unmapped_group(
    const std::vector<std::uint32_t>& gids) {
    for (std::size_t i = 0; i < gids.size(); ++i) {
        if (::syscall(SYS_setgroups, 1, &gids[i]) != 0 && errno == EINVAL) {
            return fail_id(group_path(i),
                           std::to_string(gids[i]) + " is not mapped in the user namespace",
                           EINVAL);
        }
    }
    return std::unexpected(sys::errno_error("setgroups", EINVAL).at("process.user.additionalGids"));
}

Result<void> check_ids_are_ids(const std::vector<std::uint32_t>& gids) {
    if (gids.size() > kMaxGroups) {
        return fail_id(
            "process.user.additionalGids",
            std::to_string(gids.size()) + " groups, the kernel takes " + std::to_string(kMaxGroups),
            EINVAL);
    }
    for (std::size_t i = 0; i < gids.size(); ++i) {
        if (gids[i] == kNoId) {
            return fail_id(group_path(i), "4294967295 is not a group id", EINVAL);
        }
    }
    return {};
}

struct IdCall {
    long number;
    const char* name;
    const char* path;
};

Result<void> set_id(const IdCall& call, std::uint32_t id) {
    if (id == kNoId) {
        return fail_id(call.path, "4294967295 is not an id", EINVAL);
    }
    if (::syscall(call.number, id, id, id) == 0) {
        return {};
    }
    if (errno == EINVAL) {
        return fail_id(call.path, std::to_string(id) + " is not mapped in the user namespace",
                       EINVAL);
    }
    return std::unexpected(
        sys::last_error(std::string(call.name) + "(" + std::to_string(id) + ")").at(call.path));
}

}  // namespace

Result<void> apply_groups(const oci::User& user) {
    const std::vector<std::uint32_t>& gids = user.additional_gids;
    TRY_VOID(check_ids_are_ids(gids));
    if (::syscall(SYS_setgroups, gids.size(), gids.data()) == 0) {
        return {};
    }
    const int code = errno;
    if (code == EINVAL && !gids.empty()) {
        return explain_unmapped_group(gids);
    }
    // With CAP_SETGID at hand EPERM has one cause left: the user namespace denies setgroups.
    if (code == EPERM && has_effective_setgid()) {
        if (gids.empty()) {
            return {};
        }
        return fail_id("process.user.additionalGids", "the user namespace denies setgroups", EPERM);
    }
    return std::unexpected(sys::errno_error("setgroups", code).at("process.user.additionalGids"));
}

Result<void> apply_ids(const oci::User& user) {
    TRY_VOID(set_id({SYS_setresgid, "setresgid", "process.user.gid"}, user.gid));
    return set_id({SYS_setresuid, "setresuid", "process.user.uid"}, user.uid);
}

Result<void> apply_umask(const std::optional<std::uint32_t>& umask) {
    const std::uint32_t mask = umask.value_or(0022);
    if (mask > 0777) {
        return fail_id("process.user.umask", std::to_string(mask) + " is beyond 0777 (511)",
                       EINVAL);
    }
    ::umask(static_cast<mode_t>(mask));
    return {};
}

Result<void> apply_no_new_privileges() {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return std::unexpected(
            sys::last_error("prctl(PR_SET_NO_NEW_PRIVS)").at("process.noNewPrivileges"));
    }
    return {};
}

Result<void> apply_dumpable(Dumpable dumpable) {
    if (::prctl(PR_SET_DUMPABLE, dumpable == Dumpable::yes ? 1UL : 0UL, 0, 0, 0) != 0) {
        return sys::fail_errno("prctl(PR_SET_DUMPABLE)");
    }
    return {};
}

}  // namespace libcontainer
