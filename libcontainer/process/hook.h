// SPDX-License-Identifier: Apache-2.0
// Running the hooks of config.json.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libcontainer/options.h"
#include "libcontainer/sys/error.h"
#include "libcontainer/sys/unique_fd.h"
#include "oci/spec.h"
#include "oci/state.h"

namespace libcontainer {

using sys::Result;

// An invalid one: that output is captured.
struct HookFiles {
    sys::UniqueFd standard_output;
    sys::UniqueFd standard_error;
};

struct HookContext {
    oci::State
        state;  // what the hook reads on stdin (H-11, H-18); the status is the caller's to set
    // Working directory of the hooks: a descriptor (runtime hooks: the bundle; createContainer: the
    // root), or -1 for the present one (H-20).
    int directory = -1;
    // Environment of a hook that has no `env` of its own (H-14). Never process.env for hooks of the
    // runtime's namespaces: the image controls that (CVE-2025-23266).
    std::vector<std::string> default_env;
    int interruption = -1;  // of hold_back_interruption: ends the hook that runs; -1: nothing does
    std::optional<unsigned> umask;           // of the hooks; absent: the present one
    std::shared_ptr<const HookFiles> files;  // null: all output is captured
};

// The files that the annotations run.oci.hooks.stdout and .stderr name, made if missing and written
// at their end; null without them. Parent, before the root is switched: startContainer hooks
// inherit them.
[[nodiscard]] Result<std::shared_ptr<const HookFiles>> open_hook_files(
    const std::map<std::string, std::string>& annotations);

// Runs one kind's hooks in order, each awaited (H-10), in the caller's namespaces: the parent calls
// it for prestart, createRuntime, poststart and poststop, the child for createContainer and
// startContainer. stdin is the state as JSON, stdout and stderr are captured, unless they go to
// files; the error names kind, index, path and exit status and keeps the end of the output (H-16).
// A hook that outlives its timeout, or is interrupted, is killed with its process group (H-15).
// Stops at the first failure.
[[nodiscard]] Result<void> run_hooks(const oci::Hooks& hooks, oci::HookKind kind,
                                     const HookContext& context);

// poststop: a failing hook is a warning; it does not keep the others from running, nor the deletion
// from succeeding (H-06, LC-13).
void run_poststop_hooks(const oci::Hooks& hooks, const HookContext& context, const Warn& warn);

}  // namespace libcontainer
