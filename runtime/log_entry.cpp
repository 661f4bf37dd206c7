// SPDX-License-Identifier: Apache-2.0
// The texts of the log: pure functions of level, message and time.
#include <algorithm>
#include <array>
#include <cstdio>

#include "runtime/log.h"

namespace runtime {

namespace {

constexpr std::string_view kHex = "0123456789abcdef";

std::string_view level_name(LogLevel level) {
    switch (level) {
        case LogLevel::error:
            return "error";
        case LogLevel::warning:
            return "warning";
        case LogLevel::info:
            return "info";
        case LogLevel::debug:
            break;
    }
    return "debug";
}

// Length of the UTF-8 sequence that `text` starts with; 0 if it is none (RFC 3629: no overlong
// forms, no surrogates, nothing beyond U+10FFFF).
std::size_t sequence_length(std::string_view text) {
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) {
        return 1;
    }
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) {
        return 0;
    }
    const unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (byte(1) < low || byte(1) > high) {
        return 0;
    }
    for (std::size_t i = 2; i < length; ++i) {
        if (byte(i) < 0x80 || byte(i) > 0xbf) {
            return 0;
        }
    }
    return length;
}

// C0 and DEL, and C1 in its UTF-8 form: all that a terminal may obey.
bool is_control(std::string_view sequence) {
    const auto first = static_cast<unsigned char>(sequence[0]);
    return first < 0x20 || first == 0x7f ||
           (first == 0xc2 && static_cast<unsigned char>(sequence[1]) < 0xa0);
}

void append_hex(std::string& out, std::string_view bytes) {
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += "\\x";
        out += kHex[byte >> 4U];
        out += kHex[byte & 0xfU];
    }
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) {
        const std::size_t length = sequence_length(text);
        const std::string_view sequence = text.substr(0, std::max<std::size_t>(length, 1));
        text.remove_prefix(sequence.size());
        if (length == 0) {
            out += "\xef\xbf\xbd";  // U+FFFD
        } else if (sequence == "\"" || sequence == "\\") {
            out += '\\';
            out += sequence;
        } else if (sequence == "\n") {
            out += "\\n";
        } else if (length == 1 && is_control(sequence)) {
            const auto byte = static_cast<unsigned char>(sequence[0]);
            out += "\\u00";
            out += kHex[byte >> 4U];
            out += kHex[byte & 0xfU];
        } else {
            out += sequence;
        }
    }
    out += '"';
}

}  // namespace

std::string format_time(timespec time) {
    tm parts{};
    gmtime_r(&time.tv_sec, &parts);
    std::array<char, 64> text{};
    const int length = snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ",
                                parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                                parts.tm_hour, parts.tm_min, parts.tm_sec, time.tv_nsec);
    return {text.data(), static_cast<std::size_t>(length)};
}

std::string json_entry(LogLevel level, std::string_view message, timespec time) {
    std::string entry = R"({"level":")";
    entry += level_name(level);
    entry += R"(","msg":)";
    append_json_string(entry, message);
    entry += R"(,"time":")";
    entry += format_time(time);
    entry += "\"}\n";
    return entry;
}

std::string text_entry(LogLevel level, std::string_view message, timespec time) {
    std::string entry = "time=\"" + format_time(time) + "\" level=";
    entry += level_name(level);
    entry += " msg=";
    append_json_string(entry, message);
    entry += '\n';
    return entry;
}

std::string printable(std::string_view text, std::size_t limit) {
    constexpr std::string_view kCut = "...";
    std::string line;
    line.reserve(std::min(text.size(), limit));
    std::size_t fits = 0;  // length of `line` at the last place where kCut could follow
    while (!text.empty()) {
        const std::size_t length = sequence_length(text);
        const std::string_view sequence = text.substr(0, std::max<std::size_t>(length, 1));
        text.remove_prefix(sequence.size());
        if (length != 0 && !is_control(sequence)) {
            line += sequence;
        } else if (sequence == "\n") {
            line += "; ";  // between the mistakes of a config.json
        } else {
            append_hex(line, sequence);
        }
        if (line.size() > limit) {
            line.resize(fits);
            line += kCut;
            break;
        }
        if (line.size() + kCut.size() <= limit) {
            fits = line.size();
        }
    }
    return line;
}

}  // namespace runtime
