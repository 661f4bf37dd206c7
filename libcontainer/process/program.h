// SPDX-License-Identifier: Apache-2.0
// Finding the user's program in the container, and saying why it cannot be executed.
#pragma once

#include <string>
#include <vector>

#include "libcontainer/sys/error.h"

namespace libcontainer {

using sys::Result;

// Child, in the container's root, with the process' identity and working directory (P-05). A name
// without `/` is looked up in the PATH of `env`; with one it is used as it is. Texts as engines
// classify them (engines 4.6): `exec: "foo": executable file not found in $PATH`, `exec: "/no":
// stat /no: no such file or directory`, `exec: "/etc": permission denied: is a directory`.
[[nodiscard]] Result<std::string> find_program(const std::string& name,
                                               const std::vector<std::string>& env);

// Child: why execve(2) of `path` failed with `code`: a missing interpreter (with a CR at its end,
// if so), another architecture, a noexec mount, no permission. Kind exec_failed.
[[nodiscard]] sys::Error explain_exec_failure(const std::string& path, int code);

// The value of a variable in an environment, or nullptr. The last one wins, as in a shell.
[[nodiscard]] const char* find_variable(const std::vector<std::string>& env, std::string_view name);

// The words as execve(2) wants them, ended by a null pointer; valid as long as they are.
[[nodiscard]] std::vector<char*> as_argv(const std::vector<std::string>& words);

}  // namespace libcontainer
