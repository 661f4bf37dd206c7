// SPDX-License-Identifier: Apache-2.0
// The driver `disabled`.
#include "libcontainer/cgroup/disabled.h"

#include "libcontainer/cgroup/v1/controllers.h"

namespace libcontainer {
namespace {

std::unexpected<sys::Error> unsupported(std::string what) {
    return sys::fail(sys::ErrorKind::unsupported,
                     std::move(what) + ": the container was made without cgroups");
}

}  // namespace

Result<void> DisabledCgroup::apply(const oci::Resources& resources) {
    for (const Controller* const controller : v1::controllers()) {
        const std::string_view asking = controller->asks(resources);
        if (controller != &v1::kDevices && !asking.empty()) {
            return std::unexpected(unsupported("cannot be limited").error().at(asking));
        }
    }
    if (!resources.unified.empty()) {
        return std::unexpected(
            unsupported("cannot be limited").error().at("linux.resources.unified"));
    }
    return {};
}

Result<void> DisabledCgroup::update(const oci::Resources& resources, sys::Rollback&) {
    return apply(resources);
}

Result<CgroupEntry> DisabledCgroup::open_entry(const std::string& below) {
    if (!below.empty()) {
        return unsupported("cannot enter the cgroup \"" + below + "\"");
    }
    return CgroupEntry{};
}

Result<void> DisabledCgroup::freeze() {
    return unsupported("cannot pause");
}

Result<void> DisabledCgroup::thaw() {
    return unsupported("cannot resume");
}

Result<std::vector<pid_t>> DisabledCgroup::pids() const {
    return unsupported("cannot tell its processes");
}

Result<void> DisabledCgroup::kill_all(int) {
    return unsupported("cannot signal all of its processes");
}

}  // namespace libcontainer
