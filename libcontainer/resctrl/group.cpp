// SPDX-License-Identifier: Apache-2.0
// Making, joining and removing the resctrl groups of a container.
#include "libcontainer/resctrl/group.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "libcontainer/cgroup/attribute.h"
#include "libcontainer/resctrl/schemata.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/mountinfo.h"

namespace libcontainer::resctrl {
namespace {

constexpr mode_t kMode = 0755;
constexpr std::string_view kConfigPath = "linux.intelRdt";
constexpr std::string_view kClassPath = "linux.intelRdt.closID";
constexpr std::string_view kMonitoringPath = "linux.intelRdt.enableMonitoring";

std::unexpected<sys::Error> refuse(sys::ErrorKind kind, std::string_view config_path,
                                   std::string why) {
    return std::unexpected(sys::Error{kind, 0, std::string(config_path), std::move(why)});
}

// A line for the schemata file, and its place in config.json.
struct RequestedLine {
    std::string config_path;
    std::string_view text;
};

// In the order of writing (RDT-07).
std::vector<RequestedLine> requested_lines(const oci::IntelRdt& config) {
    const std::string base(kConfigPath);
    std::vector<RequestedLine> lines;
    if (config.l3_cache_schema) {
        lines.push_back({base + ".l3CacheSchema", *config.l3_cache_schema});
    }
    if (config.mem_bw_schema) {
        lines.push_back({base + ".memBwSchema", *config.mem_bw_schema});
    }
    for (std::size_t i = 0; i < config.schemata.size(); ++i) {
        lines.push_back({base + ".schemata[" + std::to_string(i) + "]", config.schemata[i]});
    }
    return lines;
}

// The kernel's own reason, which says more than EINVAL: "Mask 8 out of range".
void add_reason(sys::Error& error, const std::string& root) {
    std::string reason =
        AttributeDirectory(root + "/info").read("last_cmd_status").value_or(std::string());
    std::ranges::replace(reason, '\n', ' ');
    if (!reason.empty() && reason != "ok") {
        error.message.append(" (").append(reason).append(")");
    }
}

bool has_tasks(const std::string& group) {
    return AttributeDirectory(group).has("tasks");
}

Result<void> write_line(const AttributeDirectory& directory, const RequestedLine& line,
                        const std::string& root) {
    auto written = directory.write("schemata", line.text, line.config_path);
    if (!written) {
        add_reason(written.error(), root);
    }
    return written;
}

// Compares what an existing class has with what is wanted (RDT-04).
Result<void> check_schemata(const std::string& group, const std::vector<RequestedLine>& lines) {
    if (lines.empty()) {
        return {};
    }
    const std::string present = TRY(AttributeDirectory(group).read("schemata"));
    for (const RequestedLine& line : lines) {
        if (!holds_schema(present, line.text)) {
            return refuse(sys::ErrorKind::invalid, line.config_path,
                          "\"" + std::string(line.text) + "\" is not what the class " + group +
                              " has already");
        }
    }
    return {};
}

// A group has files and can be removed all the same; a record that names an ordinary folder, which
// must be empty to be removed, is not to be followed (T-79).
Result<void> remove_directory(const std::string& path) {
    if (!AttributeDirectory(path).has("tasks")) {
        return {};
    }
    return ::rmdir(path.c_str()) == 0 || errno == ENOENT
               ? Result<void>()
               : sys::fail_errno(sys::call("rmdir", path));
}

// To the class first: a monitoring group takes only what its class has.
Result<void> write_tasks(const ResctrlRecord& record, pid_t pid) {
    const std::string number = std::to_string(pid);
    TRY_VOID(AttributeDirectory(record.group).write("tasks", number, kConfigPath));
    return record.monitoring.empty()
               ? Result<void>()
               : AttributeDirectory(record.monitoring).write("tasks", number, kMonitoringPath);
}

}  // namespace

Result<std::string> find_root(std::string_view mountinfo) {
    std::vector<sys::MountLine> mounts = sys::mounts_of_type(mountinfo, {"resctrl"});
    if (mounts.empty()) {
        return refuse(sys::ErrorKind::unsupported, kConfigPath,
                      "no resctrl filesystem is mounted (usually on /sys/fs/resctrl)");
    }
    return std::move(mounts.front().mount_point);
}

Result<NewGroup> NewGroup::plan(const oci::IntelRdt& config, const std::string& id,
                                std::string root) {
    NewGroup group(config, std::move(root));
    const bool is_default = config.clos_id == "/";
    ResctrlRecord& record = group.record_;
    record.group = is_default ? group.root_ : group.root_ + "/" + config.clos_id.value_or(id);
    const bool exists = ::access(record.group.c_str(), F_OK) == 0;
    if (exists && !has_tasks(record.group)) {
        // info, mon_groups, mon_data.
        return refuse(sys::ErrorKind::invalid, group.class_path(),
                      record.group + " is no class of service");
    }
    const auto lines = requested_lines(config);
    if (exists) {
        TRY_VOID(check_schemata(record.group, lines));
    } else if (config.clos_id && lines.empty()) {
        return refuse(sys::ErrorKind::invalid, kClassPath,
                      "there is no class " + record.group + ", and no schema to make it with");
    }
    record.is_own = !exists && !config.clos_id;
    if (config.enable_monitoring) {
        record.monitoring = record.group + "/mon_groups/" + id;
        if (::access(record.monitoring.c_str(), F_OK) == 0) {
            return refuse(sys::ErrorKind::wrong_state, kMonitoringPath,
                          "the monitoring group " + record.monitoring + " is there already");
        }
    }
    return group;
}

std::string_view NewGroup::class_path() const {
    return config_->clos_id ? kClassPath : kConfigPath;
}

Result<void> NewGroup::make_class() {
    if (record_.group == root_) {
        return {};
    }
    if (::mkdir(record_.group.c_str(), kMode) == 0) {
        made_class_ = true;
        return write_schemata();
    }
    if (errno == EEXIST) {
        // Looked at by plan(), or made by another since then.
        record_.is_own = false;
        return check_schemata(record_.group, requested_lines(*config_));
    }
    sys::Error error = sys::last_error(sys::call("mkdir", record_.group)).at(class_path());
    if (error.code == ENOSPC) {
        error.message += " (every class of service of the processor is taken)";
    }
    add_reason(error, root_);
    return std::unexpected(std::move(error));
}

Result<void> NewGroup::write_schemata() const {
    const AttributeDirectory directory(record_.group);
    for (const RequestedLine& line : requested_lines(*config_)) {
        TRY_VOID(write_line(directory, line, root_));
    }
    return {};
}

Result<void> NewGroup::make_monitoring() {
    if (record_.monitoring.empty()) {
        return {};
    }
    if (::mkdir(record_.monitoring.c_str(), kMode) == 0) {
        made_monitoring_ = true;
        return {};
    }
    sys::Error error = sys::last_error(sys::call("mkdir", record_.monitoring)).at(kMonitoringPath);
    if (error.code == ENOSPC) {
        error.message += " (every monitoring id (RMID) of the processor is taken)";
    } else if (error.code == ENOENT) {
        error = {sys::ErrorKind::unsupported, 0, std::string(kMonitoringPath),
                 "resctrl offers no monitoring on this host: no mon_groups in " + record_.group};
    }
    add_reason(error, root_);
    return std::unexpected(std::move(error));
}

Result<void> NewGroup::make() {
    TRY_VOID(make_class());
    return make_monitoring();
}

Result<void> NewGroup::join(pid_t pid) const {
    return write_tasks(record_, pid);
}

void NewGroup::undo() const {
    if (made_monitoring_) {
        ::rmdir(record_.monitoring.c_str());
    }
    if (!made_class_) {
        return;
    }
    const auto tasks = AttributeDirectory(record_.group).read("tasks");
    if (record_.is_own || !tasks || tasks->empty()) {
        ::rmdir(record_.group.c_str());
    }
}

Result<void> join_again(const ResctrlRecord& record, pid_t pid) {
    auto joined = write_tasks(record, pid);
    return !joined && is_absent(joined.error()) ? Result<void>() : joined;
}

Result<void> update(const std::optional<ResctrlRecord>& record, const oci::IntelRdt& schemata,
                    sys::Rollback& undos) {
    const auto lines = requested_lines(schemata);
    if (!record) {
        return refuse(sys::ErrorKind::unsupported, lines.front().config_path,
                      "the container was made without linux.intelRdt");
    }
    // The classes are directly below the root, which is one itself.
    const std::string above = sys::directory_of(record->group);
    const bool is_default = !AttributeDirectory(above).has("info");
    const AttributeDirectory directory(record->group);
    const std::string before = TRY(directory.read("schemata"));
    undos.on_failure([directory, before] {
        for (std::size_t begin = before.find_first_not_of(' '); begin < before.size();) {
            const std::size_t end = std::min(before.find('\n', begin), before.size());
            static_cast<void>(directory.write("schemata", before.substr(begin, end - begin), ""));
            begin = before.find_first_not_of(" \n", end);
        }
    });
    for (const RequestedLine& line : lines) {
        TRY_VOID(write_line(directory, line, is_default ? record->group : above));
    }
    return {};
}

Result<void> remove(const ResctrlRecord& record) {
    if (!record.monitoring.empty()) {
        TRY_VOID(remove_directory(record.monitoring));
    }
    return record.is_own ? remove_directory(record.group) : Result<void>();
}

}  // namespace libcontainer::resctrl
