// SPDX-License-Identifier: Apache-2.0
// brig state: one container as JSON.
#include "libcontainer/container.h"
#include "oci/parse.h"
#include "runtime/state_json.h"
#include "runtime/verbs.h"

namespace runtime {

oci::State to_state(libcontainer::ContainerInfo info) {
    oci::State state = std::move(info.state);
    if (!state.pid || state.status == oci::ContainerStatus::stopped) {
        state.pid = 0;
    }
    state.rootfs = std::move(info.rootfs);
    state.created = std::move(info.created);
    state.owner = std::move(info.owner);
    return state;
}

Result<int> run_state(const Context& context, const Line& line) {
    return print(
        oci::write_state(to_state(TRY(libcontainer::state(context.global, line.operands[0])))));
}

}  // namespace runtime
