// SPDX-License-Identifier: Apache-2.0
// brig delete: undoes what create made.
#include "libcontainer/container.h"
#include "runtime/verbs.h"

namespace runtime {

namespace {

constexpr std::array kOptions = {
    Option<DeleteSettings>{
        {"force", 'f', nullptr, "kill a running container; a missing one is no error"},
        store<&DeleteSettings::force>},
};

}  // namespace

std::vector<OptionInfo> delete_options() {
    return infos_of<DeleteSettings>(kOptions);
}

Result<DeleteSettings> parse_delete(const Line& line) {
    DeleteSettings settings;
    TRY_VOID(line.apply<DeleteSettings>(kOptions, settings));
    settings.id = line.operands[0];
    return settings;
}

Result<int> run_delete(const Context& context, const Line& line) {
    using libcontainer::Force;
    const DeleteSettings settings = TRY(parse_delete(line));
    const Force force = settings.force ? Force::yes : Force::no;
    TRY_VOID(libcontainer::destroy(context.global, settings.id, force));
    return 0;
}

}  // namespace runtime
