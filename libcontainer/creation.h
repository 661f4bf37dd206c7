// SPDX-License-Identifier: Apache-2.0
// Making a container: what create and run share.
#pragma once

#include <memory>

#include "libcontainer/bundle.h"
#include "libcontainer/cgroup/manager.h"
#include "libcontainer/handover.h"
#include "libcontainer/notify.h"
#include "libcontainer/options.h"
#include "libcontainer/process/launcher.h"
#include "libcontainer/state/state_directory.h"

namespace libcontainer {

// Whether init waits for `start` on its socket or goes on to the user's program at once.
enum class StartMode : unsigned char { wait_for_start, at_once };

struct CreatedContainer {
    StateDirectory directory;  // locked
    ContainerRecord record;
    Bundle bundle;
    std::unique_ptr<CgroupManager> cgroup;
    Launched launched;
    sys::UniqueFd console_master;  // of a terminal that no console socket took
    sys::UniqueFd interruption;    // see hold_back_interruption
    NotifySocket notify;           // StartMode::at_once, with NOTIFY_SOCKET
};

// All of create (O-02): from reading the bundle to the committed container. On error nothing is
// left: no process, cgroup, mount, state, pid file; poststop hooks run if others did. SIGINT,
// SIGTERM, SIGHUP and SIGQUIT are such an error; they stay blocked after it. `preserved`: see
// take_inherited_descriptors.
[[nodiscard]] Result<CreatedContainer> create_container(const GlobalOptions& global,
                                                        const CreateOptions& options,
                                                        StartMode start, Attachment attachment,
                                                        std::vector<int> preserved);

// What create, run and restore begin the record of a container with.
[[nodiscard]] Result<ContainerRecord> make_record(const Bundle& bundle,
                                                  const CreateOptions& options,
                                                  const GlobalOptions& global,
                                                  const NamespacePlan& plan,
                                                  const CgroupRecord& cgroup);
// Two containers in one cgroup could not be ended one by one: delete of a stopped one would kill
// the other (CG-05). Asked once the cgroup is there.
[[nodiscard]] Result<void> check_not_shared(const std::string& root, const std::string& id,
                                            const CgroupRecord& cgroup);
// Of hooks that have none in config.json (H-14).
[[nodiscard]] std::vector<std::string> own_environment();

// poststart hooks; when one fails the container is stopped and destroyed (H-05, runtime-spec 1.3).
// `interruption`: see HookContext.
[[nodiscard]] Result<void> run_poststart_hooks(const oci::Spec& spec, const ContainerRecord& record,
                                               int interruption);

}  // namespace libcontainer
