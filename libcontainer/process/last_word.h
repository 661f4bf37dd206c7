// SPDX-License-Identifier: Apache-2.0
// What a process leaves to say where its seccomp filter may not let it speak.
#pragma once

#include "libcontainer/sys/unique_fd.h"

namespace libcontainer {

// An errno in memory that is shared by a file: to leave it there takes no system call, so no filter
// can keep it back, and none is answered in its place. Under a filter that forbids sendmsg(2) a
// failed execve would else look like success: the end of the connection.
class LastWord {
  public:
    // Child: one that says nothing, and can say nothing where there is no file for it.
    LastWord() = default;
    LastWord(const LastWord&) = delete;
    LastWord& operator=(const LastWord&) = delete;
    ~LastWord() = default;  // execve and exit end the mapping

    // Child, before the filter. Gives the file for the peer, invalid if there is none; that the
    // process then goes without is no error.
    [[nodiscard]] sys::UniqueFd open();
    void leave(int code);

  private:
    int* code_ = nullptr;
};

// Parent, once the child is gone: the errno that it left, or 0. A file that is none of open()'s
// says nothing.
[[nodiscard]] int read_last_word(int file);

}  // namespace libcontainer
