// SPDX-License-Identifier: Apache-2.0
// brig start: lets a created container's program run.
#include "libcontainer/container.h"
#include "runtime/verbs.h"

namespace runtime {

Result<int> run_start(const Context& context, const Line& line) {
    TRY_VOID(libcontainer::start(context.global, line.operands[0]));
    return 0;
}

}  // namespace runtime
