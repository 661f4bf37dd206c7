// SPDX-License-Identifier: Apache-2.0
// The verb update: other limits for a container that is there.
#include <fcntl.h>
#include <unistd.h>

#include "libcontainer/bundle.h"
#include "libcontainer/cgroup/memory_limits.h"
#include "libcontainer/cgroup/update_plan.h"
#include "libcontainer/container.h"
#include "libcontainer/state/record_cgroup.h"
#include "libcontainer/status.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/rollback.h"
#include "oci/parse.h"
#include "oci/validate.h"

namespace libcontainer {
namespace {

constexpr const char* kStandardInput = "-";

// The text that positions in errors are about; without one they name the values only.
struct Source {
    std::string name;
    std::string json;
};

Result<void> check(const oci::Resources& resources, const Source& source) {
    std::vector<oci::Problem> problems = oci::validate(resources);
    if (problems.empty()) {
        return {};
    }
    if (!source.json.empty()) {
        oci::add_positions(problems, source.json);
    }
    return refuse_document(problems, source.name);
}

Result<oci::Resources> read_changes(const UpdateOptions& options, Source& source,
                                    const Warn& warn) {
    if (options.resources_file.empty()) {
        source.name = "options";
        return options.changes;
    }
    const std::size_t limit = oci::kMaxJsonSize + 1;
    const bool is_file = options.resources_file != kStandardInput;
    source.name = is_file ? options.resources_file : "standard input";
    source.json = TRY(is_file ? sys::read_file(AT_FDCWD, options.resources_file, limit)
                              : sys::read_all(STDIN_FILENO, source.name, limit));
    std::vector<oci::ParseError> doubts;
    auto changes = oci::parse_resources(source.json, &doubts);
    if (!changes) {
        return refuse_document(changes.error(), source.name);
    }
    for (const oci::ParseError& doubt : doubts) {
        if (warn) {
            warn(oci::to_string(doubt, source.name));
        }
    }
    return *std::move(changes);
}

Result<oci::IntelRdt> read_schemata(const UpdateOptions& options) {
    oci::IntelRdt schemata;
    schemata.l3_cache_schema = options.l3_cache_schema;
    schemata.mem_bw_schema = options.mem_bw_schema;
    if (const auto problems = oci::validate(schemata); !problems.empty()) {
        return refuse_document(problems, "options");
    }
    return schemata;
}

Result<oci::Resources> resources_in_force(const FoundContainer& found) {
    if (found.record.resources) {
        return *found.record.resources;
    }
    return TRY(read_kept_spec(found.directory, found.record)).linux.resources;
}

}  // namespace

Result<void> update(const GlobalOptions& global, const UpdateOptions& options) {
    Source source;
    oci::Resources changes = TRY(read_changes(options, source, global.warn));
    TRY_VOID(check(changes, source));
    const oci::IntelRdt schemata = TRY(read_schemata(options));

    FoundContainer found = TRY(lock_container(global.root, options.id));
    const oci::ContainerStatus status = TRY(current_status(found.directory, found.record));
    if (status == oci::ContainerStatus::stopped || status == oci::ContainerStatus::creating) {
        return sys::fail(sys::ErrorKind::wrong_state, "container not running");
    }
    UpdatePlan plan = plan_update(TRY(resources_in_force(found)), std::move(changes));
    TRY_VOID(check(plan.outcome, source));
    TRY_VOID(check_memory(plan.outcome.memory));

    sys::Rollback undos;
    const auto cgroup = TRY(open_cgroup(found.directory, found.record));
    TRY_VOID(cgroup->update(plan.writes, undos));
    if (schemata != oci::IntelRdt{}) {
        TRY_VOID(resctrl::update(found.record.resctrl, schemata, undos));
    }
    found.record.resources = std::move(plan.outcome);
    TRY_VOID(found.directory.write_record(found.record));
    undos.commit();
    return {};
}

}  // namespace libcontainer
