// SPDX-License-Identifier: Apache-2.0
// brig run: create and start, and in the foreground the program's exit status.
#include "libcontainer/container.h"
#include "runtime/create_options.h"
#include "runtime/descriptors.h"
#include "runtime/verbs.h"

namespace runtime {

namespace {

using libcontainer::RunOptions;

constexpr std::array kOptions = join(
    kCreateOptions<RunOptions, &RunOptions::create>,
    std::array{
        Option<RunOptions>{{"detach", 'd', nullptr, "return once the program runs"},
                           store<&RunOptions::detach>},
        Option<RunOptions>{{"keep", 0, nullptr, "keep state and cgroup after the program's end"},
                           store<&RunOptions::keep>},
        Option<RunOptions>{{"no-subreaper", 0, nullptr, "do not adopt the program's orphans"},
                           store<&RunOptions::no_subreaper>},
    });

}  // namespace

std::vector<OptionInfo> run_options() {
    return infos_of<RunOptions>(kOptions);
}

Result<RunOptions> parse_run(const Line& line) {
    RunOptions options;
    TRY_VOID(line.apply<RunOptions>(kOptions, options));
    options.create.id = line.operands[0];
    return options;
}

Result<int> run_run(const Context& context, const Line& line) {
    const RunOptions options = TRY(parse_run(line));
    TRY_VOID(close_on_exec_beyond(options.create.preserve_fds));
    return libcontainer::run(context.global, options);
}

}  // namespace runtime
