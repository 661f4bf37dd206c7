// SPDX-License-Identifier: Apache-2.0
// The driver `disabled`: the container stays in the caller's cgroups.
#pragma once

#include "libcontainer/cgroup/manager.h"

namespace libcontainer {

// Makes nothing; real limits, pausing and signals to all processes are errors that say why. Device
// rules are ignored: engines send them always, podman with --cgroups=disabled too.
class DisabledCgroup final : public CgroupManager {
  public:
    explicit DisabledCgroup(CgroupRecord record) : record_(std::move(record)) {}

    [[nodiscard]] const CgroupRecord& record() const override { return record_; }
    [[nodiscard]] Result<void> create() override { return {}; }
    [[nodiscard]] Result<void> apply(const oci::Resources& resources) override;
    [[nodiscard]] Result<void> update(const oci::Resources& resources,
                                      sys::Rollback& undos) override;
    [[nodiscard]] Result<CgroupEntry> open_entry(const std::string& below) override;
    [[nodiscard]] std::vector<CgroupMountSource> mount_sources() const override { return {}; }
    [[nodiscard]] Result<void> freeze() override;
    [[nodiscard]] Result<void> thaw() override;
    [[nodiscard]] Result<bool> is_frozen() const override { return false; }
    [[nodiscard]] Result<CgroupStats> stats() const override { return CgroupStats{}; }
    [[nodiscard]] Result<OomWatch> watch_oom() const override { return OomWatch{}; }
    [[nodiscard]] Result<std::vector<pid_t>> pids() const override;
    [[nodiscard]] Result<void> kill_all(int signal) override;
    [[nodiscard]] Result<void> destroy() override { return {}; }

  private:
    CgroupRecord record_;
};

}  // namespace libcontainer
