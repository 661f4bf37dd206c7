// SPDX-License-Identifier: Apache-2.0
// A process that does nothing.
#include "libcontainer/cgroup/systemd/holder.h"

#include <signal.h>
#include <unistd.h>

namespace libcontainer::systemd {

sys::Result<Holder> Holder::start() {
    const pid_t parent = ::getpid();
    std::optional<sys::Pid> process = TRY(sys::clone_process({}));
    if (process) {
        return Holder(*std::move(process));
    }
    sys::die_with_parent(parent);
    // Whoever waits for the end of a pipe or a lock of the parent's waits for the parent alone.
    ::close_range(0, ~0U, 0);
    for (;;) {
        ::pause();
    }
}

Holder::~Holder() {
    if (process_.fd) {
        static_cast<void>(sys::send_signal(process_, SIGKILL));
        static_cast<void>(sys::wait_for(process_));
    }
}

}  // namespace libcontainer::systemd
