// SPDX-License-Identifier: Apache-2.0
// brig events: what a container uses, as JSON lines, and when it ran out of memory.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "libcontainer/container.h"
#include "runtime/verbs.h"

namespace runtime {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t nanoseconds;
};

// The longer names first, for one begins with another.
constexpr Unit kUnits[] = {
    {"ns", 1},
    {"us", 1'000},
    {"µs", 1'000},
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
};

constexpr std::uint64_t kMost = 100'000'000'000'000'000;  // three years

std::string_view take_digits(std::string_view& text) {
    const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    const std::string_view digits = text.substr(0, end);
    text.remove_prefix(end);
    return digits;
}

// "1.5s" off the front of `text`; nullopt: it is no such thing, or beyond some years. In whole
// numbers, for those with a fraction would bind brig to libm.
std::optional<std::uint64_t> take_duration(std::string_view& text) {
    constexpr std::size_t kMostDigits = 9;
    const std::string_view whole = take_digits(text);
    std::string_view fraction;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        fraction = take_digits(text);
    }
    const auto* const unit = std::ranges::find_if(
        kUnits, [&](const Unit& known) { return text.starts_with(known.name); });
    if (whole.size() + fraction.size() == 0 || whole.size() > kMostDigits ||
        unit == std::end(kUnits)) {
        return std::nullopt;
    }
    text.remove_prefix(unit->name.size());
    std::uint64_t number = 0;
    std::from_chars(whole.data(), whole.data() + whole.size(), number);
    if (number > kMost / unit->nanoseconds) {
        return std::nullopt;
    }
    std::uint64_t duration = number * unit->nanoseconds;
    std::uint64_t place = unit->nanoseconds;
    for (const char digit : fraction) {
        place /= 10;
        duration += place * static_cast<std::uint64_t>(digit - '0');
    }
    return duration;
}

// Go's time.ParseDuration, without signs.
Result<void> store_interval(EventsSettings& settings, const std::string& value) {
    std::string_view rest(value);
    std::uint64_t sum = 0;
    while (!rest.empty()) {
        const auto duration = take_duration(rest);
        if (!duration || sum > kMost) {
            sum = 0;
            break;
        }
        sum += *duration;
    }
    if (sum == 0) {
        return sys::fail(sys::ErrorKind::invalid,
                         "no time greater than 0, such as 5s or 1m30s: \"" + value + "\"");
    }
    settings.interval = std::chrono::nanoseconds(sum);
    return {};
}

constexpr std::array kOptions = {
    Option<EventsSettings>{{"stats", 0, nullptr, "show once what the container uses, and end"},
                           store<&EventsSettings::stats>},
    Option<EventsSettings>{{"interval", 0, "TIME",
                            "time between two lines, such as 500ms or 1m30s "
                            "(default: 5s)"},
                           store_interval},
};

}  // namespace

std::vector<OptionInfo> events_options() {
    return infos_of<EventsSettings>(kOptions);
}

Result<EventsSettings> parse_events(const Line& line) {
    EventsSettings settings;
    TRY_VOID(line.apply<EventsSettings>(kOptions, settings));
    settings.id = line.operands[0];
    return settings;
}

Result<int> run_events(const Context& context, const Line& line) {
    const EventsSettings settings = TRY(parse_events(line));
    if (settings.stats) {
        const std::string event = TRY(libcontainer::stats(context.global, settings.id));
        return print(event + "\n");
    }
    const auto tell = [](const std::string& event) -> Result<void> {
        const auto printed = print(event + "\n");
        return printed ? Result<void>() : std::unexpected(printed.error());
    };
    TRY_VOID(libcontainer::events(context.global, settings.id, settings.interval, tell));
    return 0;
}

}  // namespace runtime
