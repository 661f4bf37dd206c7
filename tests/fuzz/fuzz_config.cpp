// SPDX-License-Identifier: Apache-2.0
// libFuzzer: whatever the bytes, the reader returns, and what it accepts is written and read back
// as the same value.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "oci/parse.h"
#include "oci/validate.h"

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

// An error must be fit for a terminal and lie within the text.
void check_errors(const std::vector<oci::ParseError>& errors, std::string_view json) {
    require(!errors.empty() && errors.size() <= oci::kMaxJsonErrors + 1);
    for (const oci::ParseError& error : errors) {
        for (const char c : error.path + error.message) {
            require(c == '\xe2' || c == '\x80' || c == '\xa6' || (c >= ' ' && c <= '~'));
        }
        require(error.position.line >= 1 && error.position.line <= json.size() + 1);
        require(error.position.column >= 1 && error.position.column <= json.size() + 1);
    }
}

template <typename T>
void check_round_trip(const T& value) {
    for (const oci::Layout layout : {oci::Layout::compact, oci::Layout::pretty}) {
        const std::string written = [&] {
            if constexpr (std::is_same_v<T, oci::Spec>) {
                return oci::write_spec(value, layout);
            } else {
                return oci::write_process(value, layout);
            }
        }();
        const auto again = [&] {
            if constexpr (std::is_same_v<T, oci::Spec>) {
                return oci::parse_spec(written);
            } else {
                return oci::parse_process(written);
            }
        }();
        require(again.has_value() && *again == value);
    }
}

void try_spec(std::string_view json) {
    std::vector<oci::ParseError> warnings;
    const oci::Parsed<oci::Spec> spec = oci::parse_spec(json, &warnings);
    const oci::Parsed<oci::Spec> valid = oci::parse_valid_spec(json);
    if (!valid) {
        check_errors(valid.error(), json);
    }
    if (!spec) {
        require(!valid && valid.error().size() >= spec.error().size());
        check_errors(spec.error(), json);
        return;
    }
    check_round_trip(*spec);
    require(valid.has_value() == oci::validate(*spec).empty());
    if (valid) {
        oci::find_doubtful(*spec);
        oci::unsupported(*spec);
    }
}

void try_process(std::string_view json) {
    const oci::Parsed<oci::Process> process = oci::parse_process(json);
    if (!process) {
        check_errors(process.error(), json);
        return;
    }
    check_round_trip(*process);
    oci::validate(*process);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view json(reinterpret_cast<const char*>(data), size);
    try_spec(json);
    try_process(json);
    const oci::Parsed<oci::Resources> resources = oci::parse_resources(json);
    if (resources) {
        oci::validate(*resources);
    }
    return 0;
}
