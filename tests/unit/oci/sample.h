// SPDX-License-Identifier: Apache-2.0
// JSON made by walking the bindings: a document with every member once, or with one thing wrong.
#pragma once

#include <string>
#include <vector>

#include "oci/json.h"

namespace oci::sample {

// A value somewhere in a document: a member, an element of an array or of a map.
struct Place {
    std::string path;
    const Type* type;
    const Field* field;  // null for elements
};

// Every place of a document of this type, containers before what they hold.
std::vector<Place> places_of(const Type& type);

struct Edit {
    enum class Kind { none, replace, omit, repeat, repeat_escaped };
    Kind kind = Kind::none;
    std::string path = {};
    std::string text = {};  // replace: the JSON to put there
};

struct Document {
    std::string json;
    std::size_t offset = 0;  // of the edited value, or of the repeated name
};

// Compact, members in the order of their bindings, every value another one where it can be.
Document make_document(const Type& type, const Edit& edit = {});

}  // namespace oci::sample
