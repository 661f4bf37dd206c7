// SPDX-License-Identifier: Apache-2.0
// Runs code that changes its process for good in a child of its own, and looks at it from outside.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace forked {

// The child's text: `work` runs in a forked child. A child that is killed gives "signal N" instead.
[[nodiscard]] std::string run(const std::function<std::string()>& work);

// The same in a new user namespace with the given maps and with `setgroups` ("allow", "deny").
struct UserNamespace {
    std::string uid_map;
    std::string gid_map;
    std::string setgroups = "allow";
};
[[nodiscard]] std::string run_in_user_namespace(const UserNamespace& user_namespace,
                                                const std::function<std::string()>& work);

// The value of a line of /proc/self/status, without the blanks around it.
[[nodiscard]] std::string status(std::string_view key);

// "ok" or the error's text.
template <typename Result>
[[nodiscard]] std::string text_of(const Result& result) {
    return result ? std::string("ok") : result.error().text();
}

}  // namespace forked
