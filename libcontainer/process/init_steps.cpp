// SPDX-License-Identifier: Apache-2.0
// The list, and its runner.
#include "libcontainer/process/init_steps.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "libcontainer/process/program.h"
#include "libcontainer/process/steps.h"

namespace libcontainer {
namespace {

using enum StepScope;

// The order is the security of the thing. A row's comment says why it stands where it stands;
// tests/unit/process pins the orders that must not change.
constexpr auto kInitSteps = std::to_array<InitStep>({
    // The mount that brig's own code is mapped from must not be reachable in the container
    // (CVE-2019-5736).
    {"leave binary and state", "", both, steps::leave_binary_and_state},
    // The state folder's descriptor above all: nothing of the host may be open once the container
    // can look (CVE-2016-9962).
    {"leave runtime's descriptors", "", exec, steps::leave_runtime_descriptors},
    // While the runtime's rights over its own limits are still there.
    {"raise limits", "process.rlimits", both, steps::raise_limits},
    // Takes as long as the parent needs for the cgroup, which it makes meanwhile.
    {"make network namespace", "linux.namespaces", init, steps::make_network_namespace},
    // Before anything that costs memory or time, so that all of it is accounted and limited.
    {"enter cgroup", "linux.cgroupsPath", both, steps::enter_cgroup},
    // After the cgroup, whose cpuset changes what the process had before (P-18).
    {"set cpu affinity", "process.execCPUAffinity", both, steps::set_affinity},
    // While /proc is the host's (CVE-2019-16884, CVE-2025-52881).
    {"open label files", "", both, steps::open_label_files},
    {"join namespaces", "linux.namespaces", both, steps::join_namespaces},
    // Before all that needs an identity in the new user namespace.
    {"map ids", "linux.uidMappings", init, steps::map_ids},
    // After the cgroup was entered: it becomes the namespace's root.
    {"unshare cgroup namespace", "linux.namespaces", init, steps::unshare_cgroup_namespace},
    // A session of its own also for a process without terminal: engines signal process groups
    // (engines trap 11).
    {"start session", "", both, steps::start_session},
    {"join keyring", "", both, steps::join_keyring},
    {"raise loopback", "linux.namespaces", init, steps::raise_loopback},
    // Before sysctls, which may be about these devices, and before hooks, which may configure them.
    {"move network devices", "linux.netDevices", init, steps::move_network_devices},
    {"set hostname", "hostname", init, steps::set_hostname},
    {"set domainname", "domainname", init, steps::set_domainname},
    // Before mounts: inside a user namespace the kernel gives a fresh procfs only while the host's
    // is still visible.
    {"set sysctls", "linux.sysctl", init, steps::set_sysctls},
    // Devices and mount points get the modes that were asked for, not the engine's idea
    // (engines 3.5).
    {"clear umask", "", init, steps::clear_umask},
    {"attach root", "root.path", init, steps::attach_root},
    {"mount filesystems", "mounts", init, steps::mount_filesystems},
    {"make devices", "linux.devices", init, steps::make_device_nodes},
    // Hooks before pivot_root, in the order that the lifecycle demands (H-01, H-02, H-03).
    {"run runtime hooks", "hooks", init, steps::run_runtime_hooks},
    {"run createContainer hooks", "hooks.createContainer", init, steps::run_create_container_hooks},
    {"enter root", "root.path", exec, steps::enter_root},
    // Before masks and readonly paths, and by descriptors only: the peer is never looked up by name
    // (CVE-2025-52565).
    {"open terminal", "process.terminal", both, steps::open_terminal},
    // While the host's /proc is there to open it by descriptor.
    {"use the container's /dev/null", "", init, steps::use_container_null},
    {"switch root", "root.path", init, steps::switch_to_root},
    {"make working directory", "process.cwd", init, steps::make_working_directory},
    {"make paths read-only", "linux.readonlyPaths", init, steps::make_paths_readonly},
    {"mask paths", "linux.maskedPaths", init, steps::mask_paths},
    // After everything that has to write to the root, createContainer hooks included.
    {"make root read-only", "root.readonly", init, steps::make_root_readonly},
    {"set root propagation", "linux.rootfsPropagation", init, steps::set_root_propagation},
    // The root is complete: what the set-up needed of the host is closed before the container's
    // user takes over.
    {"leave set-up descriptors", "", init, steps::leave_setup_descriptors},
    {"own stdio", "process.user", both, steps::own_stdio},
    {"set umask", "process.user.umask", both, steps::set_umask},
    // Labels at create, so that one which is not known is an error of create. Later forks have
    // them, too: so after createContainer hooks, which are the host's; startContainer hooks, whose
    // programs are the container's, are confined by them. The profile with all rights: of an
    // unprivileged process the kernel may only stack it (Linux 6.7).
    {"set AppArmor profile", "process.apparmorProfile", both, steps::set_apparmor_profile},
    // Needs CAP_SETPCAP, which the user may not keep.
    {"drop bounding set", "process.capabilities.bounding", both, steps::drop_bounding_set},
    // Once with all rights and once, if that failed, with the user's: root may be squashed on a
    // network filesystem, and a directory may be open to its owner only.
    {"enter working directory", "process.cwd", both, steps::enter_working_directory},
    {"set user", "process.user", both, steps::set_user},
    {"set capabilities", "process.capabilities", both, steps::set_capabilities},
    {"check working directory", "process.cwd", both, steps::check_working_directory},
    // Late, so that the set-up's own memory is not meant, but at create, so that a node which is
    // not there is an error of create; and before a filter that may forbid both calls.
    {"set memory policy", "linux.memoryPolicy", both, steps::set_memory_policy},
    {"set personality", "linux.personality", both, steps::set_personality},
    {"add environment", "process.env", both, steps::add_environment},
    // At create and with the user's identity, so that a wrong program is an error of create
    // (engines trap 45).
    {"look up program", "process.args", both, steps::look_up_program},
    {"set SELinux label", "process.selinuxLabel", both, steps::set_selinux_label},
    {"report ready", "", both, steps::report_ready},
    {"wait for start", "", init, steps::wait_for_start},
    {"run startContainer hooks", "hooks.startContainer", init, steps::run_start_container_hooks},
    // After the last step that opens a file.
    {"set rlimits", "process.rlimits", both, steps::set_rlimits},
    // Really closed, not only marked, and before a filter can forbid close_range (CVE-2024-21626).
    {"close descriptors", "", both, steps::close_the_rest},
    // Without no_new_privs a filter needs CAP_SYS_ADMIN, which is kept until here and given up
    // right after.
    {"load seccomp filter", "linux.seccomp", both, steps::load_filter_with_privilege},
    {"drop filter privilege", "process.capabilities", both, steps::drop_filter_privilege},
    {"set no_new_privs", "process.noNewPrivileges", both, steps::set_no_new_privileges},
    // With no_new_privs it is the very last thing, so the profile has to allow no more than execve.
    {"load seccomp filter last", "linux.seccomp", both, steps::load_filter_last},
});

[[nodiscard]] bool applies(StepScope scope, ProcessRole role) {
    return scope == both || (scope == init) == (role == ProcessRole::init);
}

[[noreturn]] void give_up(InitContext& context, const sys::Error& error) {
    const sys::UnusedArguments pass = context.seccomp
                                          ? context.seccomp->pass.value_or(sys::UnusedArguments{})
                                          : sys::UnusedArguments{};
    const int status =
        error.kind == sys::ErrorKind::exec_failed && error.code != ENOENT ? 126 : 127;
    context.last_word.leave(error.code);
    static_cast<void>(context.channel.send_error(error, pass));
    ::syscall(SYS_exit_group, status, 0, 0, pass[0], pass[1], pass[2]);
    ::_exit(status);
}

}  // namespace

std::span<const InitStep> init_steps() {
    return kInitSteps;
}

void run_init(InitContext& context) noexcept {
    for (const InitStep& step : kInitSteps) {
        if (!applies(step.scope, context.role)) {
            continue;
        }
        if (auto done = step.run(context); !done) {
            sys::Error error = std::move(done).error();
            give_up(context, step.config_path.empty() ? std::move(error).wrap(step.name)
                                                      : std::move(error).at(step.config_path));
        }
    }
    ::execve(context.program.c_str(), context.argv.data(), context.envp.data());
    const int code = errno;
    context.last_word.leave(code);  // what follows may be the process' end under its filter
    give_up(context, explain_exec_failure(context.program, code));
}

}  // namespace libcontainer
