// SPDX-License-Identifier: Apache-2.0
// Reading the forms in which cgroup files show figures. A file that is not there, or has not what
// one expects, is a figure that is not known: 0 or empty.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libcontainer/cgroup/attribute.h"
#include "libcontainer/cgroup/stats.h"

namespace libcontainer {

// Reads a cgroup directory for figures. A failure that is not the file's (no more descriptors, no
// memory) is kept: what an engine takes for "uses nothing" must not come from that.
class FigureReader {
  public:
    explicit FigureReader(std::string path) : directory_(std::move(path)) {}

    // A file's content; empty if the kernel does not offer it.
    [[nodiscard]] std::string text(std::string_view file);
    // See list_page_sizes().
    [[nodiscard]] std::vector<std::string> page_sizes(std::string_view suffix);
    // The first failure.
    [[nodiscard]] Result<void> outcome() const;

  private:
    void keep(sys::Error error);

    AttributeDirectory directory_;
    std::optional<sys::Error> failure_;
};

// Whether the failure to read a figure means that there is none: of a controller that is not there,
// a kernel that has it not, or a container that has ended meanwhile.
[[nodiscard]] bool is_unknown_figure(const sys::Error& error);

// "max" is the largest number, as Go callers have it.
[[nodiscard]] Count read_count(FigureReader& files, std::string_view file);
// Numbers between blanks.
[[nodiscard]] std::vector<Count> read_counts(FigureReader& files, std::string_view file);
// "0-3,7".
[[nodiscard]] std::vector<std::uint32_t> read_list(FigureReader& files, std::string_view file);
// Lines of "name number".
[[nodiscard]] std::map<std::string, Count> read_table(FigureReader& files, std::string_view file);
[[nodiscard]] std::optional<Pressure> read_pressure(FigureReader& files, std::string_view file);

// The words of each line.
[[nodiscard]] std::vector<std::vector<std::string_view>> words_of_lines(std::string_view text);
[[nodiscard]] Count count_of(std::string_view text);
// "8:16" to both numbers; false: it is no device.
[[nodiscard]] bool parse_device(std::string_view text, BlkioStats::Entry& entry);

}  // namespace libcontainer
