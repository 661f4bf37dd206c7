// SPDX-License-Identifier: Apache-2.0
// The verb events: what a container uses, once or again and again, and when it ran out of memory.
#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "libcontainer/cgroup/stats_files.h"
#include "libcontainer/container.h"
#include "libcontainer/state/record_cgroup.h"
#include "libcontainer/stats.h"
#include "libcontainer/status.h"
#include "libcontainer/sys/file.h"

namespace libcontainer {
namespace {

using Clock = std::chrono::steady_clock;

// A container with a process, which is held by its pidfd.
struct Subject {
    FoundContainer found;
    sys::Pid init;
    std::unique_ptr<CgroupManager> cgroup;
};

Result<Subject> open_subject(const GlobalOptions& global, const std::string& id) {
    FoundContainer found = TRY(find_container(global.root, id));
    auto init = open_init(found.record);
    if (!init) {
        return std::unexpected(std::move(init).error());
    }
    if (!*init || found.record.state.status == oci::ContainerStatus::creating) {
        return sys::fail(sys::ErrorKind::wrong_state,
                         "container with id " + id + " is not running");
    }
    auto cgroup = TRY(open_cgroup(found.directory, found.record));
    return Subject{std::move(found), **std::move(init), std::move(cgroup)};
}

Result<ContainerStats> read_stats(const Subject& subject) {
    ContainerStats stats;
    stats.cgroup = TRY(subject.cgroup->stats());
    const auto devices =
        sys::read_file(AT_FDCWD, "/proc/" + std::to_string(subject.init.number) + "/net/dev");
    if (!devices && !is_unknown_figure(devices.error())) {
        return std::unexpected(devices.error());
    }
    stats.network = parse_net_dev(devices.value_or(std::string()));
    return stats;
}

// Milliseconds to poll(2) for, so that the deadline is not missed by a fraction.
int until(Clock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    constexpr std::int64_t kLongest = 3'600'000;
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, kLongest));
}

}  // namespace

Result<std::string> stats(const GlobalOptions& global, const std::string& id) {
    const Subject subject = TRY(open_subject(global, id));
    ContainerStats now = TRY(read_stats(subject));
    return write_stats_event(id, std::move(now));
}

Result<void> events(const GlobalOptions& global, const std::string& id,
                    std::chrono::nanoseconds interval, const Tell& tell) {
    const Subject subject = TRY(open_subject(global, id));
    OomWatch oom = TRY(subject.cgroup->watch_oom());
    auto next = Clock::now() + interval;
    for (bool is_over = false; !is_over;) {
        std::array<pollfd, 2> descriptors = {
            {{subject.init.fd.get(), POLLIN, 0}, {oom.descriptor.get(), oom.events, 0}}};
        if (::poll(descriptors.data(), descriptors.size(), until(next)) < 0 && errno != EINTR) {
            return sys::fail_errno("poll");
        }
        is_over = descriptors[0].revents != 0;
        // Once more at the end: the kernel tells of the kill that ended it at about the same time.
        if (oom.descriptor && (descriptors[1].revents != 0 || is_over)) {
            const bool happened = TRY(oom.happened());
            TRY_VOID(happened ? tell(write_oom_event(id)) : Result<void>());
        }
        if (!is_over && Clock::now() >= next) {
            ContainerStats now = TRY(read_stats(subject));
            TRY_VOID(tell(write_stats_event(id, std::move(now))));
            next = std::max(next + interval, Clock::now());
        }
    }
    return {};
}

}  // namespace libcontainer
