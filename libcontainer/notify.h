// SPDX-License-Identifier: Apache-2.0
// NOTIFY_SOCKET of a service manager that runs brig itself (engines 3.6): the container gets a
// socket of its own, and only what says that it is ready is passed on.
#pragma once

#include <string>

#include "libcontainer/options.h"
#include "libcontainer/state/state_directory.h"
#include "libcontainer/sys/error.h"
#include "libcontainer/sys/process.h"
#include "libcontainer/sys/unique_fd.h"
#include "oci/spec.h"

namespace libcontainer {

using sys::Result;

class NotifySocket {
  public:
    // create, run: with NOTIFY_SOCKET in the environment the spec gets the folder of the socket as
    // a read-only mount at /run/notify and the variable in process.env. Not without a process or a
    // mount namespace. `state`: the path of the container's folder. False: nothing to offer.
    [[nodiscard]] static Result<bool> offer(oci::Spec& spec, const StateDirectory& directory,
                                            const std::string& state);

    // Before the program runs: an open socket if the container was offered one and this call of
    // brig has a manager to tell, else an invalid one.
    [[nodiscard]] static Result<NotifySocket> listen(const StateDirectory& directory);

    [[nodiscard]] explicit operator bool() const { return socket_.valid(); }
    [[nodiscard]] int fd() const { return socket_.get(); }

    // Reads one message. If it has a line READY=..., passes that line on, then MAINPID=`main`, and
    // gives true: there is nothing more to wait for. All else that the container says is dropped:
    // it is no matter of the service manager's.
    [[nodiscard]] bool relay(pid_t main, const Warn& warn) const;

    // Detached: waits until the container is ready, or has ended, and until the manager has read
    // the messages, for it knows the sender only as long as that lives.
    [[nodiscard]] Result<void> wait_until_ready(const sys::Pid& init, const Warn& warn) const;

  private:
    sys::UniqueFd socket_;
};

}  // namespace libcontainer
