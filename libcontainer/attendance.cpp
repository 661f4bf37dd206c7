// SPDX-License-Identifier: Apache-2.0
// Staying with a container and removing it.
#include "libcontainer/attendance.h"

#include <signal.h>
#include <unistd.h>

#include "libcontainer/destruction.h"

namespace libcontainer {

std::unexpected<sys::Error> abandon(const Attended& container, sys::Error error) {
    static_cast<void>(sys::send_signal(container.init, SIGKILL));
    static_cast<void>(sys::wait_for(container.init));
    static_cast<void>(destroy_container(container.directory, container.record, container.warn,
                                        container.interruption));
    if (!container.pid_file.empty()) {
        ::unlink(container.pid_file.c_str());
    }
    return std::unexpected(std::move(error));
}

namespace {

// For `wait`. The record is read anew: an update may have changed it.
Result<void> keep_exit_status(const StateDirectory& directory, int status) {
    ContainerRecord record = TRY(directory.read_record());
    record.exit_status = status;
    return directory.write_record(record);
}

}  // namespace

Result<int> attend(Foreground& foreground, const Attended& container, AfterEnd after_end) {
    container.directory.unlock();
    auto status = foreground.stay_with(container.init, container.console_master);
    const Result<void> locked = container.directory.lock();
    if (!status) {
        return abandon(container, std::move(status).error());
    }
    const bool is_deleted = !locked && locked.error().kind == sys::ErrorKind::not_found;
    if (after_end == AfterEnd::keep && !is_deleted) {
        const Result<void> kept =
            locked ? keep_exit_status(container.directory, sys::exit_status(*status)) : locked;
        if (!kept && container.warn) {
            container.warn("the exit status is not kept: " + kept.error().text());
        }
    }
    if (after_end == AfterEnd::destroy && !is_deleted) {
        TRY_VOID(locked);
        TRY_VOID(destroy_container(container.directory, container.record, container.warn,
                                   container.interruption));
    }
    return sys::exit_status(*status);
}

}  // namespace libcontainer
