// SPDX-License-Identifier: Apache-2.0
// A container's cgroup in the v2 hierarchy, made by files.
#pragma once

#include <string>
#include <vector>

#include "libcontainer/cgroup/cgroups_path.h"
#include "libcontainer/cgroup/hierarchies.h"
#include "libcontainer/cgroup/manager.h"

namespace libcontainer::v2 {

[[nodiscard]] CgroupRecord plan_record(const Hierarchy& hierarchy, const CgroupsPath& path);

class Manager final : public CgroupManager {
  public:
    // Of a container that exists.
    explicit Manager(CgroupRecord record) : record_(std::move(record)) {}
    // Of one to be made.
    Manager(CgroupRecord plan, std::string mount_point, IfDenied if_denied)
        : record_(std::move(plan)),
          mount_point_(std::move(mount_point)),
          if_denied_(if_denied),
          is_claimed_(false) {}

    [[nodiscard]] const CgroupRecord& record() const override { return record_; }
    [[nodiscard]] Result<void> create() override;
    [[nodiscard]] Result<void> apply(const oci::Resources& resources) override;
    [[nodiscard]] Result<void> update(const oci::Resources& resources) override;
    [[nodiscard]] Result<CgroupEntry> open_entry(const std::string& below) override;
    [[nodiscard]] Result<void> delegate(uid_t uid) override;
    [[nodiscard]] std::vector<CgroupMountSource> mount_sources() const override;
    [[nodiscard]] Result<void> freeze() override;
    [[nodiscard]] Result<void> thaw() override;
    [[nodiscard]] Result<bool> is_frozen() const override;
    [[nodiscard]] Result<std::vector<pid_t>> pids() const override;
    [[nodiscard]] Result<void> kill_all(int signal) override;
    [[nodiscard]] Result<void> destroy() override;

  private:
    // The directory; an error if the container has none.
    [[nodiscard]] Result<std::string> directory() const;
    [[nodiscard]] Result<void> write_resources(const oci::Resources& resources);

    CgroupRecord record_;
    std::string mount_point_;  // for create()
    IfDenied if_denied_ = IfDenied::fail;
    bool is_claimed_ = true;  // what is in the directory is ours
};

}  // namespace libcontainer::v2
