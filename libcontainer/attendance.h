// SPDX-License-Identifier: Apache-2.0
// How run and restore end: in the foreground they stay with the container, and remove it.
#pragma once

#include <string>

#include "libcontainer/foreground.h"
#include "libcontainer/options.h"
#include "libcontainer/state/state_directory.h"

namespace libcontainer {

// A container whose program runs as a child of the caller. The parts are the caller's.
struct Attended {
    StateDirectory& directory;  // locked
    const ContainerRecord& record;
    const sys::Pid& init;
    const sys::UniqueFd& console_master;
    int interruption;  // see hold_back_interruption
    const std::string& pid_file;
    const Warn& warn;
};

// Undoes a container whose program could not be started, or not be waited for; gives `error` back.
std::unexpected<sys::Error> abandon(const Attended& container, sys::Error error);

enum class AfterEnd : unsigned char { destroy, keep };

// Stays with it until it ends and gives its exit status. Unlocked meanwhile: it is everybody's, for
// pause and delete --force.
[[nodiscard]] Result<int> attend(Foreground& foreground, const Attended& container,
                                 AfterEnd after_end);

}  // namespace libcontainer
