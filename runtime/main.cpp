// SPDX-License-Identifier: Apache-2.0
// brig's entry: a sane process first, then the words in front of the command, then the command.
#include <signal.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <exception>

#include "runtime/descriptors.h"
#include "runtime/dispatch.h"
#include "runtime/log.h"

namespace {

// SIGPIPE: an engine that goes away must not leave a half-made container. SIGCHLD: with an
// inherited SIG_IGN children could not be waited for. libcontainer resets all for the container.
void reset_signals() {
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

int main(int argc, char* argv[]) {
    // Set-user-ID or file capabilities: brig's own privileges are no gift to its caller.
    if (getauxval(AT_SECURE) != 0 || !runtime::open_missing_standard_streams()) {
        return 1;
    }
    reset_signals();
    try {
        return runtime::dispatch({argv + (argc > 0 ? 1 : 0), argv + argc});
    } catch (const std::exception& error) {
        runtime::report_failure({}, error.what());
        return 1;
    }
}
