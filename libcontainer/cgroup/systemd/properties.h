// SPDX-License-Identifier: Apache-2.0
// linux.resources as properties of a unit on cgroup v2. systemd writes the files of a cgroup anew
// from what it knows, at every daemon-reload for instance: a limit that it does not know would be
// lost then.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "oci/resources.h"

namespace libcontainer::systemd {

// The D-Bus types that properties have here: b, i, u, x, t, d, s, as, ay, au, a(ss).
using Value =
    std::variant<bool, std::int32_t, std::uint32_t, std::int64_t, std::uint64_t, double,
                 std::string, std::vector<std::string>, std::vector<std::uint8_t>,
                 std::vector<std::uint32_t>, std::vector<std::pair<std::string, std::string>>>;

enum class Origin : unsigned char {
    driver,
    annotation,
    resources,  // its effect is written to a file as well: a systemd need not know it
};

struct Property {
    std::string name;
    Value value;
    Origin origin = Origin::driver;

    bool operator==(const Property&) const = default;
};

// "infinity".
inline constexpr std::uint64_t kInfinity = UINT64_MAX;

// What systemd has a property for; the rest is only in files. `resources` passed the checks of the
// file manager: what makes no sense is left out here. Pure.
[[nodiscard]] std::vector<Property> plan_properties(const oci::Resources& resources);

// "0-2,5" as systemd wants AllowedCPUs: bit N of the bytes is CPU N. Absent: no such list.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> parse_cpu_set(std::string_view list);

}  // namespace libcontainer::systemd
