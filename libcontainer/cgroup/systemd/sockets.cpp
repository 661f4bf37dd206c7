// SPDX-License-Identifier: Apache-2.0
// Where the systemd of this user listens.
#include "libcontainer/cgroup/systemd/sockets.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "libcontainer/cgroup/device_rules.h"
#include "libcontainer/sys/file.h"

namespace libcontainer::systemd {
namespace {

constexpr const char* kHostsOwn = "/run/systemd/private";
constexpr const char* kHostsBus = "/run/dbus/system_bus_socket";
constexpr const char* kUsersOwn = "/systemd/private";
constexpr const char* kUsersBus = "/bus";
constexpr int kDecimal = 10;

// Who the caller is outside of this user namespace (user_namespaces(7)).
unsigned long outer_uid() {
    const unsigned long own = ::geteuid();
    const std::string map = sys::read_file(AT_FDCWD, "/proc/self/uid_map").value_or("");
    const char* rest = map.c_str();
    const auto next = [&rest] {
        char* end = nullptr;
        const unsigned long number = std::strtoul(rest, &end, kDecimal);
        rest = end;
        return number;
    };
    while (*rest != '\0' && *rest != '\n') {
        const unsigned long inside = next();
        const unsigned long outside = next();
        const unsigned long size = next();
        if (own >= inside && own - inside < size) {
            return outside + (own - inside);
        }
        rest += *rest == '\n' ? 1 : 0;
    }
    return own;
}

void add_users(std::vector<std::string>& sockets, const std::string& runtime_directory) {
    sockets.push_back(runtime_directory + kUsersOwn);
    sockets.push_back(runtime_directory + kUsersBus);
}

}  // namespace

std::vector<std::string> list_sockets() {
    std::vector<std::string> sockets;
    if (is_host_root()) {
        sockets.emplace_back(kHostsBus);
        sockets.emplace_back(kHostsOwn);
        return sockets;
    }
    if (::geteuid() == 0) {
        sockets.emplace_back(kHostsOwn);
    }
    const char* const given = std::getenv("XDG_RUNTIME_DIR");
    const std::string usual = "/run/user/" + std::to_string(outer_uid());
    if (given != nullptr && *given == '/' && given != usual) {
        add_users(sockets, given);
    }
    add_users(sockets, usual);
    const char* const address = std::getenv("DBUS_SESSION_BUS_ADDRESS");
    constexpr std::string_view kByPath = "unix:path=";
    if (address != nullptr && std::string_view(address).starts_with(kByPath)) {
        const std::string_view path = std::string_view(address).substr(kByPath.size());
        sockets.emplace_back(path.substr(0, path.find_first_of(",;")));
    }
    return sockets;
}

bool is_socket(const std::string& socket) {
    constexpr std::string_view kUsers = "/run/user/";
    if (instance_at(socket) == Instance::system) {
        return true;
    }
    if (socket.starts_with(kUsers)) {
        const std::string_view rest = std::string_view(socket).substr(kUsers.size());
        const std::size_t end = std::min(rest.find_first_not_of("0123456789"), rest.size());
        const std::string_view place = rest.substr(end);
        if (end != 0 && (place == kUsersOwn || place == kUsersBus)) {
            return true;
        }
    }
    const std::vector<std::string> own = list_sockets();
    return std::ranges::find(own, socket) != own.end();
}

Instance instance_at(std::string_view socket) {
    return socket == kHostsOwn || socket == kHostsBus ? Instance::system : Instance::user;
}

bool is_direct(std::string_view socket) {
    return socket.ends_with(kUsersOwn);
}

}  // namespace libcontainer::systemd
