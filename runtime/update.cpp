// SPDX-License-Identifier: Apache-2.0
// brig update: other limits for a container, as JSON or by option.
#include <charconv>
#include <limits>

#include "libcontainer/container.h"
#include "runtime/verbs.h"

namespace runtime {

namespace {

using libcontainer::UpdateOptions;
using oci::BlockIo;
using oci::Cpu;
using oci::Memory;
using oci::Pids;
using oci::Resources;

std::unexpected<sys::Error> bad_number(const std::string& value, std::string_view wanted) {
    return sys::fail(sys::ErrorKind::invalid, "not " + std::string(wanted) + ": \"" + value + "\"");
}

template <typename Number>
Result<void> assign_number(std::optional<Number>& member, const std::string& value) {
    const char* const end = value.data() + value.size();
    Number number = 0;
    const auto [rest, error] = std::from_chars(value.data(), end, number);
    if (error != std::errc{} || rest != end) {
        return bad_number(value, "a number in range");
    }
    member = number;
    return {};
}

// 0 for no unit; of the kind that engines write: 512, 64k, 64K, 64KB, 64KiB. nullopt: none of
// them.
std::optional<unsigned> shift_of(std::string_view unit) {
    constexpr std::string_view kUnits = "kmgtp";
    constexpr unsigned kStep = 10;
    if (unit.empty() || unit == "b" || unit == "B") {
        return 0;
    }
    const char letter = unit.front() >= 'A' && unit.front() <= 'Z'
                            ? static_cast<char>(unit.front() - 'A' + 'a')
                            : unit.front();
    const std::size_t place = kUnits.find(letter);
    unit.remove_prefix(1);
    const bool is_known =
        unit.empty() || unit == "b" || unit == "B" || unit == "iB" || unit == "ib";
    return place == std::string_view::npos || !is_known
               ? std::nullopt
               : std::optional(kStep * (static_cast<unsigned>(place) + 1));
}

// Bytes; -1 is no limit.
Result<void> assign_size(std::optional<std::int64_t>& member, const std::string& value) {
    const char* const end = value.data() + value.size();
    std::int64_t number = 0;
    const auto [rest, error] = std::from_chars(value.data(), end, number);
    const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
    const auto shift = shift_of(unit);
    if (error != std::errc{} || !shift || (number < 0 && !unit.empty()) ||
        number > std::numeric_limits<std::int64_t>::max() >> *shift) {
        return bad_number(value, "a number of bytes (with k, m or g) or -1");
    }
    member = *shift == 0 ? number : number << *shift;
    return {};
}

template <auto... Members>
Result<void> store_number(UpdateOptions& options, const std::string& value) {
    return assign_number(member_of<&UpdateOptions::changes, Members...>(options), value);
}

template <auto Member>
Result<void> store_size(UpdateOptions& options, const std::string& value) {
    return assign_size(member_of<&UpdateOptions::changes, &Resources::memory, Member>(options),
                       value);
}

Result<void> store_resources(UpdateOptions& options, const std::string& value) {
    return value == "-" ? assign(options.resources_file, value)
                        : assign_path(options.resources_file, value);
}

template <auto Member>
constexpr auto kStoreCpu = store_number<&Resources::cpu, Member>;

constexpr std::array kOptions = {
    Option<UpdateOptions>{{"resources", 'r', "FILE",
                           "linux.resources as JSON, - for standard input; wins over all "
                           "limits below"},
                          store_resources},
    Option<UpdateOptions>{{"blkio-weight", 0, "N", "share of block I/O, 10 to 1000"},
                          store_number<&Resources::block_io, &BlockIo::weight>},
    Option<UpdateOptions>{{"cpu-period", 0, "USEC", "period of the cpu quota"},
                          kStoreCpu<&Cpu::period>},
    Option<UpdateOptions>{{"cpu-quota", 0, "USEC", "cpu time in each period, -1: no limit"},
                          kStoreCpu<&Cpu::quota>},
    Option<UpdateOptions>{{"cpu-burst", 0, "USEC", "unused cpu time that may be saved up"},
                          kStoreCpu<&Cpu::burst>},
    Option<UpdateOptions>{{"cpu-share", 0, "N", "share of the cpus beside others, 2 to 262144"},
                          kStoreCpu<&Cpu::shares>},
    Option<UpdateOptions>{{"cpu-rt-period", 0, "USEC", "period of the real-time budget"},
                          kStoreCpu<&Cpu::realtime_period>},
    Option<UpdateOptions>{{"cpu-rt-runtime", 0, "USEC", "real-time budget in each period"},
                          kStoreCpu<&Cpu::realtime_runtime>},
    Option<UpdateOptions>{{"cpu-idle", 0, "0|1", "1: run only when nobody else wants the cpu"},
                          kStoreCpu<&Cpu::idle>},
    Option<UpdateOptions>{{"cpuset-cpus", 0, "LIST", "cpus to use, such as 0-3,7"},
                          store<&UpdateOptions::changes, &Resources::cpu, &Cpu::cpus>},
    Option<UpdateOptions>{{"cpuset-mems", 0, "LIST", "memory nodes to use"},
                          store<&UpdateOptions::changes, &Resources::cpu, &Cpu::mems>},
    Option<UpdateOptions>{{"memory", 0, "BYTES", "memory limit, -1: none"},
                          store_size<&Memory::limit>},
    Option<UpdateOptions>{{"memory-reservation", 0, "BYTES", "memory to leave when it is short"},
                          store_size<&Memory::reservation>},
    Option<UpdateOptions>{{"memory-swap", 0, "BYTES", "limit of memory and swap together"},
                          store_size<&Memory::swap>},
    Option<UpdateOptions>{{"kernel-memory", 0, "BYTES", "accepted for engines, without effect"},
                          ignore<UpdateOptions>},
    Option<UpdateOptions>{{"kernel-memory-tcp", 0, "BYTES", "accepted for engines, without effect"},
                          ignore<UpdateOptions>},
    Option<UpdateOptions>{{"pids-limit", 0, "N", "most processes and threads, -1: no limit"},
                          store_number<&Resources::pids, &Pids::limit>},
    Option<UpdateOptions>{{"l3-cache-schema", 0, "LINE", "L3 schema of the resctrl class"},
                          store<&UpdateOptions::l3_cache_schema>},
    Option<UpdateOptions>{{"mem-bw-schema", 0, "LINE", "memory bandwidth of the resctrl class"},
                          store<&UpdateOptions::mem_bw_schema>},
};

}  // namespace

std::vector<OptionInfo> update_options() {
    return infos_of<UpdateOptions>(kOptions);
}

Result<UpdateOptions> parse_update(const Line& line) {
    UpdateOptions options;
    TRY_VOID(line.apply<UpdateOptions>(kOptions, options));
    options.id = line.operands[0];
    return options;
}

Result<int> run_update(const Context& context, const Line& line) {
    const UpdateOptions options = TRY(parse_update(line));
    TRY_VOID(libcontainer::update(context.global, options));
    return 0;
}

}  // namespace runtime
