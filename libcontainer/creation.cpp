// SPDX-License-Identifier: Apache-2.0
// Making a container: what create and run share.
#include "libcontainer/creation.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "libcontainer/cgroup/delegation.h"
#include "libcontainer/network/net_devices.h"
#include "libcontainer/process/hook.h"
#include "libcontainer/process/inheritance.h"
#include "libcontainer/process/interruption.h"
#include "libcontainer/process/namespace_files.h"
#include "libcontainer/process/plan_security.h"
#include "libcontainer/process/scheduling.h"
#include "libcontainer/process/sysctl.h"
#include "libcontainer/security/self_protection.h"
#include "libcontainer/status.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/rollback.h"
#include "oci/annotations.h"

namespace libcontainer {
namespace {

using oci::NamespaceType;

// By chrono, not gmtime_r, which would read /etc/localtime.
std::string now_rfc3339() {
    const auto now = std::chrono::system_clock::now();
    const auto day = std::chrono::floor<std::chrono::days>(now);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::nanoseconds>(now - day));
    std::array<char, 64> text = {};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02ld:%02ld:%02ld.%09ldZ",
                  static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), static_cast<long>(time.hours().count()),
                  static_cast<long>(time.minutes().count()),
                  static_cast<long>(time.seconds().count()),
                  static_cast<long>(time.subseconds().count()));
    return text.data();
}

// v1 cgroups are entered by files, v2 by being born there: only the former can be made while the
// child runs.
[[nodiscard]] bool enters_by_tasks(const CgroupRecord& cgroup) {
    return !cgroup.directories.empty() &&
           std::ranges::none_of(cgroup.directories, &std::string::empty,
                                &CgroupRecord::Directory::controllers);
}

}  // namespace

Result<ContainerRecord> make_record(const Bundle& bundle, const CreateOptions& options,
                                    const GlobalOptions& global, const NamespacePlan& plan,
                                    const CgroupRecord& cgroup) {
    ContainerRecord record;
    record.state.oci_version = bundle.spec.oci_version;
    record.state.id = options.id;
    record.state.status = oci::ContainerStatus::creating;
    record.state.bundle = bundle.path;
    const std::string& root = bundle.spec.root->path;
    record.state.rootfs = root.starts_with('/') ? root : bundle.path + "/" + root;
    record.state.created = now_rfc3339();
    record.state.owner = std::to_string(::geteuid());
    record.state.annotations = bundle.annotations;
    record.allowed_annotations = global.allowed_annotations;
    record.seccomp_receiver = bundle.seccomp_receiver;
    record.boot_id = TRY(read_boot_id());
    record.creator = ::getpid();
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

Result<void> check_not_shared(const std::string& root, const std::string& id,
                              const CgroupRecord& cgroup) {
    std::vector<std::string> found;
    for (const CgroupRecord::Directory& directory : cgroup.directories) {
        if (directory.found) {
            found.push_back(directory.path);
        }
    }
    if (found.empty()) {
        return {};
    }
    for (const std::string& other : TRY(StateDirectory::ids(root))) {
        const auto directory = StateDirectory::open(root, other);
        const auto record =
            directory ? directory->read_record() : std::unexpected(directory.error());
        if (other == id || !record) {
            continue;
        }
        for (const CgroupRecord::Directory& theirs : record->cgroup.directories) {
            if (std::ranges::find(found, theirs.path) != found.end()) {
                return std::unexpected(
                    sys::Error{sys::ErrorKind::wrong_state, 0, "linux.cgroupsPath",
                               "the cgroup " + theirs.path + " belongs to container " + other});
            }
        }
    }
    return {};
}

namespace {

// One create, phase by phase. Every effect outside registers its undo; the undos run before
// anything they use is gone, so rollback_ is the last member.
class Creation {
  public:
    Creation(const GlobalOptions& global, const CreateOptions& options, StartMode start,
             std::vector<int> preserved)
        : global_(global), options_(options), start_(start) {
        context_.preserved = std::move(preserved);
    }

    Result<void> read(Attachment attachment);
    Result<void> reserve();
    Result<void> prepare();
    Result<CreatedContainer> make_process();

  private:
    [[nodiscard]] const oci::Spec& spec() const { return bundle_.spec; }
    [[nodiscard]] Result<void> make_cgroup();
    [[nodiscard]] Result<void> plan_resctrl(const oci::IntelRdt& config);
    [[nodiscard]] Result<void> make_resctrl();
    [[nodiscard]] Result<void> run_runtime_hooks(const sys::Pid& pid);
    [[nodiscard]] Result<void> commit(const sys::Pid& pid);
    void run_poststop();

    const GlobalOptions& global_;
    const CreateOptions& options_;
    StartMode start_;

    Bundle bundle_;
    sys::UniqueFd bundle_directory_;
    ConsoleTarget console_;
    std::optional<StateDirectory> directory_;
    std::unique_ptr<CgroupManager> cgroup_;
    std::optional<resctrl::NewGroup> resctrl_;
    ContainerRecord record_;
    InitContext context_;
    NetDeviceMoves net_devices_;
    bool hooks_ran_ = false;
    bool offers_notify_ = false;
    NotifySocket notify_;
    Held held_ = Held::not_yet;
    sys::UniqueFd interruption_;
    sys::Rollback rollback_;
};

Result<void> Creation::read(Attachment attachment) {
    context_.binary_mount =
        TRY(protect_binary());  // may begin anew from main, so before all that leaves traces
    bundle_ = TRY(load_bundle(options_.bundle, options_.config, global_));
    bundle_directory_ = TRY(sys::open_at(AT_FDCWD, bundle_.path, O_PATH | O_DIRECTORY));
    context_.spec = &bundle_.spec;
    context_.process = spec().process ? &*spec().process : nullptr;
    context_.plan = plan_namespaces(spec().linux);
    const bool terminal = context_.process != nullptr && context_.process->terminal;
    held_ = attachment == Attachment::foreground ? Held::already : Held::not_yet;
    console_ = TRY(ConsoleTarget::connect(terminal, options_.console_socket, attachment));
    return {};
}

// The record is the journal: from here on a create that is killed can be cleaned up.
Result<void> Creation::reserve() {
    interruption_ = TRY(hold_back_interruption(held_));
    context_.interruption = interruption_.get();
    directory_ = TRY(StateDirectory::reserve(global_.root, options_.id));
    rollback_.on_failure([this] { static_cast<void>(directory_->remove()); });
    context_.state_descriptors = directory_->descriptors();
    const std::string folder = global_.root + "/" + options_.id;
    offers_notify_ = TRY(NotifySocket::offer(bundle_.spec, *directory_, folder));
    cgroup_ = TRY(plan_cgroup(global_.cgroup_driver, options_.id, folder, spec().linux.cgroups_path,
                              spec().annotations));
    record_ = TRY(make_record(bundle_, options_, global_, context_.plan, cgroup_->record()));
    if (spec().linux.intel_rdt) {
        TRY_VOID(plan_resctrl(*spec().linux.intel_rdt));
    }
    return directory_->write_journal(record_);
}

Result<void> Creation::plan_resctrl(const oci::IntelRdt& config) {
    const std::string mountinfo = TRY(sys::read_file(AT_FDCWD, "/proc/self/mountinfo"));
    std::string root = TRY(resctrl::find_root(mountinfo));
    resctrl_ = TRY(resctrl::NewGroup::plan(config, options_.id, std::move(root)));
    record_.resctrl = resctrl_->record();
    return {};
}

// All that can fail without anything having been made.
Result<void> Creation::prepare() {
    context_.rootfs = TRY(prepare_rootfs(spec(), bundle_.path, cgroup_->mount_sources()));
    if (context_.rootfs.shared_root) {
        TRY_VOID(check_covers_not(context_.rootfs.path, global_.root));
        record_.shared_root = context_.rootfs.shared_root;
        TRY_VOID(directory_->write_record(record_));
    }
    context_.namespaces = TRY(open_namespaces(context_.plan));
    TRY_VOID(check_namespaced_settings(spec(), context_.plan, context_.namespaces));
    TRY_VOID(plan_security(context_, global_.warn));
    context_.new_keyring = !options_.no_new_keyring;
    context_.root_switch = options_.no_pivot ? RootSwitch::move_root : RootSwitch::pivot_root;
    context_.env = socket_environment(context_.plan.makes(NamespaceType::pid));
    context_.hooks = {hook_state(record_, oci::ContainerStatus::creating, 0),
                      bundle_directory_.get(), own_environment(), -1};
    context_.hooks.files = TRY(open_hook_files(spec().annotations));
    if (start_ == StartMode::wait_for_start) {
        context_.start_socket = TRY(directory_->listen_for_start());
    }
    return {};
}

Result<void> Creation::make_cgroup() {
    rollback_.on_failure([this] { static_cast<void>(cgroup_->destroy()); });
    TRY_VOID(cgroup_->create());
    if (auto alone = check_not_shared(global_.root, options_.id, cgroup_->record()); !alone) {
        cgroup_->undo_create();
        return alone;
    }
    TRY_VOID(cgroup_->apply(spec().linux.resources));
    if (record_.cgroup.directories.empty() && !cgroup_->record().directories.empty()) {
        // systemd's are known only now. Noted at once, or another's `delete` would not know of it.
        record_.cgroup = cgroup_->record();
        TRY_VOID(directory_->write_record(record_));
        context_.rootfs.cgroups = cgroup_->mount_sources();
    }
    if (const std::optional<uid_t> owner = delegate_to(spec())) {
        TRY_VOID(cgroup_->delegate(*owner));
    }
    context_.cgroup = TRY(cgroup_->open_entry(""));
    return {};
}

Result<void> Creation::make_resctrl() {
    rollback_.on_failure([this] { resctrl_->undo(); });
    TRY_VOID(resctrl_->make());
    const bool was_own = record_.resctrl->is_own;
    record_.resctrl = resctrl_->record();
    // Another made the class since it was planned: after a kill it must not be removed as ours.
    return was_own == record_.resctrl->is_own ? Result<void>() : directory_->write_record(record_);
}

Result<CreatedContainer> Creation::make_process() {
    rollback_.on_failure(
        [this] { run_poststop(); });  // after the other undos: poststop comes last (H-06)
    if (record_.shared_root) {
        rollback_.on_failure(
            [this] { static_cast<void>(unmount_shared_root(*record_.shared_root)); });
    }
    context_.cgroup_follows =
        enters_by_tasks(cgroup_->record()) && !context_.plan.needs_intermediate;
    if (!context_.cgroup_follows) {
        TRY_VOID(make_cgroup());
    }
    if (resctrl_) {
        TRY_VOID(make_resctrl());
    }
    LaunchHandlers handlers;
    handlers.work_meanwhile = [this]() -> Result<void> {
        if (context_.cgroup_follows) {
            TRY_VOID(make_cgroup());
        }
        return directory_->write_config(bundle_.config_json);
    };
    handlers.move_devices = [this](int network) {
        return net_devices_.move(spec().linux.net_devices, network);
    };
    handlers.run_hooks = [this](const sys::Pid& pid) { return run_runtime_hooks(pid); };
    handlers.take_console = [this](sys::UniqueFd master) {
        return console_.take(std::move(master), context_.process->console_size.has_value());
    };
    handlers.on_ready = [this](const sys::Pid& pid) { return commit(pid); };
    auto launched = launch(context_, handlers);
    if (!launched) {
        launched.error().message += net_devices_.undo();
        return std::unexpected(std::move(launched).error());
    }
    context_.binary_mount.reset();
    context_.cgroup.directory.reset();
    rollback_.commit();
    return CreatedContainer{*std::move(directory_),   std::move(record_),
                            std::move(bundle_),       std::move(cgroup_),
                            *std::move(launched),     console_.release_master(),
                            std::move(interruption_), std::move(notify_)};
}

Result<void> Creation::run_runtime_hooks(const sys::Pid& pid) {
    hooks_ran_ = true;
    HookContext creating = context_.hooks;
    creating.state.pid = pid.number;
    creating.interruption = interruption_.get();
    TRY_VOID(run_hooks(spec().hooks, oci::HookKind::prestart, creating));
    return run_hooks(spec().hooks, oci::HookKind::create_runtime, creating);
}

// The child is complete and waits: what others will see of it, the pid file last (containerd waits
// for it).
Result<void> Creation::commit(const sys::Pid& pid) {
    hooks_ran_ = true;
    TRY_VOID(cgroup_->settle());
    if (context_.by_root) {
        TRY_VOID(write_oom_score_adj(std::to_string(pid.number), context_.process));
    }
    if (resctrl_) {
        TRY_VOID(resctrl_->join(pid.number));
    }
    record_.state.pid = pid.number;
    record_.state.status = oci::ContainerStatus::created;
    record_.start_time = TRY(start_time_of(pid.number));
    record_.cgroup = cgroup_->record();
    TRY_VOID(directory_->write_record(record_));
    if (offers_notify_ && start_ == StartMode::at_once) {
        notify_ =
            TRY(NotifySocket::listen(*directory_));  // no process of the container inherits it
    }
    if (!options_.pidfd_socket.empty()) {
        TRY_VOID(send_pidfd(options_.pidfd_socket, pid.fd.get(), "standard"));
    }
    if (const std::string* const receiver =
            oci::find_annotation(spec().annotations, oci::kPidfdReceiver)) {
        TRY_VOID(send_pidfd(*receiver, pid.fd.get(), "standard"));
    }
    if (options_.pid_file.empty()) {
        return {};
    }
    rollback_.on_failure([this] { ::unlink(options_.pid_file.c_str()); });
    return write_pid_file(options_.pid_file, pid.number);
}

void Creation::run_poststop() {
    if (hooks_ran_) {
        HookContext stopped = context_.hooks;
        stopped.state.status = oci::ContainerStatus::stopped;
        stopped.state.pid = 0;
        stopped.interruption = interruption_.get();
        run_poststop_hooks(spec().hooks, stopped, global_.warn);
    }
}

}  // namespace

Result<void> run_poststart_hooks(const oci::Spec& spec, const ContainerRecord& record,
                                 int interruption) {
    if (spec.hooks.poststart.empty()) {
        return {};
    }
    const sys::UniqueFd bundle(
        ::open(record.state.bundle.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    HookContext running = {
        hook_state(record, oci::ContainerStatus::running, record.state.pid.value_or(0)),
        bundle.get(), own_environment(), interruption};
    running.files = TRY(open_hook_files(spec.annotations));
    return run_hooks(spec.hooks, oci::HookKind::poststart, running);
}

Result<CreatedContainer> create_container(const GlobalOptions& global, const CreateOptions& options,
                                          StartMode start, Attachment attachment,
                                          std::vector<int> preserved) {
    TRY_VOID(check_container_id(options.id));
    Creation creation(global, options, start, std::move(preserved));
    TRY_VOID(creation.read(attachment));
    TRY_VOID(creation.reserve());
    TRY_VOID(creation.prepare());
    return creation.make_process();
}

}  // namespace libcontainer
