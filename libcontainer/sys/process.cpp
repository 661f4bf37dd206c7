// SPDX-License-Identifier: Apache-2.0
// Processes held by pidfd.
#include "libcontainer/sys/process.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
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
        // Older kernels (6.1) say EINVAL of a number that only a session or group still has, whose
        // leader is gone: nobody's.
        const int code = errno == EINVAL ? ESRCH : errno;
        return fail_code("pidfd_open(" + std::to_string(number) + ")", code);
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

namespace {

// PIDFD_GET_INFO (Linux 6.13) with PIDFD_INFO_EXIT (6.15), which this libc's headers do not know.
struct PidfdInfo {
    std::uint64_t mask = 0;
    std::array<std::uint32_t, 13> others = {};  // cgroup, pids and credentials
    std::int32_t exit_code = 0;
};
constexpr std::uint64_t kExitInfo = 1U << 3U;
constexpr unsigned long kGetInfo = _IOWR(0xFF, 11, PidfdInfo);

// Field `number` of /proc/PID/stat, counted from 1 as proc(5) does; absent if it is no number. The
// command name is in parentheses and may itself hold blanks and parentheses: go from the last one.
std::optional<std::uint64_t> stat_field(const std::string& text, int number) {
    std::size_t position = text.rfind(')');
    for (int field = 2; field < number && position != std::string::npos; ++field) {
        position = text.find(' ', position + 1);
    }
    std::uint64_t value = 0;
    if (position == std::string::npos ||
        std::from_chars(text.data() + position + 1, text.data() + text.size(), value).ec !=
            std::errc()) {
        return std::nullopt;
    }
    return value;
}

}  // namespace

std::optional<ProcessStat> parse_process_stat(const std::string& text) {
    constexpr int kStartTime = 22;
    constexpr int kExitCode = 52;
    const std::size_t paren = text.rfind(')');
    const auto start_time = stat_field(text, kStartTime);
    if (paren == std::string::npos || paren + 2 >= text.size() || !start_time) {
        return std::nullopt;
    }
    ProcessStat stat;
    stat.state = text[paren + 2];
    stat.start_time = *start_time;
    stat.exit_code = static_cast<int>(stat_field(text, kExitCode).value_or(0));
    return stat;
}

Result<std::optional<ProcessStat>> read_process_stat(pid_t number) {
    const auto text = read_file(AT_FDCWD, "/proc/" + std::to_string(number) + "/stat");
    if (!text) {
        if (text.error().code == ENOENT || text.error().code == ESRCH) {
            return std::nullopt;
        }
        return std::unexpected(text.error());
    }
    return parse_process_stat(*text);
}

std::optional<int> read_exit_code(const Pid& pid) {
    PidfdInfo info;
    info.mask = kExitInfo;
    if (::ioctl(pid.fd.get(), kGetInfo, &info) == 0 && (info.mask & kExitInfo) != 0) {
        return info.exit_code;
    }
    return std::nullopt;
}

}  // namespace sys
