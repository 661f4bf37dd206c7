// SPDX-License-Identifier: Apache-2.0
// An option of the command line as a row of a constexpr table. The same row feeds the parser,
// --help, the completion, and the test that compares both with the man pages.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcontainer/sys/error.h"

namespace runtime {

using sys::Result;

struct OptionInfo {
    const char* name;      // long name, without dashes
    char letter;           // short name, 0: none
    const char* argument;  // its argument's name in the help, or `a|b` for a choice; null: a flag
    const char* help;
};

// The row of an option that is stored in a T.
template <typename T>
struct Option : OptionInfo {
    Result<void> (*apply)(T& target, const std::string& value);
};

// Text of the command line to a member's type. Lists grow by one; everything else is replaced, so
// that the last of several wins.
[[nodiscard]] Result<void> assign(bool& member, const std::string& value);
[[nodiscard]] Result<void> assign(std::optional<bool>& member, const std::string& value);
[[nodiscard]] Result<void> assign(unsigned& member, const std::string& value);
[[nodiscard]] Result<void> assign(std::string& member, const std::string& value);
[[nodiscard]] Result<void> assign(std::optional<std::string>& member, const std::string& value);
[[nodiscard]] Result<void> assign(std::vector<std::string>& member, const std::string& value);
[[nodiscard]] Result<void> assign(std::vector<unsigned>& member, const std::string& value);

// A path, made absolute against the current directory before anything changes that.
[[nodiscard]] Result<void> assign_path(std::string& member, const std::string& value);

template <auto First, auto... Rest, typename T>
auto& member_of(T& object) {
    if constexpr (sizeof...(Rest) == 0) {
        return object.*First;
    } else {
        return member_of<Rest...>(object.*First);
    }
}

// The `apply` of most rows: store<&Outer::inner, &Inner::member>.
template <auto... Members, typename T>
Result<void> store(T& target, const std::string& value) {
    return assign(member_of<Members...>(target), value);
}

template <auto... Members, typename T>
Result<void> store_path(T& target, const std::string& value) {
    return assign_path(member_of<Members...>(target), value);
}

// Accepted because some engine sends it, without effect here.
template <typename T>
Result<void> ignore(T& /*target*/, const std::string& /*value*/) {
    return {};
}

template <typename T, std::size_t N, std::size_t M>
constexpr std::array<T, N + M> join(const std::array<T, N>& first, const std::array<T, M>& second) {
    std::array<T, N + M> all{};
    for (std::size_t i = 0; i < N + M; ++i) {
        all[i] = i < N ? first[i] : second[i - N];
    }
    return all;
}

}  // namespace runtime
