// SPDX-License-Identifier: Apache-2.0
// A container's cgroup in the v2 hierarchy: its making, its entry and its end.
#include "libcontainer/cgroup/v2/manager.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "libcontainer/cgroup/attribute.h"
#include "libcontainer/cgroup/tree.h"
#include "libcontainer/cgroup/v2/controllers.h"
#include "libcontainer/cgroup/v2/device_filter.h"
#include "libcontainer/cgroup/v2/directories.h"
#include "libcontainer/cgroup/v2/events.h"
#include "libcontainer/sys/file.h"

namespace libcontainer::v2 {
namespace {

constexpr std::chrono::milliseconds kFreezeTime{10'000};
constexpr std::chrono::milliseconds kThawTime{1'000};

// cgroup.kill is Linux 5.14. True: the kernel has it.
Result<bool> kill_by_file(const std::string& directory) {
    auto written = AttributeDirectory(directory).write("cgroup.kill", "1", "");
    if (written) {
        return true;
    }
    // Threaded cgroups have it not, nor those that are gone.
    const int code = written.error().code;
    if (is_absent(written.error()) || code == EOPNOTSUPP || code == ENODEV) {
        return false;
    }
    return std::unexpected(std::move(written).error());
}

// An inner node hands controllers on and may have no processes of its own: nobody can enter (EBUSY)
// once the container's init (systemd, an engine) has made it one.
Result<bool> is_inner_node(const std::string& path) {
    const auto handed_on = AttributeDirectory(path).read("cgroup.subtree_control");
    if (!handed_on) {
        // Gone, or no v2 directory: opening it says so.
        return is_absent(handed_on.error()) ? Result<bool>(false)
                                            : std::unexpected(handed_on.error());
    }
    return !handed_on->empty();
}

// The cgroup, in the tree, of the oldest process by number, that is mostly the container's init
// (engines trap 48). Found in the tree, not by /proc/PID/cgroup: the container may have its
// processes name any path there.
Result<sys::UniqueFd> open_oldest(const std::string& top) {
    pid_t oldest = 0;
    sys::UniqueFd found;
    const auto look = [&](int fd, const std::string& path) -> Result<void> {
        const std::vector<pid_t> own = TRY(read_own_pids(fd, path));
        if (!own.empty() && (oldest == 0 || own.front() < oldest)) {
            oldest = own.front();
            found = TRY(sys::open_at(fd, ".", O_PATH | O_DIRECTORY));
        }
        return {};
    };
    TRY_VOID(visit_tree(top, look));
    if (!found) {
        return sys::fail(sys::ErrorKind::wrong_state,
                         "the cgroup " + top + " hands controllers on and has no processes below");
    }
    return found;
}

// A file that is missing because the controller is not there says so (CG-06).
Result<void> explain(Result<void> applied, const std::string& path, std::string_view controller) {
    if (!applied && is_absent(applied.error())) {
        if (std::string why = lacking_controller(path, controller); !why.empty()) {
            applied.error().message = std::move(why);
        }
    }
    return applied;
}

// JSON path of the first value that needs a cgroup.
std::string_view first_asking(const oci::Resources& resources) {
    for (const Controller* const controller : controllers()) {
        if (const std::string_view asking = controller->asks(resources); !asking.empty()) {
            return asking;
        }
    }
    return resources.unified.empty() ? "" : "linux.resources.unified";
}

// All that can be told without writing.
Result<void> check_update(const AttributeDirectory& files, const oci::Resources& resources) {
    for (const Controller* const controller : controllers()) {
        const std::string_view asking = controller->asks(resources);
        std::string why =
            asking.empty() ? std::string() : lacking_controller(files.path(), controller->name);
        if (!why.empty()) {
            return std::unexpected(
                sys::Error{sys::ErrorKind::unsupported, 0, std::string(asking), std::move(why)});
        }
        if (controller->check_update != nullptr) {
            TRY_VOID(controller->check_update(files, resources));
        }
    }
    return {};
}

}  // namespace

CgroupRecord plan_record(const Hierarchy& hierarchy, const CgroupsPath& path) {
    CgroupRecord record;
    std::string base = path.base == PathBase::hierarchy_root ? "" : hierarchy.own_path;
    // Outside of the cgroup namespace ("/../other") the top is the best that can be seen.
    if (base == "/.." || base.starts_with("/../")) {
        base.clear();
    }
    if (path.base == PathBase::beside_own) {
        base.erase(std::min(base.rfind('/'), base.size()));
    }
    record.directories.push_back(
        {"", hierarchy.mount_point + (base == "/" ? "" : base) + "/" + path.path});
    return record;
}

Result<std::string> Manager::directory() const {
    if (record_.directories.empty()) {
        return sys::fail(sys::ErrorKind::unsupported,
                         "the container has no cgroup of its own" + why_outside_);
    }
    return record_.directories.front().path;
}

Result<void> Manager::create() {
    const std::string path = TRY(directory());
    std::vector<std::string> made;
    auto result = make_directory(record_.directories.front(), made);
    if (result) {
        result = enable_controllers(mount_point_, path);
    }
    if (result) {
        is_claimed_ = true;
        return {};
    }
    remove_made(made);
    why_outside_ = ": " + result.error().message;
    TRY_VOID(check_stay_outside(std::move(result).error()));
    record_.directories.clear();
    is_claimed_ = true;
    return {};
}

Result<void> Manager::write_resources(const oci::Resources& resources, sys::Rollback* undos) {
    if (undos == nullptr && !record_.directories.empty()) {
        auto filtered = apply_device_filter(record_.directories.front().path, resources.devices);
        if (!filtered && !may_go_without_device_policy(filtered.error())) {
            return filtered;
        }
    }
    TRY_VOID(refuse_v1_values(resources));
    const auto path = directory();
    if (!path) {
        const std::string_view asking = first_asking(resources);
        return asking.empty() ? Result<void>()
                              : std::unexpected(sys::Error(path.error()).at(asking));
    }
    const AttributeDirectory files(*path, undos);
    if (undos != nullptr) {
        TRY_VOID(check_update(files, resources));
    }
    for (const Controller* const controller : controllers()) {
        TRY_VOID(explain(controller->apply(files, resources), *path, controller->name));
    }
    return apply_unified(files, resources);
}

Result<CgroupEntry> Manager::open_entry(const std::string& below) {
    const std::string sub = TRY(parse_sub_cgroup(below));
    CgroupEntry entry;
    if (record_.directories.empty()) {
        return sub.empty() ? Result<CgroupEntry>(std::move(entry))
                           : std::unexpected(directory().error());
    }
    const std::string& path = record_.directories.front().path;
    if (sub.empty() && TRY(is_inner_node(path))) {
        entry.directory = TRY(open_oldest(path));
        return entry;
    }
    entry.directory = TRY(open_below(path, sub.empty() ? "." : sub));
    if (!entry.directory) {
        return sys::fail(sys::ErrorKind::invalid,
                         "there is no cgroup \"" + sub + "\" below the container's own");
    }
    return entry;
}

Result<void> Manager::delegate(uid_t uid) {
    return record_.directories.empty() ? Result<void>()
                                       : give_to(uid, record_.directories.front().path);
}

std::vector<CgroupMountSource> Manager::mount_sources() const {
    std::vector<CgroupMountSource> sources;
    for (const CgroupRecord::Directory& directory : record_.directories) {
        sources.push_back({"", directory.path, {}, "", may_stay_outside()});
    }
    return sources;
}

Result<void> Manager::freeze() {
    const std::string path = TRY(directory());
    const AttributeDirectory files(path);
    TRY_VOID(files.write("cgroup.freeze", "1", ""));
    const auto frozen = wait_for_event(path, "frozen 1", kFreezeTime);
    if (frozen && *frozen) {
        return {};
    }
    static_cast<void>(files.write("cgroup.freeze", "0", ""));
    TRY(frozen);
    return sys::fail(sys::ErrorKind::system, sys::call("freeze", path) +
                                                 ": some processes do not stop; all are: " +
                                                 list_pids(TRY(read_pids(path))));
}

Result<void> Manager::thaw() {
    const std::string path = TRY(directory());
    TRY_VOID(AttributeDirectory(path).write("cgroup.freeze", "0", ""));
    if (!TRY(wait_for_event(path, "frozen 0", kThawTime))) {
        return sys::fail(sys::ErrorKind::wrong_state,
                         sys::call("thaw", path) + ": a cgroup above it is frozen");
    }
    return {};
}

Result<bool> Manager::is_frozen() const {
    return record_.directories.empty() ? Result<bool>(false)
                                       : has_event(record_.directories.front().path, "frozen 1");
}

const std::string* Manager::process_directory() const {
    return record_.directories.empty() ? nullptr : &record_.directories.front().path;
}

Result<void> Manager::kill_once(const std::string& directory) {
    if (!TRY(kill_by_file(directory))) {
        TRY(signal_tree(directory, SIGKILL));
    }
    return {};
}

Result<void> Manager::kill_tree(const std::string& directory) {
    const bool is_atomic = TRY(kill_by_file(directory));
    Patience patience(kKillTime);
    while (!TRY(wait_for_event(directory, "populated 0",
                               is_atomic ? kKillTime : std::chrono::milliseconds(0)))) {
        if (!is_atomic) {
            TRY(signal_tree(directory, SIGKILL));
        }
        if (is_atomic || !patience.wait()) {
            return survived(directory);
        }
    }
    return {};
}

}  // namespace libcontainer::v2
