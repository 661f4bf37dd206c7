// SPDX-License-Identifier: Apache-2.0
// The list: what a process does between clone3 and execve, in order, for init and exec alike.
#pragma once

#include <span>
#include <string_view>

#include "libcontainer/process/init_context.h"

namespace libcontainer {

enum class StepScope : unsigned char { init, exec, both };

struct InitStep {
    std::string_view name;  // for errors and traces
    std::string_view
        config_path;  // what it gives effect to; "" if nothing in config.json asks for it
    StepScope scope;
    Result<void> (*run)(InitContext&);
};

[[nodiscard]] std::span<const InitStep> init_steps();

// The child's whole life: runs the steps of its role, then execve. On failure tells the runtime (or
// the waiting `start`) once, with the step's config path, and exits. Never returns, never throws,
// never unwinds the parent's stack.
[[noreturn]] void run_init(InitContext& context) noexcept;

}  // namespace libcontainer
