// SPDX-License-Identifier: Apache-2.0
// The supervisor of a container whose profile says SCMP_ACT_NOTIFY.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"
#include "oci/seccomp.h"
#include "oci/spec.h"
#include "oci/state.h"

namespace libcontainer {

using sys::Result;

// Reader of a bundle (create, run, restore): a profile that notifies and has no listenerPath takes
// it from the annotation run.oci.seccomp.receiver, or else from the environment,
// RUN_OCI_SECCOMP_RECEIVER. Gives what was taken, for the container's record: engines do not repeat
// their environment for start and exec.
[[nodiscard]] std::optional<std::string> settle_seccomp_listener(oci::Spec& spec);

// Parent, before anything is made: a profile that notifies needs a socket at listenerPath, as the
// runtime's mount namespace shows it. It is only looked at: a supervisor expects of each connection
// one state, and there is no listener yet.
[[nodiscard]] Result<void> check_seccomp_listener(const oci::Seccomp& seccomp);

// Whoever lets the process go (start, run, exec): connects to listenerPath, sends `process` with
// the listener in the first sendmsg, and closes (SC-05, SC-07). A supervisor that takes neither the
// connection nor the message for 10 s is an error.
[[nodiscard]] Result<void> send_seccomp_listener(const oci::Seccomp& seccomp, oci::State container,
                                                 std::int32_t pid, const sys::UniqueFd& listener);

}  // namespace libcontainer
