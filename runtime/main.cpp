// SPDX-License-Identifier: Apache-2.0
// brig's entry: a sane process first, then the words in front of the command, then the command.
#include <signal.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <exception>

#include "libcontainer/security/capabilities.h"
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

// Set-user-ID, set-group-ID or file capabilities: brig's own privileges are no gift to its caller.
// AT_SECURE alone may also say that an LSM has changed the domain, as SELinux does for runtimes.
bool is_privileged_by_its_file() {
    if (getauxval(AT_SECURE) == 0) {
        return false;
    }
    if (getuid() != geteuid() || getgid() != getegid()) {
        return true;
    }
    const auto sets = libcontainer::read_capability_sets();
    return geteuid() != 0 && (!sets || (sets->permitted & ~sets->ambient) != 0);
}

}  // namespace

int main(int argc, char* argv[]) {
    if (!runtime::open_missing_standard_streams()) {
        return 1;
    }
    reset_signals();
    try {
        if (is_privileged_by_its_file()) {
            runtime::report_failure({}, "refuses to run with its file's privileges (setuid)");
            return 1;
        }
        return runtime::dispatch({argv + (argc > 0 ? 1 : 0), argv + argc});
    } catch (const std::exception& error) {
        runtime::report_failure({}, error.what());
        return 1;
    }
}
