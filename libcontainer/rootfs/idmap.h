// SPDX-License-Identifier: Apache-2.0
// Idmapped mounts: the user namespace that carries a mapping, and its application.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/rootfs/mount_options.h"
#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"
#include "oci/spec.h"

namespace libcontainer {

using sys::Result;

// Ids on the source's filesystem (container_id) and what they become in the mount (host_id).
struct IdMaps {
    std::vector<oci::IdMapping> uids;
    std::vector<oci::IdMapping> gids;

    bool operator==(const IdMaps&) const = default;
};

// crun's `uids=0-1000-10#20-2000-1;gids=@0-0-10`: FROM-TO-SIZE, of which `@` counts TO in the
// container's user namespace. Pure. Errors: anything else, or one of the two missing.
[[nodiscard]] Result<IdMaps> parse_id_maps(std::string_view text, const oci::Linux& container);

// The user namespaces that idmapped mounts are made with. Mounts with the same maps share one.
class Idmaps {
  public:
    explicit Idmaps(const oci::Spec& spec) : spec_(spec) {}

    // Maps the ids of the detached clone `tree` as `mount` asks (M-06): by its own mappings, by
    // those in the option, else by the container's user namespace. Nothing asked for is no error.
    // Parent, because it takes CAP_SYS_ADMIN where the filesystem was mounted (Linux 5.12).
    [[nodiscard]] Result<void> apply(int tree, const oci::Mount& mount,
                                     const MountOptions& options);

  private:
    [[nodiscard]] Result<int> user_namespace(const oci::Mount& mount, const IdmapOption& option);

    const oci::Spec& spec_;
    std::map<std::string, sys::UniqueFd> namespaces_;  // by the maps' text, or by path
};

}  // namespace libcontainer
