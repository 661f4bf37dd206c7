// SPDX-License-Identifier: Apache-2.0
// The only place where the spec's bindings are compiled in.
#include "oci/parse.h"

#include "oci/bindings.h"
#include "oci/bindings_state.h"

namespace oci {

Parsed<Spec> parse_spec(std::string_view json, std::vector<ParseError>* warnings) {
    return parse_json<Spec>(json, warnings);
}

Parsed<Process> parse_process(std::string_view json, std::vector<ParseError>* warnings) {
    return parse_json<Process>(json, warnings);
}

Parsed<Resources> parse_resources(std::string_view json, std::vector<ParseError>* warnings) {
    return parse_json<Resources>(json, warnings);
}

Parsed<State> parse_state(std::string_view json) {
    return parse_json<State>(json);
}

Parsed<Features> parse_features(std::string_view json) {
    return parse_json<Features>(json);
}

std::string write_spec(const Spec& spec, Layout layout) {
    return write_json(spec, layout);
}

std::string write_process(const Process& process, Layout layout) {
    return write_json(process, layout);
}

std::string write_state(const State& state, Layout layout) {
    return write_json(state, layout);
}

std::string write_process_state(const ContainerProcessState& state) {
    return write_json(state, Layout::compact);
}

std::string write_features(const Features& features, Layout layout) {
    return write_json(features, layout);
}

}  // namespace oci
