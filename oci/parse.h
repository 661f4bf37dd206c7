// SPDX-License-Identifier: Apache-2.0
// The documents that engines hand over, as values. Pure and independent of the file they came from;
// called by the parent only.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "oci/features.h"
#include "oci/json.h"
#include "oci/spec.h"
#include "oci/state.h"

namespace oci {

template <typename T>
using Parsed = std::expected<T, std::vector<ParseError>>;

// config.json. All mistakes are returned together; what they mean to the kernel is validate()'s.
// `warnings` tells of unknown names that look like a known one (T-75).
Parsed<Spec> parse_spec(std::string_view json, std::vector<ParseError>* warnings = nullptr);

// The same, and valid (oci/validate.h). Mistakes of form and of meaning are told together, in the
// text's order, but for meanings that a mistake of form may have changed.
// `complete`, if given, adds what the configuration leaves to its surroundings, before the meaning
// is judged.
Parsed<Spec> parse_valid_spec(std::string_view json, std::vector<ParseError>* warnings = nullptr,
                              const std::function<void(Spec& spec)>& complete = {});

// The process.json of `exec --process`.
Parsed<Process> parse_process(std::string_view json, std::vector<ParseError>* warnings = nullptr);

// The resources of `update --resources`.
Parsed<Resources> parse_resources(std::string_view json,
                                  std::vector<ParseError>* warnings = nullptr);

// The file of `mounts add`: what config.json has as mounts.
Parsed<std::vector<Mount>> parse_mounts(std::string_view json);

Parsed<State> parse_state(std::string_view json);
Parsed<Features> parse_features(std::string_view json);

std::string write_spec(const Spec& spec, Layout layout = Layout::pretty);
std::string write_process(const Process& process, Layout layout = Layout::pretty);
std::string write_state(const State& state, Layout layout = Layout::pretty);
std::string write_process_state(const ContainerProcessState& state);
std::string write_features(const Features& features, Layout layout = Layout::pretty);

}  // namespace oci
