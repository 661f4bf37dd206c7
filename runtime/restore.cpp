// SPDX-License-Identifier: Apache-2.0
// brig restore: a container from an image, and in the foreground its exit status.
#include "libcontainer/container.h"
#include "runtime/create_options.h"
#include "runtime/criu_options.h"
#include "runtime/descriptors.h"
#include "runtime/verbs.h"

namespace runtime {

namespace {

using libcontainer::RestoreOptions;

constexpr std::array kOptions = join(
    join(kCreateOptions<RestoreOptions, &RestoreOptions::create>, kCriuOptions<RestoreOptions>),
    std::array{
        Option<RestoreOptions>{{"detach", 'd', nullptr, "return once the processes run"},
                               store<&RestoreOptions::detach>},
        Option<RestoreOptions>{{"no-subreaper", 0, nullptr, "do not adopt the program's orphans"},
                               store<&RestoreOptions::no_subreaper>},
        Option<RestoreOptions>{
            {"lsm-profile", 0, "TYPE:NAME", "another profile of the security module"},
            store<&RestoreOptions::lsm_profile>},
        Option<RestoreOptions>{
            {"lsm-mount-context", 0, "CONTEXT", "another SELinux context for the mounts"},
            store<&RestoreOptions::lsm_mount_context>},
    });

}  // namespace

std::vector<OptionInfo> restore_options() {
    return infos_of<RestoreOptions>(kOptions);
}

Result<RestoreOptions> parse_restore(const Line& line) {
    RestoreOptions options;
    TRY_VOID(line.apply<RestoreOptions>(kOptions, options));
    options.create.id = line.operands[0];
    return options;
}

Result<int> run_restore(const Context& context, const Line& line) {
    const RestoreOptions options = TRY(parse_restore(line));
    TRY_VOID(close_on_exec_beyond(0));
    return libcontainer::restore(context.global, options);
}

}  // namespace runtime
