// SPDX-License-Identifier: Apache-2.0
// From linux.resources to properties: systemd.resource-control(5), org.freedesktop.systemd1(5).
#include "libcontainer/cgroup/systemd/properties.h"

#include <algorithm>
#include <charconv>

#include "libcontainer/cgroup/controller.h"
#include "libcontainer/cgroup/memory_limits.h"
#include "libcontainer/cgroup/v2/conversions.h"

namespace libcontainer::systemd {
namespace {

constexpr std::uint64_t kDefaultPeriod = 100'000;  // microseconds, the kernel's
constexpr std::uint64_t kSecond = 1'000'000;       // microseconds
constexpr std::uint64_t kPercent = 10'000;         // microseconds of a second
constexpr std::size_t kMostCpus = 8192;            // NR_CPUS of the largest kernels
constexpr unsigned kByte = 8;
constexpr std::uint64_t kIdle = 0;  // as CPUWeight: systemd 252

class Plan {
  public:
    // Later ones win, as `unified` does over the rest.
    void set(std::string_view name, Value value) {
        const auto same = std::ranges::find(properties_, name, &Property::name);
        if (same != properties_.end()) {
            same->value = std::move(value);
        } else {
            properties_.push_back({std::string(name), std::move(value), Origin::resources});
        }
    }
    // What leaves the idle state has the weight that is set, or the default one again.
    void end_idle() {
        const auto weight = std::ranges::find(properties_, "CPUWeight", &Property::name);
        if (weight == properties_.end() || weight->value == Value(kIdle)) {
            set("CPUWeight", kInfinity);
        }
    }
    void set_limit(std::string_view name, const std::optional<std::int64_t>& limit) {
        if (limit) {
            set(name, *limit < 0 ? kInfinity : static_cast<std::uint64_t>(*limit));
        }
    }
    // systemd keeps whole percents in the unit's file, so at a daemon-reload a quota between two of
    // them is that of the higher one.
    void set_quota(std::int64_t quota, std::uint64_t period) {
        if (period != 0) {
            set("CPUQuotaPeriodUSec", period);
        }
        const std::uint64_t in_force = period != 0 ? period : kDefaultPeriod;
        std::uint64_t per_second = kInfinity;
        if (quota > 0 && static_cast<std::uint64_t>(quota) < kInfinity / kSecond) {
            per_second = static_cast<std::uint64_t>(quota) * kSecond / in_force;
            per_second = (per_second + kPercent - 1) / kPercent * kPercent;
        }
        set("CPUQuotaPerSecUSec", per_second);
    }
    void set_cpus(std::string_view name, std::string_view list) {
        if (auto set_of_bits = parse_cpu_set(list)) {
            set(name, *std::move(set_of_bits));
        }
    }

    [[nodiscard]] std::vector<Property> take() { return std::move(properties_); }

  private:
    std::vector<Property> properties_;
};

// 0 is no value that systemd takes here: "one task" ends in the same.
std::int64_t task_limit(std::int64_t limit) {
    return limit == 0 ? 1 : limit;
}

void plan_memory(Plan& plan, const oci::Memory& memory) {
    const MemoryLimits limits = plan_memory_limits(memory);
    plan.set_limit("MemoryMax", limits.limit);
    plan.set_limit("MemoryLow", limits.reservation);
    if (limits.swap == kUnlimited) {
        plan.set_limit("MemorySwapMax", kUnlimited);
    } else if (limits.swap && limits.limit && *limits.limit != kUnlimited) {
        plan.set_limit("MemorySwapMax", std::max<std::int64_t>(*limits.swap - *limits.limit, 0));
    }
}

void plan_cpu(Plan& plan, const oci::Cpu& cpu) {
    if (is_limit(cpu.idle)) {
        plan.set("CPUWeight", kIdle);
    } else if (const auto weight = v2::cpu_weight_from_shares(cpu.shares.value_or(0))) {
        plan.set("CPUWeight", *weight);
    } else if (cpu.idle) {
        plan.end_idle();
    }
    const std::int64_t quota = cpu.quota.value_or(0);
    const std::uint64_t period = cpu.period.value_or(0);
    if (quota != 0 || period != 0) {
        plan.set_quota(quota, period);
    }
    plan.set_cpus("AllowedCPUs", cpu.cpus.value_or(""));
    plan.set_cpus("AllowedMemoryNodes", cpu.mems.value_or(""));
}

void plan_io(Plan& plan, const oci::BlockIo& block_io) {
    constexpr std::uint16_t kLeastWeight = 10;
    if (block_io.weight.value_or(0) < kLeastWeight) {
        return;
    }
    if (const auto weight = v2::io_weight_from_blkio(*block_io.weight)) {
        plan.set("IOWeight", *weight);
    }
}

// A file's text, "max" being infinity.
std::optional<std::uint64_t> parse_limit(std::string_view text) {
    while (!text.empty() && (text.back() == ' ' || text.back() == '\n')) {
        text.remove_suffix(1);
    }
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    if (text == "max") {
        return kInfinity;
    }
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    return error == std::errc() && rest == end ? std::optional(number) : std::nullopt;
}

void set_if_number(Plan& plan, std::string_view name, std::string_view text) {
    if (const auto number = parse_limit(text)) {
        plan.set(name, *number);
    }
}

void set_bandwidth(Plan& plan, std::string_view, std::string_view text) {
    const std::size_t blank = std::min(text.find(' '), text.size());
    const auto quota = parse_limit(text.substr(0, blank));
    const auto period = parse_limit(blank == text.size() ? "100000" : text.substr(blank + 1));
    if (quota && period && *period != 0 && *period != kInfinity) {
        plan.set_quota(*quota > INT64_MAX ? kUnlimited : static_cast<std::int64_t>(*quota),
                       *period);
    }
}

void set_tasks(Plan& plan, std::string_view name, std::string_view text) {
    if (const auto number = parse_limit(text)) {
        plan.set(name, std::max<std::uint64_t>(*number, 1));
    }
}

void set_cpus(Plan& plan, std::string_view name, std::string_view text) {
    plan.set_cpus(name, text);
}

void set_weight(Plan& plan, std::string_view name, std::string_view text) {
    constexpr std::string_view kDefault = "default ";
    set_if_number(plan, name, text.starts_with(kDefault) ? text.substr(kDefault.size()) : text);
}

void set_idle(Plan& plan, std::string_view name, std::string_view text) {
    const auto idle = parse_limit(text);
    if (idle == 1) {
        plan.set(name, kIdle);
    } else if (idle == 0) {
        plan.end_idle();
    }
}

// systemd 253 has it for scopes.
void set_oom_group(Plan& plan, std::string_view name, std::string_view text) {
    const auto group = parse_limit(text);
    if (group && *group <= 1) {
        plan.set(name, std::string(*group == 1 ? "kill" : "continue"));
    }
}

// `unified`: file of the cgroup, property.
struct UnifiedProperty {
    std::string_view file;
    std::string_view property;
    void (*set)(Plan& plan, std::string_view property, std::string_view text);
};
// cpu.idle after cpu.weight, which an idle group has not.
constexpr UnifiedProperty kUnified[] = {
    {"cpu.max", "", &set_bandwidth},
    {"cpu.weight", "CPUWeight", &set_if_number},
    {"cpu.idle", "CPUWeight", &set_idle},
    {"cpuset.cpus", "AllowedCPUs", &set_cpus},
    {"cpuset.mems", "AllowedMemoryNodes", &set_cpus},
    {"io.weight", "IOWeight", &set_weight},
    {"memory.high", "MemoryHigh", &set_if_number},
    {"memory.low", "MemoryLow", &set_if_number},
    {"memory.max", "MemoryMax", &set_if_number},
    {"memory.min", "MemoryMin", &set_if_number},
    {"memory.oom.group", "OOMPolicy", &set_oom_group},
    {"memory.swap.max", "MemorySwapMax", &set_if_number},
    {"memory.zswap.max", "MemoryZSwapMax", &set_if_number},
    {"pids.max", "TasksMax", &set_tasks},
};

}  // namespace

std::vector<Property> plan_properties(const oci::Resources& resources) {
    Plan plan;
    plan_memory(plan, resources.memory);
    plan_cpu(plan, resources.cpu);
    plan_io(plan, resources.block_io);
    if (resources.pids.limit) {
        plan.set_limit("TasksMax", task_limit(*resources.pids.limit));
    }
    for (const UnifiedProperty& unified : kUnified) {
        const auto given = resources.unified.find(std::string(unified.file));
        if (given != resources.unified.end()) {
            unified.set(plan, unified.property, given->second);
        }
    }
    return plan.take();
}

std::optional<std::vector<std::uint8_t>> parse_cpu_set(std::string_view list) {
    std::vector<std::uint8_t> bits;
    const auto read = [&list](std::size_t& number) {
        const auto [rest, error] = std::from_chars(list.data(), list.data() + list.size(), number);
        list.remove_prefix(static_cast<std::size_t>(rest - list.data()));
        return error == std::errc() && number < kMostCpus;
    };
    while (!list.empty() && list.back() == '\n') {
        list.remove_suffix(1);
    }
    while (!list.empty()) {
        std::size_t first = 0;
        if (!read(first)) {
            return std::nullopt;
        }
        std::size_t last = first;
        if (list.starts_with('-')) {
            list.remove_prefix(1);
            if (!read(last) || last < first) {
                return std::nullopt;
            }
        }
        bits.resize(std::max(bits.size(), last / kByte + 1));
        for (std::size_t cpu = first; cpu <= last; ++cpu) {
            bits[cpu / kByte] = static_cast<std::uint8_t>(bits[cpu / kByte] | 1U << cpu % kByte);
        }
        if (!list.empty() && !list.starts_with(',')) {
            return std::nullopt;
        }
        list.remove_prefix(std::min<std::size_t>(list.size(), 1));
    }
    return bits.empty() ? std::nullopt : std::optional(std::move(bits));
}

}  // namespace libcontainer::systemd
