// SPDX-License-Identifier: Apache-2.0
// A container's cgroup as a unit of systemd's: a scope, or a slice.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libcontainer/cgroup/file_manager.h"
#include "libcontainer/cgroup/systemd/bus.h"
#include "libcontainer/cgroup/systemd/holder.h"

namespace libcontainer::systemd {

// systemd makes and removes the cgroup, and knows of its limits as far as it has properties for
// them (properties.h). The rest is done by the file manager of its directory, which is to it one
// that was found there: not to remove, and marked as this container's (ownership.h). With a
// subgroup (subgroups.h) that directory is the subgroup: limits are in its files, where the
// container sees them, and systemd's properties hold them above.
class Manager final : public CgroupManager {
  public:
    // Of a container to be made: see plan_cgroup.
    [[nodiscard]] static Result<std::unique_ptr<CgroupManager>> plan(
        const std::string& id, const std::string& folder,
        const std::optional<std::string>& cgroups_path,
        const std::map<std::string, std::string>& annotations);
    // Of one that exists.
    Manager(CgroupRecord record, ConfirmMark confirm);

    [[nodiscard]] const CgroupRecord& record() const override { return record_; }
    // Nothing: what a unit is started with has to be known, so apply() makes it.
    [[nodiscard]] Result<void> create() override { return {}; }
    [[nodiscard]] Result<void> apply(const oci::Resources& resources) override;
    [[nodiscard]] Result<void> settle() override;
    [[nodiscard]] Result<void> update(const oci::Resources& resources,
                                      sys::Rollback& undos) override;
    [[nodiscard]] Result<CgroupEntry> open_entry(const std::string& below) override;
    [[nodiscard]] Result<CgroupEntry> open_entries(const std::vector<SubCgroup>& below) override;
    [[nodiscard]] Result<void> delegate(uid_t uid) override;
    [[nodiscard]] std::vector<CgroupMountSource> mount_sources() const override;
    [[nodiscard]] Result<void> freeze() override;
    [[nodiscard]] Result<void> thaw() override;
    [[nodiscard]] Result<bool> is_frozen() const override;
    [[nodiscard]] Result<CgroupStats> stats() const override;
    [[nodiscard]] Result<OomWatch> watch_oom() const override;
    [[nodiscard]] Result<std::vector<pid_t>> pids() const override;
    [[nodiscard]] Result<void> kill_all(int signal) override;
    [[nodiscard]] Result<void> destroy() override;

  private:
    Manager(CgroupRecord plan, std::vector<Property> properties, Bus bus);

    // The connection, made when it is needed.
    [[nodiscard]] Result<Bus*> bus();
    [[nodiscard]] Result<void> start_unit(const oci::Resources& resources);
    // Where systemd has put the unit, "" for nowhere; opens it if it is there.
    [[nodiscard]] Result<std::string> find_directory();
    void open_directory();
    // Below the unit's directory, which is found; the container's own one is the subgroup then.
    [[nodiscard]] Result<void> make_subgroups();
    [[nodiscard]] Result<void> hand_controllers_to(const std::string& directory);
    // Once the cgroup namespace is made, whose root is the container's own cgroup.
    [[nodiscard]] Result<void> move_to_delegated();
    [[nodiscard]] Result<CgroupEntry> open_files_entry(const std::string& below);
    // Paths, of the unit's cgroup and of the one that the container's processes are to be in.
    [[nodiscard]] std::string unit_directory() const;
    [[nodiscard]] std::string process_directory() const;
    // The unit of this name is this container's if its description says so.
    enum class Whose : unsigned char { own, anothers, nobodys };
    [[nodiscard]] Result<Whose> whose();
    [[nodiscard]] Result<void> stop_unit();
    // Tells systemd, and then writes the files again, which it has written less exactly.
    [[nodiscard]] Result<void> write_properties(const oci::Resources& resources,
                                                std::vector<Property> properties);
    // Without a way back.
    [[nodiscard]] Result<void> write_files(const oci::Resources& resources);
    [[nodiscard]] const std::string& unit() const { return record_.unit->name; }
    // The file manager; an error if the cgroup is not there, or not known.
    [[nodiscard]] Result<FileManager*> files() const;

    CgroupRecord record_;
    ConfirmMark confirm_;
    std::optional<Bus> bus_;
    std::optional<Holder> holder_;
    std::vector<Property> properties_;    // of a unit to be made
    std::optional<oci::Pids> pids_left_;  // to be written once the container's process is there
    std::optional<uid_t> delegate_to_;    // whom the delegated cgroup will be given to
    std::unique_ptr<FileManager> files_;
};

}  // namespace libcontainer::systemd
