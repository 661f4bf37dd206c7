// SPDX-License-Identifier: Apache-2.0
// A container's cgroups on a host whose controllers are on v1 hierarchies (pure v1, hybrid).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/cgroup/cgroups_path.h"
#include "libcontainer/cgroup/hierarchies.h"
#include "libcontainer/cgroup/manager.h"

namespace libcontainer::v1 {

// A directory in each v1 hierarchy, name=systemd among them; none in v2, which on a hybrid host
// belongs to systemd.
[[nodiscard]] CgroupRecord plan_record(const Hierarchies& hierarchies, const CgroupsPath& path);

// Directories are named by their whole path: a container has one in each of about nine hierarchies,
// and a walk of five cached components costs less than the system call that would save it.
class Manager final : public CgroupManager {
  public:
    // Of a container that exists.
    explicit Manager(CgroupRecord record) : record_(std::move(record)) {}
    // Of one to be made.
    Manager(CgroupRecord plan, IfDenied if_denied)
        : record_(std::move(plan)), if_denied_(if_denied), is_claimed_(false) {}

    [[nodiscard]] const CgroupRecord& record() const override { return record_; }
    [[nodiscard]] Result<void> create() override;
    [[nodiscard]] Result<void> apply(const oci::Resources& resources) override;
    [[nodiscard]] Result<void> update(const oci::Resources& resources) override;
    [[nodiscard]] Result<CgroupEntry> open_entry(const std::string& below) override;
    [[nodiscard]] std::vector<CgroupMountSource> mount_sources() const override;
    [[nodiscard]] Result<void> freeze() override;
    [[nodiscard]] Result<void> thaw() override;
    [[nodiscard]] Result<bool> is_frozen() const override;
    [[nodiscard]] Result<std::vector<pid_t>> pids() const override;
    [[nodiscard]] Result<void> kill_all(int signal) override;
    [[nodiscard]] Result<void> destroy() override;

  private:
    enum class DeviceRules : unsigned char { write, leave };

    // Directory of the hierarchy that has a controller, or null.
    [[nodiscard]] const std::string* find(std::string_view controller) const;
    // The same for the freezer, which pausing needs.
    [[nodiscard]] Result<std::string> freezer() const;
    // The directory whose processes count as the container's.
    [[nodiscard]] const std::string* process_directory() const;
    [[nodiscard]] Result<void> write_resources(const oci::Resources& resources,
                                               DeviceRules device_rules);
    void thaw_for_kill() const;

    CgroupRecord record_;
    IfDenied if_denied_ = IfDenied::fail;
    bool is_claimed_ = true;   // what is in the directories is ours
    bool is_partial_ = false;  // stay_outside came true for a hierarchy
};

}  // namespace libcontainer::v1
