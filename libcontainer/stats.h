// SPDX-License-Identifier: Apache-2.0
// What `events` tells of a container, and its JSON: one object per line, as go-runc reads it
// (engines 2.12).
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/cgroup/stats.h"

namespace libcontainer {

// Since the device was made; in the container's network namespace.
struct NetworkInterfaceStats {
    std::string name;
    Count rx_bytes = 0;
    Count rx_packets = 0;
    Count rx_errors = 0;
    Count rx_dropped = 0;
    Count tx_bytes = 0;
    Count tx_packets = 0;
    Count tx_errors = 0;
    Count tx_dropped = 0;
};

struct ContainerStats {
    CgroupStats cgroup;
    std::vector<NetworkInterfaceStats> network;
};

// The devices in the text of /proc/PID/net/dev.
[[nodiscard]] std::vector<NetworkInterfaceStats> parse_net_dev(std::string_view text);

// {"type":"stats","id":…,"data":{…}}
[[nodiscard]] std::string write_stats_event(const std::string& id, ContainerStats stats);
// {"type":"oom","id":…}
[[nodiscard]] std::string write_oom_event(const std::string& id);

}  // namespace libcontainer
