// SPDX-License-Identifier: Apache-2.0
// Undo of what a function made, unless it says that all went well.
#pragma once

#include <functional>
#include <utility>
#include <vector>

namespace sys {

// Runs the registered undos in reverse order on destruction, unless commit() was called (G-05,
// Lives in the parent only: the child leaves by execve or _exit, never by unwinding.
class Rollback {
  public:
    Rollback() = default;
    Rollback(const Rollback&) = delete;
    Rollback& operator=(const Rollback&) = delete;
    Rollback(Rollback&&) = delete;
    Rollback& operator=(Rollback&&) = delete;
    ~Rollback() {
        while (!undos_.empty()) {
            auto undo = std::move(undos_.back());
            undos_.pop_back();
            undo();
        }
    }

    void on_failure(std::function<void()> undo) { undos_.push_back(std::move(undo)); }
    void commit() { undos_.clear(); }

  private:
    std::vector<std::function<void()>> undos_;
};

}  // namespace sys
