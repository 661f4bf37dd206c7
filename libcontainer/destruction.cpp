// SPDX-License-Identifier: Apache-2.0
// Undoing a container, and the verbs kill and delete.
#include "libcontainer/destruction.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "libcontainer/bundle.h"
#include "libcontainer/container.h"
#include "libcontainer/creation.h"
#include "libcontainer/process/hook.h"
#include "libcontainer/state/record_cgroup.h"
#include "libcontainer/status.h"

namespace libcontainer {
namespace {

constexpr int kPromptly = 1'000;        // milliseconds; an init ends in a few
constexpr int kKillTimeout = 10'000;    // as runc's
constexpr int kUndoTimeout = 3'000;     // of a create or start, poststop hooks included
constexpr int kForcedHookTimeout = 10;  // seconds, of a poststop hook without a timeout of its own

Result<void> kill_init(const ContainerRecord& record, int timeout) {
    const std::optional<sys::Pid> init = TRY(open_init(record));
    if (!init) {
        return {};
    }
    static_cast<void>(sys::send_signal(*init, SIGKILL));
    pollfd ended = {init->fd.get(), POLLIN, 0};
    if (::poll(&ended, 1, timeout) == 0) {
        return sys::fail(sys::ErrorKind::system, "container init still running");
    }
    return {};
}

void run_poststop(const StateDirectory& directory, const ContainerRecord& record, const Warn& warn,
                  int interruption, Force force) {
    auto spec = read_kept_spec(directory, record);
    if (!spec) {
        return;
    }
    for (oci::Hook& hook : spec->hooks.poststop) {
        if (force == Force::yes && !hook.timeout) {
            hook.timeout = kForcedHookTimeout;
        }
    }
    const sys::UniqueFd bundle(
        ::open(record.state.bundle.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    HookContext stopped = {hook_state(record, oci::ContainerStatus::stopped, 0), bundle.get(),
                           own_environment(), interruption};
    if (auto files = open_hook_files(spec->annotations)) {
        stopped.files = *std::move(files);
    } else if (warn) {
        warn(files.error().text());
    }
    run_poststop_hooks(spec->hooks, stopped, warn);
}

// A frozen process of a v1 cgroup does not die before it is thawed (engines 2.6).
void thaw(const StateDirectory& directory, const ContainerRecord& record) {
    if (const auto cgroup = open_cgroup(directory, record);
        cgroup && (*cgroup)->is_frozen().value_or(false)) {
        static_cast<void>((*cgroup)->thaw());
    }
}

// A create or start that is asked to end undoes its container; asked again it ends a poststop hook
// that hangs meanwhile. What is left by one that does not listen is ours.
void end_creator(const StateDirectory& directory, const ContainerRecord& record) {
    const auto creator = open_creator(directory, record);
    if (!creator || !*creator) {
        return;
    }
    for (const int signal : {SIGTERM, SIGTERM, SIGKILL}) {
        static_cast<void>(sys::send_signal(**creator, signal));
        pollfd ended = {(*creator)->fd.get(), POLLIN, 0};
        if (::poll(&ended, 1, kUndoTimeout) != 0) {
            return;
        }
    }
}

// A start, or a run, that still has the lock some moments after init was killed waits for a
// poststart hook; it has left its pid. Not another delete, whose poststop hooks may take their
// time.
void end_start(const StateDirectory& directory) {
    constexpr int kMoments = 30;
    for (int moment = 0; moment < kMoments; ++moment) {
        if (!directory.is_locked()) {
            return;
        }
        ::usleep(10'000);
    }
    const auto record = directory.read_record();
    if (record) {
        end_creator(directory, *record);
    }
}

// Ends what another call of brig may be waiting for while it holds the lock: a create for one of
// its hooks, a start for a startContainer or poststart hook. Another delete ends by itself.
void end_lock_holder(const StateDirectory& directory) {
    const auto record = directory.read_record();
    if (record && record->state.status == oci::ContainerStatus::creating) {
        end_creator(directory, *record);
        return;
    }
    const auto init = record ? open_init(*record) : std::nullopt;
    if (init && *init) {
        static_cast<void>(sys::send_signal(**init, SIGKILL));
        thaw(directory, *record);
        end_start(directory);
    }
}

std::unexpected<sys::Error> not_stopped(const std::string& id, oci::ContainerStatus status) {
    return sys::fail(sys::ErrorKind::wrong_state,
                     "cannot delete container " + id +
                         " that is not stopped: " + std::string(oci::to_name(status)));
}

Result<void> lock_for_deletion(StateDirectory& directory, Force force) {
    if (TRY(directory.try_lock())) {
        return {};
    }
    if (force == Force::yes) {
        end_lock_holder(directory);
    } else if (is_being_created(directory)) {
        return not_stopped(directory.id(), oci::ContainerStatus::creating);
    }
    return directory.lock();
}

// A mount of another boot is gone, and its identity may be a stranger's by now (T-90).
Result<void> unmount_root(const ContainerRecord& record) {
    if (!record.shared_root) {
        return {};
    }
    auto boot = read_boot_id();
    if (!boot) {
        boot = read_boot_id();  // once more, as for the unmount itself
    }
    return record.boot_id == TRY(std::move(boot)) ? unmount_shared_root(*record.shared_root)
                                                  : Result<void>();
}

}  // namespace

Result<void> destroy_container(const StateDirectory& directory, const ContainerRecord& record,
                               const Warn& warn, int interruption, Force force) {
    auto cgroup = open_cgroup(directory, record);
    if (!cgroup && (force == Force::no || cgroup.error().kind != sys::ErrorKind::invalid)) {
        return std::unexpected(std::move(cgroup).error());
    }
    auto init = open_init(record);
    // A container may have no cgroup at all: there is a unit before its directories are known.
    const bool has_cgroup = !record.cgroup.directories.empty() || record.cgroup.unit;
    if (!init && (!cgroup || !has_cgroup)) {
        return std::unexpected(std::move(init).error());
    }
    // An init that cannot be looked at just now ends with the rest of its cgroup.
    Result<void> ended;
    if (init && *init) {
        static_cast<void>(sys::send_signal(**init, SIGKILL));
        thaw(directory, record);
        ended = kill_init(record, kPromptly);
    }
    if (cgroup) {
        TRY_VOID((*cgroup)->destroy());
    } else if (warn) {
        warn(cgroup.error().text() + ": nothing is killed or removed there");
    }
    // A CRIU in the cgroup, whose brig was killed, may trace the init: then that ends only after
    // it.
    if (!ended) {
        TRY_VOID(kill_init(record, kKillTimeout));
    }
    if (record.resctrl) {
        TRY_VOID(resctrl::remove(*record.resctrl));
    }
    TRY_VOID(unmount_root(record));
    if (record.has_late_hooks) {
        run_poststop(directory, record, warn, interruption, force);
    }
    return directory.remove();
}

Result<void> kill(const GlobalOptions& global, const std::string& id, int signal,
                  KillTarget target) {
    const FoundContainer found = TRY(find_container(global.root, id));
    const std::optional<sys::Pid> init = TRY(open_init(found.record));
    // SIGKILL of an init without pid namespace of its own would leave the others alive
    // (engines 2.6).
    const bool everyone = target == KillTarget::all_processes ||
                          (signal == SIGKILL && !found.record.private_pid_namespace);
    // Without a cgroup only init is known.
    if (everyone && !found.record.cgroup.directories.empty() &&
        (init || target == KillTarget::all_processes)) {
        return TRY(open_cgroup(found.directory, found.record))->kill_all(signal);
    }
    if (!init) {
        return sys::fail(sys::ErrorKind::wrong_state, "container not running");
    }
    if (auto sent = sys::send_signal(*init, signal); !sent) {
        if (sent.error().code == ESRCH) {
            return sys::fail(sys::ErrorKind::wrong_state, "container not running");
        }
        return sent;
    }
    if (signal == SIGKILL) {
        thaw(found.directory, found.record);
    }
    return {};
}

Result<void> destroy(const GlobalOptions& global, const std::string& id, Force force) {
    auto directory = StateDirectory::open(global.root, id);
    const Result<void> locked = directory ? lock_for_deletion(*directory, force)
                                          : Result<void>(std::unexpected(directory.error()));
    if (!locked) {
        return force == Force::yes && locked.error().kind == sys::ErrorKind::not_found
                   ? Result<void>()
                   : locked;
    }
    auto record = directory->read_record();
    if (!record) {
        // A folder that was claimed and never got its record: the create was killed in between.
        // A record that could only not be read now says what to clean up, and must stay; one that
        // is no record at all must not stand in the way of --force for ever.
        const bool is_absent = record.error().kind == sys::ErrorKind::not_found;
        if (is_absent && TRY(directory->is_anothers())) {
            return force == Force::yes ? Result<void>()
                                       : std::unexpected(std::move(record).error());
        }
        const bool is_broken = record.error().kind == sys::ErrorKind::invalid;
        if (is_absent || (is_broken && force == Force::yes)) {
            auto removed = directory->remove();
            if (force == Force::yes) {
                return removed;
            }
        }
        return std::unexpected(std::move(record).error());
    }
    // --force asks nothing that could fail.
    const oci::ContainerStatus status = force == Force::yes
                                            ? oci::ContainerStatus::stopped
                                            : TRY(current_status(*directory, *record));
    if (force == Force::no && status != oci::ContainerStatus::stopped &&
        status != oci::ContainerStatus::created) {
        return not_stopped(id, status);
    }
    return destroy_container(*directory, *record, global.warn, -1, force);
}

}  // namespace libcontainer
