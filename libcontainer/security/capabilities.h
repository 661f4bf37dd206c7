// SPDX-License-Identifier: Apache-2.0
// The five capability sets of a process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/socket.h"
#include "oci/spec.h"

namespace libcontainer {

using sys::Result;

// Bit N stands for capability number N.
struct CapabilitySets {
    std::uint64_t bounding = 0;
    std::uint64_t effective = 0;
    std::uint64_t permitted = 0;
    std::uint64_t inheritable = 0;
    std::uint64_t ambient = 0;

    bool operator==(const CapabilitySets&) const = default;
};

// Where the process' capabilities come from: the caller's bounding set limits them, unless the
// process makes or joins a user namespace, which begins with every capability the kernel has
// (user_namespaces(7)).
enum class CapabilitySource : unsigned char { caller, user_namespace };

// Sets as config.json names them. Absent sets are empty. What cannot be granted is left out,
// P-09 SHOULD NOT fail: names that this build or the running kernel does not know, capabilities
// outside the source, ambient ones that are not permitted and inheritable. Called by the parent.
// `ignored`, if given, receives each of them once, for a warning: "CAP_FOO", "CAP_KILL (ambient)".
[[nodiscard]] CapabilitySets plan_capabilities(const oci::Capabilities& capabilities,
                                               std::vector<std::string>* ignored,
                                               CapabilitySource source = CapabilitySource::caller);

// Child, before setuid: drops the bounding set to what is wanted (needs CAP_SETPCAP) and sets
// PR_SET_KEEPCAPS.
[[nodiscard]] Result<void> apply_bounding_set(const CapabilitySets& sets);
// Child, after setuid: clears keepcaps, capset(2), ambient set; then reads all five back and fails
// on a mismatch.
[[nodiscard]] Result<void> apply_capability_sets(const CapabilitySets& sets);
// Child, later: one capset(2) that gives up what is held beyond `sets`. `unused`: by these a
// seccomp filter lets it through (seccomp_pass.h).
[[nodiscard]] Result<void> lower_capability_sets(const CapabilitySets& sets,
                                                 const sys::UnusedArguments& unused);

// The sets of the calling thread.
[[nodiscard]] Result<CapabilitySets> read_capability_sets();

}  // namespace libcontainer
