// SPDX-License-Identifier: Apache-2.0
// linux.resources.hugepageLimits: files named by page size, on v1 and v2 (§15.5).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/cgroup/attribute.h"
#include "libcontainer/sys/error.h"
#include "oci/resources.h"

namespace libcontainer {

// The sizes that have a file hugetlb.SIZE`suffix`, sorted: "1GB", "2MB".
[[nodiscard]] Result<std::vector<std::string>> list_page_sizes(const AttributeDirectory& directory,
                                                               std::string_view suffix);

// JSON path if there is a limit.
[[nodiscard]] std::string_view asks_hugepages(const oci::Resources& resources);

// Writes hugetlb.SIZE`suffix` and, if the kernel has it (Linux 5.7), hugetlb.SIZE.rsvd`suffix`. An
// unknown size is an error that lists the known ones.
[[nodiscard]] Result<void> apply_hugepages(const AttributeDirectory& directory,
                                           const oci::Resources& resources,
                                           std::string_view suffix);

}  // namespace libcontainer
