// SPDX-License-Identifier: Apache-2.0
// Values of v2.
#include "libcontainer/cgroup/v2/conversions.h"

#include <algorithm>
#include <bit>

#include "libcontainer/cgroup/block_devices.h"

namespace libcontainer::v2 {
namespace {

// Of our own, because these two functions would bind brig to libm, whose loading costs every call
// of it 0.1 ms. Both are good to 1e-14 in the range that is used here.
double log2_of(std::uint64_t value) {
    constexpr double kLn2 = 0.693147180559945309;
    const int exponent = static_cast<int>(std::bit_width(value)) - 1;
    const double mantissa =
        static_cast<double>(value) / static_cast<double>(std::uint64_t{1} << exponent);
    const double t = (mantissa - 1) / (mantissa + 1);  // ln(m) = 2 artanh(t), 0 <= t < 1/3
    double sum = 0;
    double power = t;
    for (int k = 1; k < 60; k += 2, power *= t * t) {
        sum += power / k;
    }
    return exponent + 2 * sum / kLn2;
}

double power_of_10(double exponent) {
    constexpr double kLn10 = 2.302585092994045684;
    double term = 1;
    double sum = 1;
    for (int k = 1; k < 60; ++k) {
        term *= exponent * kLn10 / k;
        sum += term;
    }
    return sum;
}

std::uint64_t round_up(double value) {
    constexpr double kNoise = 1e-9;  // 1024 shares are exactly 100
    const auto whole = static_cast<std::uint64_t>(value);
    return value - static_cast<double>(whole) > kNoise ? whole + 1 : whole;
}

}  // namespace

std::optional<std::uint64_t> cpu_weight_from_shares(std::uint64_t shares) {
    constexpr std::uint64_t kLeastShares = 2;
    constexpr std::uint64_t kMostShares = 262144;
    if (shares == 0) {
        return std::nullopt;
    }
    if (shares <= kLeastShares) {
        return 1;
    }
    if (shares >= kMostShares) {
        return 10000;
    }
    const double log = log2_of(shares);
    const double exponent = (log * log + 125.0 * log) / 612.0 - 7.0 / 34.0;
    return round_up(power_of_10(exponent));
}

std::optional<std::uint64_t> io_weight_from_blkio(std::uint16_t weight) {
    if (weight == 0) {
        return std::nullopt;
    }
    return 1 + (std::uint64_t{weight} - 10) * 9999 / 990;
}

std::optional<std::string> cpu_max(const oci::Cpu& cpu, std::string_view current) {
    const std::int64_t quota = cpu.quota.value_or(0);
    const std::uint64_t period = cpu.period.value_or(0);
    if (quota == 0 && period == 0) {
        return std::nullopt;
    }
    const std::size_t blank = std::min(current.find(' '), current.size());
    std::string text(current.substr(0, blank));
    if (quota != 0) {
        text = limit_text(quota);
    }
    text += ' ';
    return text.append(period != 0
                           ? std::to_string(period)
                           : std::string(current.substr(std::min(blank + 1, current.size()))));
}

std::string limit_text(std::int64_t limit) {
    return limit < 0 ? "max" : std::to_string(limit);
}

std::optional<std::string> swap_max(const std::optional<std::int64_t>& swap, std::int64_t limit) {
    if (!swap) {
        return std::nullopt;
    }
    return limit_text(*swap == kUnlimited ? kUnlimited : std::max<std::int64_t>(*swap - limit, 0));
}

std::vector<AttributeLine> io_max_lines(const oci::BlockIo& block_io) {
    std::vector<AttributeLine> lines;
    const auto add = [&](const std::vector<oci::ThrottleDevice>& throttles, const char* name,
                         const char* key) {
        for (std::size_t i = 0; i < throttles.size(); ++i) {
            const std::string device = device_number(throttles[i]) + " ";
            auto line = std::ranges::find_if(
                lines, [&](const AttributeLine& other) { return other.value.starts_with(device); });
            if (line == lines.end()) {
                lines.push_back(
                    {device, indexed("linux.resources.blockIO." + std::string(name), i)});
                line = std::prev(lines.end());
            } else {
                line->value += ' ';
            }
            line->value.append(key).append("=").append(
                throttles[i].rate == 0 ? "max" : std::to_string(throttles[i].rate));
        }
    };
    add(block_io.throttle_read_bps_device, "throttleReadBpsDevice", "rbps");
    add(block_io.throttle_write_bps_device, "throttleWriteBpsDevice", "wbps");
    add(block_io.throttle_read_iops_device, "throttleReadIOPSDevice", "riops");
    add(block_io.throttle_write_iops_device, "throttleWriteIOPSDevice", "wiops");
    return lines;
}

}  // namespace libcontainer::v2
