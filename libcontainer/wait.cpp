// SPDX-License-Identifier: Apache-2.0
// The verb wait: the end of a container's init, which is not brig's child.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "libcontainer/container.h"
#include "libcontainer/status.h"

namespace libcontainer {
namespace {

struct Awaited {
    ContainerRecord record;
    std::optional<sys::Pid> init;  // absent: it has been reaped
};

// The exit code in stat is 0 for who may not see it: the same right opens /proc/PID/ns.
bool may_see_exit_code(pid_t pid) {
    std::array<char, 1> link = {};
    const std::string path = "/proc/" + std::to_string(pid) + "/ns/user";
    return ::readlink(path.c_str(), link.data(), link.size()) > 0;
}

// The process that the record speaks of, dead or alive.
Result<std::optional<sys::ProcessStat>> read_init_stat(const ContainerRecord& record) {
    const auto stat = TRY(sys::read_process_stat(record.state.pid.value_or(0)));
    return stat && stat->start_time == record.start_time ? stat : std::nullopt;
}

// Unlike open_init also a zombie: it still tells its exit status, and other threads of it may run.
Result<Awaited> begin(const GlobalOptions& global, const std::string& id) {
    FoundContainer found = TRY(find_container(global.root, id));
    Awaited awaited = {std::move(found.record), std::nullopt};
    if (awaited.record.state.status == oci::ContainerStatus::creating &&
        found.directory.is_locked()) {
        return sys::fail(sys::ErrorKind::wrong_state, "the container is being created");
    }
    const std::int32_t pid = awaited.record.state.pid.value_or(0);
    if (pid <= 0 || awaited.record.boot_id != TRY(read_boot_id())) {
        return awaited;
    }
    auto init = sys::open_pid(pid);
    if (!init && init.error().code != ESRCH) {
        return std::unexpected(std::move(init).error());
    }
    // Looked at after the pidfd was opened: the number may be another's by now.
    if (init && TRY(read_init_stat(awaited.record))) {
        awaited.init = *std::move(init);
    }
    return awaited;
}

// Its parent may reap it between any two looks: then the pidfd remembers (Linux 6.15).
Result<std::optional<int>> finish(const Awaited& awaited) {
    if (awaited.record.exit_status) {
        return awaited.record.exit_status;
    }
    if (!awaited.init) {
        return std::nullopt;
    }
    pollfd ended = {awaited.init->fd.get(), POLLIN, 0};
    while (::poll(&ended, 1, -1) < 0) {
        if (errno != EINTR) {
            return sys::fail_errno("poll");
        }
    }
    const bool may_see = may_see_exit_code(awaited.init->number);
    std::optional<int> code;
    if (const auto stat = TRY(read_init_stat(awaited.record)); stat && may_see) {
        code = stat->exit_code;
    } else {
        code = sys::read_exit_code(*awaited.init);
    }
    return code ? std::optional(sys::exit_status(*code)) : std::nullopt;
}

}  // namespace

Result<void> wait(const GlobalOptions& global, const std::vector<std::string>& ids,
                  const TellEnd& tell) {
    std::vector<Awaited> all;
    for (const std::string& id : ids) {
        auto awaited = begin(global, id);
        if (!awaited) {
            return std::unexpected(std::move(awaited).error().wrap(id));
        }
        all.push_back(*std::move(awaited));
    }
    for (const Awaited& awaited : all) {
        const std::optional<int> status = TRY(finish(awaited));
        TRY_VOID(tell(status));
    }
    return {};
}

}  // namespace libcontainer
