// SPDX-License-Identifier: Apache-2.0
// From linux.cgroupsPath to the name of a unit.
#include "libcontainer/cgroup/systemd/unit.h"

#include <algorithm>
#include <array>

namespace libcontainer::systemd {
namespace {

constexpr std::string_view kSliceSuffix = ".slice";
constexpr std::string_view kScopeSuffix = ".scope";
constexpr std::size_t kLongestName = 255;  // UNIT_NAME_MAX

std::unexpected<sys::Error> refuse(std::string why) {
    return std::unexpected(
        sys::Error{sys::ErrorKind::invalid, 0, "linux.cgroupsPath", std::move(why)});
}

bool is_unit_letter(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') ||
           std::string_view(":-_.\\@").find(letter) != std::string_view::npos;
}

// As systemd-escape(1) does: an id may have a plus, a unit may not.
std::string escape(std::string_view id) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string escaped;
    for (const char letter : id) {
        if (is_unit_letter(letter)) {
            escaped += letter;
            continue;
        }
        const auto code = static_cast<unsigned char>(letter);
        escaped.append("\\x").append(1, kDigits[code >> 4U]).append(1, kDigits[code & 0xFU]);
    }
    return escaped;
}

// a-b.slice is in a.slice: no part of the name may be empty (systemd.slice(5)).
bool is_slice_name(std::string_view name) {
    if (name == "-.slice") {
        return true;
    }
    const std::string_view stem = name.substr(0, name.size() - kSliceSuffix.size());
    return !stem.empty() && !stem.starts_with('-') && !stem.ends_with('-') &&
           stem.find("--") == std::string_view::npos;
}

Result<void> check_unit_name(const std::string& name) {
    if (name.size() > kLongestName) {
        return refuse("the unit's name would have more than 255 bytes");
    }
    if (!std::ranges::all_of(name, is_unit_letter)) {
        return refuse("\"" + name + "\" has a letter that no name of a unit may have");
    }
    if (is_slice(name) && !is_slice_name(name)) {
        return refuse("\"" + name + "\" is no slice: a part of its name is empty");
    }
    return {};
}

// Three parts, or none.
std::optional<std::array<std::string_view, 3>> split(std::string_view text) {
    const std::size_t first = text.find(':');
    const std::size_t second = first == std::string_view::npos ? first : text.find(':', first + 1);
    if (second == std::string_view::npos || text.find(':', second + 1) != std::string_view::npos) {
        return std::nullopt;
    }
    return std::array{text.substr(0, first), text.substr(first + 1, second - first - 1),
                      text.substr(second + 1)};
}

}  // namespace

bool is_slice(std::string_view unit) {
    return unit.ends_with(kSliceSuffix);
}

Result<UnitPlace> parse_unit_place(const std::optional<std::string>& cgroups_path,
                                   std::string_view id, Instance instance) {
    UnitPlace place;
    place.slice = instance == Instance::user ? "user.slice" : "system.slice";
    if (!cgroups_path || cgroups_path->empty()) {
        place.name = "brig-" + escape(id) + std::string(kScopeSuffix);
        TRY_VOID(check_unit_name(place.name));
        return place;
    }
    const auto parts = split(*cgroups_path);
    if (!parts || parts->back().empty()) {
        return refuse("\"" + *cgroups_path +
                      "\" is not SLICE:PREFIX:NAME, as the systemd driver wants it");
    }
    const auto& [slice, prefix, name] = *parts;
    if (!slice.empty()) {
        place.slice = slice;
    }
    if (!is_slice(place.slice)) {
        return refuse("\"" + place.slice + "\" is not the name of a slice");
    }
    place.name = name;
    if (!is_slice(name)) {
        place.name = std::string(prefix).append(prefix.empty() ? "" : "-").append(name);
        place.name += kScopeSuffix;
    }
    TRY_VOID(check_unit_name(place.slice));
    TRY_VOID(check_unit_name(place.name));
    if (place.name == "-.slice") {
        return refuse("the root slice cannot be a container's");
    }
    return place;
}

}  // namespace libcontainer::systemd
