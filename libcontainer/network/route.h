// SPDX-License-Identifier: Apache-2.0
// Routes over a network device, kept for the case that it comes back.
#pragma once

#include <linux/rtnetlink.h>

#include <string>
#include <vector>

#include "libcontainer/network/netlink.h"

namespace libcontainer {

// A route as the kernel told it and takes it back, but for its device.
struct Route {
    rtmsg header = {};
    std::string attributes;  // encoded
};

// The routes over device `index` alone that somebody has added: not those that the kernel makes of
// addresses and router advertisements, nor those over several devices.
[[nodiscard]] Result<std::vector<Route>> read_routes(RouteSocket& socket, int index);

// Adds them to device `index`, those without a gateway first: they lead to the gateways.
[[nodiscard]] Result<void> add_routes(RouteSocket& socket, int index,
                                      const std::vector<Route>& routes);

}  // namespace libcontainer
