// SPDX-License-Identifier: Apache-2.0
// The v1 blkio controller (§15.4).
#include <cerrno>
#include <string>
#include <vector>

#include "libcontainer/cgroup/block_devices.h"
#include "libcontainer/cgroup/v1/controllers.h"

namespace libcontainer::v1 {
namespace {

constexpr std::string_view kWeightPath = "linux.resources.blockIO.weight";
constexpr std::string_view kLeafWeightPath = "linux.resources.blockIO.leafWeight";
constexpr std::string_view kDevicePath = "linux.resources.blockIO.weightDevice";

// Weights belong to the BFQ scheduler since Linux 5.0, to CFQ before.
Result<void> write_weight(const AttributeDirectory& directory, const std::string& file,
                          const std::string& value, std::string_view config_path) {
    auto written = directory.write("blkio.bfq." + file, value, config_path);
    if (!written && is_absent(written.error())) {
        written = directory.write("blkio." + file, value, config_path);
    }
    return explain_device(std::move(written));
}

Result<void> write_weight_device(const AttributeDirectory& directory,
                                 const oci::WeightDevice& device, const std::string& at) {
    const std::string number = device_number(device) + " ";
    if (is_limit(device.weight)) {
        TRY_VOID(check_block_weight(*device.weight, at + ".weight"));
        TRY_VOID(write_weight(directory, "weight_device", number + std::to_string(*device.weight),
                              at + ".weight"));
    }
    if (is_limit(device.leaf_weight)) {
        TRY_VOID(check_block_weight(*device.leaf_weight, at + ".leafWeight"));
        TRY_VOID(directory.write("blkio.leaf_weight_device",
                                 number + std::to_string(*device.leaf_weight), at + ".leafWeight"));
    }
    return {};
}

struct Throttle {
    std::string_view file;
    std::vector<oci::ThrottleDevice> oci::BlockIo::*devices;
    std::string_view config_path;
};

constexpr Throttle kThrottles[] = {
    {"blkio.throttle.read_bps_device", &oci::BlockIo::throttle_read_bps_device,
     "linux.resources.blockIO.throttleReadBpsDevice"},
    {"blkio.throttle.write_bps_device", &oci::BlockIo::throttle_write_bps_device,
     "linux.resources.blockIO.throttleWriteBpsDevice"},
    {"blkio.throttle.read_iops_device", &oci::BlockIo::throttle_read_iops_device,
     "linux.resources.blockIO.throttleReadIOPSDevice"},
    {"blkio.throttle.write_iops_device", &oci::BlockIo::throttle_write_iops_device,
     "linux.resources.blockIO.throttleWriteIOPSDevice"},
};

// A rate of 0 takes an earlier rule away.
Result<void> write_throttles(const AttributeDirectory& directory, const oci::BlockIo& block_io) {
    for (const Throttle& throttle : kThrottles) {
        std::vector<AttributeLine> lines;
        for (const oci::ThrottleDevice& device : block_io.*throttle.devices) {
            lines.push_back({device_number(device) + " " + std::to_string(device.rate),
                             indexed(throttle.config_path, lines.size())});
        }
        TRY_VOID(explain_device(directory.write_each(throttle.file, lines)));
    }
    return {};
}

std::string_view asks(const oci::Resources& resources) {
    const oci::BlockIo& block_io = resources.block_io;
    for (const Throttle& throttle : kThrottles) {
        if (!(block_io.*throttle.devices).empty()) {
            return throttle.config_path;
        }
    }
    return first_of({{is_limit(block_io.weight), kWeightPath},
                     {is_limit(block_io.leaf_weight), kLeafWeightPath},
                     {!block_io.weight_device.empty(), kDevicePath}});
}

Result<void> apply(const AttributeDirectory& directory, const oci::Resources& resources) {
    const oci::BlockIo& block_io = resources.block_io;
    if (is_limit(block_io.weight)) {
        TRY_VOID(check_block_weight(*block_io.weight, kWeightPath));
        TRY_VOID(write_weight(directory, "weight", std::to_string(*block_io.weight), kWeightPath));
    }
    if (is_limit(block_io.leaf_weight)) {
        TRY_VOID(check_block_weight(*block_io.leaf_weight, kLeafWeightPath));
        TRY_VOID(directory.write("blkio.leaf_weight", std::to_string(*block_io.leaf_weight),
                                 kLeafWeightPath));
    }
    for (std::size_t i = 0; i < block_io.weight_device.size(); ++i) {
        TRY_VOID(
            write_weight_device(directory, block_io.weight_device[i], indexed(kDevicePath, i)));
    }
    return write_throttles(directory, block_io);
}

}  // namespace

const Controller kBlkio = {"blkio", &asks, &apply};

}  // namespace libcontainer::v1
