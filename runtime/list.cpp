// SPDX-License-Identifier: Apache-2.0
// brig list: the containers below the state root.
#include <unistd.h>

#include <algorithm>
#include <array>

#include "libcontainer/container.h"
#include "oci/parse.h"
#include "runtime/global_options.h"
#include "runtime/log.h"
#include "runtime/verbs.h"

namespace runtime {

namespace {

constexpr std::array kOptions = {
    Option<ListSettings>{{"quiet", 'q', nullptr, "show ids only"}, store<&ListSettings::quiet>},
    Option<ListSettings>{{"format", 'f', "table|json", "form of the output"},
                         store<&ListSettings::format>},
};

constexpr std::size_t kMaxCell = 4096;  // PATH_MAX

using Row = std::array<std::string, 6>;

Row to_row(oci::State state) {
    return {std::move(state.id),
            std::to_string(state.pid.value_or(0)),
            std::string(oci::to_name(state.status)),
            printable(state.bundle, kMaxCell),
            printable(state.created.value_or(""), kMaxCell),
            std::move(state.owner).value_or("")};
}

std::string to_table(std::vector<oci::State> containers) {
    constexpr std::size_t kLeastWidth = 12;  // runc's, for scripts that cut by column
    std::vector<Row> rows = {{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}};
    for (oci::State& state : containers) {
        rows.push_back(to_row(std::move(state)));
    }
    std::array<std::size_t, std::tuple_size_v<Row>> widths{};
    for (const Row& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max({widths[i], row[i].size() + 1, kLeastWidth});
        }
    }
    std::string table;
    for (const Row& row : rows) {
        for (std::size_t i = 0; i + 1 < row.size(); ++i) {
            table += row[i];
            table.append(widths[i] - row[i].size(), ' ');
        }
        table += row.back();
        table += '\n';
    }
    return table;
}

std::string to_json(const std::vector<oci::State>& containers) {
    if (containers.empty()) {
        return "null\n";  // what Go makes of an empty list, and what callers of runc expect
    }
    std::string json;
    for (const oci::State& state : containers) {
        json += json.empty() ? "[" : ",";
        json += oci::write_state(state, oci::Layout::compact);
    }
    return json + "]\n";
}

std::string to_ids(const std::vector<oci::State>& containers) {
    std::string ids;
    for (const oci::State& state : containers) {
        ids += state.id;
        ids += '\n';
    }
    return ids;
}

}  // namespace

Result<void> assign(Format& member, const std::string& value) {
    if (value != "table" && value != "json") {
        return sys::fail(sys::ErrorKind::invalid,
                         "unknown format \"" + value + "\" (want table or json)");
    }
    member = value == "json" ? Format::json : Format::table;
    return {};
}

std::vector<OptionInfo> list_options() {
    return infos_of<ListSettings>(kOptions);
}

Result<ListSettings> parse_list(const Line& line) {
    ListSettings settings;
    TRY_VOID(line.apply<ListSettings>(kOptions, settings));
    return settings;
}

Result<int> run_list(const Context& context, const Line& line) {
    const ListSettings settings = TRY(parse_list(line));
    // Only a root that the caller has named must exist.
    if (!context.settings.root.empty() && access(context.global.root.c_str(), F_OK) != 0) {
        return sys::fail_errno(sys::call("stat", context.global.root));
    }
    std::vector<oci::State> containers = TRY(libcontainer::list(context.global));
    if (settings.quiet) {
        return print(to_ids(containers));
    }
    return print(settings.format == Format::json ? to_json(containers)
                                                 : to_table(std::move(containers)));
}

}  // namespace runtime
