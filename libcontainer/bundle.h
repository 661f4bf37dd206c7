// SPDX-License-Identifier: Apache-2.0
// A bundle: the folder that an engine hands over, and its configuration.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "libcontainer/options.h"
#include "libcontainer/state/state_directory.h"
#include "libcontainer/sys/error.h"
#include "oci/json.h"
#include "oci/spec.h"

namespace libcontainer {

using sys::Result;

struct Bundle {
    std::string path;         // absolute (B-01)
    std::string config_json;  // the bytes of config.json, which the state folder keeps
    oci::Spec spec;           // validated, and free of what this build cannot do
    std::map<std::string, std::string> annotations;  // also those that spec lacks: not allowed
    std::optional<std::string> seccomp_receiver;     // the listenerPath that config.json lacks
};

// Reads, parses and validates. Names that look like a misspelt one and values that are likely a
// mistake are warnings, and so are annotations that are not allowed. All mistakes of the file come
// in one error, one per line: `file:line:column: path: what`.
[[nodiscard]] Result<Bundle> load_bundle(const std::string& bundle, const std::string& config,
                                         const GlobalOptions& global);

// The error that tells of all mistakes in a document, one per line, in the same form; `name` is the
// file's.
[[nodiscard]] std::unexpected<sys::Error> refuse_document(
    const std::vector<oci::ParseError>& mistakes, const std::string& name);

// The spec of a container that exists, from its kept config.json (B-03), with the annotations that
// its create was allowed and the supervisor that it found: the caller's environment is another now.
[[nodiscard]] Result<oci::Spec> read_kept_spec(const StateDirectory& directory,
                                               const ContainerRecord& record);

}  // namespace libcontainer
