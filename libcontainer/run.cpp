// SPDX-License-Identifier: Apache-2.0
// The verb run: create and start in one go, and stay until the end.
#include "libcontainer/container.h"
#include "libcontainer/creation.h"
#include "libcontainer/destruction.h"
#include "libcontainer/foreground.h"
#include "libcontainer/process/inheritance.h"
#include "libcontainer/security/seccomp_notify.h"

namespace libcontainer {
namespace {

// Undoes a container whose program could not be started, or not be waited for.
std::unexpected<sys::Error> abandon(const CreatedContainer& container, const RunOptions& options,
                                    const Warn& warn, sys::Error error) {
    static_cast<void>(sys::send_signal(container.launched.pid, SIGKILL));
    static_cast<void>(sys::wait_for(container.launched.pid));
    static_cast<void>(destroy_container(container.directory, container.record, warn,
                                        container.interruption.get()));
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
    CreatedContainer container = TRY(create_container(
        global, options.create, StartMode::at_once,
        options.detach ? Attachment::detached : Attachment::foreground, std::move(preserved)));
    const auto hand_to_supervisor = [&container](sys::UniqueFd listener) {
        const std::int32_t pid = container.launched.pid.number;
        return send_seccomp_listener(
            *container.bundle.spec.linux.seccomp,
            hook_state(container.record, oci::ContainerStatus::created, pid), pid, listener);
    };
    const int interruption = container.interruption.get();
    auto running = await_exec(container.launched, interruption, hand_to_supervisor);
    if (running) {
        running = run_poststart_hooks(container.bundle.spec, container.record, interruption);
    }
    if (!running) {
        return abandon(container, options, global.warn, std::move(running).error());
    }
    if (!foreground) {
        return 0;
    }
    container.directory.unlock();  // from here on it is everybody's: pause, delete --force
    auto status = foreground->stay_with(container.launched.pid, container.console_master);
    const Result<void> locked = container.directory.lock();
    if (!status) {
        return abandon(container, options, global.warn, std::move(status).error());
    }
    const bool is_deleted = !locked && locked.error().kind == sys::ErrorKind::not_found;
    if (!options.keep && !is_deleted) {
        TRY_VOID(locked);
        TRY_VOID(
            destroy_container(container.directory, container.record, global.warn, interruption));
    }
    return sys::exit_status(*status);
}

}  // namespace libcontainer
