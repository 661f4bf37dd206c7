// SPDX-License-Identifier: Apache-2.0
// Names of kernel parameters (R-11, SY-01).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "oci/spec_linux.h"

namespace oci {

// The path below /proc/sys of a key in either form, as sysctl.d(5) has it: the first separator
// decides, so "net.ipv4.conf.eth0/100.forwarding" and "net/ipv4/conf/eth0.100/forwarding" are one.
// Nothing for a key that could name something else: an empty, "." or ".." component, or a character
// outside of letters, digits and "_:@-.".
std::optional<std::string> sysctl_path(std::string_view key);

// The type of the namespace that holds a parameter, by its path; nothing when it is the host's.
std::optional<NamespaceType> sysctl_holder(std::string_view path);

}  // namespace oci
