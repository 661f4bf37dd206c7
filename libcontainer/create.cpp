// SPDX-License-Identifier: Apache-2.0
// The verbs create and start.
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "libcontainer/container.h"
#include "libcontainer/creation.h"
#include "libcontainer/destruction.h"
#include "libcontainer/process/inheritance.h"
#include "libcontainer/process/interruption.h"
#include "libcontainer/security/seccomp_notify.h"
#include "libcontainer/status.h"

namespace libcontainer {
namespace {

// Without a supervisor the program must not run: init, which waits for the answer, is ended.
Result<void> hand_to_supervisor(const FoundContainer& found, const sys::UniqueFd& listener) {
    const oci::Spec spec = TRY(read_kept_spec(found.directory, found.record));
    const std::int32_t pid = found.record.state.pid.value_or(0);
    auto sent = send_seccomp_listener(spec.linux.seccomp.value_or(oci::Seccomp()),
                                      hook_state(found.record, oci::ContainerStatus::created, pid),
                                      pid, listener);
    if (!sent) {
        if (const std::optional<sys::Pid> init = TRY(open_init(found.record))) {
            TRY_VOID(sys::send_signal(*init, SIGKILL));
        }
    }
    return sent;
}

// The poststart hooks; where they fail, or the caller gives up on them, the container ends
// (DEC-11).
Result<void> finish_start(FoundContainer& found, const oci::Spec& spec, const Warn& warn) {
    const sys::UniqueFd interruption = TRY(hold_back_interruption());
    found.record.creator = ::getpid();  // for a delete --force that meets a hook which hangs
    TRY_VOID(found.directory.write_record(found.record));
    auto done = run_poststart_hooks(spec, found.record, interruption.get());
    if (!done) {
        static_cast<void>(
            destroy_container(found.directory, found.record, warn, interruption.get()));
    }
    return done;
}

// Engines delete a container whose start has failed, and a process that is about to end has closed
// its descriptors, by which brig knows, a moment before it counts as dead.
std::unexpected<sys::Error> after_its_end(const ContainerRecord& record, sys::Error error) {
    constexpr int kTimeout = 1'000;  // milliseconds
    if (const auto init = open_init(record); init && *init) {
        pollfd ended = {(*init)->fd.get(), POLLIN, 0};
        ::poll(&ended, 1, kTimeout);
    }
    return std::unexpected(std::move(error));
}

}  // namespace

Result<void> create(const GlobalOptions& global, const CreateOptions& options) {
    TRY(create_container(global, options, StartMode::wait_for_start, Attachment::detached,
                         take_inherited_descriptors(options.preserve_fds)));
    return {};
}

Result<void> start(const GlobalOptions& global, const std::string& id) {
    FoundContainer found = TRY(lock_container(global.root, id));
    switch (TRY(current_status(found.directory, found.record))) {
        case oci::ContainerStatus::created:
            break;
        case oci::ContainerStatus::creating:  // lock_container has refused it
        case oci::ContainerStatus::stopped:
            return sys::fail(sys::ErrorKind::wrong_state,
                             "cannot start a container that has stopped");
        case oci::ContainerStatus::paused:
            return sys::fail(sys::ErrorKind::wrong_state,
                             "cannot start a container in the paused state");
        case oci::ContainerStatus::running:
            return sys::fail(sys::ErrorKind::wrong_state,
                             "cannot start an already running container");
    }
    if (!found.record.has_process) {
        return std::unexpected(
            sys::Error{sys::ErrorKind::invalid, 0, "process",
                       "cannot start a container whose config.json has no process"});
    }
    const NotifySocket notify = TRY(NotifySocket::listen(found.directory));
    const std::optional<sys::Pid> waiting = notify ? TRY(open_init(found.record)) : std::nullopt;
    Launched init;
    init.channel = SyncChannel(TRY(found.directory.connect_to_init()));
    // Init goes on from here, whatever becomes of this process: it is not `created` any more.
    found.directory.remove_start_socket();
    // A first message says that init is there: without it the end of the connection means that it
    // has died (T-91), after it that execve has succeeded.
    std::optional<SyncMessage> ready = TRY(init.channel.receive());
    if (!ready) {
        return after_its_end(found.record,
                             {sys::ErrorKind::wrong_state,
                              0,
                              {},
                              "cannot start a container that has stopped: its process has died"});
    }
    init.has_start_hooks = ready->number != 0;
    init.last_word = take_last_word(*ready);
    auto running = await_exec(
        init, -1, [&found](sys::UniqueFd listener) { return hand_to_supervisor(found, listener); });
    if (!running) {
        // LC-07: a startContainer hook that fails ends the container, poststop hooks included. A
        // program that cannot be executed leaves a stopped one, as with runc.
        if (running.error().config_path.starts_with("hooks.")) {
            static_cast<void>(destroy_container(found.directory, found.record, global.warn));
        }
        return after_its_end(found.record, std::move(running).error());
    }
    if (found.record.has_late_hooks) {
        const oci::Spec spec = TRY(read_kept_spec(found.directory, found.record));
        if (!spec.hooks.poststart.empty()) {
            TRY_VOID(finish_start(found, spec, global.warn));
        }
    }
    if (!notify || !waiting) {
        return {};
    }
    found.directory.unlock();  // the container may never say that it is ready
    return notify.wait_until_ready(*waiting, global.warn);
}

}  // namespace libcontainer
