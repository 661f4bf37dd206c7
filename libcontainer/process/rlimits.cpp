// SPDX-License-Identifier: Apache-2.0
// process.rlimits in two phases.
#include "libcontainer/process/rlimits.h"

#include <sys/resource.h>

#include <cerrno>
#include <string>
#include <utility>

namespace libcontainer {
namespace {

Result<void> set_limit(pid_t pid, const oci::Rlimit& wanted, std::size_t index,
                       const rlimit& value) {
    const auto resource = static_cast<__rlimit_resource>(std::to_underlying(wanted.type));
    if (::prlimit(pid, resource, &value, nullptr) != 0) {
        const int code = errno;
        sys::Error error =
            sys::errno_error("setrlimit(" + std::string(oci::to_name(wanted.type)) + ")", code);
        if (code == EPERM) {
            error.message += wanted.type == oci::RlimitType::nofile
                                 ? " (above fs.nr_open, or a raise without CAP_SYS_RESOURCE)"
                                 : " (raising a hard limit needs CAP_SYS_RESOURCE)";
        }
        return std::unexpected(
            std::move(error).at("process.rlimits[" + std::to_string(index) + "]"));
    }
    return {};
}

}  // namespace

Result<void> raise_hard_limits(pid_t pid, const std::vector<oci::Rlimit>& rlimits) {
    for (std::size_t i = 0; i < rlimits.size(); ++i) {
        rlimit current = {};
        const auto resource = static_cast<__rlimit_resource>(std::to_underlying(rlimits[i].type));
        if (::prlimit(pid, resource, nullptr, &current) != 0) {
            return sys::fail_errno("getrlimit");
        }
        if (rlimits[i].hard > current.rlim_max) {
            current.rlim_max = rlimits[i].hard;
            TRY_VOID(set_limit(pid, rlimits[i], i, current));
        }
    }
    return {};
}

Result<void> apply_rlimits(const std::vector<oci::Rlimit>& rlimits) {
    for (std::size_t i = 0; i < rlimits.size(); ++i) {
        TRY_VOID(set_limit(0, rlimits[i], i, rlimit{rlimits[i].soft, rlimits[i].hard}));
    }
    return {};
}

}  // namespace libcontainer
