// SPDX-License-Identifier: Apache-2.0
// Steps that turn the privileged set-up into the user's process: ids, capabilities, working
// directory.
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/personality.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "libcontainer/process/inheritance.h"
#include "libcontainer/process/memory_policy.h"
#include "libcontainer/process/steps.h"
#include "libcontainer/security/identity.h"

namespace libcontainer::steps {
namespace {

// without no_new_privs the kernel loads a filter only with CAP_SYS_ADMIN.
[[nodiscard]] bool needs_filter_privilege(const InitContext& context) {
    return context.seccomp && !context.process->no_new_privileges;
}

Result<void> change_directory(const InitContext& context) {
    if (::chdir(context.process->cwd.c_str()) != 0) {
        const int code = errno;
        return sys::fail_code(
            "chdir to cwd (\"" + context.process->cwd + "\") set in config.json failed", code);
    }
    return {};
}

}  // namespace

Result<void> leave_setup_descriptors(InitContext& context) {
    std::vector<int> kept = context.preserved;
    kept.push_back(context.channel.fd());
    kept.push_back(context.start_socket.get());
    kept.push_back(context.apparmor.file.get());
    kept.push_back(context.selinux.exec.get());
    if (has_start_hooks(context) && context.hooks.files) {
        kept.push_back(context.hooks.files->standard_output.get());
        kept.push_back(context.hooks.files->standard_error.get());
    }
    return close_all_but(std::move(kept));
}

Result<void> own_stdio(InitContext& context) {
    if (context.process != nullptr) {
        apply_stdio_owner(context.process->user.uid,
                          context.process->terminal ? Terminal::own : Terminal::of_caller);
    }
    return {};
}

Result<void> set_umask(InitContext& context) {
    return context.process != nullptr ? apply_umask(context.process->user.umask) : Result<void>();
}

Result<void> drop_bounding_set(InitContext& context) {
    return context.process != nullptr ? apply_bounding_set(context.capabilities) : Result<void>();
}

Result<void> enter_working_directory(InitContext& context) {
    if (context.process == nullptr) {
        return {};
    }
    auto done = change_directory(context);
    if (!done && done.error().code == EACCES) {
        return {};  // tried again as the user, in check_working_directory
    }
    return done;
}

Result<void> set_user(InitContext& context) {
    if (context.process == nullptr) {
        return {};
    }
    if (!context.keep_groups) {
        TRY_VOID(apply_groups(context.process->user));
    }
    TRY_VOID(apply_ids(context.process->user));
    return apply_dumpable(Dumpable::no);  // the change of ids has reset it
}

Result<void> set_capabilities(InitContext& context) {
    if (context.process == nullptr) {
        return {};
    }
    CapabilitySets sets = context.capabilities;
    if (needs_filter_privilege(context)) {
        sets.permitted |= 1ULL << CAP_SYS_ADMIN;
        sets.effective |= 1ULL << CAP_SYS_ADMIN;
    }
    return apply_capability_sets(sets);
}

// The kernel answers `(unreachable)/...` for a directory outside the root, of a leaked descriptor
// for example, and glibc turns that into ENOENT (R-24, CVE-2024-21626).
Result<void> check_working_directory(InitContext& context) {
    if (context.process == nullptr) {
        return {};
    }
    std::string path(8192, '\0');
    if (::getcwd(path.data(), path.size()) == nullptr || path.front() != '/') {
        return sys::fail(sys::ErrorKind::invalid,
                         "current working directory is outside of the container's root");
    }
    // A first chdir that was refused has left the process in "/".
    if (context.process->cwd != "/" && path.c_str() == std::string_view("/")) {
        TRY_VOID(change_directory(context));
        if (::getcwd(path.data(), path.size()) == nullptr || path.front() != '/') {
            return sys::fail(sys::ErrorKind::invalid,
                             "current working directory is outside of the container's root");
        }
    }
    return {};
}

Result<void> set_memory_policy(InitContext& context) {
    const auto& policy = context.spec->linux.memory_policy;
    return policy ? apply_memory_policy(*policy) : Result<void>();
}

Result<void> set_personality(InitContext& context) {
    const auto& wanted = context.spec->linux.personality;
    if (wanted && ::personality(std::to_underlying(wanted->domain)) < 0) {
        return sys::fail_errno(sys::call("personality", oci::to_name(wanted->domain)));
    }
    return {};
}

Result<void> set_apparmor_profile(InitContext& context) {
    if (!context.has_apparmor_profile) {
        return {};
    }
    TRY_VOID(apply_apparmor(context.apparmor, *context.process->apparmor_profile));
    context.apparmor = {};
    return {};
}

Result<void> set_selinux_label(InitContext& context) {
    if (!context.has_selinux_label) {
        return {};
    }
    TRY_VOID(apply_selinux(context.selinux.exec.get(), *context.process->selinux_label));
    context.selinux = {};
    return {};
}

Result<void> set_no_new_privileges(InitContext& context) {
    return context.process != nullptr && context.process->no_new_privileges
               ? apply_no_new_privileges()
               : Result<void>();
}

}  // namespace libcontainer::steps
