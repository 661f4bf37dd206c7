// SPDX-License-Identifier: Apache-2.0
// The verb exec: one more process in a container, by the same steps that made the first.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "libcontainer/bundle.h"
#include "libcontainer/container.h"
#include "libcontainer/foreground.h"
#include "libcontainer/handover.h"
#include "libcontainer/process/inheritance.h"
#include "libcontainer/process/launcher.h"
#include "libcontainer/process/plan_security.h"
#include "libcontainer/process/scheduling.h"
#include "libcontainer/security/seccomp_notify.h"
#include "libcontainer/security/self_protection.h"
#include "libcontainer/state/record_cgroup.h"
#include "libcontainer/status.h"
#include "libcontainer/sys/file.h"
#include "oci/parse.h"
#include "oci/validate.h"

namespace libcontainer {
namespace {

// UID[:GID], digits only and to the last character: no names, no fallback to 0 (R-26,
// CVE-2026-30892).
Result<void> parse_user(const std::string& text, oci::User& user) {
    const char* const end = text.data() + text.size();
    const auto uid = std::from_chars(text.data(), end, user.uid);
    bool good = uid.ec == std::errc() && user.uid != ~0U;
    const char* rest = uid.ptr;
    if (good && rest != end) {
        const auto gid = *rest == ':' ? std::from_chars(rest + 1, end, user.gid)
                                      : std::from_chars_result{rest, std::errc::invalid_argument};
        good = gid.ec == std::errc() && gid.ptr == end && user.gid != ~0U;
    }
    if (!good) {
        return sys::fail(sys::ErrorKind::invalid,
                         "--user \"" + text + "\": expected UID or UID:GID in digits");
    }
    return {};
}

Result<oci::Process> read_process_file(const std::string& path, std::string& json) {
    json = TRY_WRAP("process file", sys::read_file(AT_FDCWD, path, oci::kMaxJsonSize + 1));
    auto process = oci::parse_process(json);
    if (!process) {
        return refuse_document(process.error(), path);
    }
    return *std::move(process);
}

// --cap: added to three sets; to the ambient set only what the container may inherit, and never to
// the inheritable set (R-25, CVE-2022-29162).
void add_capabilities(oci::Capabilities& sets, const std::vector<std::string>& names) {
    const auto add = [](std::vector<std::string>& set, const std::string& name) {
        if (std::ranges::find(set, name) == set.end()) {
            set.push_back(name);
        }
    };
    for (const std::string& name : names) {
        add(sets.bounding, name);
        add(sets.effective, name);
        add(sets.permitted, name);
        if (std::ranges::find(sets.inheritable, name) != sets.inheritable.end()) {
            add(sets.ambient, name);
        }
    }
}

// The container's process with what the command line says (engines 2.4).
Result<oci::Process> process_from_options(const oci::Process& base, const ExecOptions& options) {
    oci::Process process = base;
    process.args = options.args;
    process.terminal = options.tty;
    process.console_size.reset();
    process.env.insert(process.env.end(), options.env.begin(), options.env.end());
    process.cwd = options.cwd.value_or(process.cwd);
    if (options.user) {
        TRY_VOID(parse_user(*options.user, process.user));
    }
    process.user.additional_gids.insert(process.user.additional_gids.end(),
                                        options.additional_gids.begin(),
                                        options.additional_gids.end());
    if (!options.capabilities.empty()) {
        if (!process.capabilities) {
            process.capabilities.emplace();
        }
        add_capabilities(*process.capabilities, options.capabilities);
    }
    process.no_new_privileges = process.no_new_privileges || options.no_new_privs;
    if (options.apparmor) {
        process.apparmor_profile = options.apparmor;
    }
    if (options.process_label) {
        process.selinux_label = options.process_label;
    }
    return process;
}

// What a process file may leave out and the container's configuration then says.
void inherit_from(const oci::Process& base, oci::Process& process) {
    if (!process.capabilities) {
        process.capabilities = base.capabilities;
    }
    if (process.rlimits.empty()) {
        process.rlimits = base.rlimits;
    }
    if (!process.user.umask) {
        process.user.umask = base.user.umask;
    }
    if (!process.oom_score_adj) {
        process.oom_score_adj = base.oom_score_adj;
    }
    if (process.apparmor_profile.value_or("").empty()) {
        process.apparmor_profile = base.apparmor_profile;
    }
    if (process.selinux_label.value_or("").empty()) {
        process.selinux_label = base.selinux_label;
    }
    if (!process.scheduler) {
        process.scheduler = base.scheduler;
    }
    if (!process.io_priority) {
        process.io_priority = base.io_priority;
    }
    if (!process.exec_cpu_affinity) {
        process.exec_cpu_affinity = base.exec_cpu_affinity;
    }
}

// All mistakes of a process file with their places, as for config.json.
std::unexpected<sys::Error> refuse_process(std::vector<oci::Problem> problems, sys::ErrorKind kind,
                                           const std::string& file, const std::string& json) {
    if (file.empty()) {
        return std::unexpected(
            sys::Error{kind, 0, "process." + problems.front().path, problems.front().message});
    }
    oci::add_positions(problems, json);
    for (oci::Problem& problem : problems) {
        problem.path.insert(0, "process.");
    }
    auto refused = refuse_document(problems, file);
    refused.error().kind = kind;
    return refused;
}

Result<oci::Process> plan_exec_process(const oci::Spec& spec, const ExecOptions& options) {
    const oci::Process base = spec.process.value_or(oci::Process());
    std::string json;
    oci::Process process = options.process_file.empty()
                               ? TRY(process_from_options(base, options))
                               : TRY(read_process_file(options.process_file, json));
    inherit_from(base, process);
    auto problems = oci::validate(process);
    auto kind = sys::ErrorKind::invalid;
    if (problems.empty()) {
        problems = oci::unsupported(process);
        kind = sys::ErrorKind::unsupported;
    }
    if (!problems.empty()) {
        return refuse_process(std::move(problems), kind, options.process_file, json);
    }
    return process;
}

std::unexpected<sys::Error> in_stopped_container() {
    return sys::fail(sys::ErrorKind::wrong_state, "cannot exec in a stopped container");
}

// Why the process could not be made. Of a container that ends meanwhile the kernel says all kinds
// of things: its namespaces are gone (ESRCH, ENOMEM), its init has taken the child along, and only
// after that does the pidfd tell of init's end.
std::unexpected<sys::Error> explain_failure(int container, sys::Error error) {
    constexpr int kLastMoments = 100;  // milliseconds
    constexpr std::array kSigns = {0, ESRCH, ENOMEM, EPIPE, ECONNRESET};
    const bool is_likely = error.kind == sys::ErrorKind::system &&
                           std::ranges::find(kSigns, error.code) != kSigns.end();
    pollfd ended = {container, POLLIN, 0};  // -1: not looked at yet
    if (::poll(&ended, 1, is_likely ? kLastMoments : 0) == 1) {
        return in_stopped_container();
    }
    return std::unexpected(std::move(error));
}

// The container's status, if a process may join it.
Result<oci::ContainerStatus> check_status(const FoundContainer& found, const ExecOptions& options) {
    const oci::ContainerStatus status = TRY(current_status(found.directory, found.record));
    switch (status) {
        case oci::ContainerStatus::stopped:
            return in_stopped_container();
        case oci::ContainerStatus::creating:
            return sys::fail(sys::ErrorKind::wrong_state,
                             "cannot exec in a container that is being created");
        case oci::ContainerStatus::paused:
            if (!options.ignore_paused) {
                return sys::fail(
                    sys::ErrorKind::wrong_state,
                    "cannot exec in a paused container (use --ignore-paused to override)");
            }
            break;
        case oci::ContainerStatus::created:
        case oci::ContainerStatus::running:
            break;
    }
    return status;
}

Result<void> fill_context(InitContext& context, const FoundContainer& found,
                          const ExecOptions& options, const Warn& warn) {
    context.role = ProcessRole::exec;
    context.plan = plan_namespaces(context.spec->linux);
    std::optional<sys::Pid> init = TRY(open_init(found.record));
    if (!init) {
        return in_stopped_container();
    }
    if (!context.plan.own(oci::NamespaceType::mount)) {
        context.container_root = TRY(sys::open_at(
            AT_FDCWD, "/proc/" + std::to_string(init->number) + "/root", O_PATH | O_DIRECTORY));
        // The number may be another's by now: what setns would notice, a root alone does not.
        pollfd ended = {init->fd.get(), POLLIN, 0};
        if (::poll(&ended, 1, 0) != 0) {
            return in_stopped_container();
        }
    }
    context.container_pidfd = std::move(init->fd);
    const std::unique_ptr<CgroupManager> cgroup = TRY(open_cgroup(found.directory, found.record));
    const std::vector<SubCgroup> below = TRY(parse_sub_cgroups(options.cgroups));
    const bool has_controllers = !below.empty() && !below.front().controller.empty();
    context.cgroup =
        TRY(has_controllers ? cgroup->open_entries(below)
                            : cgroup->open_entry(below.empty() ? "" : below.front().path));
    TRY_VOID(plan_security(context, warn));
    context.new_keyring = !found.record.no_new_keyring;
    context.env = socket_environment(false);
    return {};
}

// What they refer to has to outlive the launch.
LaunchHandlers plan_handlers(const oci::Process& process, const ExecOptions& options,
                             const std::optional<ResctrlRecord>& resctrl, ConsoleTarget& console) {
    LaunchHandlers handlers;
    handlers.take_console = [&](sys::UniqueFd master) {
        return console.take(std::move(master), process.console_size.has_value());
    };
    handlers.on_ready = [&](const sys::Pid& pid) -> Result<void> {
        if (::geteuid() == 0) {
            TRY_VOID(write_oom_score_adj(std::to_string(pid.number), &process));
        }
        if (resctrl) {
            TRY_VOID(resctrl::join_again(*resctrl, pid.number));
        }
        return options.pidfd_socket.empty()
                   ? Result<void>()
                   : send_pidfd(options.pidfd_socket, pid.fd.get(), "setns");
    };
    return handlers;
}

// Without its program the process has ended, or is ended here.
Result<void> await_program(const Launched& launched, const oci::Spec& spec,
                           const oci::State& state) {
    const auto hand_to_supervisor = [&](sys::UniqueFd listener) {
        return send_seccomp_listener(*spec.linux.seccomp, state, launched.pid.number, listener);
    };
    auto running = await_exec(launched, -1, hand_to_supervisor);
    if (!running) {
        // It may well be under way: what failed can be our hearing of it.
        static_cast<void>(sys::send_signal(launched.pid, SIGKILL));
        static_cast<void>(sys::wait_for(launched.pid));
    }
    return running;
}

// Only once the program runs: conmon takes the file's presence for success (engines trap 7).
Result<void> tell_pid(const sys::Pid& pid, const std::string& file) {
    if (file.empty()) {
        return {};
    }
    auto written = write_pid_file(file, pid.number);
    if (!written) {
        static_cast<void>(sys::send_signal(pid, SIGKILL));
        static_cast<void>(sys::wait_for(pid));
    }
    return written;
}

}  // namespace

Result<int> exec(const GlobalOptions& global, const ExecOptions& options) {
    InitContext context;
    context.preserved = take_inherited_descriptors(options.preserve_fds);
    context.binary_mount = TRY(protect_binary());  // may begin anew from main

    std::optional<FoundContainer> found = TRY(find_container(global.root, options.id));
    const oci::ContainerStatus status = TRY(check_status(*found, options));
    const oci::Spec spec = TRY(read_kept_spec(found->directory, found->record));
    const oci::Process process = TRY(plan_exec_process(spec, options));
    context.spec = &spec;
    context.process = &process;
    ConsoleTarget console =
        TRY(ConsoleTarget::connect(process.terminal, options.console_socket,
                                   options.detach ? Attachment::detached : Attachment::foreground));
    if (auto filled = fill_context(context, *found, options, global.warn); !filled) {
        return explain_failure(context.container_pidfd.get(), std::move(filled).error());
    }
    const oci::State state = hook_state(found->record, status, found->record.state.pid.value_or(0));
    // The child is seen in the container from its birth on; whoever may trace it there must find no
    // folder of the host.
    const std::optional<ResctrlRecord> resctrl = std::move(found->record.resctrl);
    found.reset();

    std::optional<Foreground> foreground;
    if (!options.detach) {
        foreground = TRY(Foreground::prepare(Subreaper::no));
    }
    TRY_VOID(apply_initial_affinity(process));
    auto made = launch(context, plan_handlers(process, options, resctrl, console));
    if (!made) {
        return explain_failure(context.container_pidfd.get(), std::move(made).error());
    }
    const Launched launched = *std::move(made);
    context.binary_mount.reset();
    context.cgroup.directory.reset();  // a mount, too
    if (auto running = await_program(launched, spec, state); !running) {
        return explain_failure(context.container_pidfd.get(), std::move(running).error());
    }
    TRY_VOID(tell_pid(launched.pid, options.pid_file));
    if (!foreground) {
        return 0;
    }
    return sys::exit_status(TRY(foreground->stay_with(launched.pid, console.release_master())));
}

}  // namespace libcontainer
