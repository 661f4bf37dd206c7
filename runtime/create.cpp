// SPDX-License-Identifier: Apache-2.0
// brig create: a container up to, but without, its program.
#include "libcontainer/container.h"
#include "runtime/create_options.h"
#include "runtime/descriptors.h"
#include "runtime/verbs.h"

namespace runtime {

namespace {

using libcontainer::CreateOptions;

// go-runc may send --detach and --no-subreaper to every command that makes a process.
constexpr std::array kOptions = join(
    kCreateOptions<CreateOptions>,
    std::array{
        Option<CreateOptions>{{"no-subreaper", 0, nullptr, "accepted for engines, without effect"},
                              ignore<CreateOptions>},
        Option<CreateOptions>{{"detach", 'd', nullptr, "accepted for engines, without effect"},
                              ignore<CreateOptions>},
    });

}  // namespace

std::vector<OptionInfo> create_options() {
    return infos_of<CreateOptions>(kOptions);
}

Result<CreateOptions> parse_create(const Line& line) {
    CreateOptions options;
    TRY_VOID(line.apply<CreateOptions>(kOptions, options));
    options.id = line.operands[0];
    return options;
}

Result<int> run_create(const Context& context, const Line& line) {
    const CreateOptions options = TRY(parse_create(line));
    TRY_VOID(close_on_exec_beyond(options.preserve_fds));
    TRY_VOID(libcontainer::create(context.global, options));
    return 0;
}

}  // namespace runtime
