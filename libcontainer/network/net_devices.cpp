// SPDX-License-Identifier: Apache-2.0
// linux.netDevices: network devices of the runtime's namespace become the container's.
#include "libcontainer/network/net_devices.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "libcontainer/sys/file.h"
#include "oci/json.h"

namespace libcontainer {
namespace {

// Why the kernel refuses, for those refusals that its own text leaves in the dark.
std::string explain(const std::string& message, int code) {
    switch (code) {
        case EPERM:
            return message + " (moving network devices needs CAP_NET_ADMIN in both namespaces)";
        case EINVAL:
            return message + " (some devices are bound to their network namespace: lo, bridges)";
        default:
            return message;
    }
}

std::unexpected<sys::Error> explained(sys::Error error) {
    error.message = explain(error.message, error.code);
    return std::unexpected(std::move(error));
}

[[nodiscard]] bool is_template(const std::string& name) {
    return name.ends_with("%d");
}

[[nodiscard]] Result<void> restore(RouteSocket& socket, const Link& link,
                                   const std::vector<Address>& addresses,
                                   const std::string& former_name) {
    for (const Address& address : addresses) {
        TRY_VOID(add_address(socket, link, address, former_name));
    }
    return {};
}

// A free name in the container: a device is not touched if the end of its way is taken.
Result<void> check_free(RouteSocket& there, const std::string& name) {
    if (is_template(name)) {
        return {};
    }
    const auto taken = read_link(there, name);
    if (taken) {
        return sys::fail_code(
            "the container's network namespace has a device \"" + name + "\" already", EEXIST);
    }
    return taken.error().code == ENODEV ? Result<void>() : std::unexpected(taken.error());
}

}  // namespace

Result<void> NetDeviceMoves::open(int container_namespace) {
    own_ = TRY(sys::open_at(AT_FDCWD, "/proc/self/ns/net", O_RDONLY));
    here_ = TRY(RouteSocket::open());
    auto there = RouteSocket::open_in(container_namespace, own_.get());
    if (!there) {
        return explained(std::move(there).error());
    }
    there_ = *std::move(there);
    watch_ = TRY(RouteSocket::open_in(container_namespace, own_.get()));
    return watch_->hear(RouteSocket::LinkNews::on);
}

Result<void> NetDeviceMoves::move(const std::map<std::string, oci::NetDevice>& devices,
                                  int container_namespace) {
    if (auto opened = open(container_namespace); !opened) {
        return std::unexpected(std::move(opened).error().at("linux.netDevices"));
    }
    struct Planned {
        Link link;
        std::string name;
        std::string place;
    };
    std::vector<Planned> plan;
    for (const auto& [host_name, device] : devices) {
        std::string place = "linux.netDevices";
        oci::append_step(place, host_name);
        auto link = read_link(*here_, host_name);
        if (!link) {
            return std::unexpected(std::move(link).error().at(place));
        }
        // A device has several names: it could not be moved twice.
        const auto same =
            std::ranges::find(plan, link->index, [](const Planned& one) { return one.link.index; });
        if (same != plan.end()) {
            return std::unexpected(sys::Error{sys::ErrorKind::invalid, 0, place,
                                              "is the same device as " + same->place});
        }
        const std::string name = device.name.value_or(link->name);
        if (auto free = check_free(*there_, name); !free) {
            return std::unexpected(std::move(free).error().at(place));
        }
        plan.push_back({*std::move(link), name, std::move(place)});
    }
    for (const Planned& planned : plan) {
        if (auto done = move_one(planned.link, planned.name, container_namespace); !done) {
            return std::unexpected(std::move(done).error().at(planned.place));
        }
    }
    return {};
}

Result<void> NetDeviceMoves::move_one(const Link& link, const std::string& name,
                                      int container_namespace) {
    std::vector<Address> addresses = TRY(read_lasting_addresses(*here_, link.index));
    std::vector<Route> routes = TRY(read_routes(*here_, link.index));
    LinkMoved moved = move_link(*here_, {link.index, container_namespace, name, std::nullopt});
    if (moved.index) {
        moved_.push_back({link, addresses, std::move(routes), *moved.index});
    }
    if (!moved.verdict) {
        return explained(std::move(moved.verdict).error());
    }
    const Link arrived = TRY(read_link(*there_, *moved.index));
    TRY_VOID(restore(*there_, arrived, addresses, link.name));
    return set_up(*there_, arrived);
}

Result<void> NetDeviceMoves::take_back(const Moved& moved) {
    const Link& before = moved.before;
    LinkMoved back = move_link(*there_, {moved.index, own_.get(), before.name, before.index});
    if (!back.index && back.verdict.error().code == EBUSY) {  // its index was given away
        back = move_link(*there_, {moved.index, own_.get(), before.name, std::nullopt});
    }
    if (!back.index) {
        return back.verdict;
    }
    // Without its name, which another has taken meanwhile, it gets all else back.
    const Link arrived = TRY(read_link(*here_, *back.index));
    TRY_VOID(restore(*here_, arrived, moved.addresses, before.name));
    if (before.master) {
        TRY_VOID(set_master(*here_, arrived, *before.master));
    }
    if (before.up) {
        TRY_VOID(set_up(*here_, arrived));
    }
    TRY_VOID(add_routes(*here_, arrived.index, moved.routes));
    return back.verdict
               ? Result<void>()
               : std::unexpected(
                     std::move(back.verdict).error().wrap("it is \"" + arrived.name + "\" now"));
}

Result<std::vector<int>> NetDeviceMoves::departed() {
    std::vector<int> gone;
    TRY_VOID(watch_->take_news([&gone](const NetlinkMessage& message) -> Result<void> {
        if (const auto departure = parse_departure(message)) {
            gone.push_back(departure->index);
        }
        return {};
    }));
    return gone;
}

std::string NetDeviceMoves::undo() {
    std::string failures;
    if (moved_.empty()) {
        return failures;
    }
    const auto gone = departed();
    for (auto last = moved_.rbegin(); last != moved_.rend(); ++last) {
        const Moved& moved = *last;
        auto done = gone ? Result<void>() : std::unexpected(gone.error());
        if (gone && std::ranges::find(*gone, moved.index) != gone->end()) {
            done = sys::fail(sys::ErrorKind::wrong_state, "it has left the container meanwhile");
        }
        if (done) {
            done = take_back(moved);
        }
        if (!done) {
            failures += "; network device \"" + moved.before.name +
                        "\" is not as it was: " + done.error().text();
        }
    }
    moved_.clear();
    return failures;
}

}  // namespace libcontainer
