// SPDX-License-Identifier: Apache-2.0
// The child that enters a running container's mount namespace for `mounts`, and what it and the
// parent tell each other.
#pragma once

#include <functional>
#include <vector>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/process.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

using sys::Result;

// The child's side. The container's filesystems are its own, a FUSE among them need never answer:
// so the child has nothing of the host that somebody else may wait for. It ends with the parent as
// long as it has attached nothing; from then on it outlives it, to undo what it has begun.
class MountGuest {
  public:
    MountGuest(sys::UniqueFd socket, pid_t parent) : socket_(std::move(socket)), parent_(parent) {}

    // Gives the container's root. No signal but SIGKILL may end the child from here on.
    [[nodiscard]] Result<sys::UniqueFd> enter(const sys::Pid& init, bool own_user_namespace);

    // Before `mount` is attached: from now on somebody has to see to it.
    [[nodiscard]] Result<void> announce(const sys::UniqueFd& mount);
    [[nodiscard]] const std::vector<sys::UniqueFd>& announced() const { return announced_; }
    // Unmounts all that was announced.
    void undo();

    // False: the parent does not agree, or is gone.
    [[nodiscard]] bool ask(const std::vector<sys::UniqueFd>& mounts) const;

    // That a mount is gone: the last of those asked about, then the one before it.
    void report() const;

    // One that is not attached is no error.
    [[nodiscard]] Result<void> unmount(const sys::UniqueFd& mount) const;

    [[noreturn]] void end(const Result<void>& result) const;

  private:
    sys::UniqueFd socket_;
    pid_t parent_;
    sys::UniqueFd descriptors_;  // the host's own /proc/self/fd, to unmount by, not by names
    std::vector<sys::UniqueFd> announced_;
};

struct MountVisit {
    const sys::Pid& init;
    bool own_user_namespace = false;
    std::vector<int> closed;  // in the child: the state directory, for the sake of its lock

    std::function<Result<void>(MountGuest&)> inside;  // child
    // Parent: about the mounts that the child asks for.
    std::function<Result<void>(const std::vector<sys::UniqueFd>&)> agree;
    std::function<void()> reported = [] {};  // at most once for each of them
};

// Parent. Waits 10 s at most until the child asks. What was attached until an error is undone; if
// that fails, too, the error says so.
[[nodiscard]] Result<void> visit(const MountVisit& visit);

}  // namespace libcontainer
