// SPDX-License-Identifier: Apache-2.0
// The conversation between the runtime (parent) and the container's process (child), over one
// SEQPACKET pair.
//
// clang-format off
//   child                                      parent
//     | <----------------------- cgroup [fds] -- |  v1: made while the child starts; the files to enter by
//     | -- init_pid (intermediate only) -------> |  pid of the process it made
//     | <--------------------------- proceed --- |
//     | -- map_ids (new user namespace) -------> |  writes uid_map, gid_map, setgroups
//     | <--------------------------- proceed --- |
//     | -- move_devices [fd] (if there are any)> |  linux.netDevices; a new network namespace
//     | <--------------------------- proceed --- |
//     | -- run_hooks (if there are any) -------> |  prestart, createRuntime; createContainer follows
//     | <--------------------------- proceed --- |
//     | -- console [fd] (terminal) ------------> |  keeps the master, or passes it to the console socket
//     | -- ready [fd] (seccomp filter) --------> |  last_word.h; oom score; state and pid file written
//     | <--------------------------- proceed --- |  commit: from here on the child lives without the parent
//     | -- hooks_ran (startContainer hooks) ---> |  an end of file before it is no execve
//     | -- seccomp [fd] (SCMP_ACT_NOTIFY) -----> |  passes the listener to the supervisor
//     | <--------------------------- proceed --- |
//     | -- (end of file) ----------------------> |  run, exec: execve has succeeded
// clang-format on
//
// A created container's init says what follows `ready` to `start`, and first `ready` again: it is
// there. The number with `ready` says whether `hooks_ran` follows.
//
// At any point `failed` from the child ends it: the step's error, and the child is gone. End of
// file before `ready` means that it was killed; after it the file that came with `ready` may tell
// what the filter kept back. End of file at the child means that the parent is
// gone: it exits.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/socket.h"
#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

using sys::Result;

enum class SyncType : std::uint8_t {
    init_pid,
    map_ids,
    move_devices,
    run_hooks,
    console,
    ready,
    hooks_ran,
    seccomp,
    failed,
    // The parent's:
    proceed,
    cgroup,
};

// The legal order of a child's messages, as a value: the child is semi-trusted once it has seen the
// container's files, so the parent checks each message before it acts on it.
class SyncOrder {
  public:
    // `first`: the earliest that it may say; init_pid with an intermediate process only.
    explicit SyncOrder(SyncType first) : first_(first) {}

    // Whether a child may send `next` now; remembers it if so.
    [[nodiscard]] bool accept(SyncType next);

  private:
    SyncType first_;
    std::optional<SyncType> last_;
};

struct SyncMessage {
    SyncType type = SyncType::failed;
    std::int32_t number = 0;          // init_pid
    std::optional<sys::Error> error;  // failed
    std::vector<sys::UniqueFd>
        fds;  // console, seccomp: one; move_devices, ready: up to one; cgroup: several
};

// One end of the pair. Both sides use the same class.
class SyncChannel {
  public:
    SyncChannel() = default;
    explicit SyncChannel(sys::UniqueFd socket) : socket_(std::move(socket)) {}

    // `unused`: by these a seccomp filter knows its loader's calls (seccomp_pass.h).
    [[nodiscard]] Result<void> send(SyncType type, std::int32_t number = 0,
                                    std::span<const int> fds = {},
                                    const sys::UnusedArguments& unused = {}) const;
    [[nodiscard]] Result<void> send_error(const sys::Error& error,
                                          const sys::UnusedArguments& unused = {}) const;
    // nullopt: the peer has closed its end.
    [[nodiscard]] Result<std::optional<SyncMessage>> receive() const;
    // Child: sends a request and waits until the parent says proceed. End of file is an error: the
    // parent is gone.
    [[nodiscard]] Result<void> request(SyncType type, std::span<const int> fds = {},
                                       const sys::UnusedArguments& unused = {}) const;
    // Child: waits for what the parent sends by itself.
    [[nodiscard]] Result<SyncMessage> expect(SyncType type,
                                             const sys::UnusedArguments& unused = {}) const;

    [[nodiscard]] int fd() const { return socket_.get(); }
    void close() { socket_.reset(); }

  private:
    [[nodiscard]] Result<std::optional<SyncMessage>> receive(
        std::size_t limit, const sys::UnusedArguments& unused) const;

    sys::UniqueFd socket_;
};

// An error as bytes and back.
[[nodiscard]] std::string encode_error(const sys::Error& error);
[[nodiscard]] std::optional<sys::Error> decode_error(std::string_view bytes);

}  // namespace libcontainer
