// SPDX-License-Identifier: Apache-2.0
// linux.intelRdt: the resctrl group of a container (a class of service, CLOS) and its monitoring
// group. Kernel: Documentation/filesystems/resctrl.rst.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/rollback.h"
#include "oci/spec_linux.h"

namespace libcontainer {

using sys::Result;

// What later verbs need: exec joins the groups, delete removes those that are the container's own.
// In the journal before anything is made, so that a killed create can be cleaned up.
struct ResctrlRecord {
    std::string group;       // absolute path of the class's directory
    std::string monitoring;  // of the container's monitoring group; "" without
    bool is_own = false;     // the class was made for this container alone (RDT-03, RDT-06)
};

namespace resctrl {

// Where resctrl is mounted according to the text of mountinfo; an error where it is not (RDT-01).
[[nodiscard]] Result<std::string> find_root(std::string_view mountinfo);

// The groups of a container that is being made. Parent.
class NewGroup {
  public:
    // Which groups it gets below `root`. Makes nothing yet, and refuses what cannot come true: a
    // class that has to be there and is not, or is there with other schemata (RDT-02..RDT-05).
    [[nodiscard]] static Result<NewGroup> plan(const oci::IntelRdt& config, const std::string& id,
                                               std::string root);

    [[nodiscard]] const ResctrlRecord& record() const { return record_; }

    // Makes the class if it is not there and writes its schemata, then makes the monitoring group
    // (RDT-07..RDT-09). What a failure leaves is for undo().
    [[nodiscard]] Result<void> make();
    // Puts the container's process into them, while it has one thread and before it runs the
    // user's program: what it forks follows it.
    [[nodiscard]] Result<void> join(pid_t pid) const;
    // Of a create that failed: removes what make() has made, also a class that a container of its
    // own right would keep, unless another has joined that meanwhile.
    void undo() const;

  private:
    NewGroup(const oci::IntelRdt& config, std::string root)
        : config_(&config), root_(std::move(root)) {}

    [[nodiscard]] std::string_view class_path() const;
    [[nodiscard]] Result<void> make_class();
    [[nodiscard]] Result<void> write_schemata() const;
    [[nodiscard]] Result<void> make_monitoring();

    const oci::IntelRdt* config_;  // outlives this
    std::string root_;
    ResctrlRecord record_;
    bool made_class_ = false;
    bool made_monitoring_ = false;
};

// Puts a process of `exec` into the groups. A class that somebody has removed meanwhile is no
// error: the container's processes are in the default class then. Parent.
[[nodiscard]] Result<void> join_again(const ResctrlRecord& record, pid_t pid);

// Other schemata for the class of a container that exists; each write adds to `undos` what takes it
// back. An error for a container without one. `update`.
[[nodiscard]] Result<void> update(const std::optional<ResctrlRecord>& record,
                                  const oci::IntelRdt& schemata, sys::Rollback& undos);

// Removes the groups that are the container's own; what is gone already is no error. `delete`.
[[nodiscard]] Result<void> remove(const ResctrlRecord& record);

}  // namespace resctrl
}  // namespace libcontainer
