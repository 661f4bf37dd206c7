// SPDX-License-Identifier: Apache-2.0
// Routes over a network device, kept for the case that it comes back.
#include "libcontainer/network/route.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>

namespace libcontainer {
namespace {

// What the kernel takes of a route; the rest is its own account of the route's state.
constexpr std::uint16_t kKeptAttributes[] = {RTA_DST,     RTA_SRC,   RTA_GATEWAY,   RTA_VIA,
                                             RTA_PREFSRC, RTA_TABLE, RTA_PRIORITY,  RTA_METRICS,
                                             RTA_PREF,    RTA_ENCAP, RTA_ENCAP_TYPE};

[[nodiscard]] bool has_gateway(const Route& route) {
    const auto attributes = NetlinkAttributes::parse(route.attributes);
    return attributes && (attributes->find(RTA_GATEWAY) || attributes->find(RTA_VIA));
}

// Nothing for a route that is not to be kept.
Result<std::optional<Route>> parse_route(std::string_view payload, int index) {
    const auto header = read_struct<rtmsg>(payload);
    if (!header) {
        return sys::fail_code("netlink route", EBADMSG);
    }
    const NetlinkAttributes attributes =
        TRY(NetlinkAttributes::parse(payload.substr(sizeof(rtmsg))));
    if (attributes.number<int>(RTA_OIF) != index || header->rtm_protocol == RTPROT_KERNEL ||
        header->rtm_protocol == RTPROT_RA || (header->rtm_flags & RTM_F_CLONED) != 0) {
        return std::nullopt;
    }
    Route route{*header, {}};
    route.header.rtm_flags &= RTNH_F_ONLINK | RTNH_F_PERVASIVE;
    NetlinkRequest kept(RTM_NEWROUTE, 0, route.header);
    for (const NetlinkAttribute& attribute : attributes.all()) {
        if (std::ranges::find(kKeptAttributes, attribute.type) != std::end(kKeptAttributes)) {
            kept.add(attribute.type, attribute.value);
        }
    }
    route.attributes = kept.attributes(sizeof(rtmsg));
    return route;
}

}  // namespace

Result<std::vector<Route>> read_routes(RouteSocket& socket, int index) {
    std::vector<Route> routes;
    for (const int family : {AF_INET, AF_INET6}) {
        rtmsg filter = {};
        filter.rtm_family = static_cast<unsigned char>(family);
        NetlinkRequest request(RTM_GETROUTE, NLM_F_DUMP, filter);
        request.add(RTA_OIF, as_bytes(index));
        std::ranges::move(TRY(socket.list<Route>(request, "read routes", RTM_NEWROUTE,
                                                 [index](std::string_view payload) {
                                                     return parse_route(payload, index);
                                                 })),
                          std::back_inserter(routes));
    }
    std::stable_partition(routes.begin(), routes.end(),
                          [](const Route& route) { return !has_gateway(route); });
    return routes;
}

Result<void> add_routes(RouteSocket& socket, int index, const std::vector<Route>& routes) {
    for (const Route& route : routes) {
        NetlinkRequest request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, route.header);
        request.add_encoded(route.attributes).add(RTA_OIF, as_bytes(index));
        auto added = socket.ask(request, "add route");
        // The kernel may have made it again by itself, of an address.
        if (!added && added.error().code != EEXIST) {
            return added;
        }
    }
    return {};
}

}  // namespace libcontainer
