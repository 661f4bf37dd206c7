// SPDX-License-Identifier: Apache-2.0
// The list of device nodes.
#include "libcontainer/rootfs/device_plan.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "libcontainer/rootfs/mount_plan.h"

namespace libcontainer {
namespace {

using sys::ErrorKind;
using sys::fail;

struct DefaultDevice {
    std::string_view path;
    unsigned major;
    unsigned minor;
};

// E-01: runtime-spec config-linux.md, "Default Devices".
constexpr auto kDefaultDevices = std::to_array<DefaultDevice>({
    {"dev/null", 1, 3},
    {"dev/zero", 1, 5},
    {"dev/full", 1, 7},
    {"dev/random", 1, 8},
    {"dev/urandom", 1, 9},
    {"dev/tty", 5, 0},
});

Result<DevicePlan> plan_device(const oci::Device& device) {
    DevicePlan plan;
    plan.path = normalize(device.path);
    if (plan.path.empty()) {
        return fail(ErrorKind::invalid, "a device needs a path below the root");
    }
    switch (device.type) {
        case oci::DeviceType::character:
            plan.type = S_IFCHR;
            break;
        case oci::DeviceType::block:
            plan.type = S_IFBLK;
            break;
        case oci::DeviceType::fifo:
            plan.type = S_IFIFO;
            break;
    }
    if (plan.type != S_IFIFO) {
        constexpr std::int64_t kMajors = 1 << 12;  // the kernel's dev_t: 12 and 20 bits
        constexpr std::int64_t kMinors = 1 << 20;
        const std::int64_t major = device.major.value_or(-1);
        const std::int64_t minor = device.minor.value_or(-1);
        if (major < 0 || major >= kMajors || minor < 0 || minor >= kMinors) {
            return fail(ErrorKind::invalid,
                        "a device needs a major below 4096 and a minor below "
                        "1048576");
        }
        plan.number = makedev(static_cast<unsigned>(major), static_cast<unsigned>(minor));
    }
    plan.mode = device.file_mode.value_or(0666) & 07777U;
    plan.uid = device.uid.value_or(0);
    plan.gid = device.gid.value_or(0);
    return plan;
}

}  // namespace

bool dev_is_bound(const oci::Spec& spec) {
    return std::ranges::any_of(spec.mounts, [](const oci::Mount& mount) {
        const auto has = [&](std::string_view option) {
            return std::ranges::find(mount.options, option) != mount.options.end();
        };
        return normalize(mount.destination) == "dev" &&
               (mount.type == "bind" || mount.type == "rbind" || has("bind") || has("rbind"));
    });
}

Result<std::vector<DevicePlan>> plan_devices(const oci::Spec& spec) {
    std::vector<DevicePlan> plans;
    const bool bound = dev_is_bound(spec);
    const auto below_dev = [](std::string_view path) { return path.starts_with("dev/"); };
    plans.reserve(spec.linux.devices.size() + kDefaultDevices.size());
    for (std::size_t i = 0; i < spec.linux.devices.size(); ++i) {
        const oci::Device& device = spec.linux.devices[i];
        std::string place = "linux.devices[" + std::to_string(i) + "] (" + device.path + ")";
        auto plan = plan_device(device);
        if (!plan) {
            return std::unexpected(std::move(plan).error().at(place));
        }
        if (bound && below_dev(plan->path)) {
            continue;
        }
        plan->config_path = std::move(place);
        plans.push_back(*std::move(plan));
    }
    if (bound) {
        return plans;
    }
    for (const DefaultDevice& device : kDefaultDevices) {
        if (std::ranges::find(plans, device.path, &DevicePlan::path) != plans.end()) {
            continue;
        }
        DevicePlan plan;
        plan.path = device.path;
        plan.type = S_IFCHR;
        plan.number = makedev(device.major, device.minor);
        plans.push_back(std::move(plan));
    }
    return plans;
}

}  // namespace libcontainer
