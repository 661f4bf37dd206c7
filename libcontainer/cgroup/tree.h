// SPDX-License-Identifier: Apache-2.0
// What v1 and v2 have in common: the processes of a cgroup and of those below it, signals to them,
// and the removal of the whole tree.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

using sys::Result;

// Waiting for the kernel where it offers no event: starts short, doubles to 20 ms, ends at the
// deadline.
class Patience {
  public:
    explicit Patience(std::chrono::milliseconds limit);
    // False when the time is over; else sleeps a little.
    [[nodiscard]] bool wait();

  private:
    std::chrono::steady_clock::time_point deadline_;
    std::chrono::microseconds pause_{100};
};

// How long kill_all and destroy may take (engines 2.7).
inline constexpr std::chrono::milliseconds kKillTime{10'000};

// Calls `action` with the descriptor and the path of a cgroup and then of each one below it; one
// that vanishes meanwhile is no error. ENOENT and ENODEV from `action` mean the same.
using TreeAction = std::function<Result<void>(int directory, const std::string& path)>;
[[nodiscard]] Result<void> visit_tree(const std::string& directory, const TreeAction& action);

// O_PATH descriptor of a cgroup below another, not by symlink and not on another mount; none
// (invalid) if it does not exist.
[[nodiscard]] Result<sys::UniqueFd> open_below(const std::string& directory,
                                               const std::string& below);

// Pids of the processes in this one cgroup, sorted. Those of other pid namespaces cannot be named
// (the kernel shows 0) and are left out. `path` is for errors.
[[nodiscard]] Result<std::vector<pid_t>> read_own_pids(int directory, const std::string& path);

// Pids of all processes in the cgroup and those below it, each once, sorted; nullopt if it is gone.
[[nodiscard]] Result<std::optional<std::vector<pid_t>>> find_pids(const std::string& directory);
// The same; none if it is gone.
[[nodiscard]] Result<std::vector<pid_t>> read_pids(const std::string& directory);

// Signals every process that is in the tree now, whoever else gets its number meanwhile: a pidfd
// pins the process, a second look at the cgroup proves that it is one of ours (T-89). Gives the
// number of processes found.
[[nodiscard]] Result<std::size_t> signal_tree(const std::string& directory, int signal);

// rmdir(2) of the directory, of those below it first if there are any. True: gone. False: the
// kernel says EBUSY, processes are in it or have just left.
[[nodiscard]] Result<bool> remove_tree(const std::string& directory);

// The same for one that has to stay: removes what is below it. True: that is gone, and no process
// is in it.
[[nodiscard]] Result<bool> empty_tree(const std::string& directory);

// Makes the directory and what is missing above it, adds each to `made`, outermost first, and lets
// `prepare`, if any, do what a new one needs. EEXIST: it is there already.
using Prepare = Result<void> (*)(const std::string& path);
[[nodiscard]] Result<void> make_path(const std::string& path, std::vector<std::string>& made,
                                     Prepare prepare);

// Undoes what a failed create() made, given outermost first.
void remove_made(const std::vector<std::string>& made);

// Engines know this text (CG-05).
[[nodiscard]] Result<void> check_no_processes(const std::vector<pid_t>& found,
                                              const std::string& directory);

// The same for one that is frozen; a new one is so because of a cgroup above it.
enum class Age : unsigned char { is_new, was_there };
[[nodiscard]] std::unexpected<sys::Error> refuse_frozen(const std::string& directory, Age age);

// "12, 13, 14 and 5 more".
[[nodiscard]] std::string list_pids(const std::vector<pid_t>& pids);

}  // namespace libcontainer
