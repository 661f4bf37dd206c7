// SPDX-License-Identifier: Apache-2.0
// What the managers of v1 and v2 have in common: the record, kill and removal.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "libcontainer/cgroup/cgroups_path.h"
#include "libcontainer/cgroup/manager.h"
#include "libcontainer/cgroup/ownership.h"

namespace libcontainer {

// Cgroups made by files. Directories are named by their whole path: a container has one in each of
// about nine hierarchies of v1, and a walk of five cached components costs less than the system
// call that would save it.
class FileManager : public CgroupManager {
  public:
    // Of a plan: refuses directories with processes in them (CG-05), and marks those that are there
    // already, so that a clean-up after a crash leaves them too. `folder`: see make_mark().
    [[nodiscard]] Result<void> look_around(const std::string& folder);
    // Without it every mark counts.
    void confirm_marks_by(ConfirmMark confirm) { confirm_ = std::move(confirm); }

    [[nodiscard]] const CgroupRecord& record() const final { return record_; }
    void undo_create() final;
    [[nodiscard]] Result<void> apply(const oci::Resources& resources) final;
    [[nodiscard]] Result<void> update(const oci::Resources& resources, sys::Rollback& undos) final;
    [[nodiscard]] Result<std::vector<pid_t>> pids() const final;
    [[nodiscard]] Result<void> kill_all(int signal) final;
    [[nodiscard]] Result<void> destroy() final;

  protected:
    // Of a container that exists.
    explicit FileManager(CgroupRecord record) : record_(std::move(record)) {}
    // Of one to be made.
    FileManager(CgroupRecord plan, IfDenied if_denied)
        : record_(std::move(plan)), if_denied_(if_denied), is_claimed_(false) {}

    // Whether create() goes on without a directory that could not be made, or the error it ends
    // with. Never as the host's root, whose container would reach the host's devices.
    [[nodiscard]] Result<void> check_stay_outside(sys::Error error) const;

    [[nodiscard]] bool may_stay_outside() const { return if_denied_ == IfDenied::stay_outside; }

    // The directory whose processes count as the container's, or null.
    [[nodiscard]] virtual const std::string* process_directory() const = 0;
    // `undos` is null where the container is made, and the device rules are written; where it is
    // updated they are not.
    [[nodiscard]] virtual Result<void> write_resources(const oci::Resources& resources,
                                                       sys::Rollback* undos) = 0;
    // Marks what was found.
    [[nodiscard]] Result<void> claim();
    [[nodiscard]] Result<bool> is_anothers(const std::string& directory) const;
    // Removes a directory, or empties one that was found; false while something in it is busy.
    [[nodiscard]] Result<bool> give_up(const CgroupRecord::Directory& directory) const;
    // SIGKILL to all that is in the tree now, the frozen too.
    [[nodiscard]] virtual Result<void> kill_once(const std::string& directory) = 0;
    // The same until none is left, or kKillTime is over.
    [[nodiscard]] virtual Result<void> kill_tree(const std::string& directory) = 0;

    CgroupRecord record_;
    ConfirmMark confirm_;
    IfDenied if_denied_ = IfDenied::fail;
    bool is_claimed_ = true;  // what is in the directories is ours
};

// "processes survive SIGKILL for 10 s: pids 12, 13".
[[nodiscard]] std::unexpected<sys::Error> survived(const std::string& directory);

}  // namespace libcontainer
