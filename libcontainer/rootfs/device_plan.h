// SPDX-License-Identifier: Apache-2.0
// The device nodes of a container as a list: linux.devices and the default ones. Pure.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"
#include "oci/spec.h"

namespace libcontainer {

using sys::Result;

struct DevicePlan {
    std::string path;         // inside, normalized, without leading slash: "dev/null"
    std::string config_path;  // for errors: `linux.devices[0] (/dev/null)`
    mode_t type = 0;          // S_IFCHR, S_IFBLK, S_IFIFO
    dev_t number = 0;
    mode_t mode = 0666;
    uid_t uid = 0;
    gid_t gid = 0;
    sys::UniqueFd source;  // with a user namespace: detached clone of the host's node
};

// linux.devices in order, then those default devices (E-01) which it does not name. With /dev as a
// bind that the engine supplies nothing below /dev is made. Errors: a path that is the root, no
// major or minor (D-01, D-03).
[[nodiscard]] Result<std::vector<DevicePlan>> plan_devices(const oci::Spec& spec);

// Whether /dev is the engine's own bind, so that no node or link is put there.
[[nodiscard]] bool dev_is_bound(const oci::Spec& spec);

}  // namespace libcontainer
