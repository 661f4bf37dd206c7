// SPDX-License-Identifier: Apache-2.0
// The options that make a container, shared by create and run.
#pragma once

#include <array>

#include "libcontainer/options.h"
#include "runtime/option.h"

namespace runtime {

// `Path` leads from T to its CreateOptions; empty for CreateOptions itself.
template <typename T, auto... Path>
inline constexpr std::array kCreateOptions = {
    Option<T>{{"bundle", 'b', "DIR", "folder of the bundle (default: the current one)"},
              store_path<Path..., &libcontainer::CreateOptions::bundle>},
    Option<T>{{"config", 'f', "FILE", "configuration to use instead of the bundle's config.json"},
              store_path<Path..., &libcontainer::CreateOptions::config>},
    Option<T>{{"console-socket", 0, "SOCKET", "where to send the terminal's master end"},
              store_path<Path..., &libcontainer::CreateOptions::console_socket>},
    Option<T>{{"pidfd-socket", 0, "SOCKET", "where to send a pidfd of the container's process"},
              store_path<Path..., &libcontainer::CreateOptions::pidfd_socket>},
    Option<T>{{"pid-file", 0, "FILE", "write the process id to FILE"},
              store_path<Path..., &libcontainer::CreateOptions::pid_file>},
    Option<T>{{"preserve-fds", 0, "N", "pass descriptors 3 to 3+N-1 to the process"},
              store<Path..., &libcontainer::CreateOptions::preserve_fds>},
    Option<T>{{"no-pivot", 0, nullptr, "move the root instead of pivot_root (for initramfs)"},
              store<Path..., &libcontainer::CreateOptions::no_pivot>},
    Option<T>{{"no-new-keyring", 0, nullptr, "keep the caller's session keyring"},
              store<Path..., &libcontainer::CreateOptions::no_new_keyring>},
};

}  // namespace runtime
