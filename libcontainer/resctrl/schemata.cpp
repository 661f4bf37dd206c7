// SPDX-License-Identifier: Apache-2.0
// Comparing schemata.
#include "libcontainer/resctrl/schemata.h"

#include <algorithm>
#include <map>
#include <string>

namespace libcontainer::resctrl {
namespace {

// The kernel pads with blanks what it shows.
std::string without_blanks(std::string_view text) {
    std::string kept;
    std::ranges::copy_if(text, std::back_inserter(kept),
                         [](char c) { return c != ' ' && c != '\t' && c != '\r'; });
    return kept;
}

// A mask (hexadecimal) or a number, as the kernel would read it.
std::string normalise_value(std::string_view value) {
    if (value.starts_with("0x") || value.starts_with("0X")) {
        value.remove_prefix(2);
    }
    value.remove_prefix(std::min(value.find_first_not_of('0'), value.size()));
    std::string lower = value.empty() ? "0" : std::string(value);
    std::ranges::transform(lower, lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return lower;
}

struct Schema {
    std::string resource;                        // "L3", "MB"
    std::map<std::string, std::string> domains;  // normalised both
};

Schema parse_schema(std::string_view line) {
    const std::string text = without_blanks(line);
    std::string_view rest = text;
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    Schema schema{std::string(rest.substr(0, colon)), {}};
    rest.remove_prefix(std::min(colon + 1, rest.size()));
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(';'), rest.size());
        const std::string_view domain = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (domain.empty()) {
            continue;
        }
        const std::size_t equals = std::min(domain.find('='), domain.size());
        const std::string_view value = domain.substr(std::min(equals + 1, domain.size()));
        schema.domains[normalise_value(domain.substr(0, equals))] = normalise_value(value);
    }
    return schema;
}

}  // namespace

bool holds_schema(std::string_view schemata, std::string_view line) {
    const Schema wanted = parse_schema(line);
    while (!schemata.empty()) {
        const std::size_t end = std::min(schemata.find('\n'), schemata.size());
        const Schema present = parse_schema(schemata.substr(0, end));
        schemata.remove_prefix(std::min(end + 1, schemata.size()));
        if (present.resource == wanted.resource) {
            return std::ranges::all_of(wanted.domains, [&](const auto& domain) {
                const auto found = present.domains.find(domain.first);
                return found != present.domains.end() && found->second == domain.second;
            });
        }
    }
    return false;
}

}  // namespace libcontainer::resctrl
