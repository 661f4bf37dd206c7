// SPDX-License-Identifier: Apache-2.0
// Making a container: what create and run share.
#include "libcontainer/creation.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "libcontainer/hook.h"
#include "libcontainer/process/inheritance.h"
#include "libcontainer/process/plan_security.h"
#include "libcontainer/status.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/rollback.h"

namespace libcontainer {
namespace {

using oci::NamespaceType;

std::string now_rfc3339() {
    timespec now = {};
    ::clock_gettime(CLOCK_REALTIME, &now);
    tm utc = {};
    ::gmtime_r(&now.tv_sec, &utc);
    std::array<char, 64> text = {};
    const std::size_t length = ::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
    std::snprintf(text.data() + length, text.size() - length, ".%09ldZ", now.tv_nsec);
    return text.data();
}

ContainerRecord make_record(const Bundle& bundle, const CreateOptions& options,
                            const NamespacePlan& plan, const CgroupRecord& cgroup) {
    ContainerRecord record;
    record.state.oci_version = bundle.spec.oci_version;
    record.state.id = options.id;
    record.state.status = oci::ContainerStatus::creating;
    record.state.bundle = bundle.path;
    const std::string& root = bundle.spec.root->path;
    record.state.rootfs = root.starts_with('/') ? root : bundle.path + "/" + root;
    record.state.created = now_rfc3339();
    record.state.owner = std::to_string(::geteuid());
    record.state.annotations = bundle.spec.annotations;
    record.boot_id = read_boot_id();
    record.cgroup = cgroup;
    record.private_pid_namespace = plan.makes(NamespaceType::pid);
    record.has_process = bundle.spec.process.has_value();
    record.has_late_hooks =
        !bundle.spec.hooks.poststart.empty() || !bundle.spec.hooks.poststop.empty();
    record.no_new_keyring = options.no_new_keyring;
    return record;
}

std::vector<std::string> own_environment() {
    std::vector<std::string> variables;
    for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
        variables.emplace_back(*variable);
    }
    return variables;
}

}  // namespace

Result<void> run_poststart_hooks(const oci::Spec& spec, const ContainerRecord& record) {
    if (spec.hooks.poststart.empty()) {
        return {};
    }
    const sys::UniqueFd bundle(
        ::open(record.state.bundle.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    return run_hooks(
        spec.hooks, oci::HookKind::poststart,
        {hook_state(record, oci::ContainerStatus::running, record.state.pid.value_or(0)),
         bundle.get(), own_environment()});
}

Result<CreatedContainer> create_container(const GlobalOptions& global, const CreateOptions& options,
                                          StartMode start, Attachment attachment) {
    TRY_VOID(check_container_id(options.id));
    const unsigned inherited = options.preserve_fds + passed_sockets();
    mark_close_on_exec(inherited);
    InitContext context;
    context.preserved = preserved_descriptors(inherited);

    Bundle bundle = TRY(load_bundle(options.bundle, options.config));
    context.spec = &bundle.spec;
    context.process = bundle.spec.process ? &*bundle.spec.process : nullptr;
    const bool terminal = context.process != nullptr && context.process->terminal;
    const sys::UniqueFd console =
        TRY(connect_console(terminal, options.console_socket, attachment));

    sys::Rollback rollback;
    StateDirectory directory = TRY(StateDirectory::reserve(global.root, options.id));
    rollback.on_failure([&directory] { static_cast<void>(directory.remove()); });

    const NamespacePlan plan = plan_namespaces(bundle.spec.linux);
    std::unique_ptr<CgroupManager> cgroup =
        TRY(plan_cgroup(global.cgroup_driver, options.id, bundle.spec.linux.cgroups_path));
    ContainerRecord record = make_record(bundle, options, plan, cgroup->record());
    TRY_VOID(directory.write_record(
        record));  // the journal: from here on a killed create can be cleaned up

    context.rootfs = TRY(prepare_rootfs(bundle.spec, bundle.path, cgroup->mount_sources()));
    context.plan = plan;
    context.namespaces = TRY(open_namespaces(plan));
    TRY_VOID(plan_security(context));
    context.new_keyring = !options.no_new_keyring;
    context.root_switch = options.no_pivot ? RootSwitch::move_root : RootSwitch::pivot_root;
    context.env = socket_environment(plan.makes(NamespaceType::pid));

    bool hooks_ran = false;
    rollback.on_failure([&] {  // after the cgroup is gone: undone last made first
        if (hooks_ran) {
            HookContext stopped = context.hooks;
            stopped.state.status = oci::ContainerStatus::stopped;
            stopped.state.pid = 0;
            run_poststop_hooks(bundle.spec.hooks, stopped);
        }
    });
    rollback.on_failure([&cgroup] { static_cast<void>(cgroup->destroy()); });
    TRY_VOID(cgroup->create());
    TRY_VOID(cgroup->apply(bundle.spec.linux.resources));
    context.cgroup = TRY(cgroup->open_entry(""));

    const sys::UniqueFd bundle_directory =
        TRY(sys::open_at(AT_FDCWD, bundle.path, O_PATH | O_DIRECTORY));
    context.hooks = {hook_state(record, oci::ContainerStatus::creating, 0), bundle_directory.get(),
                     own_environment()};
    if (start == StartMode::wait_for_start) {
        context.start_socket = TRY(directory.listen_for_start());
    }

    LaunchHandlers handlers;
    handlers.run_hooks = [&](const sys::Pid& pid) -> Result<void> {
        hooks_ran = true;
        HookContext creating = context.hooks;
        creating.state.pid = pid.number;
        TRY_VOID(run_hooks(bundle.spec.hooks, oci::HookKind::prestart, creating));
        return run_hooks(bundle.spec.hooks, oci::HookKind::create_runtime, creating);
    };
    handlers.on_ready = [&](const sys::Pid& pid) -> Result<void> {
        hooks_ran = true;
        TRY_VOID(write_oom_score_adj(pid.number, context.process));
        record.state.pid = pid.number;
        record.state.status = oci::ContainerStatus::created;
        record.start_time = start_time_of(pid.number);
        TRY_VOID(directory.write_config(bundle.config_json));
        TRY_VOID(directory.write_record(record));
        if (!options.pidfd_socket.empty()) {
            TRY_VOID(send_pidfd(options.pidfd_socket, pid.fd.get(), "standard"));
        }
        if (!options.pid_file.empty()) {
            rollback.on_failure([&options] { ::unlink(options.pid_file.c_str()); });
            TRY_VOID(write_pid_file(options.pid_file, pid.number));
        }
        return {};
    };
    Launched launched = TRY(launch(context, handlers, console.get()));
    rollback.commit();
    return CreatedContainer{std::move(directory), std::move(record), std::move(bundle),
                            std::move(cgroup), std::move(launched)};
}

}  // namespace libcontainer
