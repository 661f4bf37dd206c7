// SPDX-License-Identifier: Apache-2.0
// The features document, made from the vocabularies (§23).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "oci/features.h"
#include "oci/seccomp.h"

namespace oci {

inline constexpr std::string_view kOciVersionMin = "1.0.0";
inline constexpr std::string_view kOciVersionMax = "1.3.0";

// What this library cannot know by itself.
struct FeatureSources {
    std::vector<std::string> mount_options;         // libcontainer's option table
    std::vector<SeccompFlag> usable_seccomp_flags;  // with this kernel and libseccomp
    std::map<std::string, std::string> annotations;
};

Features make_features(FeatureSources sources);

}  // namespace oci
