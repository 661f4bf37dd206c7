// SPDX-License-Identifier: Apache-2.0
// linux.netDevices: network devices of the runtime's namespace become the container's.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libcontainer/network/link.h"
#include "libcontainer/network/route.h"
#include "oci/spec_linux.h"

namespace libcontainer {

// Parent, during create: moves the devices, and while the create may still fail remembers how they
// were. It keeps the container's network namespace alive, so they outlive a container that dies.
// Once the container is made nobody here looks after them again (ND-06).
class NetDeviceMoves {
  public:
    // All devices are looked for, and their new names in `container_namespace`, before the first is
    // moved (ND-02, ND-03). Each keeps its global permanent addresses, hardware address, MTU and
    // alias, and is set up (ND-04, ND-05). What the kernel drops with a move is lost: routes,
    // queueing disciplines, being a bridge's port. Needs CAP_NET_ADMIN over both namespaces and the
    // right to enter the container's.
    [[nodiscard]] Result<void> move(const std::map<std::string, oci::NetDevice>& devices,
                                    int container_namespace);

    // Takes back what was moved, under its old name and index, with its addresses, its bridge, its
    // routes and, if it was, up (G-05). What that failed with, for the end of the error of create:
    // `; network device "eth1" is not as it was: ...`.
    [[nodiscard]] std::string undo();

  private:
    struct Moved {
        Link before;
        std::vector<Address> addresses;
        std::vector<Route> routes;
        int index = 0;  // in the container
    };

    [[nodiscard]] Result<void> open(int container_namespace);
    [[nodiscard]] Result<void> move_one(const Link& link, const std::string& name,
                                        int container_namespace);
    // Where others may rule, in a namespace that is joined, an index alone says too little: a
    // device that has left is none of ours when another comes under its index.
    [[nodiscard]] Result<std::vector<int>> departed();
    [[nodiscard]] Result<void> take_back(const Moved& moved);

    sys::UniqueFd own_;
    std::optional<RouteSocket> here_;
    std::optional<RouteSocket> there_;
    std::optional<RouteSocket> watch_;  // there, too: hears of every device that leaves
    std::vector<Moved> moved_;
};

}  // namespace libcontainer
