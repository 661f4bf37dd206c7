// SPDX-License-Identifier: Apache-2.0
// Everything that the steps between clone3 and execve share. Filled by the parent, inherited by the
// child.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libcontainer/cgroup/manager.h"
#include "libcontainer/process/hook.h"
#include "libcontainer/process/last_word.h"
#include "libcontainer/process/namespace_plan.h"
#include "libcontainer/process/sync.h"
#include "libcontainer/rootfs/rootfs.h"
#include "libcontainer/security/apparmor.h"
#include "libcontainer/security/capabilities.h"
#include "libcontainer/security/seccomp_filter.h"
#include "libcontainer/security/selinux.h"
#include "libcontainer/sys/unique_fd.h"
#include "oci/spec.h"

namespace libcontainer {

// A container's first process, or one that `exec` adds.
enum class ProcessRole : unsigned char { init, exec };

struct InitContext {
    ProcessRole role = ProcessRole::init;
    const oci::Spec* spec = nullptr;        // the container's
    const oci::Process* process = nullptr;  // init: spec->process, absent for a container without
                                            // program (C-04); exec: its own

    SyncChannel channel;  // the child's end; once `start` let init go, that to `start`
    sys::UniqueFd
        binary_mount;  // what protect_binary gave: closed by the child first of all

    std::vector<int>
        state_descriptors;  // of the state folder and its lock: closed by the child, too

    NamespacePlan plan;
    std::vector<sys::UniqueFd>
        namespaces;       // opened and checked by the parent, in the order of plan.joins
    bool by_root = true;  // the runtime is root, if only of its user namespace
    bool has_oom_score = false;     // an intermediate process has written it
    sys::UniqueFd container_pidfd;  // exec: of init, to join all its namespaces at once
    bool has_joined_user = false;   // exec by an ordinary user, see birth.cpp
    sys::UniqueFd
        container_root;  // exec into a container without mount namespace: its root, else invalid
    CgroupEntry cgroup;
    bool cgroup_follows =
        false;  // the parent makes it while the child runs, and sends the tasks files

    Rootfs rootfs;  // init
    RootSwitch root_switch = RootSwitch::pivot_root;

    CapabilitySets capabilities;
    std::optional<SeccompProgram> seccomp;
    bool has_apparmor_profile = false;
    bool has_selinux_label = false;
    bool new_keyring = true;
    bool keep_groups = false;  // annotation run.oci.keep_original_groups

    HookContext hooks;  // createContainer and startContainer; the state is as seen from inside
    sys::UniqueFd
        start_socket;  // create: where init waits for `start`; invalid: it goes on at once
    std::vector<int> preserved;  // descriptors that the user's program gets beside 0-2
    int interruption = -1;       // parent: of hold_back_interruption, ends the launch; -1: none

    // Made by the steps.
    ApparmorFile apparmor;
    SelinuxFiles selinux;
    std::vector<std::string> env;  // process.env and what is added to it
    std::string program;           // path that execve gets
    std::vector<char*> argv;       // process.args and env as execve wants them: made before the
    std::vector<char*> envp;       // filter, under which there may be no memory
    LastWord last_word;            // with a filter only
};

// Child and parent: whether the process runs startContainer hooks before its program.
[[nodiscard]] inline bool has_start_hooks(const InitContext& context) {
    return context.role == ProcessRole::init && !context.spec->hooks.start_container.empty();
}

}  // namespace libcontainer
