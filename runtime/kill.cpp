// SPDX-License-Identifier: Apache-2.0
// brig kill: a signal to a container's process, or to all of them.
#include "libcontainer/container.h"
#include "runtime/bulk.h"
#include "runtime/signal_name.h"
#include "runtime/verbs.h"

namespace runtime {

namespace {

constexpr std::string_view kDefaultSignal = "TERM";

constexpr std::array kOptions = {
    Option<KillSettings>{{"all", 'a', nullptr, "signal every process of the container"},
                         store<&KillSettings::all>},
    Option<KillSettings>{
        {"regex", 'r', nullptr, "ID is a regular expression: signal all containers it matches"},
        store<&KillSettings::regex>},
};

}  // namespace

std::vector<OptionInfo> kill_options() {
    return infos_of<KillSettings>(kOptions);
}

Result<KillSettings> parse_kill(const Line& line) {
    KillSettings settings;
    TRY_VOID(line.apply<KillSettings>(kOptions, settings));
    settings.id = line.operands[0];
    settings.signal =
        TRY(parse_signal(line.operands.size() > 1 ? line.operands[1] : kDefaultSignal));
    return settings;
}

Result<int> run_kill(const Context& context, const Line& line) {
    using libcontainer::KillTarget;
    const KillSettings settings = TRY(parse_kill(line));
    const KillTarget target = settings.all ? KillTarget::all_processes : KillTarget::init;
    const auto kill = [&](const std::string& id) {
        return libcontainer::kill(context.global, id, settings.signal, target);
    };
    if (settings.regex) {
        return act_on_matches(context, "kill", settings.id, kill);
    }
    TRY_VOID(kill(settings.id));
    return 0;
}

}  // namespace runtime
