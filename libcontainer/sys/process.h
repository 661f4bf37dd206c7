// SPDX-License-Identifier: Apache-2.0
// Processes held by pidfd: clone3, signals, waiting, and identity that survives pid reuse.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace sys {

// A process by pidfd. Does not own it: dropping a Pid neither kills nor reaps.
struct Pid {
    pid_t number = -1;
    UniqueFd fd;  // pidfd, O_CLOEXEC by the kernel
};

struct CloneRequest {
    std::uint64_t flags = 0;  // CLONE_NEW*, CLONE_PARENT, ...
    int cgroup_fd = -1;  // cgroup v2 directory to be born in (CLONE_INTO_CGROUP, Linux 5.7), or -1
};

// clone3(2) as fork: returns nullopt in the child, the child's Pid in the parent. The caller must
// be single-threaded; glibc's cached tid is stale in the child, so no pthread_* there.
[[nodiscard]] Result<std::optional<Pid>> clone_process(const CloneRequest& request);

// Child, first of all: ends with its parent, also with one that has ended already. `parent`: the
// pid as the parent itself saw it, in the same pid namespace.
void die_with_parent(pid_t parent);

// pidfd_open(2). ESRCH: no such process.
[[nodiscard]] Result<Pid> open_pid(pid_t number);

// pidfd_send_signal(2). ESRCH: it has ended and was reaped.
[[nodiscard]] Result<void> send_signal(const Pid& pid, int signal);

// waitid(2) for the end of a child; gives the wait status in waitpid's form.
[[nodiscard]] Result<int> wait_for(const Pid& pid);
// 0..255 from a wait status: the exit code, or 128 + signal.
[[nodiscard]] int exit_status(int wait_status);

// What /proc/PID/stat says of a process. Absent: no such process.
struct ProcessStat {
    char state = '?';              // Z, X: dead
    std::uint64_t start_time = 0;  // clock ticks since boot
    int exit_code = 0;  // of a zombie, as a wait status; 0 for who may not look behind /proc/PID/ns
};
// Absent: not the text of such a file, or without a start time, by which alone a process is known.
[[nodiscard]] std::optional<ProcessStat> parse_process_stat(const std::string& text);
[[nodiscard]] Result<std::optional<ProcessStat>> read_process_stat(pid_t number);

// The wait status of a process that has been reaped by whoever its parent is, from the kernel's
// memory of it, which the open pidfd keeps: PIDFD_INFO_EXIT, Linux 6.15. Absent: not reaped yet, or
// an older kernel.
[[nodiscard]] std::optional<int> read_exit_code(const Pid& pid);

}  // namespace sys
