// SPDX-License-Identifier: Apache-2.0
// Network devices and their addresses, as requests to the kernel.
#pragma once

#include <linux/if_addr.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/network/netlink.h"

namespace libcontainer {

struct Link {
    int index = 0;
    std::string name;
    bool up = false;
    std::optional<std::uint32_t> master;  // index of the bridge that it is a port of
};

// The device of that name, or index, in the socket's namespace; ENODEV if there is none.
[[nodiscard]] Result<Link> read_link(RouteSocket& socket, const std::string& name);
[[nodiscard]] Result<Link> read_link(RouteSocket& socket, int index);

// An address as the kernel told it and takes it back: prefix, peer, broadcast, label, metric and
// the time for which it is preferred.
struct Address {
    ifaddrmsg header = {};
    std::string label;       // IPv4; empty: none
    std::string attributes;  // the others, encoded
};

// The addresses of device `index` that are global and permanent (ND-04), in the order in which they
// have to be added to come out as they are.
[[nodiscard]] Result<std::vector<Address>> read_lasting_addresses(RouteSocket& socket, int index);

// Gives `address`, which belonged to device `former_name`, to `link`; a label follows the name.
[[nodiscard]] Result<void> add_address(RouteSocket& socket, const Link& link,
                                       const Address& address, const std::string& former_name);

// The label of an address after its device was renamed, as the kernel itself does it: what follows
// a colon stays, within the 15 bytes that it may have.
[[nodiscard]] std::string renamed_label(const std::string& label, const std::string& former_name,
                                        const std::string& name);

[[nodiscard]] Result<void> set_up(RouteSocket& socket, const Link& link);
[[nodiscard]] Result<void> set_master(RouteSocket& socket, const Link& link, std::uint32_t master);

// What the message says of a device that has left its namespace; nothing if it is another message.
struct Departure {
    int index = 0;
    std::optional<int> new_index;  // where it went, if it still is
};
[[nodiscard]] std::optional<Departure> parse_departure(const NetlinkMessage& message);

struct LinkMove {
    int index = 0;
    int destination = -1;             // descriptor of a network namespace
    std::string name;                 // there; may end in %d; empty: as it is
    std::optional<int> wanted_index;  // there; Linux 5.13, ignored before
};

// A move and a new name are one request, but not one act: the device may have gone, and its name be
// refused.
struct LinkMoved {
    std::optional<int> index;  // there; nothing if it has not gone
    Result<void> verdict;
};
[[nodiscard]] LinkMoved move_link(RouteSocket& socket, const LinkMove& move);

}  // namespace libcontainer
