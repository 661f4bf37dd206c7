// SPDX-License-Identifier: Apache-2.0
#include "runtime/version.h"

#include "oci/make_features.h"
#include "runtime/build_info.h"

namespace runtime {

std::string_view brig_version() {
    return BRIG_VERSION;
}

std::string version_text() {
    std::string text = "brig version " BRIG_VERSION "\ncommit: ";
    text += brig_commit();
    text += "\nspec: ";
    text += oci::kOciVersionMax;
    text += "\n" BRIG_FEATURES "\n";
    return text;
}

}  // namespace runtime
