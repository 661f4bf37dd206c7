// SPDX-License-Identifier: Apache-2.0
// One linux.resources over another.
#pragma once

#include "oci/resources.h"

namespace oci {

// Every value of `changes` replaces that of `into`; 0 where that means unset (§26.8) replaces
// nothing. Lists and maps are joined by what an entry is about: a device, a page size, a name.
// Device rules, whose order counts, are appended.
void merge_resources(Resources& into, const Resources& changes);

}  // namespace oci
