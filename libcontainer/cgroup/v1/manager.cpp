// SPDX-License-Identifier: Apache-2.0
// A container's cgroups on v1 hierarchies: their making, their entry and their end.
#include "libcontainer/cgroup/v1/manager.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "libcontainer/cgroup/tree.h"
#include "libcontainer/cgroup/v1/controllers.h"
#include "libcontainer/cgroup/v1/directories.h"
#include "libcontainer/cgroup/v1/freezer.h"
#include "libcontainer/sys/file.h"

namespace libcontainer::v1 {
namespace {

// What a kill of a fork bomb cannot outrun unfrozen.
constexpr unsigned kRoundsBeforeFreeze = 3;
constexpr std::chrono::milliseconds kFreezeForKill{100};

std::vector<std::string> names_of(std::string_view controllers) {
    std::vector<std::string> names;
    for (std::size_t end = 0; end < controllers.size(); controllers.remove_prefix(end)) {
        end = std::min(controllers.find(','), controllers.size());
        names.emplace_back(controllers.substr(0, end));
        end = std::min(end + 1, controllers.size());
    }
    return names;
}

std::unexpected<sys::Error> refuse(std::string_view config_path, std::string why) {
    return std::unexpected(
        sys::Error{sys::ErrorKind::unsupported, 0, std::string(config_path), std::move(why)});
}

std::unexpected<sys::Error> refuse_without(const Controller& controller,
                                           std::string_view config_path) {
    return refuse(config_path, "needs the " + std::string(controller.name) +
                                   " controller, and the container has no cgroup with it");
}

Result<sys::UniqueFd> open_tasks(const std::string& directory) {
    auto tasks = sys::open_at(AT_FDCWD, directory + "/tasks", O_WRONLY);
    if (!tasks && tasks.error().code == ENOENT) {
        return sys::fail(sys::ErrorKind::wrong_state, "the cgroup " + directory + " is gone");
    }
    return tasks;
}

}  // namespace

CgroupRecord plan_record(const Hierarchies& hierarchies, const CgroupsPath& path) {
    CgroupRecord record;
    for (const Hierarchy& hierarchy : hierarchies.v1) {
        std::string directory = hierarchy.mount_point;
        if (path.base == PathBase::own_cgroup && hierarchy.own_path != "/") {
            directory += hierarchy.own_path;
        }
        record.directories.push_back({hierarchy.controllers, directory + "/" + path.path});
    }
    return record;
}

Result<void> Manager::create() {
    std::vector<std::string> made;
    std::vector<CgroupRecord::Directory> entered;
    for (CgroupRecord::Directory& directory : record_.directories) {
        auto result = make_directory(directory, made);
        if (result) {
            entered.push_back(directory);
            continue;
        }
        if (auto outside = check_stay_outside(std::move(result).error()); !outside) {
            remove_made(made);
            return outside;
        }
        is_partial_ = true;
    }
    record_.directories = std::move(entered);
    is_claimed_ = true;
    return {};
}

Result<void> Manager::check_controllers(const oci::Resources& resources) const {
    if (!resources.unified.empty()) {
        return refuse("linux.resources.unified",
                      "is for cgroup v2, and the controllers of this host are on v1");
    }
    for (const Controller* const controller : controllers()) {
        const std::string_view config_path =
            controller == &kDevices ? "" : controller->asks(resources);
        if (!config_path.empty() && find(controller->name) == nullptr) {
            return refuse_without(*controller, config_path);
        }
    }
    return {};
}

Result<void> Manager::write_devices(const oci::Resources& resources) const {
    if (const std::string* const directory = find(kDevices.name)) {
        return kDevices.apply(AttributeDirectory(*directory), resources);
    }
    // Whoever may not make a cgroup may not reach a device of the host either.
    return is_partial_ ? Result<void>() : refuse_without(kDevices, kDevices.asks(resources));
}

Result<void> Manager::write_resources(const oci::Resources& resources, sys::Rollback* undos) {
    TRY_VOID(check_controllers(resources));
    if (undos == nullptr) {
        TRY_VOID(write_devices(resources));
    }
    for (const Controller* const controller : controllers()) {
        const std::string* const directory = find(controller->name);
        if (directory != nullptr && controller != &kDevices) {
            TRY_VOID(controller->apply(AttributeDirectory(*directory, undos), resources));
        }
    }
    return {};
}

Result<CgroupEntry> Manager::open_entry(const std::string& below) {
    const std::string sub = TRY(parse_sub_cgroup(below));
    CgroupEntry entry;
    bool is_anywhere = sub.empty();
    for (const CgroupRecord::Directory& directory : record_.directories) {
        // A container makes cgroups below its own in the hierarchies that it cares for only.
        const sys::UniqueFd inner =
            sub.empty() ? sys::UniqueFd() : TRY(open_below(directory.path, sub));
        is_anywhere = is_anywhere || inner.valid();
        entry.tasks.push_back(inner.valid() ? TRY(sys::open_at(inner.get(), "tasks", O_WRONLY))
                                            : TRY(open_tasks(directory.path)));
    }
    if (!is_anywhere) {
        return sys::fail(sys::ErrorKind::invalid,
                         "no hierarchy has a cgroup \"" + sub + "\" below the container's own");
    }
    return entry;
}

Result<CgroupEntry> Manager::open_entries(const std::vector<SubCgroup>& below) {
    CgroupEntry entry;
    for (const SubCgroup& sub : below) {
        if (find(sub.controller) == nullptr) {
            return sys::fail(sys::ErrorKind::invalid,
                             "the container has no cgroup with the controller " + sub.controller);
        }
    }
    for (const CgroupRecord::Directory& directory : record_.directories) {
        const SubCgroup* chosen = nullptr;
        for (const SubCgroup& sub : below) {
            if (!has_controller(directory.controllers, sub.controller)) {
                continue;
            }
            if (chosen != nullptr && chosen->path != sub.path) {
                return sys::fail(
                    sys::ErrorKind::invalid,
                    chosen->controller + " and " + sub.controller + " are in one hierarchy");
            }
            chosen = &sub;
        }
        if (chosen == nullptr || chosen->path.empty()) {
            entry.tasks.push_back(TRY(open_tasks(directory.path)));
            continue;
        }
        const sys::UniqueFd inner = TRY(open_below(directory.path, chosen->path));
        if (!inner) {
            return sys::fail(sys::ErrorKind::invalid, "the hierarchy of " + chosen->controller +
                                                          " has no cgroup \"" + chosen->path +
                                                          "\" below the container's own");
        }
        entry.tasks.push_back(TRY(sys::open_at(inner.get(), "tasks", O_WRONLY)));
    }
    return entry;
}

std::vector<CgroupMountSource> Manager::mount_sources() const {
    constexpr std::string_view kNamed = "name=";
    std::vector<CgroupMountSource> sources;
    for (const auto& [controllers, path, found] : record_.directories) {
        CgroupMountSource source{controllers, path, {}, controllers, may_stay_outside()};
        if (controllers.starts_with(kNamed)) {
            source.name = controllers.substr(kNamed.size());
            source.options = "none," + controllers;
        } else if (controllers.find(',') != std::string::npos) {
            source.aliases = names_of(controllers);
        }
        sources.push_back(std::move(source));
    }
    return sources;
}

const std::string* Manager::find(std::string_view controller) const {
    const auto found = std::ranges::find_if(record_.directories, [&](const auto& directory) {
        return has_controller(directory.controllers, controller);
    });
    return found == record_.directories.end() ? nullptr : &found->path;
}

Result<std::string> Manager::freezer() const {
    const std::string* const directory = find("freezer");
    if (directory == nullptr) {
        return sys::fail(sys::ErrorKind::unsupported,
                         "pausing needs the freezer controller, and the container has no cgroup "
                         "with it");
    }
    return *directory;
}

const std::string* Manager::process_directory() const {
    // The freezer first, so that what is frozen and what is killed are the same.
    for (const std::string_view controller : {"freezer", "devices", "pids"}) {
        if (const std::string* const directory = find(controller)) {
            return directory;
        }
    }
    return record_.directories.empty() ? nullptr : &record_.directories.front().path;
}

Result<void> Manager::freeze() {
    return v1::freeze(TRY(freezer()));
}

Result<void> Manager::thaw() {
    return v1::thaw(TRY(freezer()));
}

Result<bool> Manager::is_frozen() const {
    const std::string* const directory = find("freezer");
    return directory == nullptr ? Result<bool>(false) : v1::is_frozen(*directory);
}

void Manager::thaw_for_kill() const {
    // A frozen process does not die of SIGKILL. What cannot be thawed shows as not dying.
    if (const std::string* const directory = find("freezer")) {
        (void)v1::thaw(*directory);
    }
}

Result<void> Manager::kill_once(const std::string& directory) {
    TRY(signal_tree(directory, SIGKILL));
    thaw_for_kill();
    return {};
}

Result<void> Manager::kill_tree(const std::string& directory) {
    Patience patience(kKillTime);
    const std::string* const freezer_directory = find("freezer");
    for (unsigned round = 1;; ++round) {
        const auto found = signal_tree(directory, SIGKILL);
        const bool goes_on = found && *found != 0;
        // Also where it ends: nobody but the round before knows that this has frozen them.
        if (goes_on || round > kRoundsBeforeFreeze) {
            thaw_for_kill();
        }
        if (!goes_on) {
            return found ? Result<void>() : std::unexpected(found.error());
        }
        if (!patience.wait()) {
            return survived(directory);
        }
        if (round >= kRoundsBeforeFreeze && freezer_directory != nullptr) {
            (void)v1::freeze(*freezer_directory, kFreezeForKill);
        }
    }
}

}  // namespace libcontainer::v1
