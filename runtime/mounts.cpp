// SPDX-License-Identifier: Apache-2.0
// brig mounts: mounts that come to a running container, and go.
#include "libcontainer/container.h"
#include "runtime/verbs.h"

namespace runtime {

Result<int> run_mounts(const Context& context, const Line& line) {
    const std::string& what = line.operands[0];
    const std::string& id = line.operands[1];
    const std::string& file = line.operands[2];
    if (what != "add" && what != "remove") {
        return sys::fail(sys::ErrorKind::invalid,
                         "unknown word \"" + what + "\" (want add or remove)");
    }
    TRY_VOID(what == "add" ? libcontainer::add_mounts(context.global, id, file)
                           : libcontainer::remove_mounts(context.global, id, file));
    return 0;
}

}  // namespace runtime
