// SPDX-License-Identifier: Apache-2.0
// Steps that give the process its root, terminal and working directory.
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "libcontainer/process/inheritance.h"
#include "libcontainer/process/steps.h"
#include "libcontainer/sys/open_in_root.h"

namespace libcontainer::steps {
namespace {

[[nodiscard]] bool own_mounts(const InitContext& context) {
    return context.plan.own(oci::NamespaceType::mount);
}

}  // namespace

Result<void> clear_umask(InitContext& context) {
    context.hooks.umask = ::umask(0);  // createContainer hooks have the caller's
    return {};
}

Result<void> attach_root(InitContext& context) {
    return libcontainer::attach_root(context.rootfs);
}

Result<void> mount_filesystems(InitContext& context) {
    return apply_mounts(context.rootfs);
}

Result<void> make_device_nodes(InitContext& context) {
    return make_devices(context.rootfs);
}

Result<void> run_runtime_hooks(InitContext& context) {
    const oci::Hooks& hooks = context.spec->hooks;
    // The parent also has to know that createContainer hooks come: from here on poststop hooks are
    // due when something fails (LC-05), and not before (LC-02).
    if (hooks.prestart.empty() && hooks.create_runtime.empty() && hooks.create_container.empty()) {
        return {};
    }
    return context.channel.request(SyncType::run_hooks);
}

// In the container's namespaces, but the path still resolves in the runtime's: the root is not
// switched yet (H-03).
Result<void> run_create_container_hooks(InitContext& context) {
    if (context.spec->hooks.create_container.empty()) {
        return {};
    }
    context.hooks.state.status = oci::ContainerStatus::creating;
    context.hooks.state.pid = ::getpid();
    context.hooks.directory = context.rootfs.root.get();
    return run_hooks(context.spec->hooks, oci::HookKind::create_container, context.hooks);
}

Result<void> enter_root(InitContext& context) {
    if (!context.container_root) {
        return {};  // setns into the mount namespace has made its root ours
    }
    if (::fchdir(context.container_root.get()) != 0 || ::chroot(".") != 0) {
        return sys::fail_errno("chroot");
    }
    context.container_root.reset();
    return {};
}

Result<void> open_terminal(InitContext& context) {
    if (context.process == nullptr || !context.process->terminal) {
        return {};
    }
    Console console;
    if (context.role == ProcessRole::init) {
        console =
            TRY(open_console(context.rootfs, context.process->console_size, BindConsole::yes));
    } else {
        const sys::UniqueFd root(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!root) {
            return sys::fail_errno(sys::call("open", "/"));
        }
        console = TRY(open_console(root.get(), context.process->console_size));
    }
    // Once: the engine's socket is closed after the first message (engines trap 13).
    const int master = console.master.get();
    TRY_VOID(context.channel.send(SyncType::console, 0, std::span<const int>(&master, 1)));
    if (::ioctl(console.peer.get(), TIOCSCTTY, 0) != 0) {
        return sys::fail_errno("ioctl(TIOCSCTTY)");
    }
    for (int fd = 0; fd < 3; ++fd) {
        if (::dup2(console.peer.get(), fd) < 0) {
            return sys::fail_errno("dup2");
        }
    }
    return {};
}

Result<void> switch_to_root(InitContext& context) {
    return switch_root(context.rootfs,
                       own_mounts(context) ? context.root_switch : RootSwitch::chroot_only);
}

Result<void> use_container_null(InitContext& context) {
    return context.process == nullptr || context.process->terminal
               ? Result<void>()
               : reopen_dev_null(context.rootfs.root.get());
}

// Only for init, as both peers do; for exec a missing directory is an error (engines trap 47).
Result<void> make_working_directory(InitContext& context) {
    if (context.process == nullptr || context.process->cwd == "/") {
        return {};
    }
    const auto made = sys::make_directory_in_root(context.rootfs.root.get(),
                                                  sys::ContainerPath(context.process->cwd));
    // On a read-only filesystem, or with a network filesystem's root squashed: chdir will say what
    // is wrong.
    if (!made && made.error().code != EROFS && made.error().code != EACCES) {
        return std::unexpected(made.error());
    }
    return {};
}

Result<void> make_paths_readonly(InitContext& context) {
    return apply_readonly_paths(context.rootfs);
}

Result<void> mask_paths(InitContext& context) {
    return apply_masked_paths(context.rootfs);
}

Result<void> make_root_readonly(InitContext& context) {
    return apply_root_readonly(context.rootfs);
}

Result<void> set_root_propagation(InitContext& context) {
    return own_mounts(context) ? apply_root_propagation(context.rootfs) : Result<void>();
}

}  // namespace libcontainer::steps
