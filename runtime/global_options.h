// SPDX-License-Identifier: Apache-2.0
// The options in front of the command (engines 1.2), and where state is kept by default.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "libcontainer/options.h"
#include "runtime/command_line.h"
#include "runtime/log.h"

namespace runtime {

struct GlobalSettings {
    std::string root;  // absolute; empty: not given
    LogSettings log;
    libcontainer::CgroupDriver cgroup_driver = libcontainer::CgroupDriver::cgroupfs;
    std::string criu;  // absolute; empty: not given
    std::vector<std::string> allowed_annotations;
    bool version = false;
};

[[nodiscard]] std::span<const Option<GlobalSettings>> global_options();

[[nodiscard]] Result<GlobalSettings> parse_globals(const Line& line);

// The absolute path of the state root: what was given, unless it is the host's `/`; else
// $XDG_RUNTIME_DIR/brig if that variable is set and brig is not the host's root; else /run/brig.
// No other variable counts: engines create and delete with different environments (1.3).
[[nodiscard]] Result<std::string> resolve_root(const std::string& given);

}  // namespace runtime
