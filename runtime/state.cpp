// SPDX-License-Identifier: Apache-2.0
// brig state: one container as JSON.
#include "libcontainer/container.h"
#include "oci/parse.h"
#include "runtime/verbs.h"

namespace runtime {

Result<int> run_state(const Context& context, const Line& line) {
    return print(oci::write_state(TRY(libcontainer::state(context.global, line.operands[0]))));
}

}  // namespace runtime
