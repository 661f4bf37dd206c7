// SPDX-License-Identifier: Apache-2.0
// Words of the command line to settings and operands, by Boost.Program_options. Its exceptions
// stop here.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "runtime/option.h"

namespace runtime {

// Where a command's operands stand. `first_ends_options`: nothing after the first operand is an
// option, so `exec ID ls -l` keeps its -l (engines 1.1).
enum class Operands : unsigned char { anywhere, first_ends_options };

struct Setting {
    std::size_t row = 0;  // in the table of options
    std::string value;    // "true" for a flag without one
};

struct Line {
    std::vector<Setting> settings;
    std::vector<std::string> operands;
    bool help = false;  // --help or -h, which every table understands

    // Stores the settings in `target`, in the order given. The table is the one that was split by.
    template <typename T>
    [[nodiscard]] Result<void> apply(std::span<const Option<T>> table, T& target) const {
        for (const Setting& setting : settings) {
            const Option<T>& option = table[setting.row];
            if (auto applied = option.apply(target, setting.value); !applied) {
                return std::unexpected(
                    std::move(applied).error().wrap(std::string("--") + option.name));
            }
        }
        return {};
    }
};

// Accepts `--name value`, `--name=value`, `-name value` (go-runc sends -no-subreaper), `-n value`,
// `-nvalue`, clusters of short flags, flags with `=true`, repetitions, and `--` before operands.
// Error: ErrorKind::invalid; a missing argument's text holds "requires an argument" and, for
// podman 4.3, "flag needs an argument": by these it knows a runtime that restores into pods
// (engines 1.6).
[[nodiscard]] Result<Line> split_line(std::span<const OptionInfo> table, Operands operands,
                                      std::span<const char* const> words);

// The part of the rows that needs no knowledge of where they are stored.
template <typename T>
std::vector<OptionInfo> infos_of(std::span<const Option<T>> table) {
    return {table.begin(), table.end()};
}

}  // namespace runtime
