// SPDX-License-Identifier: Apache-2.0
// What brig says when something went wrong: a line for people, and an entry for engines.
#pragma once

#include <cstddef>
#include <ctime>
#include <string>
#include <string_view>

#include "libcontainer/sys/error.h"

namespace runtime {

enum class LogLevel : unsigned char { error, warning, info, debug };
enum class LogFormat : unsigned char { text, json };

struct LogSettings {
    std::string target;  // PATH, file:PATH, syslog:NAME or journald:NAME; empty: standard error
    LogFormat format = LogFormat::text;
    LogLevel level = LogLevel::error;  // engines take the last error entry as the reason (4.3)
};

// Checks and completes what --log was given: a path becomes absolute, a word with a scheme stays.
[[nodiscard]] sys::Result<std::string> parse_log_target(const std::string& text);

// Writes one entry if the level is asked for. A target that cannot be opened is no error: an engine
// may have removed the folder already (engines 9.25); standard error is used instead. An entry
// is one write(2), so that parallel calls do not mix.
void write_entry(const LogSettings& log, LogLevel level, std::string_view message);

// The end of a failed command: an error entry, and `brig: MESSAGE` on standard error in one write
// of less than 8 KiB, because conmon reads once (4.5). Without a target and in the format json,
// standard error gets the entry only.
void report_failure(const LogSettings& log, std::string_view message);

// `{"level":"error","msg":"...","time":"2026-01-02T03:04:05.000000006Z"}` and a newline. Bytes
// that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string json_entry(LogLevel level, std::string_view message, timespec time);
// `time="..." level=error msg="..."` and a newline.
[[nodiscard]] std::string text_entry(LogLevel level, std::string_view message, timespec time);

// RFC 3339 with nanoseconds, UTC.
[[nodiscard]] std::string format_time(timespec time);

// One line of printable UTF-8 of at most `limit` bytes: newlines become `; `, other control
// characters and broken UTF-8 \xNN, since names come from images and end on terminals.
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit);

}  // namespace runtime
