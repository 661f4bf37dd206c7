// SPDX-License-Identifier: Apache-2.0
// What a container has from outside: mounts, namespaces and stdio that CRIU must not take into the
// image, but is told of at the dump and given again at the restore.
#pragma once

#include <string>
#include <vector>

#include "libcontainer/cgroup/manager.h"
#include "libcontainer/checkpoint/criu.h"
#include "libcontainer/process/namespace_plan.h"
#include "oci/spec.h"

namespace libcontainer {

// A mount whose source is the host's. Dump and restore know it by `name`, so that its place may
// have been reached by symlinks at the one and not at the other.
struct OutsideMount {
    std::string target;  // inside, without leading slash
    std::string name;    // in the image: the absolute path inside, as config.json has it
    std::string source;  // absolute host path
};

// Binds, cgroup hierarchies, device nodes that are binds. `rootfs`: absolute host path. Pure.
[[nodiscard]] Result<std::vector<OutsideMount>> plan_outside_mounts(
    const oci::Spec& spec, const std::string& bundle, const std::string& rootfs,
    const std::vector<CgroupMountSource>& cgroups);

// Dump: names them with the places that they have in the container; those that are not there any
// more are left out. Masked files are the host's /dev/null, too. `root`: O_PATH of "/" inside.
[[nodiscard]] Result<void> describe_mounts(CriuRequest& request, int root, const oci::Spec& spec,
                                           const std::vector<OutsideMount>& mounts);
// Restore: their sources on this host.
void provide_mounts(CriuRequest& request, const oci::Spec& spec,
                    const std::vector<OutsideMount>& mounts);

// Restore: makes the mount points that a fresh root filesystem lacks, where no filesystem of the
// image brings them along.
[[nodiscard]] Result<void> make_mount_points(const oci::Spec& spec, const std::string& bundle,
                                             const std::string& rootfs);

// Dump: network and pid namespaces that were joined by path stay outside.
[[nodiscard]] Result<void> describe_namespaces(CriuRequest& request, const NamespacePlan& plan);
// Restore: those two by descriptors, which CRIU gets as number `first_fd` and on; the others it
// joins by path. Gives the descriptors.
[[nodiscard]] Result<std::vector<sys::UniqueFd>> provide_namespaces(CriuRequest& request,
                                                                    const NamespacePlan& plan,
                                                                    int first_fd);

// descriptors.json: what 0, 1 and 2 of the process are, as runc writes it and reads it.
inline constexpr const char* kDescriptorsFile = "descriptors.json";
// Dump. A pipe whose other end is inside, too, is told as "", for it comes back by itself.
[[nodiscard]] std::string describe_stdio(pid_t init, const std::vector<pid_t>& processes);
// Restore: the caller's own 0, 1, 2 for those that were pipes. `image`: the image directory.
[[nodiscard]] Result<void> provide_stdio(CriuRequest& request, int image);

}  // namespace libcontainer
