// SPDX-License-Identifier: Apache-2.0
// The v1 cpu controller: linux.resources.cpu without cpus and mems (§15.3).
#include <cerrno>
#include <optional>
#include <string>

#include "libcontainer/cgroup/v1/controllers.h"
#include "libcontainer/sys/file.h"

namespace libcontainer::v1 {
namespace {

// A file and its value, if there is one.
struct Setting {
    std::string_view file;
    std::optional<std::string> value;
    std::string_view config_path;
};

template <typename Number>
std::optional<std::string> text_of(const std::optional<Number>& number) {
    return number && *number != 0 ? std::optional(std::to_string(*number)) : std::nullopt;
}

Result<void> write(const AttributeDirectory& directory, const Setting& setting) {
    return setting.value ? directory.write(setting.file, *setting.value, setting.config_path)
                         : Result<void>();
}

// Both, in the other order if the kernel finds the first one too much (or too little) for what the
// second one still is.
Result<void> write_pair(const AttributeDirectory& directory, const Setting& first,
                        const Setting& second) {
    auto written = write(directory, first);
    if (written) {
        return write(directory, second);
    }
    if (written.error().code != EINVAL || !second.value) {
        return written;
    }
    TRY_VOID(write(directory, second));
    return write(directory, first);
}

Result<void> write_bandwidth(const AttributeDirectory& directory, const oci::Cpu& cpu) {
    const Setting period = {"cpu.cfs_period_us", text_of(cpu.period), "linux.resources.cpu.period"};
    const Setting quota = {"cpu.cfs_quota_us", text_of(cpu.quota), "linux.resources.cpu.quota"};
    const Setting burst = {"cpu.cfs_burst_us",
                           cpu.burst ? std::optional(std::to_string(*cpu.burst)) : std::nullopt,
                           "linux.resources.cpu.burst"};
    // burst <= quota: a lower quota needs the lower burst first, a higher burst the higher quota.
    auto written = write(directory, burst);
    const bool again = !written && written.error().code == EINVAL && quota.value;
    if (!written && !again) {
        return written;
    }
    TRY_VOID(write_pair(directory, period, quota));
    return again ? write(directory, burst) : Result<void>();
}

Result<void> write_realtime(const AttributeDirectory& directory, const oci::Cpu& cpu) {
    auto written = write_pair(
        directory,
        {"cpu.rt_period_us", text_of(cpu.realtime_period), "linux.resources.cpu.realtimePeriod"},
        {"cpu.rt_runtime_us", text_of(cpu.realtime_runtime),
         "linux.resources.cpu.realtimeRuntime"});
    // Nothing is taken from those above: they are another's, and their budget is all the
    // real-time tasks below share.
    if (!written && written.error().code == EINVAL) {
        const AttributeDirectory above(sys::directory_of(directory.path()));
        written.error().message += " (" + above.path() + " has a cpu.rt_runtime_us of " +
                                   above.read("cpu.rt_runtime_us").value_or("none") + ")";
    }
    return written;
}

std::string_view asks(const oci::Resources& resources) {
    const oci::Cpu& cpu = resources.cpu;
    return first_of({{is_limit(cpu.shares), "linux.resources.cpu.shares"},
                     {is_limit(cpu.quota), "linux.resources.cpu.quota"},
                     {is_limit(cpu.period), "linux.resources.cpu.period"},
                     {is_limit(cpu.burst), "linux.resources.cpu.burst"},
                     {is_limit(cpu.realtime_runtime), "linux.resources.cpu.realtimeRuntime"},
                     {is_limit(cpu.realtime_period), "linux.resources.cpu.realtimePeriod"},
                     {is_limit(cpu.idle), "linux.resources.cpu.idle"}});
}

Result<void> apply(const AttributeDirectory& directory, const oci::Resources& resources) {
    const oci::Cpu& cpu = resources.cpu;
    const Setting shares = {"cpu.shares", text_of(cpu.shares), "linux.resources.cpu.shares"};
    const Setting idle = {"cpu.idle",
                          cpu.idle ? std::optional(std::to_string(*cpu.idle)) : std::nullopt,
                          "linux.resources.cpu.idle"};
    // An idle group takes no shares (EINVAL): end that state before them, begin it after them. One
    // that is idle already and stays so has no use for them.
    if (is_limit(cpu.idle)) {
        auto written = write(directory, shares);
        if (!written && written.error().code != EINVAL) {
            return written;
        }
        TRY_VOID(write(directory, idle));
    } else {
        TRY_VOID(write(directory, idle));
        TRY_VOID(write(directory, shares));
    }
    TRY_VOID(write_bandwidth(directory, cpu));
    return write_realtime(directory, cpu);
}

}  // namespace

const Controller kCpu = {"cpu", &asks, &apply};

}  // namespace libcontainer::v1
