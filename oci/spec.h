// SPDX-License-Identifier: Apache-2.0
// config.json as a value: plain structs named as the runtime spec names them, in snake_case.
// Every leaf that may be absent is an optional, a vector or a map. Plain members are those which
// the spec requires, flags it defines as false when absent, and sections whose absence means {}.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "oci/spec_linux.h"
#include "oci/vocabulary.h"

namespace oci {

struct Root {
    std::string path;  // absolute, or relative to the bundle
    bool readonly = false;

    bool operator==(const Root&) const = default;
};

// Options stay strings: their table belongs to the code that gives them effect.
struct Mount {
    std::string destination;
    std::optional<std::string> type;
    std::optional<std::string> source;
    std::vector<std::string> options;
    std::vector<IdMapping> uid_mappings;
    std::vector<IdMapping> gid_mappings;

    bool operator==(const Mount&) const = default;
};

struct ConsoleSize {
    std::uint64_t height = 0;  // characters; no more than struct winsize holds, with a terminal
    std::uint64_t width = 0;

    bool operator==(const ConsoleSize&) const = default;
};

// Ids as seen inside the container. A config without `user` means 0:0, as every engine expects.
struct User {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::optional<std::uint32_t> umask;
    std::vector<std::uint32_t> additional_gids;

    bool operator==(const User&) const = default;
};

// Names stay strings: one that is unknown is a warning, not an error (P-09). Their table is
// oci/capability_names.h.
struct Capabilities {
    std::vector<std::string> bounding;
    std::vector<std::string> effective;
    std::vector<std::string> inheritable;
    std::vector<std::string> permitted;
    std::vector<std::string> ambient;

    bool operator==(const Capabilities&) const = default;
};

struct Rlimit {
    RlimitType type = RlimitType::nofile;
    std::uint64_t soft = 0;  // UINT64_MAX is RLIM_INFINITY
    std::uint64_t hard = 0;

    bool operator==(const Rlimit&) const = default;
};

struct Scheduler {
    SchedulerPolicy policy = SchedulerPolicy::other;
    std::optional<std::int32_t> nice;
    std::optional<std::int32_t> priority;
    std::vector<SchedulerFlag> flags;
    std::optional<std::uint64_t> runtime;  // nanoseconds, as the next two
    std::optional<std::uint64_t> deadline;
    std::optional<std::uint64_t> period;

    bool operator==(const Scheduler&) const = default;
};

struct IoPriority {
    IoPriorityClass class_ = IoPriorityClass::be;
    std::int32_t priority = 0;

    bool operator==(const IoPriority&) const = default;
};

// CPU lists such as "0-3,7".
struct ExecCpuAffinity {
    std::optional<std::string> initial;
    std::optional<std::string> final_;

    bool operator==(const ExecCpuAffinity&) const = default;
};

struct Process {
    bool terminal = false;
    std::optional<ConsoleSize> console_size;
    User user;
    std::vector<std::string> args;
    std::vector<std::string> env;
    std::string cwd;
    std::optional<Capabilities> capabilities;  // absent is not the same as five empty sets (P-09)
    std::vector<Rlimit> rlimits;
    bool no_new_privileges = false;
    std::optional<std::string> apparmor_profile;
    std::optional<std::int32_t> oom_score_adj;  // absent: do not touch (P-11)
    std::optional<Scheduler> scheduler;
    std::optional<std::string> selinux_label;
    std::optional<IoPriority> io_priority;
    std::optional<ExecCpuAffinity> exec_cpu_affinity;

    bool operator==(const Process&) const = default;
};

struct Hook {
    std::string path;
    std::optional<std::vector<std::string>> args;  // absent: argv is [path] (H-13)
    std::optional<std::vector<std::string>> env;   // absent is not the same as [] (H-14)
    std::optional<std::int32_t> timeout;           // seconds

    bool operator==(const Hook&) const = default;
};

struct Hooks {
    std::vector<Hook> prestart;
    std::vector<Hook> create_runtime;
    std::vector<Hook> create_container;
    std::vector<Hook> start_container;
    std::vector<Hook> poststart;
    std::vector<Hook> poststop;

    bool operator==(const Hooks&) const = default;

    // The list of one kind; for loops over kNames<HookKind>.
    const std::vector<Hook>& of(HookKind kind) const {
        switch (kind) {
            case HookKind::prestart:
                return prestart;
            case HookKind::create_runtime:
                return create_runtime;
            case HookKind::create_container:
                return create_container;
            case HookKind::start_container:
                return start_container;
            case HookKind::poststart:
                return poststart;
            case HookKind::poststop:
                break;
        }
        return poststop;
    }
};

struct Spec {
    std::string oci_version;
    std::optional<Process> process;  // may be absent at create (C-04)
    std::optional<Root> root;        // validate() reports its absence (C-02)
    std::optional<std::string> hostname;
    std::optional<std::string> domainname;
    std::vector<Mount> mounts;
    Hooks hooks;
    std::map<std::string, std::string> annotations;
    Linux linux;

    bool operator==(const Spec&) const = default;
};

}  // namespace oci
