// SPDX-License-Identifier: Apache-2.0
// How the container's process comes into its namespaces.
#include "libcontainer/process/birth.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "libcontainer/process/init_steps.h"
#include "libcontainer/process/namespace_files.h"
#include "libcontainer/process/steps.h"
#include "libcontainer/security/identity.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/mount_api.h"

namespace libcontainer {
namespace {

using oci::NamespaceType;

// Namespaces that the parent enters for its future children only, and leaves again: a pid namespace
// that is joined, and a new time namespace.
class ChildNamespaces {
  public:
    ChildNamespaces() = default;
    ChildNamespaces(const ChildNamespaces&) = delete;
    ChildNamespaces& operator=(const ChildNamespaces&) = delete;
    ~ChildNamespaces() {
        for (const sys::UniqueFd& own : own_) {
            static_cast<void>(::setns(own.get(), 0));
        }
    }

    // A pid namespace by its own descriptor, or of the process behind a pidfd.
    Result<void> join_pid(int descriptor) {
        TRY_VOID(remember("pid"));
        if (::setns(descriptor, CLONE_NEWPID) != 0) {
            return sys::fail_errno("setns(pid)");
        }
        return {};
    }

    Result<void> make_time(const std::map<oci::Clock, oci::TimeOffset>& offsets) {
        if (auto remembered = remember("time"); !remembered) {
            return std::unexpected(
                explain_no_namespace(std::move(remembered).error(), CLONE_NEWTIME));
        }
        const sys::UniqueFd clocks = TRY(open_time_offsets());
        return make_time_namespace(offsets, clocks.get());
    }

  private:
    Result<void> remember(const char* name) {
        own_.push_back(TRY(sys::open_at(AT_FDCWD, std::string("/proc/self/ns/") + name, O_RDONLY)));
        return {};
    }

    std::vector<sys::UniqueFd> own_;
};

[[noreturn]] void become_child(InitContext& context, SyncPair& pair) {
    pair.parent.close();
    context.channel = std::move(pair.child);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    run_init(context);
}

sys::Error explain_no_process(sys::Error error, const InitContext& context, std::uint64_t flags) {
    if (error.code == ENOMEM && context.plan.joined(NamespaceType::pid) != nullptr) {
        error.message += " (has the joined pid namespace ended?)";
    }
    // clone(2): with CLONE_INTO_CGROUP only.
    if (error.code == EOPNOTSUPP || error.code == EBUSY) {
        error.message += " (" + why_no_entry(context.cgroup.directory.get(), error.code) + ")";
        return std::move(error).at("linux.cgroupsPath");
    }
    return explain_no_namespace(std::move(error), flags);
}

Result<void> join_one(InitContext& context, std::size_t i) {
    TRY_VOID(join_namespace(context.plan.joins[i], context.namespaces[i].get()));
    context.namespaces[i].reset();
    return {};
}

// Joins all that it has the right to, then the user namespace, which is the first of plan.joins,
// and what had to wait for that. Not a mount namespace: it would hide the host's /proc, and is of
// use only to the user namespace that owns it.
Result<void> join_around_user(InitContext& context) {
    const std::vector<NamespacePlan::Join>& joins = context.plan.joins;
    const bool user_follows = context.plan.joined(NamespaceType::user) != nullptr;
    for (std::size_t i = 0; i < joins.size(); ++i) {
        if (joins[i].type == NamespaceType::user || joins[i].type == NamespaceType::mount) {
            continue;
        }
        auto joined = join_one(context, i);
        if (!joined && !(user_follows && joined.error().code == EPERM)) {
            return joined;
        }
    }
    for (std::size_t i = 0; i < joins.size(); ++i) {
        if (context.namespaces[i] && joins[i].type != NamespaceType::mount) {
            TRY_VOID(join_one(context, i));
        }
    }
    return {};
}

// exec by an ordinary user: the right to enter the pid namespace comes with the user namespace.
Result<void> join_container(InitContext& context) {
    const int container = context.container_pidfd.get();
    if (::setns(container, CLONE_NEWUSER) != 0) {
        return sys::fail_errno("setns(user)");
    }
    if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) {
        return sys::fail_errno("setresuid(0)");
    }
    TRY_VOID(apply_dumpable(Dumpable::no));  // as below: fs.suid_dumpable
    if (::setns(container, CLONE_NEWPID) != 0) {
        return sys::fail_errno("setns(pid)");
    }
    context.has_joined_user = true;
    return {};
}

Result<void> enter_as_intermediate(InitContext& context) {
    // Here the right to do so is still there; what follows is born in it.
    TRY_VOID(steps::leave_binary_and_state(context));
    TRY_VOID(steps::raise_limits(context));
    TRY_VOID(steps::enter_cgroup(context));
    const bool joins_user = context.plan.joined(NamespaceType::user) != nullptr;
    sys::UniqueFd clocks;
    if (context.role == ProcessRole::init && joins_user && context.plan.new_time_namespace) {
        clocks = TRY(open_time_offsets());
    }
    // Processes of the namespaces to be joined must not look into this one.
    TRY_VOID(apply_dumpable(Dumpable::no));
    if (context.role == ProcessRole::exec) {
        return join_container(context);
    }
    TRY_VOID(join_around_user(context));
    if (!joins_user) {
        return {};
    }
    if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) {
        return std::unexpected(
            sys::last_error("setresuid(0)").wrap("the joined user namespace maps no root"));
    }
    TRY_VOID(apply_dumpable(Dumpable::no));  // which the change of ids resets to fs.suid_dumpable
    return clocks ? make_time_namespace(context.spec->linux.time_offsets, clocks.get())
                  : Result<void>();
}

// Joins what the container's process must be born into, and makes it as a child of the runtime. The
// pid namespace here, too, not in the parent: the pid that clone3 gives is the one in the caller's
// own namespace, and has to be the host's.
[[noreturn]] void become_intermediate(InitContext& context, SyncPair& pair) {
    pair.parent.close();
    const auto done = [&context, &pair]() -> Result<void> {
        if (context.cgroup.attach) {
            TRY(pair.child.expect(SyncType::cgroup));
            context.cgroup = {};  // it is there by now, and who is born here, too
        }
        context.cgroup.directory.reset();  // we are born in it, and the child sees it at no time
        TRY_VOID(enter_as_intermediate(context));
        const std::uint64_t flags =
            context.role == ProcessRole::exec ? 0 : context.plan.clone_flags;
        auto child = sys::clone_process({flags | CLONE_PARENT, -1});
        if (!child) {
            return std::unexpected(explain_no_process(std::move(child).error(), context, flags));
        }
        if (!*child) {
            // The parent has to know the pid before anything else is said.
            const std::optional<SyncMessage> go = TRY(pair.child.receive());
            if (!go) {
                ::_exit(1);
            }
            become_child(context, pair);
        }
        return pair.child.send(SyncType::init_pid, (*child)->number);
    }();
    if (!done) {
        static_cast<void>(pair.child.send_error(done.error()));
    }
    ::_exit(0);
}

}  // namespace

bool has_intermediate(const InitContext& context) {
    if (context.role == ProcessRole::init) {
        return context.plan.needs_intermediate;
    }
    return context.plan.own(NamespaceType::pid) && context.plan.own(NamespaceType::user) &&
           ::geteuid() != 0;
}

namespace {

// The child enters the cgroup of v2 by its file, as those of v1, and is not born in it.
Result<void> enter_by_file(CgroupEntry& cgroup) {
    const int directory = cgroup.directory.get();
    auto file = sys::open_at(directory, "cgroup.procs", O_WRONLY);
    if (!file && file.error().code == EROFS) {  // detach_directory
        TRY_VOID(sys::set_mount_attributes(directory, {.clear = MOUNT_ATTR_RDONLY},
                                           sys::Recursion::this_mount));
        file = sys::open_at(directory, "cgroup.procs", O_WRONLY);
    }
    cgroup.tasks.push_back(TRY(std::move(file)));
    cgroup.directory.reset();
    return {};
}

// A process that is born in a cgroup of v2 counts against its pids.max, one that enters does not:
// it comes in where the limit is 0, or used up by what runs there already (DEC-07).
Result<std::optional<sys::Pid>> clone_into_cgroup(InitContext& context, std::uint64_t flags) {
    auto child = sys::clone_process({flags, context.cgroup.directory.get()});
    if (child || child.error().code != EAGAIN || !context.cgroup.directory) {
        return child;
    }
    TRY_VOID(enter_by_file(context.cgroup));
    return sys::clone_process({flags, -1});
}

// The cgroup's folder as the top of a read-only mount of its own, whose `..` is itself.
Result<sys::UniqueFd> detach_directory(int directory) {
    sys::UniqueFd detached = TRY(sys::clone_mount(directory, "", sys::Recursion::this_mount));
    TRY_VOID(sys::set_mount_attributes(detached.get(), {.set = MOUNT_ATTR_RDONLY},
                                       sys::Recursion::this_mount));
    return detached;
}

// Born in a pid namespace whose processes may look into it: /proc/PID/fd would lead them from the
// folder of its cgroup to the host's root (R-20, T-38; CVE-2024-21626). A file leads nowhere, but
// to enter by one waits for an RCU grace period (5-15 ms, as in steps::enter_cgroup): it is for
// callers who may make no mount.
Result<std::optional<sys::Pid>> clone_among_others(InitContext& context, std::uint64_t flags) {
    CgroupEntry& cgroup = context.cgroup;
    if (cgroup.directory) {
        if (auto detached = detach_directory(cgroup.directory.get())) {
            cgroup.directory = *std::move(detached);
        } else {
            TRY_VOID(enter_by_file(cgroup));
        }
    }
    return clone_into_cgroup(context, flags);
}

}  // namespace

Result<sys::Pid> clone_child(InitContext& context, SyncPair& pair) {
    ChildNamespaces for_children;
    context.by_root = ::geteuid() == 0;
    if (context.role == ProcessRole::exec) {
        const bool by_intermediate = has_intermediate(context);
        // setns with the pid namespace only changes that of children.
        const bool joins_pid = context.plan.own(NamespaceType::pid) && !by_intermediate;
        if (joins_pid) {
            TRY_VOID(for_children.join_pid(context.container_pidfd.get()));
        }
        std::optional<sys::Pid> child =
            TRY(joins_pid ? clone_among_others(context, 0) : clone_into_cgroup(context, 0));
        if (!child) {
            if (by_intermediate) {
                become_intermediate(context, pair);
            }
            become_child(context, pair);
        }
        return *std::move(child);
    }
    const bool direct = !has_intermediate(context);
    for (std::size_t i = 0; direct && i < context.plan.joins.size(); ++i) {
        if (context.plan.joins[i].type == NamespaceType::pid) {
            TRY_VOID(for_children.join_pid(context.namespaces[i].get()));
        }
    }
    if (context.plan.new_time_namespace && !context.plan.own(NamespaceType::user)) {
        TRY_VOID(for_children.make_time(context.spec->linux.time_offsets));
    }
    const std::uint64_t flags = direct ? context.plan.clone_flags : 0;
    const bool is_alone = !direct || context.plan.joined(NamespaceType::pid) == nullptr;
    auto child = is_alone ? clone_into_cgroup(context, flags) : clone_among_others(context, flags);
    if (!child) {
        return std::unexpected(explain_no_process(std::move(child).error(), context, flags));
    }
    if (!*child) {
        if (direct) {
            become_child(context, pair);
        }
        become_intermediate(context, pair);
    }
    return **std::move(child);
}

}  // namespace libcontainer
