// SPDX-License-Identifier: Apache-2.0
// A process that does nothing: systemd starts no scope without one, and ends one that has none.
#pragma once

#include "libcontainer/sys/error.h"
#include "libcontainer/sys/process.h"

namespace libcontainer::systemd {

// Keeps a scope until the container's own process has been born there, so that this one never has
// to be moved: that waits for an RCU grace period. Ends with the parent; ended and reaped here.
class Holder {
  public:
    [[nodiscard]] static sys::Result<Holder> start();
    Holder(Holder&& other) noexcept = default;
    Holder& operator=(Holder&&) = delete;
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    ~Holder();

    [[nodiscard]] pid_t number() const { return process_.number; }

  private:
    explicit Holder(sys::Pid process) : process_(std::move(process)) {}

    sys::Pid process_;
};

}  // namespace libcontainer::systemd
