// SPDX-License-Identifier: Apache-2.0
// What is kept of a container between two calls of brig.
#include "libcontainer/state/container_record.h"

namespace libcontainer {
oci::State hook_state(const ContainerRecord& record, oci::ContainerStatus status,
                      std::int32_t pid) {
    oci::State state = record.state;
    state.status = status;
    state.pid = pid;
    state.created.reset();
    state.owner.reset();
    state.rootfs.reset();
    return state;
}

}  // namespace libcontainer
