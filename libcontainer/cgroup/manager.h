// SPDX-License-Identifier: Apache-2.0
// What the core asks of a container's cgroups, whatever the hierarchy (v1, v2) and the driver
// (files, systemd).
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libcontainer/cgroup/cgroups_path.h"
#include "libcontainer/cgroup/ownership.h"
#include "libcontainer/cgroup/stats.h"
#include "libcontainer/options.h"
#include "libcontainer/sys/error.h"
#include "libcontainer/sys/rollback.h"
#include "libcontainer/sys/unique_fd.h"
#include "oci/resources.h"

namespace libcontainer {

using sys::Result;

// A container's unit, with the systemd driver.
struct SystemdUnit {
    std::string name;
    std::string socket;       // of the systemd that made it
    std::string description;  // says whose it is: no other container's has the same
    // Cgroups below the unit's (systemd/subgroups.h).
    std::optional<std::string> subgroup;   // the container's own; absent: that is the unit's
    std::optional<std::string> delegated;  // below that, for the container's processes
};

// Where a container's cgroups are: all that later verbs need. Known before anything is made, so
// that the journal can hold it before create() (crash safety), and kept in the container's state
// (CG-05, engines trap 24).
struct CgroupRecord {
    CgroupDriver driver = CgroupDriver::cgroupfs;
    struct Directory {
        std::string controllers;  // as the hierarchy is called: "memory", "cpu,cpuacct",
                                  // "name=systemd", "" for v2
        std::string path;         // absolute host path of the container's cgroup directory
        bool found = false;       // was there before the container: not ours to remove (O-05)
    };
    std::vector<Directory> directories;  // empty with CgroupDriver::disabled
    std::optional<std::string> mark;     // on the directories that were found (ownership.h)
    std::optional<SystemdUnit> unit;     // with CgroupDriver::systemd; only systemd knows its
                                         // directories, so before apply() there are none
};

// A hierarchy as a mount of type `cgroup` shows it inside (M-09).
struct CgroupMountSource {
    std::string name;  // directory below /sys/fs/cgroup: "cpu,cpuacct", "memory", "" for v2
    std::string path;  // host path of the container's own cgroup directory
    std::vector<std::string> aliases;  // symlinks beside it: "cpu", "cpuacct"
    // Superblock options that mount it anew in a cgroup namespace: "cpu,cpuacct",
    // "none,name=systemd".
    std::string options;
    bool may_be_absent = false;  // create() may stay outside of this hierarchy (engines trap 56)
};

// How a process enters: on v1 by writing "0" into each `tasks` file itself, which takes no
// thread-group lock when it is single-threaded (Linux 5.5; a write of another's pid waits for an
// RCU grace period); on v2 by being born there, or as on v1 where pids.max is reached.
struct CgroupEntry {
    std::vector<sys::UniqueFd>
        tasks;                // v1: opened O_WRONLY by the parent, for the child to write "0" to
    sys::UniqueFd directory;  // v2: for clone3's CLONE_INTO_CGROUP
    // Instead of both where the kernel does not let the caller: has systemd move the child, which
    // waits for it.
    std::function<Result<void>(pid_t)> attach;
};

class CgroupManager {
  public:
    virtual ~CgroupManager() = default;

    [[nodiscard]] virtual const CgroupRecord& record() const = 0;

    // Makes the directories (with parents) and checks their fitness: a non-empty or frozen one is
    // refused (CG-05). On failure removes what it made. Where linux.cgroupsPath is absent and the
    // host does not let us make a directory, there is none: the container stays where the caller is
    // (engines 7.3); so take record() after it.
    [[nodiscard]] virtual Result<void> create() = 0;
    // Takes create() back without touching a process: what is not empty is another's by now.
    virtual void undo_create() {}
    // Marks directories that were there as this container's, and writes the resources of
    // linux.resources before the first process enters; errors name the JSON path and the file.
    // Writes the device rules even if none are given: denied unless allowed (T-62), so call it with
    // empty resources if config.json has none.
    [[nodiscard]] virtual Result<void> apply(const oci::Resources& resources) = 0;
    // The container's processes are in it, and do not run yet: what kept it until then may end.
    [[nodiscard]] virtual Result<void> settle() { return {}; }
    // The same as apply() for the `update` verb (see plan_update): what is absent keeps its value,
    // device rules are left alone (engines trap 51). All that can be known to fail is refused
    // before the first write; each write adds to `undos` what takes it back.
    [[nodiscard]] virtual Result<void> update(const oci::Resources& resources,
                                              sys::Rollback& undos) = 0;
    // For the launcher of init and of exec. `below`: a cgroup under the container's own, "" for
    // itself.
    [[nodiscard]] virtual Result<CgroupEntry> open_entry(const std::string& below) = 0;

    // The same with a cgroup for each hierarchy that is named by one of its controllers; the others
    // are entered at the container's own. Only v1 has several hierarchies.
    [[nodiscard]] virtual Result<CgroupEntry> open_entries(const std::vector<SubCgroup>& below);

    // Gives the user of the container's process its cgroup (CG-07; see delegate_to). v1 is never
    // handed over: nothing happens there.
    [[nodiscard]] virtual Result<void> delegate(uid_t) { return {}; }

    [[nodiscard]] virtual std::vector<CgroupMountSource> mount_sources() const = 0;

    // Waits until every process is frozen, or thawed.
    [[nodiscard]] virtual Result<void> freeze() = 0;
    [[nodiscard]] virtual Result<void> thaw() = 0;
    [[nodiscard]] virtual Result<bool> is_frozen() const = 0;

    // What the container uses now.
    [[nodiscard]] virtual Result<CgroupStats> stats() const = 0;
    // No descriptor: the container has no cgroup whose memory is counted.
    [[nodiscard]] virtual Result<OomWatch> watch_oom() const = 0;

    // Pids of all processes in the cgroup and those below it, if they are this container's.
    [[nodiscard]] virtual Result<std::vector<pid_t>> pids() const = 0;
    // Sends `signal` to all of them; for SIGKILL thaws and repeats until none is left or 10 s are
    // over. Error `wrong_state` if they are another container's.
    [[nodiscard]] virtual Result<void> kill_all(int signal) = 0;

    // Kills what is left and removes the directories, deepest first, retrying while the kernel says
    // EBUSY for up to 10 s. What is gone already is no error. Removes nothing above the container's
    // own directory, and that only if the container has made it. Leaves alone what another
    // container has entered since. After a plan without a successful create() it kills nobody:
    // whoever is in there is another's.
    [[nodiscard]] virtual Result<void> destroy() = 0;

  protected:
    CgroupManager() = default;
    CgroupManager(const CgroupManager&) = default;
    CgroupManager& operator=(const CgroupManager&) = default;
};

// A manager for a container to be made: finds the hierarchies of this host (v1, hybrid, v2) and
// plans the directories from linux.cgroupsPath (CG-01..CG-04; absent: /ID). Makes nothing yet, but
// refuses already where processes are (CG-05): the record that is kept before create() then never
// names another container's cgroup, which a clean-up after a crash would kill. `folder` is where
// the container's record will be, for its marks (ownership.h). `annotations`: some are properties
// of a unit.
[[nodiscard]] Result<std::unique_ptr<CgroupManager>> plan_cgroup(
    CgroupDriver driver, const std::string& id, const std::string& folder,
    const std::optional<std::string>& cgroups_path,
    const std::map<std::string, std::string>& annotations = {});
// A manager for a container that exists, from its state. The record is trusted, and so is every
// mark without `confirm`: see state/record_cgroup.h.
[[nodiscard]] Result<std::unique_ptr<CgroupManager>> open_cgroup(CgroupRecord record,
                                                                 ConfirmMark confirm = {});

// Why clone3 (CLONE_INTO_CGROUP) gave EBUSY or EOPNOTSUPP for that cgroup of v2, for an error.
[[nodiscard]] std::string why_no_entry(int directory, int code);

}  // namespace libcontainer
