// SPDX-License-Identifier: Apache-2.0
// Staying with a process: signals and terminal relayed to it, its end awaited. For run and exec
// without --detach.
#pragma once

#include <signal.h>

#include <functional>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/process.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

using sys::Result;

enum class Subreaper : unsigned char { no, yes };

// Made before the container, so that no signal can end brig between the container's start and the
// relay: all signals that can be relayed are held back from here on. The child resets its own mask
// (engines 2.3, 3.7).
class Foreground {
  public:
    [[nodiscard]] static Result<Foreground> prepare(Subreaper subreaper);

    // Until `pid` ends: passes signals on, copies between the caller's terminal (in raw mode
    // meanwhile) and `master`, if there is one, and follows the window size. Drains the terminal
    // before it returns the wait status.
    [[nodiscard]] Result<int> stay_with(const sys::Pid& pid, const sys::UniqueFd& master);

    // Meanwhile calls `act` whenever `descriptor` has something to read, until it gives true.
    void also_watch(int descriptor, std::function<bool()> act) {
        watched_ = descriptor;
        act_ = std::move(act);
    }

  private:
    explicit Foreground(sys::UniqueFd signals) : signals_(std::move(signals)) {}

    sys::UniqueFd signals_;
    int watched_ = -1;
    std::function<bool()> act_;
};

}  // namespace libcontainer
