// SPDX-License-Identifier: Apache-2.0
// Lines of resctrl's schemata files: "L3:0=7f0;1=1f".
#pragma once

#include <string_view>

namespace libcontainer::resctrl {

// Whether what `line` asks for is what `schemata`, the content of such a file, has already:
// blanks, the order of domains, leading zeros and the case of masks do not count, and domains that
// `line` does not name are free (RDT-04).
[[nodiscard]] bool holds_schema(std::string_view schemata, std::string_view line);

}  // namespace libcontainer::resctrl
