// SPDX-License-Identifier: Apache-2.0
// The v1 devices controller: the device policy as a reset and exceptions.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "libcontainer/cgroup/device_rules.h"
#include "libcontainer/cgroup/v1/controllers.h"

namespace libcontainer::v1 {
namespace {

constexpr std::string_view kConfigPath = "linux.resources.devices";

std::string_view asks(const oci::Resources&) {
    return kConfigPath;
}

Result<void> apply(const AttributeDirectory& directory, const oci::Resources& resources) {
    const DevicePolicy policy = TRY(plan_device_policy(resources.devices));
    // "a" sets the default and forgets every exception, also those of an earlier container.
    auto reset = directory.write(policy.allow_by_default ? "devices.allow" : "devices.deny", "a",
                                 kConfigPath);
    if (!reset) {
        return may_go_without_device_policy(reset.error()) ? Result<void>() : reset;
    }
    if (policy.exceptions.empty()) {
        return {};
    }
    const std::string_view file = policy.allow_by_default ? "devices.deny" : "devices.allow";
    const sys::UniqueFd fd = TRY(directory.open(file, O_WRONLY));
    for (const DevicePolicy::Exception& exception : policy.exceptions) {
        const std::string line = device_line(exception.pattern, exception.access) + "\n";
        if (::write(fd.get(), line.data(), line.size()) >= 0) {
            continue;
        }
        // The parent cgroup does not allow it: that matters if it was asked for.
        const int code = errno;
        if (exception.is_own || code != EPERM) {
            std::string what = "write(\"" + directory.path() + "/";
            what.append(file).append("\", \"").append(line, 0, line.size() - 1).append("\")");
            return std::unexpected(sys::errno_error(what, code).at(kConfigPath));
        }
    }
    return {};
}

}  // namespace

const Controller kDevices = {"devices", &asks, &apply};

}  // namespace libcontainer::v1
