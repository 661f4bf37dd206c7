// SPDX-License-Identifier: Apache-2.0
// What a container uses, as its cgroups tell: times in nanoseconds, memory in bytes. What the
// kernel or the container's cgroups do not have is 0 or empty. In the shape of go-runc's Stats,
// which callers read (engines 2.12).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

using sys::Result;
using Count = std::uint64_t;

// A number as the kernel writes it: "11.33".
struct Decimal {
    std::string text = "0";
};

// Pressure stall information; kernel: Documentation/accounting/psi.rst. v2 only.
struct Pressure {
    struct Line {
        Decimal avg10;
        Decimal avg60;
        Decimal avg300;
        Count total = 0;  // microseconds
    };
    Line some;
    Line full;
};

struct CpuStats {
    struct Usage {
        Count total = 0;
        std::vector<Count> per_cpu;
        std::vector<Count> per_cpu_kernel;
        std::vector<Count> per_cpu_user;
        Count kernel = 0;
        Count user = 0;
    };
    struct Throttling {
        Count periods = 0;
        Count throttled_periods = 0;
        Count throttled_time = 0;
    };
    Usage usage;
    Throttling throttling;
    std::optional<Pressure> psi;
};

struct CpusetStats {
    std::vector<std::uint32_t> cpus;
    Count cpu_exclusive = 0;
    Count cpu_hardwall = 0;  // the kernel has none any more; callers have the name
    std::vector<std::uint32_t> mems;
    Count mem_hardwall = 0;
    Count mem_exclusive = 0;
    Count memory_migrate = 0;
    Count memory_spread_page = 0;
    Count memory_spread_slab = 0;
    Count memory_pressure = 0;
    Count sched_load_balance = 0;
    std::int64_t sched_relax_domain_level = 0;
};

struct MemoryStats {
    struct Entry {
        Count limit = 0;
        Count usage = 0;
        Count max = 0;
        Count failcnt = 0;
    };
    Count cache = 0;
    Entry usage;
    Entry swap;  // memory and swap together, on v2 too
    Entry kernel;
    Entry kernel_tcp;
    std::map<std::string, Count> raw;  // memory.stat
    std::optional<Pressure> psi;
};

struct PidsStats {
    Count current = 0;
    Count limit = 0;  // 0: none
};

struct BlkioStats {
    struct Entry {
        Count major = 0;
        Count minor = 0;
        std::string op;
        Count value = 0;
    };
    std::vector<Entry> service_bytes;
    std::vector<Entry> serviced;
    std::vector<Entry> queued;
    std::vector<Entry> service_time;
    std::vector<Entry> wait_time;
    std::vector<Entry> merged;
    std::vector<Entry> time;
    std::vector<Entry> sectors;
    std::optional<Pressure> psi;
};

struct HugetlbStats {
    Count usage = 0;
    Count max = 0;
    Count failcnt = 0;
};

struct CgroupStats {
    CpuStats cpu;
    CpusetStats cpuset;
    MemoryStats memory;
    PidsStats pids;
    BlkioStats blkio;
    std::map<std::string, HugetlbStats> hugetlb;  // by page size, "2MB"
};

// Tells when the kernel runs out of a cgroup's memory.
struct OomWatch {
    sys::UniqueFd descriptor;  // to poll(2) for `events`
    short events = 0;
    std::string file;  // gone with the cgroup
    Count seen = 0;    // v2: kills so far

    // After poll(2) has told of the descriptor, and before the next: whether it was that.
    [[nodiscard]] Result<bool> happened();
};

}  // namespace libcontainer
