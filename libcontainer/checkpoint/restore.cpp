// SPDX-License-Identifier: Apache-2.0
// The verb restore.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "libcontainer/attendance.h"
#include "libcontainer/cgroup/delegation.h"
#include "libcontainer/checkpoint/outside.h"
#include "libcontainer/checkpoint/request.h"
#include "libcontainer/container.h"
#include "libcontainer/creation.h"
#include "libcontainer/network/link.h"
#include "libcontainer/process/hook.h"
#include "libcontainer/process/interruption.h"
#include "libcontainer/status.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/rollback.h"
#include "oci/parse.h"

namespace libcontainer {
namespace {

constexpr const char* kLog = "restore.log";
constexpr int kFirstPassed = 4;  // of `criu swrk`: its stdio and its socket come before

// The image folder, which is the caller's alone, may be searched by others for a while: in a user
// namespace CRIU looks for images that need not be there with the rights of the container's root,
// and takes EACCES for a failure. The files keep their own modes.
class Searchable {
  public:
    Searchable() = default;
    Searchable(const Searchable&) = delete;
    Searchable& operator=(const Searchable&) = delete;
    ~Searchable() {
        if (directory_ >= 0) {
            ::fchmod(directory_, mode_);
        }
    }

    void open_to_others(int directory) {
        struct stat info = {};
        if (::fstat(directory, &info) == 0 && (info.st_mode & S_IXOTH) == 0) {
            directory_ = directory;
            mode_ = info.st_mode & 07777U;
            ::fchmod(directory, mode_ | S_IXOTH);
        }
    }

  private:
    int directory_ = -1;
    mode_t mode_ = 0;
};

struct RestoredContainer {
    StateDirectory directory;  // locked
    ContainerRecord record;
    sys::Pid init;                 // a child of this process
    sys::UniqueFd console_master;  // of a terminal that no console socket took
    sys::UniqueFd interruption;    // see hold_back_interruption
};

// CRIU leaves a new network namespace as the kernel made it.
Result<void> raise_loopback(pid_t pid) {
    const std::string path = "/proc/" + std::to_string(pid) + "/ns/net";
    const sys::UniqueFd there = TRY(sys::open_at(AT_FDCWD, path, O_RDONLY));
    const sys::UniqueFd own = TRY(sys::open_at(AT_FDCWD, "/proc/self/ns/net", O_RDONLY));
    RouteSocket socket = TRY(RouteSocket::open_in(there.get(), own.get()));
    const Link loopback = TRY(read_link(socket, "lo"));
    return set_up(socket, loopback);
}

// What config.json asks for and CRIU does not bring back.
Result<void> check_supported(const oci::Linux& linux) {
    const char* const unsupported = linux.intel_rdt              ? "linux.intelRdt"
                                    : !linux.net_devices.empty() ? "linux.netDevices"
                                                                 : nullptr;
    if (unsupported != nullptr) {
        return std::unexpected(
            sys::Error{sys::ErrorKind::unsupported, 0, unsupported, "not supported by restore"});
    }
    return {};
}

// One restore, phase by phase; see Creation. rollback_ is the last member.
class Restoration {
  public:
    Restoration(const GlobalOptions& global, const RestoreOptions& options)
        : global_(global), options_(options) {}

    Result<void> read();
    Result<void> reserve();
    Result<void> prepare();
    Result<RestoredContainer> make_processes();

  private:
    [[nodiscard]] const oci::Spec& spec() const { return bundle_.spec; }
    [[nodiscard]] Result<void> make_cgroup();
    [[nodiscard]] Result<void> add_cgroup_roots(pid_t criu);
    [[nodiscard]] Result<void> take_notice(CriuNotice notice);
    [[nodiscard]] Result<void> run_runtime_hooks(std::int32_t pid);
    [[nodiscard]] Result<void> keep_config(pid_t pid);
    [[nodiscard]] Result<void> commit(std::int32_t pid);
    void run_poststop();

    const GlobalOptions& global_;
    const RestoreOptions& options_;

    Bundle bundle_;
    NamespacePlan plan_;
    ConsoleTarget console_;
    CriuDirectories directories_;
    std::optional<StateDirectory> directory_;
    std::unique_ptr<CgroupManager> cgroup_;
    ContainerRecord record_;
    CriuRequest request_;
    std::vector<sys::UniqueFd> namespaces_;
    std::string root_;
    std::optional<sys::Pid> init_;
    bool hooks_ran_ = false;
    sys::UniqueFd interruption_;
    sys::Rollback rollback_;
};

Result<void> Restoration::read() {
    directories_ = TRY(open_criu_directories(options_.criu, ImageDirectory::must_exist, rollback_));
    bundle_ = TRY(load_bundle(options_.create.bundle, options_.create.config, global_));
    plan_ = plan_namespaces(spec().linux);
    TRY_VOID(check_supported(spec().linux));
    const bool terminal = spec().process && spec().process->terminal;
    console_ = TRY(
        ConsoleTarget::connect(terminal, options_.create.console_socket,
                               options_.detach ? Attachment::detached : Attachment::foreground));
    return {};
}

Result<void> Restoration::reserve() {
    interruption_ = TRY(hold_back_interruption());
    directory_ = TRY(StateDirectory::reserve(global_.root, options_.create.id));
    rollback_.on_failure([this] { static_cast<void>(directory_->remove()); });
    cgroup_ = TRY(plan_cgroup(global_.cgroup_driver, options_.create.id,
                              global_.root + "/" + options_.create.id, spec().linux.cgroups_path,
                              spec().annotations));
    record_ = TRY(make_record(bundle_, options_.create, global_, plan_, cgroup_->record()));
    return directory_->write_journal(record_);
}

Result<void> Restoration::prepare() {
    const std::string& rootfs = *record_.state.rootfs;
    request_ = make_criu_request(options_.criu, kLog, spec().annotations);
    request_.set(CriuField::evasive_devices, 1);
    request_.set(CriuField::rst_sibling, 1);
    if (!options_.lsm_profile.empty()) {
        request_.set(CriuField::lsm_profile, options_.lsm_profile);
    }
    if (!options_.lsm_mount_context.empty()) {
        request_.set(CriuField::lsm_mount_context, options_.lsm_mount_context);
    }
    namespaces_ = TRY(provide_namespaces(request_, plan_, kFirstPassed));
    TRY_VOID(provide_stdio(request_, directories_.image.get()));
    TRY_VOID(make_mount_points(spec(), bundle_.path, rootfs));
    root_ = TRY(sys::real_path(rootfs));
    request_.set(CriuField::root, root_);
    return {};
}

Result<void> Restoration::make_cgroup() {
    rollback_.on_failure([this] { static_cast<void>(cgroup_->destroy()); });
    TRY_VOID(cgroup_->create());
    if (auto alone = check_not_shared(global_.root, options_.create.id, cgroup_->record());
        !alone) {
        cgroup_->undo_create();
        return alone;
    }
    TRY_VOID(cgroup_->apply(spec().linux.resources));
    if (const std::optional<uid_t> owner = delegate_to(spec())) {
        TRY_VOID(cgroup_->delegate(*owner));
    }
    const auto mounts = TRY(
        plan_outside_mounts(spec(), bundle_.path, *record_.state.rootfs, cgroup_->mount_sources()));
    provide_mounts(request_, spec(), mounts);
    return {};
}

// CRIU puts what the image says of cgroups below these, one per hierarchy: where it is itself.
Result<void> Restoration::add_cgroup_roots(pid_t criu) {
    const std::string text =
        TRY(sys::read_file(AT_FDCWD, "/proc/" + std::to_string(criu) + "/cgroup"));
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (second != std::string_view::npos) {
            request_.add_pair(CriuField::cg_root, line.substr(first + 1, second - first - 1),
                              line.substr(second + 1));
        }
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    }
    return {};
}

Result<void> Restoration::run_runtime_hooks(std::int32_t pid) {
    hooks_ran_ = true;
    const sys::UniqueFd bundle = TRY(sys::open_at(AT_FDCWD, bundle_.path, O_PATH | O_DIRECTORY));
    const HookContext context = {hook_state(record_, oci::ContainerStatus::creating, pid),
                                 bundle.get(),
                                 own_environment(),
                                 interruption_.get(),
                                 {}};
    TRY_VOID(run_hooks(spec().hooks, oci::HookKind::prestart, context));
    return run_hooks(spec().hooks, oci::HookKind::create_runtime, context);
}

// The kept config.json: it also names the time namespace in which CRIU keeps the clocks going
// evenly, so that exec enters that, too.
Result<void> Restoration::keep_config(pid_t pid) {
    struct stat theirs = {};
    struct stat own = {};
    const std::string path = "/proc/" + std::to_string(pid) + "/ns/time";
    const bool is_new = ::stat(path.c_str(), &theirs) == 0 &&
                        ::stat("/proc/self/ns/time", &own) == 0 && theirs.st_ino != own.st_ino;
    if (!is_new || plan_.own(oci::NamespaceType::time)) {
        return directory_->write_config(bundle_.config_json);
    }
    oci::Spec kept = spec();
    kept.linux.namespaces.push_back({oci::NamespaceType::time, std::nullopt});
    return directory_->write_config(oci::write_spec(kept));
}

// The processes are complete and about to go on: what create does before `start` and after it.
Result<void> Restoration::commit(std::int32_t pid) {
    TRY_VOID(cgroup_->settle());
    init_ = TRY(sys::open_pid(pid));
    record_.state.pid = pid;
    record_.state.status = oci::ContainerStatus::created;
    record_.start_time = TRY(start_time_of(pid));
    record_.cgroup = cgroup_->record();
    TRY_VOID(keep_config(pid));
    TRY_VOID(directory_->write_record(record_));
    const CreateOptions& create = options_.create;
    if (!create.pidfd_socket.empty()) {
        TRY_VOID(send_pidfd(create.pidfd_socket, init_->fd.get(), "standard"));
    }
    if (create.pid_file.empty()) {
        return {};
    }
    rollback_.on_failure([this] { ::unlink(options_.create.pid_file.c_str()); });
    return write_pid_file(create.pid_file, pid);
}

Result<void> Restoration::take_notice(CriuNotice notice) {
    if (notice.script == "setup-namespaces") {
        if (plan_.makes(oci::NamespaceType::network)) {
            TRY_VOID(raise_loopback(notice.pid));
        }
        return run_runtime_hooks(notice.pid);
    }
    if (notice.script == "orphan-pts-master" && notice.fd) {
        const bool has_size = spec().process && spec().process->console_size.has_value();
        return console_.take(std::move(notice.fd), has_size);
    }
    return notice.script == "post-restore" ? commit(notice.pid) : Result<void>();
}

Result<RestoredContainer> Restoration::make_processes() {
    rollback_.on_failure([this] { run_poststop(); });
    TRY_VOID(make_cgroup());
    Criu::Setup setup = {.program = global_.criu,
                         .cgroup = TRY(cgroup_->open_entry("")),
                         .root = root_,
                         .streams = Criu::Setup::Streams::callers,
                         .interruption = interruption_.get(),
                         .warn = global_.warn};
    for (const sys::UniqueFd& fd : namespaces_) {
        setup.passed.push_back(fd.get());
    }
    Criu criu = TRY(Criu::start(setup));
    TRY_VOID(set_directories(request_, directories_, criu.pid().number));
    TRY_VOID(remove_odd_outputs(directories_, "restore"));
    TRY_VOID(add_cgroup_roots(criu.pid().number));
    Searchable image;
    if (plan_.own(oci::NamespaceType::user)) {
        image.open_to_others(directories_.image.get());
    }
    auto restored = criu.call(CriuCall::restore, request_,
                              [this](CriuNotice notice) { return take_notice(std::move(notice)); });
    if (!restored) {
        return std::unexpected(with_log(std::move(restored).error(), directories_, kLog));
    }
    if (!init_) {
        return sys::fail(sys::ErrorKind::system, "criu told of no restored process");
    }
    rollback_.commit();
    return RestoredContainer{*std::move(directory_), std::move(record_), *std::move(init_),
                             console_.release_master(), std::move(interruption_)};
}

void Restoration::run_poststop() {
    if (hooks_ran_) {
        const sys::UniqueFd bundle(::open(bundle_.path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        run_poststop_hooks(spec().hooks,
                           {hook_state(record_, oci::ContainerStatus::stopped, 0),
                            bundle.get(),
                            own_environment(),
                            interruption_.get(),
                            {}},
                           global_.warn);
    }
}

}  // namespace

Result<int> restore(const GlobalOptions& global, const RestoreOptions& options) {
    TRY_VOID(check_container_id(options.create.id));
    std::optional<Foreground> foreground;
    if (!options.detach) {
        foreground =
            TRY(Foreground::prepare(options.no_subreaper ? Subreaper::no : Subreaper::yes));
    }
    std::optional<RestoredContainer> container;
    {
        Restoration restoration(global, options);
        TRY_VOID(restoration.read());
        TRY_VOID(restoration.reserve());
        TRY_VOID(restoration.prepare());
        container = TRY(restoration.make_processes());
    }
    const Attended attended = {container->directory,
                               container->record,
                               container->init,
                               container->console_master,
                               container->interruption.get(),
                               options.create.pid_file,
                               global.warn};
    return foreground ? attend(*foreground, attended, AfterEnd::destroy) : 0;
}

}  // namespace libcontainer
