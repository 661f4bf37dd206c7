// SPDX-License-Identifier: Apache-2.0
// The controllers whose files are the same on v1 and v2: cpuset, pids, rdma.
#include <string>
#include <vector>

#include "libcontainer/cgroup/controller.h"
#include "libcontainer/sys/file.h"

namespace libcontainer {
namespace {

constexpr std::string_view kCpusPath = "linux.resources.cpu.cpus";
constexpr std::string_view kMemsPath = "linux.resources.cpu.mems";
constexpr std::string_view kPidsPath = "linux.resources.pids.limit";
constexpr std::string_view kRdmaPath = "linux.resources.rdma";

bool is_set(const std::optional<std::string>& list) {
    return list && !list->empty();
}

std::string_view asks_cpuset(const oci::Resources& resources) {
    return first_of(
        {{is_set(resources.cpu.cpus), kCpusPath}, {is_set(resources.cpu.mems), kMemsPath}});
}

// The kernel refuses with EINVAL, EACCES or ENOSPC, none of which says why.
Result<void> write_list(const AttributeDirectory& directory, std::string_view file,
                        std::string_view list, std::string_view config_path) {
    auto written = directory.write(file, list, config_path);
    if (!written && written.error().code != 0 && !is_absent(written.error())) {
        const AttributeDirectory above(sys::directory_of(directory.path()));
        std::string offered = above.read(file).value_or(std::string());
        if (offered.empty()) {
            offered = above.read(std::string(file) + ".effective").value_or(std::string());
        }
        written.error().message += " (" + above.path() + " has " + offered + ")";
    }
    return written;
}

Result<void> apply_cpuset(const AttributeDirectory& directory, const oci::Resources& resources) {
    const oci::Cpu& cpu = resources.cpu;
    if (is_set(cpu.cpus)) {
        TRY_VOID(write_list(directory, "cpuset.cpus", *cpu.cpus, kCpusPath));
    }
    return is_set(cpu.mems) ? write_list(directory, "cpuset.mems", *cpu.mems, kMemsPath)
                            : Result<void>();
}

std::string_view asks_pids(const oci::Resources& resources) {
    // 0 is a limit since 1.3: no fork at all.
    return resources.pids.limit.value_or(-1) >= 0 ? kPidsPath : "";
}

Result<void> apply_pids(const AttributeDirectory& directory, const oci::Resources& resources) {
    const auto& limit = resources.pids.limit;
    return limit
               ? directory.write("pids.max", *limit < 0 ? "max" : std::to_string(*limit), kPidsPath)
               : Result<void>();
}

std::string_view asks_rdma(const oci::Resources& resources) {
    return resources.rdma.empty() ? "" : kRdmaPath;
}

Result<void> apply_rdma(const AttributeDirectory& directory, const oci::Resources& resources) {
    std::vector<AttributeLine> lines;
    for (const auto& [device, limits] : resources.rdma) {
        std::string line = device;
        if (limits.hca_handles) {
            line += " hca_handle=" + std::to_string(*limits.hca_handles);
        }
        if (limits.hca_objects) {
            line += " hca_object=" + std::to_string(*limits.hca_objects);
        }
        lines.push_back({std::move(line), std::string(kRdmaPath) + "." + device});
    }
    return directory.write_each("rdma.max", lines);
}

}  // namespace

const Controller kCpuset = {"cpuset", &asks_cpuset, &apply_cpuset};
const Controller kPids = {"pids", &asks_pids, &apply_pids};
const Controller kRdma = {"rdma", &asks_rdma, &apply_rdma};

}  // namespace libcontainer
