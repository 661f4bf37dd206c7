// SPDX-License-Identifier: Apache-2.0
// What a caller may ask of each verb: plain aggregates, filled by the command line.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "oci/resources.h"

namespace libcontainer {

// Takes what a user should know and an engine must not fail for: P-09, T-75. Empty when nobody
// listens.
using Warn = std::function<void(const std::string&)>;

enum class CgroupDriver : unsigned char { cgroupfs, systemd, disabled };

// Options in front of the verb (engines 1.2). The driver counts only where a container is made;
// later verbs take it from the container's state, because engines do not repeat it.
struct GlobalOptions {
    std::string root;  // absolute path of the state root
    CgroupDriver cgroup_driver = CgroupDriver::cgroupfs;
    Warn warn;
};

struct CreateOptions {
    std::string id;
    std::string bundle = ".";
    std::string config = "config.json";  // absolute, or relative to the bundle
    std::string console_socket;          // empty: none
    std::string pidfd_socket;            // empty: none
    std::string pid_file;                // empty: none
    unsigned preserve_fds = 0;           // descriptors 3 .. 3 + N - 1 go to the process
    bool no_pivot = false;
    bool no_new_keyring = false;
};

struct RunOptions {
    CreateOptions create;
    bool detach = false;
    bool keep = false;  // leave state and cgroup after the process has ended (engines 2.3)
    bool no_subreaper = false;
};

struct ExecOptions {
    std::string id;
    std::string process_file;       // a process object; wins over the fields below (engines 2.4)
    std::vector<std::string> args;  // the words after the id
    std::optional<std::string> cwd;
    std::optional<std::string> user;  // UID[:GID], digits only
    std::vector<std::string> env;
    std::vector<unsigned> additional_gids;
    std::vector<std::string> capabilities;
    std::optional<std::string> apparmor;
    std::optional<std::string> process_label;
    std::string cgroup;          // below the container's cgroup; empty: the container's own
    std::string console_socket;  // empty: none
    std::string pidfd_socket;    // empty: none
    std::string pid_file;        // empty: none
    unsigned preserve_fds = 0;
    bool no_new_privs = false;
    bool tty = false;
    bool detach = false;
    bool ignore_paused = false;
};

struct UpdateOptions {
    std::string id;
    std::string resources_file;  // "-": standard input; wins over `changes` (engines 2.11)
    oci::Resources changes;
    std::optional<std::string> l3_cache_schema;
    std::optional<std::string> mem_bw_schema;
};

}  // namespace libcontainer
