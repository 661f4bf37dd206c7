// SPDX-License-Identifier: Apache-2.0
#include "runtime/signal_name.h"

#include <signal.h>

#include <charconv>
#include <optional>
#include <string>

namespace runtime {

namespace {

// The kernel's range. SIGRTMIN is 34 because glibc keeps 32 and 33 for itself; so do runc and
// crun.
constexpr int kLast = 64;
constexpr int kRtMin = 34;

struct SignalName {
    std::string_view name;
    int number;
};

constexpr SignalName kSignals[] = {
    {"ABRT", SIGABRT}, {"ALRM", SIGALRM}, {"BUS", SIGBUS},       {"CHLD", SIGCHLD},
    {"CLD", SIGCHLD},  {"CONT", SIGCONT}, {"FPE", SIGFPE},       {"HUP", SIGHUP},
    {"ILL", SIGILL},   {"INT", SIGINT},   {"IO", SIGIO},         {"IOT", SIGIOT},
    {"KILL", SIGKILL}, {"PIPE", SIGPIPE}, {"POLL", SIGPOLL},     {"PROF", SIGPROF},
    {"PWR", SIGPWR},   {"QUIT", SIGQUIT}, {"SEGV", SIGSEGV},     {"STKFLT", SIGSTKFLT},
    {"STOP", SIGSTOP}, {"SYS", SIGSYS},   {"TERM", SIGTERM},     {"TRAP", SIGTRAP},
    {"TSTP", SIGTSTP}, {"TTIN", SIGTTIN}, {"TTOU", SIGTTOU},     {"URG", SIGURG},
    {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"VTALRM", SIGVTALRM}, {"WINCH", SIGWINCH},
    {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ},
};

std::optional<int> parse_number(std::string_view text) {
    int number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || rest != text.data() + text.size() || text[0] == '-') {
        return std::nullopt;
    }
    return number;
}

std::optional<int> parse_real_time(std::string_view name) {
    const bool from_first = name.starts_with("RTMIN");
    if (!from_first && !name.starts_with("RTMAX")) {
        return std::nullopt;
    }
    const int base = from_first ? kRtMin : kLast;
    name.remove_prefix(5);
    if (name.empty()) {
        return base;
    }
    if (name[0] != (from_first ? '+' : '-')) {
        return std::nullopt;
    }
    const auto distance = parse_number(name.substr(1));
    if (!distance || *distance > kLast - kRtMin) {
        return std::nullopt;
    }
    return from_first ? base + *distance : base - *distance;
}

std::optional<int> parse_name(std::string name) {
    for (char& c : name) {
        if (c >= 'a' && c <= 'z') {
            c = static_cast<char>(c - 'a' + 'A');
        }
    }
    std::string_view rest = name;
    if (rest.starts_with("SIG")) {
        rest.remove_prefix(3);
    }
    for (const SignalName& signal : kSignals) {
        if (signal.name == rest) {
            return signal.number;
        }
    }
    return parse_real_time(rest);
}

}  // namespace

sys::Result<int> parse_signal(std::string_view text) {
    const auto number = parse_number(text);
    if (number && *number <= kLast) {
        return *number;
    }
    if (const auto named = number ? std::nullopt : parse_name(std::string(text))) {
        return *named;
    }
    return sys::fail(sys::ErrorKind::invalid, "unknown signal \"" + std::string(text) + "\"");
}

}  // namespace runtime
