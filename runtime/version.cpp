// SPDX-License-Identifier: Apache-2.0
#include "runtime/version.h"

#include <cerrno>

#include "oci/make_features.h"
#include "runtime/build_info.h"
#include "runtime/own_name.h"

namespace runtime {

namespace {

constexpr std::string_view kName = "brig";

}  // namespace

std::string_view brig_version() {
    return BRIG_VERSION;
}

std::string_view own_name() {
    const std::string_view called = program_invocation_short_name;
    for (const std::string_view name : {"runc", "crun"}) {
        if (called == name) {
            return name;
        }
    }
    return kName;
}

std::string version_text() {
    std::string text(own_name());
    text += " version " BRIG_VERSION "\ncommit: ";
    text += brig_commit();
    text += "\nspec: ";
    text += oci::kOciVersionMax;
    text += "\n" BRIG_FEATURES "\n";
    if (own_name() != kName) {
        text += "implementation: ";
        text += kName;
        text += '\n';
    }
    return text;
}

}  // namespace runtime
