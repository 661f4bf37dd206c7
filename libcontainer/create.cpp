// SPDX-License-Identifier: Apache-2.0
// The verbs create and start.
#include "libcontainer/container.h"
#include "libcontainer/creation.h"
#include "libcontainer/destruction.h"
#include "libcontainer/process/inheritance.h"
#include "libcontainer/status.h"
#include "libcontainer/sys/socket.h"

namespace libcontainer {

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
    const sys::UniqueFd init = TRY(found.directory.connect_to_init());
    // Init goes on from here, whatever becomes of this process: it is not `created` any more.
    found.directory.remove_start_socket();
    // A first message says that init is there: without it the end of the connection means that it
    // has died (T-91), after it that execve has succeeded.
    if (TRY(sys::receive_message(init.get())).data.empty()) {
        return sys::fail(sys::ErrorKind::wrong_state,
                         "cannot start a container that has stopped: its process has died");
    }
    const sys::Message answer = TRY(sys::receive_message(init.get()));
    if (auto error = decode_error(answer.data)) {
        // LC-07: a startContainer hook that fails ends the container, poststop hooks included. A
        // program that cannot be executed leaves a stopped one, as with runc.
        if (error->config_path.starts_with("hooks.")) {
            static_cast<void>(destroy_container(found.directory, found.record, global.warn));
        }
        return std::unexpected(*std::move(error));
    }
    if (!found.record.has_late_hooks) {
        return {};
    }
    const oci::Spec spec = TRY(read_kept_spec(found.directory));
    if (auto hooks = run_poststart_hooks(spec, found.record, -1); !hooks) {
        static_cast<void>(destroy_container(found.directory, found.record, global.warn));
        return hooks;
    }
    return {};
}

}  // namespace libcontainer
