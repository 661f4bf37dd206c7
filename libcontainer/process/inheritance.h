// SPDX-License-Identifier: Apache-2.0
// What a process would inherit from the engine and must not: descriptors, signals.
#pragma once

#include <string>
#include <vector>

#include "libcontainer/sys/error.h"

namespace libcontainer {

using sys::Result;

// Every signal's default disposition and an empty mask: conmon ignores SIGPIPE, Go callers block
// signals, and both survive execve (engines 3.5). Child.
void reset_signals();

// The descriptors that the user's program is to get beside 0-2: those of 3 .. 3 + count - 1 (and of
// LISTEN_FDS) that are open now; holes are no error. Everything else is marked close-on-exec
// . The parent calls it before it opens anything of its own, which would fill the holes
// (engines trap 9).
[[nodiscard]] std::vector<int> take_inherited_descriptors(unsigned count);

// Really closes every descriptor from 3 upward that is not in `kept`; failure is an error.
// Child.
[[nodiscard]] Result<void> close_all_but(std::vector<int> kept);

// The preserved descriptors survive execve: clears their close-on-exec flag. Child.
[[nodiscard]] Result<void> pass_on(const std::vector<int>& preserved);

// Sockets that systemd-style activation passes: LISTEN_FDS, if LISTEN_PID is this process (R-21,
// E-06); else 0.
[[nodiscard]] unsigned passed_sockets();
// LISTEN_FDS and LISTEN_PID for the container; init of its own pid namespace is 1.
[[nodiscard]] std::vector<std::string> socket_environment(bool private_pid_namespace);

// Whether a terminal among 0-2 is the process's own pty or one that its caller sits at.
enum class Terminal : unsigned char { own, of_caller };

// Stdio for the user's process: pipes, sockets and its own pty get the owner `uid`, so that a
// program which opens /dev/stdout can; devices like /dev/null, files and the caller's terminal keep
// theirs (R-15, engines 3.1, trap 16): who has that uid on the host could read and type there, long
// after the container. Child.
void apply_stdio_owner(unsigned uid, Terminal terminal);

// If one of 0-2 is the host's /dev/null, opens the one of the container's root in its place,
// provided that it is 1:3. Child, before the switch of the root, by the host's /proc.
[[nodiscard]] Result<void> reopen_dev_null(int root);

}  // namespace libcontainer
