// SPDX-License-Identifier: Apache-2.0
// A command line as engines write it, split like brig splits it.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/command.h"
#include "runtime/global_options.h"

namespace runtime::test {

// Blanks divide; "" is an empty word.
inline std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        if (end > 0) {
            const std::string_view word = text.substr(0, end);
            words.emplace_back(word == "\"\"" ? "" : word);
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

inline std::vector<const char*> pointers_to(const std::vector<std::string>& words) {
    std::vector<const char*> pointers;
    for (const std::string& word : words) {
        pointers.push_back(word.c_str());
    }
    return pointers;
}

struct Call {
    GlobalSettings globals;
    const Command* command = nullptr;
    Line line;
};

// What `brig TEXT` means; the text of its first error instead.
inline Result<Call> parse_call(std::string_view text) {
    const std::vector<std::string> words = words_of(text);
    const std::vector<const char*> pointers = pointers_to(words);
    Call call;
    const Line globals =
        TRY(split_line(infos_of(global_options()), Operands::first_ends_options, pointers));
    call.globals = TRY(parse_globals(globals));
    REQUIRE_FALSE(globals.operands.empty());
    call.command = find_command(globals.operands[0]);
    REQUIRE(call.command != nullptr);
    const auto rest = std::span(pointers).last(globals.operands.size() - 1);
    call.line = TRY(split_line(call.command->options(), call.command->order, rest));
    return call;
}

inline Call parsed(std::string_view text) {
    auto call = parse_call(text);
    INFO(text << ": " << (call ? "" : call.error().text()));
    REQUIRE(call);
    return *std::move(call);
}

inline std::string parse_error(std::string_view text) {
    const auto call = parse_call(text);
    INFO(text);
    REQUIRE_FALSE(call);
    return call.error().text();
}

}  // namespace runtime::test
