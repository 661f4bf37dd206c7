// SPDX-License-Identifier: Apache-2.0
// Walking, signalling and removing a tree of cgroups.
#include "libcontainer/cgroup/tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "libcontainer/sys/directory.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/open_beneath.h"
#include "libcontainer/sys/process.h"

namespace libcontainer {
namespace {

constexpr std::size_t kPidfdsAtOnce = 256;  // well below any usual RLIMIT_NOFILE

// A cgroup that vanishes while it is looked at: ENODEV on its files, ENOENT on itself.
bool is_gone(int code) {
    return code == ENOENT || code == ENODEV;
}

std::string join(const std::string& path, const std::string& name) {
    std::string joined = path;
    return joined.append("/").append(name);
}

// Names of the cgroups directly below.
Result<std::vector<std::string>> list_children(int directory, const std::string& path) {
    sys::Directory children = TRY_WRAP(path, sys::Directory::open(directory, "."));
    std::vector<std::string> names;
    while (const dirent* const entry = TRY_WRAP(path, children.next())) {
        if (entry->d_type == DT_DIR) {
            names.emplace_back(entry->d_name);
        }
    }
    return names;
}

void parse_pids(std::string_view text, std::vector<pid_t>& pids) {
    const char* position = text.data();
    const char* const end = position + text.size();
    while (position < end) {
        pid_t pid = 0;
        const auto [next, error] = std::from_chars(position, end, pid);
        if (error == std::errc() && pid > 0) {
            pids.push_back(pid);
        }
        position = std::find(next, end, '\n') + 1;
    }
}

Result<void> visit(int directory, const std::string& path, const TreeAction& action) {
    TRY_VOID(action(directory, path));
    for (const std::string& name : TRY(list_children(directory, path))) {
        const std::string below = join(path, name);
        const auto child = sys::open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        auto visited = child ? visit(child->get(), below, action)
                             : sys::fail_code(sys::call("open", below), child.error().code);
        if (!visited && !is_gone(visited.error().code)) {
            return visited;
        }
    }
    return {};
}

// Removes what is below a directory; false when something is busy.
Result<bool> remove_children(int directory, const std::string& path) {
    bool all_gone = true;
    for (const std::string& name : TRY(list_children(directory, path))) {
        if (::unlinkat(directory, name.c_str(), AT_REMOVEDIR) == 0 || is_gone(errno)) {
            continue;
        }
        const std::string below = join(path, name);
        if (errno != EBUSY) {
            return sys::fail_errno(sys::call("rmdir", below));
        }
        const auto child = sys::open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (!child) {
            all_gone = all_gone && is_gone(child.error().code);
            continue;
        }
        const bool is_empty = TRY(remove_children(child->get(), below));
        const bool is_removed =
            is_empty && (::unlinkat(directory, name.c_str(), AT_REMOVEDIR) == 0 || is_gone(errno));
        all_gone = all_gone && is_removed;
    }
    return all_gone;
}

}  // namespace

Patience::Patience(std::chrono::milliseconds limit)
    : deadline_(std::chrono::steady_clock::now() + limit) {}

bool Patience::wait() {
    constexpr std::chrono::microseconds kLongest{20'000};
    if (std::chrono::steady_clock::now() >= deadline_) {
        return false;
    }
    const timespec pause = {0, static_cast<long>(pause_.count() * 1000)};
    ::nanosleep(&pause, nullptr);
    pause_ = std::min(pause_ * 2, kLongest);
    return true;
}

Result<void> visit_tree(const std::string& directory, const TreeAction& action) {
    const auto top = sys::open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY);
    auto visited =
        top ? visit(top->get(), directory, action) : Result<void>(std::unexpected(top.error()));
    return !visited && is_gone(visited.error().code) ? Result<void>() : visited;
}

Result<std::vector<pid_t>> read_own_pids(int directory, const std::string& path) {
    auto text = sys::read_file(directory, "cgroup.procs");
    if (!text && text.error().code == EOPNOTSUPP) {
        // A threaded cgroup of v2 lists its processes in the domain above it, threads here.
        text = sys::read_file(directory, "cgroup.threads");
    }
    if (!text) {
        return sys::fail_code(sys::call("read", path + "/cgroup.procs"), text.error().code);
    }
    std::vector<pid_t> pids;
    parse_pids(*text, pids);
    std::ranges::sort(pids);
    return pids;
}

Result<sys::UniqueFd> open_below(const std::string& directory, const std::string& below) {
    const auto top = sys::open_at(AT_FDCWD, directory, O_PATH | O_DIRECTORY);
    if (!top) {
        return is_gone(top.error().code)
                   ? sys::fail(sys::ErrorKind::wrong_state, "the cgroup " + directory + " is gone")
                   : std::unexpected(top.error());
    }
    auto inner = below == "." ? sys::open_at(top->get(), below, O_PATH | O_DIRECTORY)
                              : sys::open_beneath(top->get(), below, O_PATH | O_DIRECTORY);
    if (!inner && inner.error().code == ENOENT) {
        return sys::UniqueFd();
    }
    return inner ? std::move(inner) : std::unexpected(std::move(inner).error().wrap(directory));
}

Result<std::optional<std::vector<pid_t>>> find_pids(const std::string& directory) {
    std::vector<pid_t> pids;
    bool is_there = false;
    const auto collect = [&](int fd, const std::string& path) -> Result<void> {
        is_there = true;
        const std::vector<pid_t> own = TRY(read_own_pids(fd, path));
        pids.insert(pids.end(), own.begin(), own.end());
        return {};
    };
    TRY_VOID(visit_tree(directory, collect));
    std::ranges::sort(pids);
    pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
    return is_there ? std::optional(std::move(pids)) : std::nullopt;
}

Result<std::vector<pid_t>> read_pids(const std::string& directory) {
    return TRY(find_pids(directory)).value_or(std::vector<pid_t>());
}

Result<std::size_t> signal_tree(const std::string& directory, int signal) {
    const std::vector<pid_t> found = TRY(read_pids(directory));
    for (std::size_t begin = 0; begin < found.size(); begin += kPidfdsAtOnce) {
        const std::size_t end = std::min(begin + kPidfdsAtOnce, found.size());
        std::vector<sys::Pid> processes;
        for (std::size_t i = begin; i < end; ++i) {
            if (auto process = sys::open_pid(found[i])) {
                processes.push_back(std::move(*process));
            }
        }
        const std::vector<pid_t> still_there = TRY(read_pids(directory));
        for (const sys::Pid& process : processes) {
            if (!std::ranges::binary_search(still_there, process.number)) {
                continue;
            }
            const auto sent = sys::send_signal(process, signal);
            if (!sent && sent.error().code != ESRCH) {
                return sys::fail_code("kill(" + std::to_string(process.number) + ")",
                                      sent.error().code);
            }
        }
    }
    return found.size();
}

Result<bool> remove_tree(const std::string& directory) {
    if (::rmdir(directory.c_str()) == 0 || is_gone(errno)) {
        return true;
    }
    if (errno != EBUSY) {
        return sys::fail_errno(sys::call("rmdir", directory));
    }
    const auto top = sys::open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY);
    if (!top) {
        return is_gone(top.error().code);
    }
    if (!TRY(remove_children(top->get(), directory))) {
        return false;
    }
    return ::rmdir(directory.c_str()) == 0 || is_gone(errno);
}

Result<bool> empty_tree(const std::string& directory) {
    const auto top = sys::open_at(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY);
    if (!top) {
        return is_gone(top.error().code) ? Result<bool>(true) : std::unexpected(top.error());
    }
    const auto look = [&]() -> Result<bool> {
        const bool is_alone = TRY(remove_children(top->get(), directory));
        return is_alone && TRY(read_own_pids(top->get(), directory)).empty();
    };
    // systemd removes its own as soon as they are empty.
    auto is_empty = look();
    return !is_empty && is_gone(is_empty.error().code) ? Result<bool>(true) : is_empty;
}

Result<void> make_path(const std::string& path, std::vector<std::string>& made, Prepare prepare) {
    constexpr mode_t kMode = 0755;
    int result = ::mkdir(path.c_str(), kMode);
    if (result != 0 && errno == ENOENT) {
        auto parent = make_path(sys::directory_of(path), made, prepare);
        if (!parent && parent.error().code != EEXIST) {
            return parent;
        }
        result = ::mkdir(path.c_str(), kMode);
    }
    if (result != 0) {
        return sys::fail_errno(sys::call("mkdir", path));
    }
    made.push_back(path);
    return prepare != nullptr ? prepare(path) : Result<void>();
}

void remove_made(const std::vector<std::string>& made) {
    std::for_each(made.rbegin(), made.rend(),
                  [](const std::string& path) { ::rmdir(path.c_str()); });
}

Result<void> check_no_processes(const std::vector<pid_t>& found, const std::string& directory) {
    if (found.empty()) {
        return {};
    }
    return sys::fail(sys::ErrorKind::wrong_state,
                     "container's cgroup is not empty: " + std::to_string(found.size()) +
                         " process(es) found in " + directory);
}

std::unexpected<sys::Error> refuse_frozen(const std::string& directory, Age age) {
    std::string text = "container's cgroup unexpectedly frozen: " + directory;
    return sys::fail(sys::ErrorKind::wrong_state,
                     age == Age::is_new ? text + " (a cgroup above it is)" : text);
}

std::string list_pids(const std::vector<pid_t>& pids) {
    constexpr std::size_t kShown = 10;
    std::string text;
    for (std::size_t i = 0; i < std::min(pids.size(), kShown); ++i) {
        text.append(text.empty() ? "" : ", ").append(std::to_string(pids[i]));
    }
    if (pids.size() > kShown) {
        text.append(" and ").append(std::to_string(pids.size() - kShown)).append(" more");
    }
    return text;
}

}  // namespace libcontainer
