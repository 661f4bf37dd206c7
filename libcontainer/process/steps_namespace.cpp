// SPDX-License-Identifier: Apache-2.0
// Steps that give the process its cgroup, namespaces and kernel settings, before it has a root of
// its own.
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "libcontainer/process/inheritance.h"
#include "libcontainer/process/namespace_files.h"
#include "libcontainer/process/rlimits.h"
#include "libcontainer/process/scheduling.h"
#include "libcontainer/process/steps.h"
#include "libcontainer/process/sysctl.h"
#include "libcontainer/security/identity.h"
#include "libcontainer/security/keyring.h"
#include "libcontainer/security/thread_attribute.h"
#include "libcontainer/sys/file.h"

namespace libcontainer::steps {
namespace {

using oci::NamespaceType;

// An unshare of it is for children only; a single thread may enter it then.
Result<void> enter_new_time_namespace(const InitContext& context) {
    const sys::UniqueFd clocks = TRY(open_time_offsets());
    TRY_VOID(make_time_namespace(context.spec->linux.time_offsets, clocks.get()));
    constexpr const char* kNew = "/proc/self/ns/time_for_children";
    const sys::UniqueFd made = TRY(sys::open_at(AT_FDCWD, kNew, O_RDONLY));
    return ::setns(made.get(), CLONE_NEWTIME) == 0 ? Result<void>()
                                                   : sys::fail_errno("setns(time)");
}

// Root of the user namespace, so that what the set-up makes belongs to the container's root.
Result<void> become_root() {
    if (::setresgid(0, 0, 0) != 0) {
        return sys::fail_errno("setresgid(0)");
    }
    if (::setresuid(0, 0, 0) != 0) {
        return sys::fail_errno("setresuid(0)");
    }
    // The change of ids has cleared the one, and with fs.suid_dumpable has set the other
    // (prctl(2)).
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    return apply_dumpable(Dumpable::no);
}

}  // namespace

Result<void> leave_binary_and_state(InitContext& context) {
    context.binary_mount.reset();
    for (const int fd : context.state_descriptors) {
        ::close(fd);
    }
    context.state_descriptors.clear();
    return {};
}

Result<void> leave_runtime_descriptors(InitContext& context) {
    std::vector<int> kept = context.preserved;
    kept.push_back(context.channel.fd());
    kept.push_back(context.container_pidfd.get());
    kept.push_back(context.container_root.get());
    for (const sys::UniqueFd& tasks : context.cgroup.tasks) {
        kept.push_back(tasks.get());
    }
    return close_all_but(std::move(kept));
}

Result<void> raise_limits(InitContext& context) {
    if (!context.by_root && !std::exchange(context.has_oom_score, true)) {
        TRY_VOID(write_oom_score_adj("self", context.process));
    }
    const bool by_parent =  // of a process born in a new user namespace, see launcher.cpp
        context.role == ProcessRole::init && context.plan.makes(NamespaceType::user);
    if (context.process == nullptr || by_parent) {
        return {};
    }
    return raise_hard_limits(0, context.process->rlimits);
}

Result<void> make_network_namespace(InitContext& context) {
    if (context.plan.unshare_first != 0 &&
        ::unshare(static_cast<int>(context.plan.unshare_first)) != 0) {
        return std::unexpected(
            explain_no_namespace(sys::last_error("unshare"), context.plan.unshare_first));
    }
    return {};
}

// Each v1 hierarchy: "0" is the writer itself; being single-threaded it takes no thread-group lock,
// while writing another's pid waits for an RCU grace period, 5-15 ms (Linux 5.5,
// kernel/cgroup/cgroup.c).
Result<void> enter_cgroup(InitContext& context) {
    if (context.cgroup_follows || context.cgroup.attach) {
        context.cgroup.tasks = TRY(context.channel.expect(SyncType::cgroup)).fds;
    }
    for (const sys::UniqueFd& tasks : context.cgroup.tasks) {
        if (::write(tasks.get(), "0", 1) != 1) {
            return sys::fail_errno("enter cgroup: write(\"tasks\")");
        }
    }
    context.cgroup = {};
    return {};
}

Result<void> set_affinity(InitContext& context) {
    if (context.role == ProcessRole::exec) {
        return apply_final_affinity(*context.process);
    }
    reset_affinity();
    return {};
}

Result<void> open_label_files(InitContext& context) {
    if (!context.has_apparmor_profile && !context.has_selinux_label) {
        return {};
    }
    const sys::UniqueFd proc = TRY(open_host_proc());
    if (context.has_apparmor_profile) {
        context.apparmor = TRY(open_apparmor(proc.get()));
    }
    if (context.has_selinux_label) {
        context.selinux = TRY(open_selinux(proc.get()));
    }
    return {};
}

Result<void> join_namespaces(InitContext& context) {
    // Before the first namespace of the container is entered: no /proc/PID/{exe,fd,mem} for its
    // processes.
    TRY_VOID(apply_dumpable(Dumpable::no));
    if (context.role == ProcessRole::exec) {
        std::uint64_t flags = 0;
        for (const oci::Namespace& wanted : context.spec->linux.namespaces) {
            const bool is_joined = wanted.type == NamespaceType::pid ||
                                   (wanted.type == NamespaceType::user && context.has_joined_user);
            flags |= is_joined ? 0 : clone_flag(wanted.type);
        }
        if (flags != 0 && ::setns(context.container_pidfd.get(), static_cast<int>(flags)) != 0) {
            return sys::fail_errno("setns");
        }
        context.container_pidfd.reset();
        return context.plan.own(NamespaceType::user) ? become_root() : Result<void>();
    }
    for (std::size_t i = 0; i < context.namespaces.size(); ++i) {
        // The parent has set the pid namespace for its children; an intermediate process has joined
        // most of them.
        if (context.plan.joins[i].type != NamespaceType::pid && context.namespaces[i]) {
            TRY_VOID(join_namespace(context.plan.joins[i], context.namespaces[i].get()));
        }
    }
    context.namespaces.clear();
    return {};
}

Result<void> map_ids(InitContext& context) {
    if (!context.plan.makes(NamespaceType::user)) {
        return {};
    }
    // The files in /proc of a process that is not dumpable are root's. In the rootless case nobody
    // but the runtime's own user gains by the exception, and that one owns the namespace.
    if (!context.by_root) {
        TRY_VOID(apply_dumpable(Dumpable::yes));
    }
    TRY_VOID(context.channel.request(SyncType::map_ids));
    if (context.plan.new_time_namespace) {
        TRY_VOID(enter_new_time_namespace(context));
    }
    if (!context.by_root) {
        TRY_VOID(apply_dumpable(Dumpable::no));
    }
    return become_root();
}

Result<void> unshare_cgroup_namespace(InitContext& context) {
    if (context.plan.unshare_in_cgroup != 0 &&
        ::unshare(static_cast<int>(context.plan.unshare_in_cgroup)) != 0) {
        return std::unexpected(
            explain_no_namespace(sys::last_error("unshare"), context.plan.unshare_in_cgroup));
    }
    return {};
}

Result<void> start_session(InitContext& /*context*/) {
    if (::setsid() < 0) {
        return sys::fail_errno("setsid");
    }
    return {};
}

Result<void> join_keyring(InitContext& context) {
    // Closed here, before leave_setup_descriptors does it behind its back.
    const sys::UniqueFd keycreate = std::move(context.selinux.keycreate);
    if (!context.new_keyring) {
        return {};
    }
    if (!keycreate) {
        return apply_session_keyring();
    }
    TRY_VOID(apply_selinux_to_keys(keycreate.get(), *context.process->selinux_label));
    TRY_VOID(apply_session_keyring());
    return apply_selinux_to_keys(keycreate.get(), "");
}

Result<void> raise_loopback(InitContext& context) {
    if (!context.plan.makes(NamespaceType::network)) {
        return {};
    }
    const sys::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request = {};
    std::strncpy(request.ifr_name, "lo", sizeof request.ifr_name - 1);
    if (!socket || ::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) {
        return sys::fail_errno("ioctl(SIOCGIFFLAGS, \"lo\")");
    }
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) {
        return sys::fail_errno("ioctl(SIOCSIFFLAGS, \"lo\")");
    }
    return {};
}

// A namespace that is joined the parent has itself. A new one by descriptor, which the parent of a
// process that is not dumpable could not open without CAP_SYS_PTRACE; and not by /proc, which may
// be that of a mount namespace that others rule.
Result<void> move_network_devices(InitContext& context) {
    if (context.spec->linux.net_devices.empty()) {
        return {};
    }
    if (context.plan.joined(NamespaceType::network) != nullptr) {
        return context.channel.request(SyncType::move_devices);
    }
    const sys::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const sys::UniqueFd network(::ioctl(socket.get(), SIOCGSKNS));
    if (!network) {
        return sys::fail_errno("ioctl(SIOCGSKNS)");
    }
    const int fd = network.get();
    return context.channel.request(SyncType::move_devices, {&fd, 1});
}

Result<void> set_hostname(InitContext& context) {
    const auto& hostname = context.spec->hostname;
    if (hostname && ::sethostname(hostname->data(), hostname->size()) != 0) {
        return sys::fail_errno(sys::call("sethostname", *hostname));
    }
    return {};
}

Result<void> set_domainname(InitContext& context) {
    const auto& domainname = context.spec->domainname;
    if (domainname && ::setdomainname(domainname->data(), domainname->size()) != 0) {
        return sys::fail_errno(sys::call("setdomainname", *domainname));
    }
    return {};
}

Result<void> set_sysctls(InitContext& context) {
    return apply_sysctls(context.spec->linux.sysctl);
}

}  // namespace libcontainer::steps
