// SPDX-License-Identifier: Apache-2.0
// The verb run: create and start in one go, and stay until the end.
#include "libcontainer/attendance.h"
#include "libcontainer/container.h"
#include "libcontainer/creation.h"
#include "libcontainer/process/inheritance.h"
#include "libcontainer/security/seccomp_notify.h"

namespace libcontainer {

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
    const Attended attended = {container.directory,
                               container.record,
                               container.launched.pid,
                               container.console_master,
                               interruption,
                               options.create.pid_file,
                               global.warn};
    if (!running) {
        return abandon(attended, std::move(running).error());
    }
    if (container.notify) {
        // In the foreground the manager goes on with this process, which it has started.
        if (!foreground) {
            container.directory.unlock();
            TRY_VOID(container.notify.wait_until_ready(container.launched.pid, global.warn));
            return 0;
        }
        foreground->also_watch(container.notify.fd(),
                               [&] { return container.notify.relay(::getpid(), global.warn); });
    }
    return foreground
               ? attend(*foreground, attended, options.keep ? AfterEnd::keep : AfterEnd::destroy)
               : 0;
}

}  // namespace libcontainer
