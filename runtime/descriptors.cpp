// SPDX-License-Identifier: Apache-2.0
#include "runtime/descriptors.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <unistd.h>

#include <cerrno>

#include "libcontainer/process/inheritance.h"

namespace runtime {

bool open_missing_standard_streams() {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
        // The lowest free number is `fd` itself: all below it are open by now.
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", O_RDWR) != fd) {
            return false;
        }
    }
    return true;
}

sys::Result<void> close_on_exec_beyond(unsigned preserved) {
    constexpr unsigned kFirst = STDERR_FILENO + 1;
    const unsigned sockets = libcontainer::passed_sockets();
    constexpr unsigned kMost = 1U << 20U;  // the default of /proc/sys/fs/nr_open
    if (preserved > kMost) {
        return sys::fail(sys::ErrorKind::invalid, "--preserve-fds: too many");
    }
    if (close_range(kFirst + preserved + sockets, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
        return sys::fail_errno("close_range");
    }
    return {};
}

}  // namespace runtime
