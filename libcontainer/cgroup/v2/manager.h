// SPDX-License-Identifier: Apache-2.0
// A container's cgroup in the v2 hierarchy, made by files.
#pragma once

#include <string>
#include <vector>

#include "libcontainer/cgroup/file_manager.h"
#include "libcontainer/cgroup/hierarchies.h"

namespace libcontainer::v2 {

[[nodiscard]] CgroupRecord plan_record(const Hierarchy& hierarchy, const CgroupsPath& path);

class Manager final : public FileManager {
  public:
    explicit Manager(CgroupRecord record) : FileManager(std::move(record)) {}
    Manager(CgroupRecord plan, std::string mount_point, IfDenied if_denied)
        : FileManager(std::move(plan), if_denied), mount_point_(std::move(mount_point)) {}

    [[nodiscard]] Result<void> create() override;
    [[nodiscard]] Result<CgroupEntry> open_entry(const std::string& below) override;
    [[nodiscard]] Result<void> delegate(uid_t uid) override;
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

    // The directory; an error if the container has none.
    [[nodiscard]] Result<std::string> directory() const;

    std::string mount_point_;  // for create()
    std::string why_outside_;  // ": REASON" if create() could make nothing
};

}  // namespace libcontainer::v2
