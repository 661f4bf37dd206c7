// SPDX-License-Identifier: Apache-2.0
// brig delete: undoes what create made.
#include "libcontainer/container.h"
#include "runtime/bulk.h"
#include "runtime/verbs.h"

namespace runtime {

namespace {

constexpr std::array kOptions = {
    Option<DeleteSettings>{
        {"force", 'f', nullptr, "kill a running container; a missing one is no error"},
        store<&DeleteSettings::force>},
    Option<DeleteSettings>{
        {"regex", 'r', nullptr, "ID is a regular expression: delete all containers it matches"},
        store<&DeleteSettings::regex>},
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
    const auto destroy = [&](const std::string& id) {
        return libcontainer::destroy(context.global, id, force);
    };
    if (settings.regex) {
        return act_on_matches(context, "delete", settings.id, destroy);
    }
    TRY_VOID(destroy(settings.id));
    return 0;
}

}  // namespace runtime
