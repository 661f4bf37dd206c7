// SPDX-License-Identifier: Apache-2.0
// brig wait: until containers have ended, and how.
#include "libcontainer/container.h"
#include "runtime/verbs.h"

namespace runtime {

Result<int> run_wait(const Context& context, const Line& line) {
    const auto tell = [](std::optional<int> status) -> Result<void> {
        TRY(print((status ? std::to_string(*status) : "unknown") + "\n"));
        return {};
    };
    TRY_VOID(libcontainer::wait(context.global, line.operands, tell));
    return 0;
}

}  // namespace runtime
