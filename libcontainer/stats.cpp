// SPDX-License-Identifier: Apache-2.0
// The events of a container as JSON, and the figures of its network devices.
#include "libcontainer/stats.h"

#include <array>

#include "libcontainer/cgroup/stats_files.h"
#include "oci/json.h"

namespace libcontainer {
namespace {

struct StatsData {
    CpuStats cpu;
    CpusetStats cpuset;
    MemoryStats memory;
    PidsStats pids;
    BlkioStats blkio;
    std::map<std::string, HugetlbStats> hugetlb;
    std::vector<NetworkInterfaceStats> network;
};

struct Event {
    std::string type;
    std::string id;
    std::optional<StatsData> data;
};

}  // namespace
}  // namespace libcontainer

namespace oci {

using namespace libcontainer;

template <>
struct binding::TypeOf<Decimal> {
    static constexpr Type make() {
        return {.kind = Kind::integer,
                .what = "a number",
                .print = [](const void* value, std::string& out) {
                    out += static_cast<const Decimal*>(value)->text;
                }};
    }
};

template <>
inline constexpr Field kFields<Pressure::Line>[] = {
    field<&Pressure::Line::avg10>("avg10"),
    field<&Pressure::Line::avg60>("avg60"),
    field<&Pressure::Line::avg300>("avg300"),
    field<&Pressure::Line::total>("total"),
};

template <>
inline constexpr Field kFields<Pressure>[] = {
    always<&Pressure::some>("some"),
    always<&Pressure::full>("full"),
};

template <>
inline constexpr Field kFields<CpuStats::Usage>[] = {
    field<&CpuStats::Usage::total>("total"),
    field<&CpuStats::Usage::per_cpu>("percpu"),
    field<&CpuStats::Usage::per_cpu_kernel>("percpu_kernel"),
    field<&CpuStats::Usage::per_cpu_user>("percpu_user"),
    field<&CpuStats::Usage::kernel>("kernel"),
    field<&CpuStats::Usage::user>("user"),
};

template <>
inline constexpr Field kFields<CpuStats::Throttling>[] = {
    field<&CpuStats::Throttling::periods>("periods"),
    field<&CpuStats::Throttling::throttled_periods>("throttledPeriods"),
    field<&CpuStats::Throttling::throttled_time>("throttledTime"),
};

template <>
inline constexpr Field kFields<CpuStats>[] = {
    always<&CpuStats::usage>("usage"),
    always<&CpuStats::throttling>("throttling"),
    field<&CpuStats::psi>("psi"),
};

template <>
inline constexpr Field kFields<CpusetStats>[] = {
    field<&CpusetStats::cpus>("cpus"),
    field<&CpusetStats::cpu_exclusive>("cpu_exclusive"),
    field<&CpusetStats::cpu_hardwall>("cpu_hardwall"),
    field<&CpusetStats::mems>("mems"),
    field<&CpusetStats::mem_hardwall>("mem_hardwall"),
    field<&CpusetStats::mem_exclusive>("mem_exclusive"),
    field<&CpusetStats::memory_migrate>("memory_migrate"),
    field<&CpusetStats::memory_spread_page>("memory_spread_page"),
    field<&CpusetStats::memory_spread_slab>("memory_spread_slab"),
    field<&CpusetStats::memory_pressure>("memory_pressure"),
    field<&CpusetStats::sched_load_balance>("sched_load_balance"),
    field<&CpusetStats::sched_relax_domain_level>("sched_relax_domain_level"),
};

template <>
inline constexpr Field kFields<MemoryStats::Entry>[] = {
    field<&MemoryStats::Entry::limit>("limit"),
    field<&MemoryStats::Entry::usage>("usage"),
    field<&MemoryStats::Entry::max>("max"),
    field<&MemoryStats::Entry::failcnt>("failcnt"),
};

template <>
inline constexpr Field kFields<MemoryStats>[] = {
    field<&MemoryStats::cache>("cache"),
    always<&MemoryStats::usage>("usage"),
    always<&MemoryStats::swap>("swap"),
    always<&MemoryStats::kernel>("kernel"),
    always<&MemoryStats::kernel_tcp>("kernelTCP"),
    field<&MemoryStats::raw>("raw"),
    field<&MemoryStats::psi>("psi"),
};

template <>
inline constexpr Field kFields<PidsStats>[] = {
    field<&PidsStats::current>("current"),
    field<&PidsStats::limit>("limit"),
};

template <>
inline constexpr Field kFields<BlkioStats::Entry>[] = {
    field<&BlkioStats::Entry::major>("major"),
    field<&BlkioStats::Entry::minor>("minor"),
    field<&BlkioStats::Entry::op>("op"),
    field<&BlkioStats::Entry::value>("value"),
};

template <>
inline constexpr Field kFields<BlkioStats>[] = {
    field<&BlkioStats::service_bytes>("ioServiceBytesRecursive"),
    field<&BlkioStats::serviced>("ioServicedRecursive"),
    field<&BlkioStats::queued>("ioQueueRecursive"),
    field<&BlkioStats::service_time>("ioServiceTimeRecursive"),
    field<&BlkioStats::wait_time>("ioWaitTimeRecursive"),
    field<&BlkioStats::merged>("ioMergedRecursive"),
    field<&BlkioStats::time>("ioTimeRecursive"),
    field<&BlkioStats::sectors>("sectorsRecursive"),
    field<&BlkioStats::psi>("psi"),
};

template <>
inline constexpr Field kFields<HugetlbStats>[] = {
    field<&HugetlbStats::usage>("usage"),
    field<&HugetlbStats::max>("max"),
    field<&HugetlbStats::failcnt>("failcnt"),
};

template <>
inline constexpr Field kFields<NetworkInterfaceStats>[] = {
    field<&NetworkInterfaceStats::name>("Name"),
    field<&NetworkInterfaceStats::rx_bytes>("RxBytes"),
    field<&NetworkInterfaceStats::rx_packets>("RxPackets"),
    field<&NetworkInterfaceStats::rx_errors>("RxErrors"),
    field<&NetworkInterfaceStats::rx_dropped>("RxDropped"),
    field<&NetworkInterfaceStats::tx_bytes>("TxBytes"),
    field<&NetworkInterfaceStats::tx_packets>("TxPackets"),
    field<&NetworkInterfaceStats::tx_errors>("TxErrors"),
    field<&NetworkInterfaceStats::tx_dropped>("TxDropped"),
};

template <>
inline constexpr Field kFields<StatsData>[] = {
    always<&StatsData::cpu>("cpu"),
    always<&StatsData::cpuset>("cpuset"),
    always<&StatsData::memory>("memory"),
    always<&StatsData::pids>("pids"),
    always<&StatsData::blkio>("blkio"),
    always<&StatsData::hugetlb>("hugetlb"),
    always<&StatsData::network>("network_interfaces"),
};

template <>
inline constexpr Field kFields<Event>[] = {
    field<&Event::type>("type"),
    field<&Event::id>("id"),
    field<&Event::data>("data"),
};

}  // namespace oci

namespace libcontainer {

std::vector<NetworkInterfaceStats> parse_net_dev(std::string_view text) {
    // The colon may stand right before the first number: "eth0:1234".
    std::string spaced(text);
    std::vector<NetworkInterfaceStats> devices;
    for (std::size_t colon = spaced.find(':'); colon != std::string::npos;
         colon = spaced.find(':', colon + 1)) {
        spaced[colon] = ' ';
    }
    for (const auto& words : words_of_lines(spaced)) {
        constexpr std::size_t kColumns = 17;  // the name, 8 of receiving, 8 of sending
        if (words.size() != kColumns ||
            words[1].find_first_not_of("0123456789") != std::string_view::npos) {
            continue;  // the titles
        }
        const auto column = [&](std::size_t number) { return count_of(words[number]); };
        devices.push_back({std::string(words[0]), column(1), column(2), column(3), column(4),
                           column(9), column(10), column(11), column(12)});
    }
    return devices;
}

std::string write_stats_event(const std::string& id, ContainerStats stats) {
    CgroupStats& cgroup = stats.cgroup;
    StatsData data{
        std::move(cgroup.cpu),   std::move(cgroup.cpuset),  std::move(cgroup.memory), cgroup.pids,
        std::move(cgroup.blkio), std::move(cgroup.hugetlb), std::move(stats.network)};
    return oci::write_json(Event{"stats", id, std::move(data)}, oci::Layout::compact);
}

std::string write_oom_event(const std::string& id) {
    return oci::write_json(Event{"oom", id, std::nullopt}, oci::Layout::compact);
}

}  // namespace libcontainer
