// SPDX-License-Identifier: Apache-2.0
// The error of every fallible function, and the way it travels upward: Result, TRY, wrap, at.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace sys {

// What a caller may want to decide on; the text is for people.
enum class ErrorKind : unsigned char {
    system,          // a system call failed: `code` holds errno
    invalid,         // the configuration or an argument is wrong
    unsupported,     // valid, but this build, kernel or host cannot do it
    not_found,       // no such container
    already_exists,  // container with given ID already exists
    wrong_state,     // the container's status does not allow the operation
    exec_failed,     // the user's program could not be executed: engines map it to 126/127
};

struct Error {
    ErrorKind kind = ErrorKind::system;
    int code = 0;             // errno, 0 where none applies
    std::string config_path;  // JSON path in config.json, e.g. `mounts[3].source`; empty if none
    std::string message;      // `operation("object"): errno text`, lower case, without config_path

    // Puts `text` in front: `text: message`.
    [[nodiscard]] Error wrap(std::string_view text) &&;
    // Names the place in config.json unless an inner layer has named one already.
    [[nodiscard]] Error at(std::string_view path) &&;
    // `config_path: message`: what a person reads.
    [[nodiscard]] std::string text() const;
};

template <typename T>
using Result = std::expected<T, Error>;

// Go-style lower-case text of an errno: engines match on it (engines 4.6), glibc's strerror is
// capitalised.
[[nodiscard]] std::string_view errno_text(int code);

// An error of kind `system` from an errno value: `what: errno text`.
[[nodiscard]] Error errno_error(std::string_view what, int code);
// The same from the current errno.
[[nodiscard]] Error last_error(std::string_view what);

[[nodiscard]] inline std::unexpected<Error> fail(ErrorKind kind, std::string message) {
    return std::unexpected(Error{kind, 0, {}, std::move(message)});
}
[[nodiscard]] inline std::unexpected<Error> fail_errno(std::string_view what) {
    return std::unexpected(last_error(what));
}
[[nodiscard]] inline std::unexpected<Error> fail_code(std::string_view what, int code) {
    return std::unexpected(errno_error(what, code));
}

// `operation("object")`: the way system calls are named in errors.
[[nodiscard]] std::string call(std::string_view operation, std::string_view object);

}  // namespace sys

// Value of a Result, or return its error from the enclosing function.
#define TRY(...)                                                    \
    __extension__({                                                 \
        auto&& try_result_ = (__VA_ARGS__);                         \
        if (!try_result_) {                                         \
            return std::unexpected(std::move(try_result_).error()); \
        }                                                           \
        *std::move(try_result_);                                    \
    })

// The same for Result<void>.
#define TRY_VOID(...)                                               \
    do {                                                            \
        if (auto try_result_ = (__VA_ARGS__); !try_result_) {       \
            return std::unexpected(std::move(try_result_).error()); \
        }                                                           \
    } while (false)

// The same, with text in front of the error.
#define TRY_WRAP(text, ...)                                                    \
    __extension__({                                                            \
        auto&& try_result_ = (__VA_ARGS__);                                    \
        if (!try_result_) {                                                    \
            return std::unexpected(std::move(try_result_).error().wrap(text)); \
        }                                                                      \
        *std::move(try_result_);                                               \
    })
