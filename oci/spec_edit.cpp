// SPDX-License-Identifier: Apache-2.0
// See spec_edit.h.
#include "oci/spec_edit.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "oci/capability_names.h"
#include "oci/json.h"

namespace oci {
namespace {

using Strings = std::vector<std::string>;

constexpr std::string_view kPrefix = "CAP_";
constexpr std::string_view kAll = "ALL";

std::string upper(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return out;
}

Strings all_capabilities() {
    return {kCapabilities.begin(), kCapabilities.end()};
}

void add_once(Strings& set, std::string_view name) {
    if (std::ranges::find(set, name) == set.end()) {
        set.emplace_back(name);
    }
}

std::optional<std::uint32_t> parse_id(std::string_view text) {
    std::uint32_t id = 0;
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, id);
    // The highest value means "no change" to setuid(2).
    if (result.ec != std::errc{} || result.ptr != end ||
        id == std::numeric_limits<std::uint32_t>::max()) {
        return std::nullopt;
    }
    return id;
}

}  // namespace

std::optional<std::string_view> find_capability(std::string_view text) {
    std::string name = upper(text);
    if (!name.starts_with(kPrefix)) {
        name.insert(0, kPrefix);
    }
    const std::optional<int> number = capability_number(name);
    if (!number) {
        return std::nullopt;
    }
    return kCapabilities[static_cast<std::size_t>(*number)];
}

Edited add_capability(Process& process, std::string_view name) {
    const std::optional<std::string_view> known = find_capability(name);
    if (!known && upper(name) != kAll) {
        return std::unexpected("unknown capability " + quoted(name));
    }
    Capabilities& sets =
        process.capabilities ? *process.capabilities : process.capabilities.emplace();
    for (Strings* set : {&sets.bounding, &sets.effective, &sets.permitted}) {
        if (known) {
            add_once(*set, *known);
        } else {
            *set = all_capabilities();
        }
    }
    return {};
}

Edited drop_capability(Process& process, std::string_view name) {
    const std::optional<std::string_view> known = find_capability(name);
    if (!known && upper(name) != kAll) {
        return std::unexpected("unknown capability " + quoted(name));
    }
    Capabilities& sets =
        process.capabilities ? *process.capabilities : process.capabilities.emplace();
    for (Strings* set :
         {&sets.bounding, &sets.effective, &sets.inheritable, &sets.permitted, &sets.ambient}) {
        if (known) {
            std::erase(*set, *known);
        } else {
            set->clear();
        }
    }
    return {};
}

Edited set_user(Process& process, std::string_view text) {
    const std::size_t colon = text.find(':');
    const std::optional<std::uint32_t> uid = parse_id(text.substr(0, colon));
    std::optional<std::uint32_t> gid = process.user.gid;
    if (colon != std::string_view::npos) {
        gid = parse_id(text.substr(colon + 1));
    }
    if (!uid || !gid) {
        return std::unexpected("not a user as UID[:GID] in numbers: " + quoted(text));
    }
    process.user.uid = *uid;
    process.user.gid = *gid;
    return {};
}

void make_privileged(Spec& spec) {
    if (spec.process) {
        Process& process = *spec.process;
        const Strings all = all_capabilities();
        process.capabilities = Capabilities{.bounding = all, .effective = all, .permitted = all};
        process.no_new_privileges = false;
        process.apparmor_profile.reset();
        process.selinux_label.reset();
    }
    spec.linux.masked_paths.clear();
    spec.linux.readonly_paths.clear();
    spec.linux.seccomp.reset();
    spec.linux.mount_label.reset();
    spec.linux.resources.devices = {{.allow = true, .access = "rwm"}};
    for (Mount& mount : spec.mounts) {
        if (mount.type == "sysfs" || mount.type == "cgroup" || mount.destination == "/sys") {
            std::ranges::replace(mount.options, "ro", "rw");
        }
    }
}

}  // namespace oci
