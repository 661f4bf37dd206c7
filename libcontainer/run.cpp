// SPDX-License-Identifier: Apache-2.0
// The verb run: create and start in one go, and stay until the end.
#include "libcontainer/container.h"
#include "libcontainer/creation.h"
#include "libcontainer/destruction.h"
#include "libcontainer/foreground.h"
#include "libcontainer/process/inheritance.h"

namespace libcontainer {
namespace {

// Undoes a container whose program could not be started, or not be waited for.
std::unexpected<sys::Error> abandon(const CreatedContainer& container, const RunOptions& options,
                                    sys::Error error) {
    static_cast<void>(sys::send_signal(container.launched.pid, SIGKILL));
    static_cast<void>(sys::wait_for(container.launched.pid));
    static_cast<void>(destroy_container(container.directory, container.record));
    if (!options.create.pid_file.empty()) {
        ::unlink(options.create.pid_file.c_str());
    }
    return std::unexpected(std::move(error));
}

}  // namespace

Result<int> run(const GlobalOptions& global, const RunOptions& options) {
    std::vector<int> preserved = take_inherited_descriptors(options.create.preserve_fds);
    std::optional<Foreground> foreground;
    if (!options.detach) {
        foreground =
            TRY(Foreground::prepare(options.no_subreaper ? Subreaper::no : Subreaper::yes));
    }
    const CreatedContainer container = TRY(create_container(
        global, options.create, StartMode::at_once,
        options.detach ? Attachment::detached : Attachment::foreground, std::move(preserved)));
    if (auto running = await_exec(container.launched); !running) {
        return abandon(container, options, std::move(running).error());
    }
    if (auto hooks = run_poststart_hooks(container.bundle.spec, container.record); !hooks) {
        return abandon(container, options, std::move(hooks).error());
    }
    if (!foreground) {
        return 0;
    }
    auto status = foreground->stay_with(container.launched.pid, container.console_master);
    if (!status) {
        return abandon(container, options, std::move(status).error());
    }
    if (!options.keep) {
        TRY_VOID(destroy_container(container.directory, container.record));
    }
    return sys::exit_status(*status);
}

}  // namespace libcontainer
