// SPDX-License-Identifier: Apache-2.0
// The wish that a container's creation end.
#include "libcontainer/process/interruption.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <string>

namespace libcontainer {

Result<sys::UniqueFd> hold_back_interruption(Held held) {
    sigset_t ending = {};
    ::sigemptyset(&ending);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
        ::sigaddset(&ending, signal);
    }
    if (held == Held::not_yet && ::sigprocmask(SIG_BLOCK, &ending, nullptr) != 0) {
        return sys::fail_errno("sigprocmask");
    }
    sys::UniqueFd signals(::signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals) {
        return sys::fail_errno("signalfd");
    }
    return signals;
}

Result<void> check_interruption(int descriptor) {
    signalfd_siginfo info = {};
    if (::read(descriptor, &info, sizeof info) != sizeof info) {
        return {};
    }
    const int number = static_cast<int>(info.ssi_signo);
    struct sigaction present = {};
    // Blocked signals arrive even where they are ignored.
    if (::sigaction(number, nullptr, &present) == 0 && present.sa_handler == SIG_IGN) {
        return {};
    }
    return sys::fail(sys::ErrorKind::system, "interrupted by signal " + std::to_string(number));
}

}  // namespace libcontainer
