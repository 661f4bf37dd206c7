// SPDX-License-Identifier: Apache-2.0
// brig pause: freezes every process of a container.
#include "libcontainer/container.h"
#include "runtime/verbs.h"

namespace runtime {

Result<int> run_pause(const Context& context, const Line& line) {
    TRY_VOID(libcontainer::pause(context.global, line.operands[0]));
    return 0;
}

}  // namespace runtime
