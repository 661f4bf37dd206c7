// SPDX-License-Identifier: Apache-2.0
// Finding the cgroup hierarchies of this host.
#include "libcontainer/cgroup/hierarchies.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>

#include <algorithm>

#include "libcontainer/sys/file.h"
#include "libcontainer/sys/mountinfo.h"

namespace libcontainer {
namespace {

// Calls `action` with each piece between separators.
template <typename Action>
void split(std::string_view text, char separator, Action action) {
    while (true) {
        const std::size_t end = text.find(separator);
        action(text.substr(0, end));
        if (end == std::string_view::npos) {
            return;
        }
        text.remove_prefix(end + 1);
    }
}

std::vector<std::string_view> fields_of(std::string_view text, char separator) {
    std::vector<std::string_view> fields;
    split(text, separator, [&](std::string_view field) { fields.push_back(field); });
    return fields;
}

bool is_on(const std::string& path, unsigned long magic) {
    struct statfs info = {};
    return ::statfs(path.c_str(), &info) == 0 && static_cast<unsigned long>(info.f_type) == magic;
}

bool has_all(std::string_view options, std::string_view controllers) {
    const auto offered = fields_of(options, ',');
    return std::ranges::all_of(fields_of(controllers, ','), [&](std::string_view controller) {
        return std::ranges::find(offered, controller) != offered.end();
    });
}

// "name=systemd" is mounted as "systemd".
std::string_view directory_name(std::string_view controllers) {
    constexpr std::string_view kNamed = "name=";
    return controllers.starts_with(kNamed) ? controllers.substr(kNamed.size()) : controllers;
}

// Where everybody mounts a v1 hierarchy: under its full name, or under the first controller's where
// the order of the names differs ("cpuacct,cpu" in the kernel's list, mounted on cpu,cpuacct).
std::string usual_mount_point(const std::string& below, std::string_view controllers) {
    const std::string_view name = directory_name(controllers);
    for (const std::string_view candidate : {name, name.substr(0, name.find(','))}) {
        std::string path = below + "/" + std::string(candidate);
        if (is_on(path, CGROUP_SUPER_MAGIC)) {
            return path;
        }
    }
    return {};
}

Result<std::vector<sys::MountLine>> read_mounts(const HierarchySources& sources) {
    return sys::mounts_of_type(TRY(sys::read_file(AT_FDCWD, sources.mountinfo)),
                               {"cgroup", "cgroup2"});
}

const sys::MountLine* find_mount(const std::vector<sys::MountLine>& mounts,
                                 const Hierarchy& hierarchy) {
    const bool is_v2 = hierarchy.controllers.empty();
    const auto found = std::ranges::find_if(mounts, [&](const sys::MountLine& mount) {
        const bool is_the_place =
            hierarchy.mount_point.empty() || mount.mount_point == hierarchy.mount_point;
        return is_the_place && (mount.type == "cgroup2") == is_v2 &&
               (is_v2 || has_all(mount.options, hierarchy.controllers));
    });
    return found == mounts.end() ? nullptr : &*found;
}

}  // namespace

std::vector<Hierarchy> parse_memberships(std::string_view text) {
    std::vector<Hierarchy> hierarchies;
    split(text, '\n', [&](std::string_view line) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (first == std::string_view::npos || second == std::string_view::npos) {
            return;
        }
        hierarchies.push_back({std::string(line.substr(first + 1, second - first - 1)),
                               {},
                               std::string(line.substr(second + 1))});
    });
    return hierarchies;
}

Result<Hierarchies> find_hierarchies(const HierarchySources& sources) {
    Hierarchies found;
    std::vector<Hierarchy> elsewhere;
    const std::string text = TRY(sys::read_file(AT_FDCWD, sources.memberships));
    for (Hierarchy& hierarchy : parse_memberships(text)) {
        if (!hierarchy.controllers.empty()) {
            hierarchy.mount_point = usual_mount_point(sources.mounts_below, hierarchy.controllers);
            (hierarchy.mount_point.empty() ? elsewhere : found.v1).push_back(std::move(hierarchy));
            continue;
        }
        for (const char* const place : {"", "/unified"}) {
            if (is_on(sources.mounts_below + place, CGROUP2_SUPER_MAGIC)) {
                hierarchy.mount_point = sources.mounts_below + place;
                found.v2 = std::move(hierarchy);
                break;
            }
        }
    }
    if (!elsewhere.empty()) {
        const auto mounts = TRY(read_mounts(sources));
        for (Hierarchy& hierarchy : elsewhere) {
            if (const sys::MountLine* const mount = find_mount(mounts, hierarchy)) {
                hierarchy.mount_point = mount->mount_point;
                found.v1.push_back(std::move(hierarchy));
            }
        }
    }
    return found;
}

Result<void> resolve_own_paths(Hierarchies& hierarchies, const HierarchySources& sources) {
    const auto mounts = TRY(read_mounts(sources));
    const auto resolve = [&](Hierarchy& hierarchy) {
        const sys::MountLine* const mount = find_mount(mounts, hierarchy);
        if (mount == nullptr || mount->root == "/") {
            return;
        }
        const std::string& root = mount->root;
        const bool is_below =
            hierarchy.own_path.starts_with(root) &&
            (hierarchy.own_path.size() == root.size() || hierarchy.own_path[root.size()] == '/');
        // Outside of what is mounted: the best base is the top of what is visible.
        hierarchy.own_path = is_below ? hierarchy.own_path.substr(root.size()) : std::string();
    };
    std::ranges::for_each(hierarchies.v1, resolve);
    if (hierarchies.v2) {
        resolve(*hierarchies.v2);
    }
    return {};
}

bool has_v1_controllers(const Hierarchies& hierarchies) {
    return std::ranges::any_of(hierarchies.v1, [](const Hierarchy& hierarchy) {
        return !hierarchy.controllers.starts_with("name=");
    });
}

}  // namespace libcontainer
