// SPDX-License-Identifier: Apache-2.0
// Talking to CRIU: one `criu swrk` process, driven by its RPC (criu's images/rpc.proto). Nothing of
// it is loaded, or even looked for, before a checkpoint or a restore is asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "libcontainer/cgroup/manager.h"
#include "libcontainer/checkpoint/hierarchy_options.h"
#include "libcontainer/checkpoint/wire.h"
#include "libcontainer/sys/error.h"
#include "libcontainer/sys/process.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

using sys::Result;

// Numbers of enum criu_req_type.
enum class CriuCall : unsigned char {
    dump = 1,
    restore = 2,
    pre_dump = 4,
    notify = 6,
    feature_check = 9,
};

// Field numbers of message criu_opts.
enum class CriuField : unsigned {
    images_dir_fd = 1,
    pid = 2,
    leave_running = 3,
    ext_unix_sk = 4,
    tcp_established = 5,
    evasive_devices = 6,
    shell_job = 7,
    file_locks = 8,
    log_level = 9,
    log_file = 10,
    page_server = 11,
    notify_scripts = 12,
    root = 13,
    parent_img = 14,
    track_mem = 15,
    auto_dedup = 16,
    work_dir_fd = 17,
    link_remap = 18,
    ext_mnt = 23,
    manage_cgroups = 24,
    cg_root = 25,
    rst_sibling = 26,
    inherit_fd = 27,
    manage_cgroups_mode = 34,
    external = 37,
    empty_ns = 38,
    join_ns = 39,
    freeze_cgroup = 44,
    tcp_skip_in_flight = 46,
    lazy_pages = 48,
    orphan_pts_master = 50,
    config_file = 51,
    tcp_close = 52,
    lsm_profile = 53,
    lsm_mount_context = 63,
    network_lock = 64,
};

// A criu_opts that grows.
class CriuRequest {
  public:
    void set(CriuField field, std::int64_t value) {
        options_.number(static_cast<unsigned>(field), value);
    }
    void set(CriuField field, std::string_view value) {
        options_.text(static_cast<unsigned>(field), value);
    }
    void set_if(CriuField field, bool value);
    // The messages of two strings (ext_mount_map, join_namespace), or of a string and a number.
    void add_pair(CriuField field, std::string_view first, std::string_view second);
    void add_pair(CriuField field, std::string_view first, std::int64_t second);

    [[nodiscard]] std::string encode(CriuCall call) const;

  private:
    WireWriter options_;
};

// message criu_notify, with the descriptor that came along.
struct CriuNotice {
    std::string script;
    std::int32_t pid = 0;
    sys::UniqueFd fd;  // orphan-pts-master
};
using TakeNotice = std::function<Result<void>(CriuNotice notice)>;

// Of FEATURE_CHECK.
struct CriuFeatures {
    bool memory_tracking = false;
    bool lazy_pages = false;
};

class Criu {
  public:
    struct Setup {
        std::string program;  // as the user names it; empty: `criu` in PATH
        CgroupEntry cgroup;   // where it runs; of a restore: the container's
        // Of a restore, absolute: made a mount point, as CRIU wants it, in a mount namespace that
        // ends with CRIU. Empty: none.
        std::string root;
        std::vector<int> passed;  // it gets them as descriptors 4, 5, …
        // What it says before it has its log: kept for errors, or on the caller's standard error
        // because the restored processes get the standard streams from it.
        enum class Streams : unsigned char { kept, callers } streams = Streams::kept;
        int interruption = -1;  // see hold_back_interruption; -1: it is never given up
        // Told if CRIU leaves the host without options of its cgroup hierarchy.
        std::function<void(const std::string&)> warn = {};
    };
    // Starts it, in the cgroups already. Errors of kind unsupported: a missing program, a cgroup
    // that only systemd can move it to.
    [[nodiscard]] static Result<Criu> start(const Setup& setup);

    Criu(Criu&&) = default;
    Criu& operator=(Criu&&) = delete;
    Criu(const Criu&) = delete;
    Criu& operator=(const Criu&) = delete;
    // Kills and reaps it if it still runs, and puts back what it has changed on the host.
    ~Criu();

    [[nodiscard]] const sys::Pid& pid() const { return pid_; }
    // Sends the request and answers notices until the call has ended; an error that `take` gives
    // ends it, too. Errors are CRIU's own, without the excerpt of its log.
    [[nodiscard]] Result<void> call(CriuCall call, const CriuRequest& request,
                                    const TakeNotice& take);
    // What this CRIU can do on this kernel.
    [[nodiscard]] Result<CriuFeatures> features();

  private:
    struct Answer;
    Criu(sys::Pid pid, sys::UniqueFd socket, sys::UniqueFd messages, const Setup& setup)
        : pid_(std::move(pid)),
          socket_(std::move(socket)),
          messages_(std::move(messages)),
          interruption_(setup.interruption),
          warn_(setup.warn) {}
    [[nodiscard]] Result<void> converse(CriuCall call, const CriuRequest& request,
                                        const TakeNotice& take);
    [[nodiscard]] sys::Error explain(sys::Error error) const;
    [[nodiscard]] static Result<Answer> parse_answer(std::string_view bytes);
    [[nodiscard]] Result<Answer> receive();
    [[nodiscard]] Result<void> wait();

    sys::Pid pid_;
    sys::UniqueFd socket_;
    sys::UniqueFd messages_;  // a file in memory with what it wrote to standard error
    int interruption_;
    bool ended_ = false;
    HierarchyOptions hierarchy_;
    std::function<void(const std::string&)> warn_;
};

// The last errors in a log of CRIU, without their time stamps; empty if there are none.
[[nodiscard]] std::string last_errors(std::string_view log);

}  // namespace libcontainer
