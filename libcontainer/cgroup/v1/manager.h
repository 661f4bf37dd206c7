// SPDX-License-Identifier: Apache-2.0
// A container's cgroups on a host whose controllers are on v1 hierarchies (pure v1, hybrid).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/cgroup/file_manager.h"
#include "libcontainer/cgroup/hierarchies.h"

namespace libcontainer::v1 {

// A directory in each v1 hierarchy, name=systemd among them; none in v2, which on a hybrid host
// belongs to systemd.
[[nodiscard]] CgroupRecord plan_record(const Hierarchies& hierarchies, const CgroupsPath& path);

class Manager final : public FileManager {
  public:
    explicit Manager(CgroupRecord record) : FileManager(std::move(record)) {}
    Manager(CgroupRecord plan, IfDenied if_denied) : FileManager(std::move(plan), if_denied) {}

    [[nodiscard]] Result<void> create() override;
    [[nodiscard]] Result<CgroupEntry> open_entry(const std::string& below) override;
    [[nodiscard]] Result<CgroupEntry> open_entries(const std::vector<SubCgroup>& below) override;
    [[nodiscard]] std::vector<CgroupMountSource> mount_sources() const override;
    [[nodiscard]] Result<void> freeze() override;
    [[nodiscard]] Result<void> thaw() override;
    [[nodiscard]] Result<bool> is_frozen() const override;
    [[nodiscard]] Result<CgroupStats> stats() const override;
    [[nodiscard]] Result<OomWatch> watch_oom() const override;

  private:
    [[nodiscard]] const std::string* process_directory() const override;
    [[nodiscard]] Result<void> write_resources(const oci::Resources& resources,
                                               sys::Rollback* undos) override;
    [[nodiscard]] Result<void> kill_once(const std::string& directory) override;
    [[nodiscard]] Result<void> kill_tree(const std::string& directory) override;

    // Directory of the hierarchy that has a controller, or null.
    [[nodiscard]] const std::string* find(std::string_view controller) const;
    // The same for the freezer, which pausing needs.
    [[nodiscard]] Result<std::string> freezer() const;
    void thaw_for_kill() const;
    // Whether there is a cgroup for each value but the device rules.
    [[nodiscard]] Result<void> check_controllers(const oci::Resources& resources) const;
    [[nodiscard]] Result<void> write_devices(const oci::Resources& resources) const;

    bool is_partial_ = false;  // stay_outside came true for a hierarchy
};

}  // namespace libcontainer::v1
