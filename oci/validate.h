// SPDX-License-Identifier: Apache-2.0
// What a config means, checked without asking the system: rules of the spec that its JSON types
// cannot say. Runs in the parent before any side effect.
#pragma once

#include <string_view>
#include <vector>

#include "oci/json.h"
#include "oci/spec.h"

namespace oci {

// Path and message as the reader's errors; the position stays empty until add_positions.
using Problem = ParseError;

// Everything that is wrong, none if the spec may be run.
std::vector<Problem> validate(const Spec& spec);

// The same for a spec that was read with mistakes: nothing that may be only their consequence.
std::vector<Problem> validate_rest(const Spec& spec, const std::vector<ParseError>& mistakes);

// The same for the process.json of `exec`; paths start at the process.
std::vector<Problem> validate(const Process& process);

// The same for `update --resources`. A lone swap limit is accepted: the memory limit may be set.
std::vector<Problem> validate(const Resources& resources);

// The same for the schemata of `update`; paths start at `linux`.
std::vector<Problem> validate(const IntelRdt& intel_rdt);

// What is valid and yet likely a mistake; for the log, never a reason to fail.
std::vector<Problem> find_doubtful(const Spec& spec);
std::vector<Problem> find_doubtful(const Process& process);

// What is valid, but of no effect in this build (oci/built.h): to be refused, never ignored.
std::vector<Problem> unsupported(const Spec& spec);
std::vector<Problem> unsupported(const Process& process);

// Fills in lines and columns, from the text that the value was read from.
void add_positions(std::vector<Problem>& problems, std::string_view json);

}  // namespace oci
