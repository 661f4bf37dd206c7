// SPDX-License-Identifier: Apache-2.0
// What a container is doing right now, found out each time it is asked.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "libcontainer/state/state_directory.h"
#include "libcontainer/sys/process.h"

namespace libcontainer {

// creating while the first record stands and somebody holds the lock; stopped when the pid is gone,
// a zombie, another process' by now (start time) or of another boot; created while init waits for
// start; paused when the cgroup is frozen; else running (O-07, engines 2.5).
[[nodiscard]] Result<oci::ContainerStatus> current_status(const StateDirectory& directory,
                                                          const ContainerRecord& record);

// The container's init by pidfd, its identity checked after the pidfd was opened. nullopt:
// it has ended.
[[nodiscard]] Result<std::optional<sys::Pid>> open_init(const ContainerRecord& record);

// Whether who holds the lock is a create. It may take as long as its hooks do: nobody should wait
// for it only to be refused.
[[nodiscard]] bool is_being_created(const StateDirectory& directory);

// The runtime that is making the container; nullopt when it is not there any more.
[[nodiscard]] Result<std::optional<sys::Pid>> open_creator(const StateDirectory& directory,
                                                           const ContainerRecord& record);

[[nodiscard]] Result<std::string> read_boot_id();
[[nodiscard]] Result<std::uint64_t> start_time_of(pid_t pid);  // 0: no such process

// A container by id, its folder open and its record read. Kind not_found if there is none.
struct FoundContainer {
    StateDirectory directory;
    ContainerRecord record;
};
[[nodiscard]] Result<FoundContainer> find_container(const std::string& root, const std::string& id);

// The same with the lock held, for verbs that change it. One that is being created is refused at
// once.
[[nodiscard]] Result<FoundContainer> lock_container(const std::string& root, const std::string& id);

}  // namespace libcontainer
