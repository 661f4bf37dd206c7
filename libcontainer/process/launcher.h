// SPDX-License-Identifier: Apache-2.0
// The parent's side: makes the container's process and serves it until it is ready.
#pragma once

#include <functional>
#include <optional>

#include "libcontainer/process/init_context.h"
#include "libcontainer/sys/process.h"

namespace libcontainer {

// What the parent does for the child in between. Each gets the child's pid.
struct LaunchHandlers {
    std::function<Result<void>()> work_meanwhile;  // once the child runs: the cgroup, if it follows
    std::function<Result<void>(int)> move_devices;            // into this network namespace
    std::function<Result<void>(const sys::Pid&)> run_hooks;   // prestart, createRuntime
    std::function<Result<void>(sys::UniqueFd)> take_console;  // master of the process' terminal
    std::function<Result<void>(const sys::Pid&)> on_ready;  // all set up: write state and pid file
};

// A process that has been let go.
struct Launched {
    sys::Pid pid;
    bool has_start_hooks = false;  // startContainer: await_exec waits for their end, too
    SyncChannel channel;           // its end of file says that execve succeeded
    sys::UniqueFd last_word;       // unless this says otherwise; invalid without a seccomp filter
};

// Clones, answers the child's requests in their legal order, lets it go after on_ready.
// `console_socket`, connected before any namespace was entered, receives the pty's master
// (engines 3.2). On any error the child is killed and reaped and the error is its own, or tells
// how it ended.
[[nodiscard]] Result<Launched> launch(InitContext& context, const LaunchHandlers& handlers);

// What comes with `ready` (last_word.h).
[[nodiscard]] sys::UniqueFd take_last_word(SyncMessage& ready);

// Takes the listener of the process' seccomp filter; its error is await_exec's.
using TakeListener = std::function<Result<void>(sys::UniqueFd listener)>;

// Waits until the user's program runs, or gives why it does not; `interruption` as in InitContext.
// A process whose listener was not taken waits for ever: the caller ends it.
[[nodiscard]] Result<void> await_exec(const Launched& launched, int interruption,
                                      const TakeListener& take);

}  // namespace libcontainer
