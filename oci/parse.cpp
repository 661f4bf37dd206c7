// SPDX-License-Identifier: Apache-2.0
// The only place where the spec's bindings are compiled in.
#include "oci/parse.h"

#include <algorithm>

#include "oci/bindings.h"
#include "oci/bindings_state.h"
#include "oci/json_reader.h"
#include "oci/validate.h"

namespace oci {

Parsed<Spec> parse_spec(std::string_view json, std::vector<ParseError>* warnings) {
    return parse_json<Spec>(json, warnings);
}

Parsed<Spec> parse_valid_spec(std::string_view json, std::vector<ParseError>* warnings,
                              const std::function<void(Spec& spec)>& complete) {
    Spec spec;
    JsonReader reader(json, {&kType<Spec>, nullptr, &spec});
    reader.warn_into(warnings);
    std::vector<ParseError> mistakes = reader.run();
    std::vector<Problem> problems;
    if (complete) {
        complete(spec);
    }
    if (reader.is_whole()) {
        problems = validate_rest(spec, mistakes);
        problems.resize(
            std::min(problems.size(), kMaxJsonErrors - std::min(kMaxJsonErrors, mistakes.size())));
    }
    if (!problems.empty()) {
        add_positions(problems, json);  // reads the text again
        std::ranges::move(problems, std::back_inserter(mistakes));
        std::ranges::stable_sort(mistakes, {}, [](const ParseError& mistake) {
            return std::pair(mistake.position.line, mistake.position.column);
        });
    }
    if (!mistakes.empty()) {
        return std::unexpected(std::move(mistakes));
    }
    return spec;
}

Parsed<Process> parse_process(std::string_view json, std::vector<ParseError>* warnings) {
    return parse_json<Process>(json, warnings);
}

Parsed<Resources> parse_resources(std::string_view json, std::vector<ParseError>* warnings) {
    return parse_json<Resources>(json, warnings);
}

Parsed<std::vector<Mount>> parse_mounts(std::string_view json) {
    std::vector<Mount> mounts;
    std::vector<ParseError> mistakes = read_json(kType<std::vector<Mount>>, &mounts, json, nullptr);
    if (!mistakes.empty()) {
        return std::unexpected(std::move(mistakes));
    }
    return mounts;
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
