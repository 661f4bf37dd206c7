// SPDX-License-Identifier: Apache-2.0
// Edits of a spec, for the options of `brig spec` and `brig exec`. All are pure; those that take a
// person's text return an error to print, without a trailing stop.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "oci/spec.h"

namespace oci {

using Edited = std::expected<void, std::string>;

// The spec's name of a capability written with or without CAP_, in any letter case.
std::optional<std::string_view> find_capability(std::string_view text);

// `name` as find_capability takes it, or ALL. Adding fills bounding, effective and permitted;
// dropping removes from all five sets.
Edited add_capability(Process& process, std::string_view name);
Edited drop_capability(Process& process, std::string_view name);

// "UID" or "UID:GID"; without a GID the group stays.
Edited set_user(Process& process, std::string_view text);

// Every capability and device, no masked or read-only path, /sys and the cgroups writable, no
// seccomp filter, no AppArmor or SELinux confinement, new privileges allowed.
void make_privileged(Spec& spec);

}  // namespace oci
