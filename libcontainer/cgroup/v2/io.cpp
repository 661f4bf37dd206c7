// SPDX-License-Identifier: Apache-2.0
// The v2 io controller (§15.4).
#include <cerrno>
#include <string>

#include "libcontainer/cgroup/block_devices.h"
#include "libcontainer/cgroup/v2/controllers.h"
#include "libcontainer/cgroup/v2/conversions.h"

namespace libcontainer::v2 {
namespace {

constexpr std::string_view kWeightPath = "linux.resources.blockIO.weight";
constexpr std::string_view kDevicePath = "linux.resources.blockIO.weightDevice";

// BFQ has the weights of v1, the kernel's own cost model has wider ones. `device` is empty or
// "8:0 ".
Result<void> write_weight(const AttributeDirectory& directory, const std::string& device,
                          std::uint16_t weight, std::string_view config_path) {
    TRY_VOID(check_block_weight(weight, config_path));
    auto written = directory.write("io.bfq.weight", device + std::to_string(weight), config_path);
    if (!written && is_absent(written.error())) {
        written = directory.write(
            "io.weight", device + std::to_string(*io_weight_from_blkio(weight)), config_path);
    }
    return explain_device(std::move(written));
}

std::string_view asks(const oci::Resources& resources) {
    const oci::BlockIo& block_io = resources.block_io;
    return first_of({{is_limit(block_io.weight), kWeightPath},
                     {!block_io.weight_device.empty(), kDevicePath},
                     {!block_io.throttle_read_bps_device.empty(),
                      "linux.resources.blockIO.throttleReadBpsDevice"},
                     {!block_io.throttle_write_bps_device.empty(),
                      "linux.resources.blockIO.throttleWriteBpsDevice"},
                     {!block_io.throttle_read_iops_device.empty(),
                      "linux.resources.blockIO.throttleReadIOPSDevice"},
                     {!block_io.throttle_write_iops_device.empty(),
                      "linux.resources.blockIO.throttleWriteIOPSDevice"}});
}

Result<void> apply(const AttributeDirectory& directory, const oci::Resources& resources) {
    const oci::BlockIo& block_io = resources.block_io;
    if (is_limit(block_io.weight)) {
        TRY_VOID(write_weight(directory, "", *block_io.weight, kWeightPath));
    }
    for (std::size_t i = 0; i < block_io.weight_device.size(); ++i) {
        const oci::WeightDevice& device = block_io.weight_device[i];
        if (is_limit(device.weight)) {
            TRY_VOID(write_weight(directory, device_number(device) + " ", *device.weight,
                                  indexed(kDevicePath, i) + ".weight"));
        }
    }
    return explain_device(directory.write_each("io.max", io_max_lines(block_io)));
}

}  // namespace

const Controller kIo = {"io", &asks, &apply};

}  // namespace libcontainer::v2
