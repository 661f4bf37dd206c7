// SPDX-License-Identifier: Apache-2.0
// The annotations that brig gives an effect to. All others are only kept and reported.
#pragma once

#include <string_view>

namespace oci {

// "1": the program keeps its caller's supplementary groups (P-21).
inline constexpr std::string_view kKeepOriginalGroups = "run.oci.keep_original_groups";

// "context", "fscontext", "defcontext" or "rootcontext": the mount option that carries
// linux.mountLabel (M-12).
inline constexpr std::string_view kMountContextType = "run.oci.mount_context_type";

// The configuration file of CRIU for checkpoint and restore; empty: none.
inline constexpr std::string_view kCriuConfig = "org.criu.config";

// Listed in the features document: each may weaken a container's isolation.
inline constexpr std::string_view kUnsafeAnnotations[] = {kKeepOriginalGroups, kMountContextType,
                                                          kCriuConfig};

}  // namespace oci
