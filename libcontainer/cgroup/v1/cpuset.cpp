// SPDX-License-Identifier: Apache-2.0
// The v1 cpuset controller: linux.resources.cpu.cpus and mems (§15.3). The directory and its
// parents are not empty, v1::make_directory sees to that.
#include "libcontainer/cgroup/v1/controllers.h"

namespace libcontainer::v1 {
namespace {

bool is_set(const std::optional<std::string>& list) {
    return list && !list->empty();
}

std::string_view asks(const oci::Resources& resources) {
    return first_of({{is_set(resources.cpu.cpus), "linux.resources.cpu.cpus"},
                     {is_set(resources.cpu.mems), "linux.resources.cpu.mems"}});
}

Result<void> apply(const AttributeDirectory& directory, const oci::Resources& resources) {
    const oci::Cpu& cpu = resources.cpu;
    if (is_set(cpu.cpus)) {
        TRY_VOID(directory.write("cpuset.cpus", *cpu.cpus, "linux.resources.cpu.cpus"));
    }
    if (is_set(cpu.mems)) {
        TRY_VOID(directory.write("cpuset.mems", *cpu.mems, "linux.resources.cpu.mems"));
    }
    return {};
}

}  // namespace

const Controller kCpuset = {"cpuset", &asks, &apply};

}  // namespace libcontainer::v1
