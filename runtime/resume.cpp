// SPDX-License-Identifier: Apache-2.0
// brig resume: lets the processes of a paused container go on.
#include "libcontainer/container.h"
#include "runtime/verbs.h"

namespace runtime {

Result<int> run_resume(const Context& context, const Line& line) {
    TRY_VOID(libcontainer::resume(context.global, line.operands[0]));
    return 0;
}

}  // namespace runtime
