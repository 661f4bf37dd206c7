// SPDX-License-Identifier: Apache-2.0
// Keeps the host's brig binary out of a container's reach (CVE-2019-5736 and its class, R-18).
#pragma once

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

using sys::Result;

// Whoever enters a container is visible there as /proc/PID: opening or executing /proc/PID/exe, or
// a script that begins with `#!/proc/self/exe`, leads to the binary that runs, which a privileged
// container could then overwrite on the host.
//
// Called by create, run and exec in the parent, as the last step before clone3(2): the child and
// what it forks inherit the protection, and the memory it takes is never charged to the container's
// cgroup. state, list, kill and delete enter nothing and do not call it. Single-threaded callers
// only. Nothing is to be done for a caller without capabilities whose binary is root's, and root's
// alone to write on a local file system: his containers have no id that could. Otherwise tries
// detach_from_binary by mount, then by copy, then re_execute_sealed; builds with sanitizers are not
// protected, because every way hides the binary from the symbolizer.
//
// Returns what detach_from_binary returns: see there who closes it and when. May not return at all:
// with re_execute_sealed the program begins anew from main, so nothing outside the process must
// have been changed yet.
[[nodiscard]] Result<sys::UniqueFd> protect_binary();

// How our file's mappings are replaced. `mount`: by the same pages, mapped through a detached,
// read-only mount; some 80 us whatever the size, no memory, but only in a mount namespace that is
// ours to clone from. `copy`: by an anonymous copy; some 300 us and 1 MiB of memory per MiB.
enum class Replacement : unsigned char { mount, copy };

// Replaces each mapping of our own executable in place and names a sealed, empty memfd as the
// executable (prctl(2) PR_SET_MM_MAP). The kernel refuses that while any mapping of the old path is
// left (EBUSY), so success is the proof that none is. Afterwards no descriptor and no link in
// /proc/PID leads to the file: executing /proc/PID/exe is ENOEXEC, and /proc/PID/map_files, open to
// the initial user namespace's CAP_SYS_ADMIN alone, shows it on a read-only file system.
// The process itself runs on.
//
// Gives the detached mount, or an invalid descriptor with `copy`. After clone3(2) the child closes
// it first of all, for it must not be seen in the container; the parent, too, at its leisure: the
// kernel then dissolves the mount, which waits for an RCU grace period (150 us, seldom 3 ms).
//
// Needs CONFIG_CHECKPOINT_RESTORE, and CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE (Linux 5.9) in the
// user namespace; without them nothing is changed and the error's code is EPERM or EINVAL.
[[nodiscard]] Result<sys::UniqueFd> detach_from_binary(Replacement replacement);

// Runs the same program with the same arguments from a sealed copy in a memfd. Returns only if that
// is how we run already (asked of the kernel by F_GET_SEALS, an environment variable only prevents
// a loop), or with an error.
[[nodiscard]] Result<void> re_execute_sealed();

}  // namespace libcontainer
