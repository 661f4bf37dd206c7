// SPDX-License-Identifier: Apache-2.0
// Making a container's directory in the v2 hierarchy.
#include "libcontainer/cgroup/v2/directories.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "libcontainer/cgroup/tree.h"
#include "libcontainer/cgroup/v2/events.h"
#include "libcontainer/sys/file.h"

namespace libcontainer::v2 {
namespace {

constexpr std::string_view kOffered = "/cgroup.controllers";
constexpr std::string_view kHandedOn = "/cgroup.subtree_control";
constexpr std::string_view kType = "/cgroup.type";

// Controllers in a file of one line.
Result<std::vector<std::string>> read_names(const std::string& path) {
    const std::string text = TRY(sys::read_file(AT_FDCWD, path));
    std::vector<std::string> names;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find_first_of(" \n", begin), text.size());
        if (end > begin) {
            names.push_back(text.substr(begin, end - begin));
        }
        begin = end + 1;
    }
    std::ranges::sort(names);
    return names;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

// Of any pid namespace. The root of the hierarchy, that has no type, counts as having none: it may
// hand controllers on all the same.
bool has_own_processes(const std::string& directory) {
    if (::access((directory + std::string(kType)).c_str(), F_OK) != 0) {
        return false;
    }
    const auto processes = sys::read_file(AT_FDCWD, directory + "/cgroup.procs");
    return processes && !processes->empty();
}

// Hands on what the directory has to those below it.
Result<void> hand_on(const std::string& directory) {
    const auto offered = TRY(read_names(directory + std::string(kOffered)));
    const auto handed_on = TRY(read_names(directory + std::string(kHandedOn)));
    std::vector<std::string> missing;
    std::ranges::set_difference(offered, handed_on, std::back_inserter(missing));
    // The kernel would let it hand on those that can tell threads apart (cpu, pids), which makes it
    // the root of a threaded tree: whatever is made below is no domain then, and nobody can enter.
    if (missing.empty() || has_own_processes(directory)) {
        return {};
    }
    std::string all;
    for (const std::string& name : missing) {
        all.append(all.empty() ? "+" : " +").append(name);
    }
    const std::string file = directory + std::string(kHandedOn);
    if (sys::write_attribute(AT_FDCWD, file, all)) {
        return {};
    }
    // The write is all or nothing, and one of them may be impossible.
    for (const std::string& name : missing) {
        (void)sys::write_attribute(AT_FDCWD, file, "+" + name);
    }
    return {};
}

// "threaded", "domain threaded" (the root of threaded ones), "domain invalid", "domain"; empty of
// the root of the hierarchy.
std::string type_of(const std::string& directory) {
    std::string type =
        sys::read_file(AT_FDCWD, directory + std::string(kType)).value_or(std::string());
    if (type.ends_with('\n')) {
        type.pop_back();
    }
    return type;
}

// "threaded", "the root of threaded cgroups", or nothing.
std::string threadedness(const std::string& directory) {
    const std::string type = type_of(directory);
    if (type == "domain threaded") {
        return "the root of threaded cgroups";
    }
    return type == "threaded" ? type : "";
}

// What keeps the directory from handing a controller on, as far as it can be seen.
std::string obstacle(const std::string& directory) {
    if (const std::string threaded = threadedness(directory); !threaded.empty()) {
        return ": it is " + threaded;
    }
    if (has_own_processes(directory)) {
        std::string text = ": it has processes of its own";
        const auto top = sys::open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY);
        const auto pids = top ? read_own_pids(top->get(), directory) : std::vector<pid_t>();
        return pids && !pids->empty() ? text + " (pids " + list_pids(*pids) + ")" : text;
    }
    const std::string file = directory + std::string(kHandedOn);
    if (::access(file.c_str(), W_OK) != 0 && errno != ENOENT) {
        return ": " + std::string(sys::errno_text(errno)) + " to change that";
    }
    return "";
}

}  // namespace

Result<void> make_directory(CgroupRecord::Directory& directory, std::vector<std::string>& made) {
    const std::string& path = directory.path;
    auto is_new = make_path(path, made, nullptr);
    directory.found = !is_new;
    if (!is_new && is_new.error().code != EEXIST) {
        return is_new;
    }
    if (!is_new) {
        const std::vector<pid_t> found = TRY(read_pids(path));
        TRY_VOID(check_no_processes(found, path));
    }
    // A new one too: whoever is born below a frozen parent is frozen.
    if (TRY(has_event(path, "frozen 1"))) {
        return refuse_frozen(path, is_new ? Age::is_new : Age::was_there);
    }
    return {};
}

Result<void> enable_controllers(const std::string& mount_point, const std::string& path) {
    const auto wanted = TRY(read_names(mount_point + std::string(kOffered)));
    if (TRY(read_names(path + std::string(kOffered))) == wanted) {
        return {};
    }
    for (std::size_t end = mount_point.size(); end < path.size();
         end = std::min(path.find('/', end + 1), path.size())) {
        TRY_VOID(hand_on(path.substr(0, end)));
    }
    return {};
}

Result<void> give_to(uid_t uid, const std::string& path) {
    const auto own = [uid](const std::string& name) {
        return ::chown(name.c_str(), uid, static_cast<gid_t>(-1));
    };
    // Kernels before 4.15 do not tell which files these are.
    const std::string files =
        sys::read_file(AT_FDCWD, "/sys/kernel/cgroup/delegate")
            .value_or("cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n");
    if (own(path) != 0) {
        return errno == EPERM && ::geteuid() != 0 ? Result<void>()
                                                  : sys::fail_errno(sys::call("chown", path));
    }
    for (std::size_t begin = 0; begin < files.size();) {
        const std::size_t end = std::min(files.find('\n', begin), files.size());
        const std::string file = path + "/" + files.substr(begin, end - begin);
        if (own(file) != 0 && errno != ENOENT) {
            return sys::fail_errno(sys::call("chown", file));
        }
        begin = end + 1;
    }
    return {};
}

std::string lacking_controller(const std::string& path, std::string_view controller) {
    const auto has = [&](const std::string& directory, std::string_view file) {
        const auto names = read_names(directory + std::string(file));
        return names && contains(*names, controller);
    };
    if (has(path, kOffered)) {
        return {};
    }
    const std::string needs = "needs the " + std::string(controller) + " controller, which ";
    for (std::string above = sys::directory_of(path); above.size() > 1;
         above = sys::directory_of(above)) {
        if (has(above, kOffered)) {
            return needs + above + " does not hand on (cgroup.subtree_control)" + obstacle(above);
        }
    }
    return needs + "this host does not have on cgroup v2";
}

}  // namespace libcontainer::v2

namespace libcontainer {

std::string why_no_entry(int directory, int code) {
    if (code == EBUSY) {
        return "the cgroup hands controllers on, so nobody may enter it";
    }
    const auto path = sys::real_path("/proc/self/fd/" + std::to_string(directory));
    for (std::string above = path ? *path : ""; above.size() > 1;
         above = sys::directory_of(above)) {
        if (const std::string threaded = v2::threadedness(above); !threaded.empty()) {
            std::string why = "the cgroup is no domain: ";
            return why.append(above).append(" is ").append(threaded);
        }
    }
    return "the cgroup is no domain";
}

}  // namespace libcontainer
