// SPDX-License-Identifier: Apache-2.0
// What a container uses, from its v2 cgroup.
#include <fcntl.h>
#include <poll.h>

#include <limits>

#include "libcontainer/cgroup/stats_files.h"
#include "libcontainer/cgroup/v2/manager.h"
#include "libcontainer/sys/file.h"

namespace libcontainer::v2 {
namespace {

constexpr Count kNone = std::numeric_limits<Count>::max();

CpuStats read_cpu(FigureReader& files) {
    constexpr Count kNanoseconds = 1000;  // of a microsecond
    CpuStats cpu;
    auto stat = read_table(files, "cpu.stat");
    cpu.usage.total = stat["usage_usec"] * kNanoseconds;
    cpu.usage.user = stat["user_usec"] * kNanoseconds;
    cpu.usage.kernel = stat["system_usec"] * kNanoseconds;
    cpu.throttling = {stat["nr_periods"], stat["nr_throttled"],
                      stat["throttled_usec"] * kNanoseconds};
    cpu.psi = read_pressure(files, "cpu.pressure");
    return cpu;
}

MemoryStats read_memory(FigureReader& files) {
    MemoryStats memory;
    memory.raw = read_table(files, "memory.stat");
    const auto cache = memory.raw.find("file");
    memory.cache = cache == memory.raw.end() ? 0 : cache->second;
    auto events = read_table(files, "memory.events");
    memory.usage = {read_count(files, "memory.max"), read_count(files, "memory.current"),
                    read_count(files, "memory.peak"), events["max"]};
    // Swap alone here, the sum for those who know v1.
    const Count swap_limit = read_count(files, "memory.swap.max");
    memory.swap.limit = swap_limit == kNone || memory.usage.limit == kNone
                            ? kNone
                            : swap_limit + memory.usage.limit;
    memory.swap.usage = read_count(files, "memory.swap.current") + memory.usage.usage;
    memory.psi = read_pressure(files, "memory.pressure");
    return memory;
}

// "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0".
BlkioStats read_io(FigureReader& files) {
    struct Figure {
        std::string_view key;
        const char* op;
        std::vector<BlkioStats::Entry> BlkioStats::*entries;
    };
    constexpr Figure kFigures[] = {
        {"rbytes=", "Read", &BlkioStats::service_bytes},
        {"wbytes=", "Write", &BlkioStats::service_bytes},
        {"dbytes=", "Discard", &BlkioStats::service_bytes},
        {"rios=", "Read", &BlkioStats::serviced},
        {"wios=", "Write", &BlkioStats::serviced},
        {"dios=", "Discard", &BlkioStats::serviced},
    };
    BlkioStats blkio;
    const std::string text = files.text("io.stat");
    for (const auto& words : words_of_lines(text)) {
        BlkioStats::Entry entry;
        if (words.empty() || !parse_device(words[0], entry)) {
            continue;
        }
        for (const std::string_view word : words) {
            for (const Figure& figure : kFigures) {
                if (word.starts_with(figure.key)) {
                    entry.op = figure.op;
                    entry.value = count_of(word.substr(figure.key.size()));
                    (blkio.*figure.entries).push_back(entry);
                }
            }
        }
    }
    blkio.psi = read_pressure(files, "io.pressure");
    return blkio;
}

std::map<std::string, HugetlbStats> read_hugetlb(FigureReader& files) {
    std::map<std::string, HugetlbStats> hugetlb;
    for (const std::string& size : files.page_sizes(".current")) {
        auto events = read_table(files, "hugetlb." + size + ".events");
        hugetlb[size] = {read_count(files, "hugetlb." + size + ".current"), 0, events["max"]};
    }
    return hugetlb;
}

}  // namespace

Result<CgroupStats> Manager::stats() const {
    CgroupStats stats;
    const std::string* const directory = process_directory();
    if (directory == nullptr) {
        return stats;
    }
    FigureReader files(*directory);
    stats.cpu = read_cpu(files);
    stats.cpuset.cpus = read_list(files, "cpuset.cpus");
    stats.cpuset.mems = read_list(files, "cpuset.mems");
    stats.memory = read_memory(files);
    const Count pids_limit = read_count(files, "pids.max");
    stats.pids = {read_count(files, "pids.current"), pids_limit == kNone ? 0 : pids_limit};
    stats.blkio = read_io(files);
    stats.hugetlb = read_hugetlb(files);
    TRY_VOID(files.outcome());
    return stats;
}

Result<OomWatch> Manager::watch_oom() const {
    const std::string* const directory = process_directory();
    if (directory == nullptr || !AttributeDirectory(*directory).has("memory.events")) {
        return OomWatch{};
    }
    OomWatch watch{{}, POLLPRI, *directory + "/memory.events"};
    watch.descriptor = TRY(sys::open_at(AT_FDCWD, watch.file, O_RDONLY));
    TRY(watch.happened());  // reading arms the first poll(2)
    return watch;
}

}  // namespace libcontainer::v2
