// SPDX-License-Identifier: Apache-2.0
// linux.memoryPolicy by the bare system call: libnuma would be one more library to load.
#include "libcontainer/process/memory_policy.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "oci/number_list.h"

namespace libcontainer {
namespace {

std::string_view explain(const oci::MemoryPolicy& policy, int code, const oci::NumberMask& nodes) {
    if (code == ENOSYS) {
        return " (this kernel knows no NUMA nodes)";
    }
    if (code != EINVAL) {
        return {};
    }
    if (policy.mode == oci::MemoryPolicyMode::weighted_interleave) {
        return " (needs Linux 6.9, and nodes that exist and are in linux.resources.cpu.mems)";
    }
    return nodes.empty() ? " (does this kernel know the mode and its flags?)"
                         : " (are the nodes there, and in linux.resources.cpu.mems?)";
}

}  // namespace

Result<void> apply_memory_policy(const oci::MemoryPolicy& policy) {
    const std::string list = policy.nodes.value_or("");
    const oci::NumberMask nodes =
        oci::parse_number_list(list, oci::kMaxMemoryNodes).value_or(oci::NumberMask());
    int mode = std::to_underlying(policy.mode);
    for (const oci::MemoryPolicyFlag flag : policy.flags) {
        mode |= std::to_underlying(flag);
    }
    // The kernel reads one bit fewer than it is told of (get_nodes() in mm/mempolicy.c).
    const std::size_t bits = nodes.size() * std::numeric_limits<unsigned long>::digits + 1;
    if (::syscall(SYS_set_mempolicy, mode, nodes.empty() ? nullptr : nodes.data(), bits) != 0) {
        const int code = errno;
        const std::string object = std::string(oci::to_name(policy.mode)) +
                                   (list.empty() ? std::string() : ", nodes " + list);
        sys::Error error = sys::errno_error(sys::call("set_mempolicy", object), code);
        error.message += explain(policy, code, nodes);
        return std::unexpected(std::move(error));
    }
    return {};
}

}  // namespace libcontainer
