// SPDX-License-Identifier: Apache-2.0
// What a caller may ask of each verb: plain aggregates, filled by the command line.
#pragma once

#include <cstdint>
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

// Options in front of the verb (engines 1.2). The driver and the annotations count only where a
// container is made; later verbs take them from its state, because engines do not repeat them.
struct GlobalOptions {
    std::string root;  // absolute path of the state root
    CgroupDriver cgroup_driver = CgroupDriver::cgroupfs;
    std::string criu;  // of checkpoint and restore; empty: the one in PATH
    std::vector<std::string> allowed_annotations;  // see oci::kGuardedAnnotations
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
    std::vector<std::string> cgroups;  // [CONTROLLER,...:]PATH below the container's own
    std::string console_socket;        // empty: none
    std::string pidfd_socket;          // empty: none
    std::string pid_file;              // empty: none
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

// Numbers of CRIU's enum criu_cg_mode.
enum class CgroupRestore : unsigned char {
    ignore = 0,
    soft = 3,
    full = 4,
    strict = 5,
    standard = 6
};
// Numbers of CRIU's enum criu_network_lock_method; 0: its default.
enum class NetworkLock : unsigned char { standard = 0, iptables = 1, nftables = 2, skip = 3 };

// What checkpoint and restore both hand on to CRIU.
struct CriuOptions {
    std::string image_path;   // absolute; empty: `checkpoint` in the current directory
    std::string work_path;    // absolute; empty: as image_path
    std::string parent_path;  // relative to image_path; empty: none
    CgroupRestore cgroups = CgroupRestore::standard;
    NetworkLock network_lock = NetworkLock::standard;
    bool tcp_established = false;
    bool tcp_close = false;
    bool tcp_skip_in_flight = false;
    bool ext_unix_sk = false;
    bool shell_job = false;
    bool file_locks = false;
    bool link_remap = false;
    bool auto_dedup = false;
    bool lazy_pages = false;
};

struct CheckpointOptions {
    std::string id;
    CriuOptions criu;
    std::string page_server_address;  // empty: none
    std::uint16_t page_server_port = 0;
    int status_fd = -1;  // gets one zero byte when the lazy-pages server is ready
    bool leave_running = false;
    bool pre_dump = false;
};

struct RestoreOptions {
    CreateOptions create;
    CriuOptions criu;
    std::string lsm_profile;        // TYPE:NAME; empty: as it was
    std::string lsm_mount_context;  // empty: as it was
    bool detach = false;
    bool no_subreaper = false;
};

}  // namespace libcontainer
