// SPDX-License-Identifier: Apache-2.0
// Processes held by pidfd.
#include "libcontainer/sys/process.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <string>

#include "libcontainer/sys/file.h"

namespace sys {

Result<std::optional<Pid>> clone_process(const CloneRequest& request) {
    int pidfd = -1;
    clone_args arguments = {};
    arguments.flags = request.flags | CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<__u64>(&pidfd);
    arguments.exit_signal = (request.flags & CLONE_PARENT) != 0 ? 0 : SIGCHLD;
    if (request.cgroup_fd >= 0) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = static_cast<__u64>(request.cgroup_fd);
    }
    const long child = ::syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child < 0) {
        return fail_errno("clone3");
    }
    if (child == 0) {
        return std::optional<Pid>();
    }
    return std::optional<Pid>(Pid{static_cast<pid_t>(child), UniqueFd(pidfd)});
}

void die_with_parent(pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
        ::_exit(1);
    }
}

Result<Pid> open_pid(pid_t number) {
    const long fd = ::syscall(SYS_pidfd_open, number, 0);
    if (fd < 0) {
        return fail_errno("pidfd_open(" + std::to_string(number) + ")");
    }
    return Pid{number, UniqueFd(static_cast<int>(fd))};
}

Result<void> send_signal(const Pid& pid, int signal) {
    if (::syscall(SYS_pidfd_send_signal, pid.fd.get(), signal, nullptr, 0) != 0) {
        return fail_errno("pidfd_send_signal");
    }
    return {};
}

Result<int> wait_for(const Pid& pid) {
    siginfo_t info = {};
    int result = -1;
    do {
        result = ::waitid(P_PIDFD, static_cast<id_t>(pid.fd.get()), &info, WEXITED | __WALL);
    } while (result != 0 && errno == EINTR);
    if (result != 0) {
        return fail_errno("waitid");
    }
    return info.si_code == CLD_EXITED ? W_EXITCODE(info.si_status, 0)
                                      : W_EXITCODE(0, info.si_status);
}

int exit_status(int wait_status) {
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

Result<std::optional<ProcessStat>> read_process_stat(pid_t number) {
    const auto text = read_file(AT_FDCWD, "/proc/" + std::to_string(number) + "/stat");
    if (!text) {
        if (text.error().code == ENOENT || text.error().code == ESRCH) {
            return std::nullopt;
        }
        return std::unexpected(text.error());
    }
    // The command name is in parentheses and may itself hold blanks and parentheses: go from the
    // last one.
    const std::size_t paren = text->rfind(')');
    if (paren == std::string::npos || paren + 2 >= text->size()) {
        return std::nullopt;
    }
    ProcessStat stat;
    stat.state = (*text)[paren + 2];
    std::size_t position = paren + 2;
    for (int field = 3; field < 22; ++field) {
        position = text->find(' ', position);
        if (position == std::string::npos) {
            return std::nullopt;
        }
        ++position;
    }
    const char* const begin = text->data() + position;
    if (std::from_chars(begin, text->data() + text->size(), stat.start_time).ec != std::errc()) {
        return std::nullopt;
    }
    return stat;
}

}  // namespace sys
