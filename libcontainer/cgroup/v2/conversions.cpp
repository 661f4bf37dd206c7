// SPDX-License-Identifier: Apache-2.0
// Values of v2.
#include "libcontainer/cgroup/v2/conversions.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace libcontainer::v2 {

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
    const double log = std::log2(static_cast<double>(shares));
    const double exponent = (log * log + 125.0 * log) / 612.0 - 7.0 / 34.0;
    return static_cast<std::uint64_t>(std::ceil(std::pow(10.0, exponent)));
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

std::vector<std::string> io_max_lines(const oci::BlockIo& block_io) {
    struct Line {
        std::pair<std::int64_t, std::int64_t> device;
        std::string text;
    };
    std::vector<Line> lines;
    const auto add = [&](const std::vector<oci::ThrottleDevice>& throttles, const char* key) {
        for (const oci::ThrottleDevice& throttle : throttles) {
            const std::pair device(throttle.major, throttle.minor);
            auto line = std::ranges::find(lines, device, &Line::device);
            if (line == lines.end()) {
                lines.push_back({device, std::to_string(throttle.major) + ":" +
                                             std::to_string(throttle.minor)});
                line = std::prev(lines.end());
            }
            line->text.append(" ").append(key).append("=").append(
                throttle.rate == 0 ? "max" : std::to_string(throttle.rate));
        }
    };
    add(block_io.throttle_read_bps_device, "rbps");
    add(block_io.throttle_write_bps_device, "wbps");
    add(block_io.throttle_read_iops_device, "riops");
    add(block_io.throttle_write_iops_device, "wiops");
    std::vector<std::string> texts;
    for (Line& line : lines) {
        texts.push_back(std::move(line.text));
    }
    return texts;
}

}  // namespace libcontainer::v2
