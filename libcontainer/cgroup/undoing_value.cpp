// SPDX-License-Identifier: Apache-2.0
// What a cgroup file has to be given to be as it was.
#include <algorithm>
#include <string>

#include "libcontainer/cgroup/attribute.h"

namespace libcontainer {
namespace {

// Files with a line for each device that has a limit, and what takes such a line away.
struct KeyedFile {
    std::string_view prefix;
    std::string_view reset;
};

constexpr KeyedFile kKeyedFiles[] = {
    {"blkio.throttle.", "0"},
    {"blkio.bfq.weight_device", "default"},
    {"blkio.weight_device", "0"},
    {"blkio.leaf_weight_device", "0"},
    {"io.max", "rbps=max wbps=max riops=max wiops=max"},
    {"io.bfq.weight", "default"},
    {"io.weight", "default"},
    {"rdma.max", "hca_handle=max hca_object=max"},
};

// Labels in front of the value in what is read, that are not written.
constexpr std::string_view kLabels[] = {"default ", "oom_kill_disable "};

// The first line of `text` that begins so; empty: none does.
std::string_view find_line(std::string_view text, std::string_view beginning) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        if (text.starts_with(beginning)) {
            return text.substr(0, end);
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return {};
}

}  // namespace

std::string undoing_value(std::string_view file, std::string_view written,
                          std::string_view before) {
    const std::size_t blank = written.find(' ');
    if (blank != std::string_view::npos) {
        const std::string_view key = written.substr(0, blank + 1);
        if (const std::string_view line = find_line(before, key); !line.empty()) {
            return std::string(line);
        }
        for (const KeyedFile& keyed : kKeyedFiles) {
            if (file.starts_with(keyed.prefix)) {
                return std::string(key).append(keyed.reset);
            }
        }
    }
    for (const std::string_view label : kLabels) {
        if (const std::string_view line = find_line(before, label); !line.empty()) {
            return std::string(line.substr(label.size()));
        }
    }
    return std::string(before);
}

}  // namespace libcontainer
