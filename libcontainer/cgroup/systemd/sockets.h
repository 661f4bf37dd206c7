// SPDX-License-Identifier: Apache-2.0
// Where the systemd of this user listens.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/cgroup/systemd/unit.h"

namespace libcontainer::systemd {

// The sockets at which to look for the systemd that serves the caller, best first. root's is the
// host's. For everybody else, and for the root of a user namespace whom the host's lets not in, it
// is that of the user who they are outside. The host's systemd takes
// longer to let somebody in at its own socket than its bus does (2 million instructions of 28 for
// each time); for a user's it is the other way round. Where there is no bus the own one serves.
[[nodiscard]] std::vector<std::string> list_sockets();

// Whether a systemd may be there: the host's, that of any user at the usual place, or one of
// list_sockets(). Root deletes the containers of others, too.
[[nodiscard]] bool is_socket(const std::string& socket);

// Whose systemd listens there.
[[nodiscard]] Instance instance_at(std::string_view socket);
// Whether that is systemd's own, not a bus with systemd among others.
[[nodiscard]] bool is_direct(std::string_view socket);

}  // namespace libcontainer::systemd
