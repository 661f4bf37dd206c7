// SPDX-License-Identifier: Apache-2.0
// The verbs: everything that can be done to a container, as engines call it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/options.h"
#include "libcontainer/sys/error.h"
#include "oci/state.h"

namespace libcontainer {

using sys::Result;

// Everything of create but the user's program (O-02). On error nothing is left. Engines:
// engines 2.1.
[[nodiscard]] Result<void> create(const GlobalOptions& global, const CreateOptions& options);

// Runs the user's program in a created container (O-03). Returns after execve succeeded, or with
// why it failed.
[[nodiscard]] Result<void> start(const GlobalOptions& global, const std::string& id);

// create and start. In the foreground (not detached) waits for the program, relaying signals and
// terminal, deletes the container unless `keep`, and gives its exit status, 128 + N for signal N.
// Detached gives 0.
[[nodiscard]] Result<int> run(const GlobalOptions& global, const RunOptions& options);

// Runs another process in a container (engines 2.4). Foreground: its exit status; detached: 0.
[[nodiscard]] Result<int> exec(const GlobalOptions& global, const ExecOptions& options);

// The runtime-spec's State and the keys that engines read beside it (engines: rootfs, created,
// owner). The status is computed now from pid, start time and freezer, never read from a file.
[[nodiscard]] Result<oci::State> state(const GlobalOptions& global, const std::string& id);

// Every container below the root that is brig's, sorted by id; entries that vanish meanwhile or
// belong to another runtime are skipped. A root that does not exist is an empty list.
[[nodiscard]] Result<std::vector<oci::State>> list(const GlobalOptions& global);

// The ids alone, also of those whose state cannot be read now.
[[nodiscard]] Result<std::vector<std::string>> ids(const GlobalOptions& global);

enum class KillTarget : unsigned char { init, all_processes };
[[nodiscard]] Result<void> kill(const GlobalOptions& global, const std::string& id, int signal,
                                KillTarget target);

// `delete`: destroys a stopped or created container; with Force::yes a running one too, and an id
// that does not exist is no error (engines 2.7).
enum class Force : unsigned char { no, yes };
[[nodiscard]] Result<void> destroy(const GlobalOptions& global, const std::string& id, Force force);

[[nodiscard]] Result<void> pause(const GlobalOptions& global, const std::string& id);
[[nodiscard]] Result<void> resume(const GlobalOptions& global, const std::string& id);

// Changes the limits of a container that has not stopped (engines 2.11). On error they are as they
// were.
[[nodiscard]] Result<void> update(const GlobalOptions& global, const UpdateOptions& options);

// Attaches the mounts of the JSON array in `file` ("-": standard input), which has the form of
// mounts[], in a container that has not stopped: binds and tmpfs, sources as seen by the caller.
// On error none of them is left.
[[nodiscard]] Result<void> add_mounts(const GlobalOptions& global, const std::string& id,
                                      const std::string& file);
// Removes them again, by their destinations, and no other mounts.
[[nodiscard]] Result<void> remove_mounts(const GlobalOptions& global, const std::string& id,
                                         const std::string& file);

// Writes a running container into an image by CRIU. Without `leave_running` and `pre_dump` the
// container is gone then, state and all (engines 2.14).
[[nodiscard]] Result<void> checkpoint(const GlobalOptions& global,
                                      const CheckpointOptions& options);

// Makes a container from an image, its processes going on where they were. Foreground: waits and
// deletes as run does, and gives the exit status; detached: 0. On error nothing is left.
[[nodiscard]] Result<int> restore(const GlobalOptions& global, const RestoreOptions& options);

// What a container with a process uses now, as a line of JSON without its newline (engines 2.12).
[[nodiscard]] Result<std::string> stats(const GlobalOptions& global, const std::string& id);

// Tells the same after each interval, and each time the container runs out of memory, until its
// process has ended or `tell` fails.
using Tell = std::function<Result<void>(const std::string& event)>;
[[nodiscard]] Result<void> events(const GlobalOptions& global, const std::string& id,
                                  std::chrono::nanoseconds interval, const Tell& tell);

// Waits until the first process of each container has ended, and tells of each in the order of
// `ids` its exit status as run gives it: absent where it cannot be known any more. Containers that
// are not there, or not made yet, are an error before any wait.
using TellEnd = std::function<Result<void>(std::optional<int> exit_status)>;
[[nodiscard]] Result<void> wait(const GlobalOptions& global, const std::vector<std::string>& ids,
                                const TellEnd& tell);

// Host pids of all processes in the container's cgroup.
[[nodiscard]] Result<std::vector<pid_t>> processes(const GlobalOptions& global,
                                                   const std::string& id);

}  // namespace libcontainer
