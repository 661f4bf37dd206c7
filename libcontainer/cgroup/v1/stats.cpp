// SPDX-License-Identifier: Apache-2.0
// What a container uses, from its v1 cgroups.
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <limits>

#include "libcontainer/cgroup/stats_files.h"
#include "libcontainer/cgroup/v1/manager.h"
#include "libcontainer/sys/file.h"

namespace libcontainer::v1 {
namespace {

void read_cpuacct(FigureReader& files, CpuStats::Usage& usage) {
    constexpr Count kTick = 10'000'000;  // nanoseconds of a tick as user space sees it (USER_HZ)
    usage.total = read_count(files, "cpuacct.usage");
    usage.per_cpu = read_counts(files, "cpuacct.usage_percpu");
    usage.per_cpu_kernel = read_counts(files, "cpuacct.usage_percpu_sys");
    usage.per_cpu_user = read_counts(files, "cpuacct.usage_percpu_user");
    auto times = read_table(files, "cpuacct.stat");
    usage.user = times["user"] * kTick;
    usage.kernel = times["system"] * kTick;
}

void read_cpu(FigureReader& files, CpuStats::Throttling& throttling) {
    auto stat = read_table(files, "cpu.stat");
    throttling = {stat["nr_periods"], stat["nr_throttled"], stat["throttled_time"]};
}

CpusetStats read_cpuset(FigureReader& files) {
    CpusetStats cpuset;
    cpuset.cpus = read_list(files, "cpuset.cpus");
    cpuset.mems = read_list(files, "cpuset.mems");
    cpuset.cpu_exclusive = read_count(files, "cpuset.cpu_exclusive");
    cpuset.mem_hardwall = read_count(files, "cpuset.mem_hardwall");
    cpuset.mem_exclusive = read_count(files, "cpuset.mem_exclusive");
    cpuset.memory_migrate = read_count(files, "cpuset.memory_migrate");
    cpuset.memory_spread_page = read_count(files, "cpuset.memory_spread_page");
    cpuset.memory_spread_slab = read_count(files, "cpuset.memory_spread_slab");
    cpuset.memory_pressure = read_count(files, "cpuset.memory_pressure");
    cpuset.sched_load_balance = read_count(files, "cpuset.sched_load_balance");
    // -1: what the system does.
    const std::string level = files.text("cpuset.sched_relax_domain_level");
    cpuset.sched_relax_domain_level =
        level.starts_with('-') ? -1 : static_cast<std::int64_t>(count_of(level));
    return cpuset;
}

MemoryStats::Entry read_memory_entry(FigureReader& files, const std::string& prefix) {
    return {
        read_count(files, prefix + "limit_in_bytes"), read_count(files, prefix + "usage_in_bytes"),
        read_count(files, prefix + "max_usage_in_bytes"), read_count(files, prefix + "failcnt")};
}

MemoryStats read_memory(FigureReader& files) {
    MemoryStats memory;
    memory.raw = read_table(files, "memory.stat");
    const auto cache = memory.raw.find("cache");
    memory.cache = cache == memory.raw.end() ? 0 : cache->second;
    memory.usage = read_memory_entry(files, "memory.");
    memory.swap = read_memory_entry(files, "memory.memsw.");
    memory.kernel = read_memory_entry(files, "memory.kmem.");
    memory.kernel_tcp = read_memory_entry(files, "memory.kmem.tcp.");
    return memory;
}

// "8:0 Read 4096", or without a direction.
std::vector<BlkioStats::Entry> read_block_entries(FigureReader& files, const std::string& file) {
    const std::string text = files.text(file);
    std::vector<BlkioStats::Entry> entries;
    for (const auto& words : words_of_lines(text)) {
        BlkioStats::Entry entry;
        if (words.size() < 2 || !parse_device(words[0], entry)) {
            continue;  // "Total 0" of all devices
        }
        entry.op = words.size() > 2 ? words[1] : std::string_view();
        entry.value = count_of(words.back());
        entries.push_back(std::move(entry));
    }
    return entries;
}

BlkioStats read_blkio(FigureReader& files) {
    BlkioStats blkio;
    // The scheduler that counts, if one does; throttling counts always.
    for (const std::string prefix : {"blkio.bfq.", "blkio.", "blkio.throttle."}) {
        blkio.service_bytes = read_block_entries(files, prefix + "io_service_bytes_recursive");
        blkio.serviced = read_block_entries(files, prefix + "io_serviced_recursive");
        if (!blkio.serviced.empty()) {
            blkio.queued = read_block_entries(files, prefix + "io_queued_recursive");
            blkio.service_time = read_block_entries(files, prefix + "io_service_time_recursive");
            blkio.wait_time = read_block_entries(files, prefix + "io_wait_time_recursive");
            blkio.merged = read_block_entries(files, prefix + "io_merged_recursive");
            blkio.time = read_block_entries(files, prefix + "time_recursive");
            blkio.sectors = read_block_entries(files, prefix + "sectors_recursive");
            break;
        }
    }
    return blkio;
}

std::map<std::string, HugetlbStats> read_hugetlb(FigureReader& files) {
    std::map<std::string, HugetlbStats> hugetlb;
    for (const std::string& size : files.page_sizes(".usage_in_bytes")) {
        const std::string stem = "hugetlb." + size;
        hugetlb[size] = {read_count(files, stem + ".usage_in_bytes"),
                         read_count(files, stem + ".max_usage_in_bytes"),
                         read_count(files, stem + ".failcnt")};
    }
    return hugetlb;
}

PidsStats read_pids_stats(FigureReader& files) {
    const Count limit = read_count(files, "pids.max");
    return {read_count(files, "pids.current"),
            limit == std::numeric_limits<Count>::max() ? 0 : limit};
}

}  // namespace

Result<CgroupStats> Manager::stats() const {
    CgroupStats stats;
    Result<void> outcome;
    const auto with = [&](std::string_view controller, auto read) {
        const std::string* const directory = find(controller);
        if (directory == nullptr || !outcome) {
            return;
        }
        FigureReader files(*directory);
        read(files);
        outcome = files.outcome();
    };
    using Files = FigureReader&;
    with("cpuacct", [&](Files files) { read_cpuacct(files, stats.cpu.usage); });
    with("cpu", [&](Files files) { read_cpu(files, stats.cpu.throttling); });
    with("cpuset", [&](Files files) { stats.cpuset = read_cpuset(files); });
    with("memory", [&](Files files) { stats.memory = read_memory(files); });
    with("pids", [&](Files files) { stats.pids = read_pids_stats(files); });
    with("blkio", [&](Files files) { stats.blkio = read_blkio(files); });
    with("hugetlb", [&](Files files) { stats.hugetlb = read_hugetlb(files); });
    TRY_VOID(std::move(outcome));
    return stats;
}

Result<OomWatch> Manager::watch_oom() const {
    const std::string* const directory = find("memory");
    if (directory == nullptr) {
        return OomWatch{};
    }
    OomWatch watch{sys::UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), POLLIN,
                   *directory + "/memory.oom_control"};
    if (!watch.descriptor) {
        return sys::fail_errno("eventfd");
    }
    const sys::UniqueFd control = TRY(sys::open_at(AT_FDCWD, watch.file, O_RDONLY));
    TRY_VOID(
        AttributeDirectory(*directory)
            .write("cgroup.event_control",
                   std::to_string(watch.descriptor.get()) + " " + std::to_string(control.get()),
                   ""));
    return watch;
}

}  // namespace libcontainer::v1
