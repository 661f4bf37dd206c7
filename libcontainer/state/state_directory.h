// SPDX-License-Identifier: Apache-2.0
// The folder of one container below the state root: claiming, locking, reading, removing it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/state/container_record.h"
#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

// Checked before any use of the id in a path, in every verb (R-36, T-95): first [A-Za-z0-9_+-],
// then also `.`, at most 255 bytes. Error text as engines know it: `invalid container ID format`.
[[nodiscard]] Result<void> check_container_id(std::string_view id);

// An open state folder. The root is 0700 and must be the caller's own; folder and files are opened
// without following symlinks. Files in it:
//   container.json  the ContainerRecord, replaced at once
//   config.json     the configuration as it was at create (B-03)
//   notify/         with NOTIFY_SOCKET: what the container sees of it
//   start.sock      there from create until start: the listening socket of the waiting init
class StateDirectory {
  public:
    // mkdir is the claim on the id: the second of two creates gets kind already_exists. The caller
    // holds the lock.
    [[nodiscard]] static Result<StateDirectory> reserve(const std::string& root,
                                                        const std::string& id);
    // Kind not_found: `container does not exist`.
    [[nodiscard]] static Result<StateDirectory> open(const std::string& root,
                                                     const std::string& id);
    // Ids of all folders below the root; none if there is no root.
    [[nodiscard]] static Result<std::vector<std::string>> ids(const std::string& root);

    // Exclusive flock on the folder, for verbs that change the container; waits up to 10 s. Readers
    // take none, because `state` must not wait for a long create (engines trap 29, 34). Kind
    // not_found: another has removed the folder meanwhile.
    [[nodiscard]] Result<void> lock();
    [[nodiscard]] Result<bool> try_lock();  // false: another process has it
    void unlock();
    // Whether another process holds the lock now.
    [[nodiscard]] bool is_locked() const;
    // Whether the process has this very folder open, as who holds its lock has.
    [[nodiscard]] bool is_open_in(pid_t pid) const;

    // Kind not_found when container.json is missing or not brig's: a folder that was never
    // finished, or foreign.
    [[nodiscard]] Result<ContainerRecord> read_record() const;
    // The first record, before anything is made that it tells of, and so without the detour by a
    // temporary file.
    [[nodiscard]] Result<void> write_journal(const ContainerRecord& record) const;
    // Replaces it at once.
    [[nodiscard]] Result<void> write_record(const ContainerRecord& record) const;
    [[nodiscard]] Result<std::string> read_config() const;
    [[nodiscard]] Result<void> write_config(std::string_view json) const;

    // Whether init still waits for `start`.
    [[nodiscard]] Result<bool> waits_for_start() const;
    // Parent, before clone3: the listening socket that init inherits.
    [[nodiscard]] Result<sys::UniqueFd> listen_for_start() const;
    // create: the folder that the container sees (notify.h), open to all.
    [[nodiscard]] Result<void> make_notify_folder() const;
    [[nodiscard]] bool has_notify_folder() const;
    // The datagram socket in it; invalid if there is no such folder.
    [[nodiscard]] Result<sys::UniqueFd> listen_for_notify() const;
    // `start`: connects to the waiting init; ECONNREFUSED when it is gone, so it never hangs
    // (engines trap 17).
    [[nodiscard]] Result<sys::UniqueFd> connect_to_init() const;
    void remove_start_socket() const;

    // Whether the folder is another runtime's in the same root (engines trap 31): it has no record,
    // and a file that brig never writes.
    [[nodiscard]] Result<bool> is_anothers() const;

    // Removes the folder with its files. Of a container it takes what else is in it, too, and tells
    // of what cannot be removed. Without a record it takes only what brig may have left: the folder
    // may be one that another runtime has just made.
    [[nodiscard]] Result<void> remove() const;

    [[nodiscard]] const std::string& id() const { return id_; }
    [[nodiscard]] int root() const { return root_.get(); }
    // What a child inherits of it and has to close.
    [[nodiscard]] std::vector<int> descriptors() const { return {root_.get(), directory_.get()}; }

  private:
    [[nodiscard]] bool remove_files() const;
    enum class Strangers : bool { stay, go };
    void remove_leftovers(Strangers strangers) const;

    StateDirectory(sys::UniqueFd root, sys::UniqueFd directory, std::string id)
        : root_(std::move(root)), directory_(std::move(directory)), id_(std::move(id)) {}

    sys::UniqueFd root_;
    sys::UniqueFd directory_;
    std::string id_;
    bool is_mine_ = false;  // the lock is held by this object
};

}  // namespace libcontainer
