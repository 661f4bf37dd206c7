// SPDX-License-Identifier: Apache-2.0
// Figures out of cgroup files.
#include "libcontainer/cgroup/stats_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <limits>
#include <utility>

#include "libcontainer/cgroup/hugepages.h"

namespace libcontainer {
namespace {

std::string_view take_until(std::string_view& text, char end) {
    const std::size_t length = std::min(text.find(end), text.size());
    const std::string_view taken = text.substr(0, length);
    text.remove_prefix(std::min(length + 1, text.size()));
    return taken;
}

Pressure::Line pressure_line(const std::vector<std::string_view>& words) {
    Pressure::Line line;
    for (std::string_view word : words) {
        const std::string_view name = take_until(word, '=');
        if (name == "avg10") {
            line.avg10.text = word;
        } else if (name == "avg60") {
            line.avg60.text = word;
        } else if (name == "avg300") {
            line.avg300.text = word;
        } else if (name == "total") {
            line.total = count_of(word);
        }
    }
    return line;
}

}  // namespace

std::string FigureReader::text(std::string_view file) {
    auto content = directory_.read(file);
    if (!content) {
        keep(std::move(content).error());
        return {};
    }
    return *std::move(content);
}

std::vector<std::string> FigureReader::page_sizes(std::string_view suffix) {
    auto sizes = list_page_sizes(directory_, suffix);
    if (!sizes) {
        keep(std::move(sizes).error());
        return {};
    }
    return *std::move(sizes);
}

void FigureReader::keep(sys::Error error) {
    if (!failure_ && !is_unknown_figure(error)) {
        failure_ = std::move(error);
    }
}

Result<void> FigureReader::outcome() const {
    return failure_ ? Result<void>(std::unexpected(*failure_)) : Result<void>();
}

bool is_unknown_figure(const sys::Error& error) {
    constexpr std::array kNotThere = {ENOENT, ENODEV, ESRCH, EOPNOTSUPP, EINVAL, EACCES, EPERM};
    return std::ranges::find(kNotThere, error.code) != kNotThere.end();
}

Count count_of(std::string_view text) {
    if (text == "max") {
        return std::numeric_limits<Count>::max();
    }
    Count count = 0;
    std::from_chars(text.data(), text.data() + text.size(), count);
    return count;
}

std::vector<std::vector<std::string_view>> words_of_lines(std::string_view text) {
    std::vector<std::vector<std::string_view>> lines;
    while (!text.empty()) {
        std::string_view line = take_until(text, '\n');
        std::vector<std::string_view> words;
        while (!line.empty()) {
            if (const std::string_view word = take_until(line, ' '); !word.empty()) {
                words.push_back(word);
            }
        }
        lines.push_back(std::move(words));
    }
    return lines;
}

Count read_count(FigureReader& files, std::string_view file) {
    return count_of(files.text(file));
}

std::vector<Count> read_counts(FigureReader& files, std::string_view file) {
    const std::string text = files.text(file);
    std::vector<Count> counts;
    for (const auto& words : words_of_lines(text)) {
        std::ranges::transform(words, std::back_inserter(counts), count_of);
    }
    return counts;
}

std::vector<std::uint32_t> read_list(FigureReader& files, std::string_view file) {
    const std::string text = files.text(file);
    std::vector<std::uint32_t> numbers;
    for (std::string_view rest = text; !rest.empty();) {
        std::string_view range = take_until(rest, ',');
        const Count first = count_of(take_until(range, '-'));
        const Count last = range.empty() ? first : count_of(range);
        for (Count number = first; number <= last; ++number) {
            numbers.push_back(static_cast<std::uint32_t>(number));
        }
    }
    return numbers;
}

std::map<std::string, Count> read_table(FigureReader& files, std::string_view file) {
    const std::string text = files.text(file);
    std::map<std::string, Count> table;
    for (const auto& words : words_of_lines(text)) {
        if (words.size() == 2) {
            table.emplace(words[0], count_of(words[1]));
        }
    }
    return table;
}

std::optional<Pressure> read_pressure(FigureReader& files, std::string_view file) {
    const std::string text = files.text(file);
    Pressure pressure;
    for (const auto& words : words_of_lines(text)) {
        if (!words.empty() && words[0] == "some") {
            pressure.some = pressure_line(words);
        } else if (!words.empty() && words[0] == "full") {
            pressure.full = pressure_line(words);
        }
    }
    return text.empty() ? std::nullopt : std::optional(pressure);
}

bool parse_device(std::string_view text, BlkioStats::Entry& entry) {
    if (text.find(':') == std::string_view::npos) {
        return false;
    }
    entry.major = count_of(take_until(text, ':'));
    entry.minor = count_of(text);
    return true;
}

}  // namespace libcontainer
