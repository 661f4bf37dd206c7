// SPDX-License-Identifier: Apache-2.0
// What `state` prints, hooks read on stdin and a seccomp listener receives (§22.1, SC-07).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "oci/vocabulary.h"

namespace oci {

struct State {
    std::string oci_version;
    std::string id;
    ContainerStatus status = ContainerStatus::creating;
    std::optional<std::int32_t> pid;
    std::string bundle;  // absolute
    // Beyond the spec; `state` of every peer has them and engines show them. Absent for hooks.
    std::optional<std::string> rootfs;
    std::optional<std::string> created;  // RFC 3339
    std::optional<std::string> owner;
    std::map<std::string, std::string> annotations;

    bool operator==(const State&) const = default;
};

// Sent with the seccomp notify descriptors; `fds` names them in the order of SCM_RIGHTS.
struct ContainerProcessState {
    std::string oci_version;
    std::vector<std::string> fds;
    std::int32_t pid = 0;
    std::optional<std::string> metadata;
    State state;

    bool operator==(const ContainerProcessState&) const = default;
};

}  // namespace oci
