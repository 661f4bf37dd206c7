// SPDX-License-Identifier: Apache-2.0
// Network devices and their addresses, as requests to the kernel.
#include "libcontainer/network/link.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace libcontainer {
namespace {

constexpr std::size_t kMaxLabel = IFNAMSIZ - 1;
// What the kernel takes of an address' flags; the rest is its own account of the address' state.
constexpr std::uint32_t kAddressFlags =
    IFA_F_NODAD | IFA_F_HOMEADDRESS | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN;
constexpr std::uint16_t kIfaProto = 11;  // IFA_PROTO, Linux 5.18
constexpr std::uint16_t kKeptAttributes[] = {IFA_ADDRESS,   IFA_LOCAL,       IFA_BROADCAST,
                                             IFA_CACHEINFO, IFA_RT_PRIORITY, kIfaProto};

[[nodiscard]] ifinfomsg header_of(int index) {
    ifinfomsg header = {};
    header.ifi_family = AF_UNSPEC;
    header.ifi_index = index;
    return header;
}

Result<Link> parse_link(std::string_view payload) {
    const auto header = read_struct<ifinfomsg>(payload);
    if (!header) {
        return sys::fail_code("netlink link", EBADMSG);
    }
    const NetlinkAttributes attributes =
        TRY(NetlinkAttributes::parse(payload.substr(sizeof(ifinfomsg))));
    return Link{header->ifi_index, attributes.text(IFLA_IFNAME), (header->ifi_flags & IFF_UP) != 0,
                attributes.number<std::uint32_t>(IFLA_MASTER)};
}

Result<Link> ask_for_link(RouteSocket& socket, NetlinkRequest request, std::string_view what) {
    const std::uint32_t filter = RTEXT_FILTER_SKIP_STATS;
    request.add(IFLA_EXT_MASK, as_bytes(filter));
    Link link;
    const auto keep = [&link](const NetlinkMessage& message) -> Result<void> {
        if (message.type == RTM_NEWLINK) {
            link = TRY(parse_link(message.payload));
        }
        return {};
    };
    TRY_VOID(socket.ask(request, what, keep));
    return link;
}

// Nothing for an address that is not to be kept.
Result<std::optional<Address>> parse_address(std::string_view payload, int index) {
    const auto header = read_struct<ifaddrmsg>(payload);
    if (!header) {
        return sys::fail_code("netlink address", EBADMSG);
    }
    const NetlinkAttributes attributes =
        TRY(NetlinkAttributes::parse(payload.substr(sizeof(ifaddrmsg))));
    const std::uint32_t flags =
        attributes.number<std::uint32_t>(IFA_FLAGS).value_or(header->ifa_flags);
    // Before Linux 4.20 the request's filter does not count.
    if (static_cast<int>(header->ifa_index) != index || header->ifa_scope != RT_SCOPE_UNIVERSE ||
        (flags & IFA_F_PERMANENT) == 0) {
        return std::nullopt;
    }
    Address address{*header, attributes.text(IFA_LABEL), {}};
    address.header.ifa_flags = 0;  // IFA_FLAGS counts instead
    const std::uint32_t kept_flags = flags & kAddressFlags;
    NetlinkRequest kept(RTM_NEWADDR, 0, address.header);
    kept.add(IFA_FLAGS, as_bytes(kept_flags));
    for (const NetlinkAttribute& attribute : attributes.all()) {
        if (std::ranges::find(kKeptAttributes, attribute.type) != std::end(kKeptAttributes)) {
            kept.add(attribute.type, attribute.value);
        }
    }
    address.attributes = kept.attributes(sizeof(ifaddrmsg));
    return address;
}

}  // namespace

Result<Link> read_link(RouteSocket& socket, const std::string& name) {
    NetlinkRequest request(RTM_GETLINK, 0, header_of(0));
    request.add_text(IFLA_IFNAME, name);
    return ask_for_link(socket, std::move(request), sys::call("find", name));
}

Result<Link> read_link(RouteSocket& socket, int index) {
    return ask_for_link(socket, NetlinkRequest(RTM_GETLINK, 0, header_of(index)), "find");
}

Result<std::vector<Address>> read_lasting_addresses(RouteSocket& socket, int index) {
    ifaddrmsg filter = {};
    filter.ifa_family = AF_UNSPEC;
    filter.ifa_index = static_cast<std::uint32_t>(index);
    std::vector<Address> addresses = TRY(socket.list<Address>(
        NetlinkRequest(RTM_GETADDR, NLM_F_DUMP, filter), "read addresses", RTM_NEWADDR,
        [index](std::string_view payload) { return parse_address(payload, index); }));
    // The newest IPv6 address comes first: the oldest has to be added first again.
    const auto begin = std::ranges::find_if(
        addresses, [](const Address& one) { return one.header.ifa_family == AF_INET6; });
    std::reverse(begin, addresses.end());
    return addresses;
}

std::string renamed_label(const std::string& label, const std::string& former_name,
                          const std::string& name) {
    if (label == former_name) {
        return name;
    }
    if (!label.starts_with(former_name + ":")) {
        return label;
    }
    const std::string suffix = label.substr(former_name.size());
    return name.substr(0, kMaxLabel - std::min(kMaxLabel, suffix.size())) + suffix;
}

Result<void> add_address(RouteSocket& socket, const Link& link, const Address& address,
                         const std::string& former_name) {
    ifaddrmsg header = address.header;
    header.ifa_index = static_cast<std::uint32_t>(link.index);
    NetlinkRequest request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, header);
    request.add_encoded(address.attributes);
    if (!address.label.empty()) {
        request.add_text(IFA_LABEL, renamed_label(address.label, former_name, link.name));
    }
    return socket.ask(request, sys::call("add address", link.name));
}

Result<void> set_up(RouteSocket& socket, const Link& link) {
    ifinfomsg header = header_of(link.index);
    header.ifi_flags = IFF_UP;
    header.ifi_change = IFF_UP;
    return socket.ask(NetlinkRequest(RTM_SETLINK, 0, header), sys::call("set up", link.name));
}

Result<void> set_master(RouteSocket& socket, const Link& link, std::uint32_t master) {
    NetlinkRequest request(RTM_SETLINK, 0, header_of(link.index));
    request.add(IFLA_MASTER, as_bytes(master));
    return socket.ask(request, sys::call("set master", link.name));
}

std::optional<Departure> parse_departure(const NetlinkMessage& message) {
    const auto header = read_struct<ifinfomsg>(message.payload);
    // AF_BRIDGE: it only is no port any more.
    if (message.type != RTM_DELLINK || !header || header->ifi_family != AF_UNSPEC) {
        return std::nullopt;
    }
    const auto attributes = NetlinkAttributes::parse(message.payload.substr(sizeof(ifinfomsg)));
    return Departure{header->ifi_index,
                     attributes ? attributes->number<int>(IFLA_NEW_IFINDEX) : std::nullopt};
}

LinkMoved move_link(RouteSocket& socket, const LinkMove& move) {
    LinkMoved moved;
    NetlinkRequest request(RTM_SETLINK, 0, header_of(move.index));
    request.add(IFLA_NET_NS_FD, as_bytes(move.destination));
    if (!move.name.empty()) {
        request.add_text(IFLA_IFNAME, move.name);
    }
    if (move.wanted_index) {
        request.add(IFLA_NEW_IFINDEX, as_bytes(*move.wanted_index));
    }
    // Its index may change, and its name is the kernel's choice if the config gives a template: how
    // it left tells.
    const auto watch = [&](const NetlinkMessage& message) -> Result<void> {
        const auto departure = parse_departure(message);
        if (departure && departure->index == move.index) {
            moved.index = departure->new_index;
        }
        return {};
    };
    moved.verdict = socket.hear(RouteSocket::LinkNews::on);
    if (moved.verdict) {
        moved.verdict = socket.ask(request, "move", watch);
        if (!moved.index) {  // without an answer it may have gone all the same
            static_cast<void>(socket.take_news(watch));
        }
        static_cast<void>(socket.hear(RouteSocket::LinkNews::off));
    }
    if (moved.verdict && !moved.index) {
        moved.verdict = sys::fail_code("move: its new index", ENODATA);
    }
    return moved;
}

}  // namespace libcontainer
