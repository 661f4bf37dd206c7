// SPDX-License-Identifier: Apache-2.0
// /proc/thread-self/attr: where a thread tells a security module what it wants to become.
#pragma once

#include <string>
#include <string_view>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

using sys::Result;

// A label that is written to another file than the kernel's is a label that does not confine, and
// the name of a profile written to sysrq-trigger stops the host (CVE-2019-16884, CVE-2023-28642,
// CVE-2025-52881). So these files are opened while the process has seen nothing of the container:
// by the child, before it joins a namespace, on the host's own procfs, crossing no mount. The
// kernel takes a write only from the very process that has opened the file.

// The host's /proc: a procfs, and its root. Child.
[[nodiscard]] Result<sys::UniqueFd> open_host_proc();

// thread-self/attr/`name` below `proc` ("exec", "apparmor/exec"), for reading and writing.
[[nodiscard]] Result<sys::UniqueFd> open_thread_attribute(int proc, std::string_view name);

// One write of all of `text`, which is read back: nothing there is an error. An empty text
// takes back what was written. Errors name the file in back quotes, by which podman knows them.
[[nodiscard]] Result<void> write_thread_attribute(int file, std::string_view name,
                                                  std::string_view text);

// The file as errors name it: `/proc/thread-self/attr/NAME`, in back quotes.
[[nodiscard]] std::string quoted_attribute(std::string_view name);

}  // namespace libcontainer
