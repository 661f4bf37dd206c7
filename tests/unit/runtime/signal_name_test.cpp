// SPDX-License-Identifier: Apache-2.0
#include "runtime/signal_name.h"

#include <signal.h>
#include <string.h>

#include <catch2/catch.hpp>
#include <string>

using runtime::parse_signal;

TEST_CASE("a signal is a number or a name in any case", "[runtime]") {
    struct Row {
        const char* text;
        int number;
    };
    const Row row = GENERATE(Row{"0", 0}, Row{"1", 1}, Row{"9", 9}, Row{"37", 37}, Row{"64", 64},
                             Row{"TERM", SIGTERM}, Row{"SIGTERM", SIGTERM}, Row{"term", SIGTERM},
                             Row{"sigKill", SIGKILL}, Row{"usr1", SIGUSR1},
                             Row{"SIGWINCH", SIGWINCH}, Row{"CHLD", SIGCHLD}, Row{"cld", SIGCHLD},
                             Row{"IOT", SIGABRT}, Row{"RTMIN", 34}, Row{"SIGRTMIN", 34},
                             Row{"RTMIN+1", 35}, Row{"sigrtmin+3", 37}, Row{"SIGRTMIN+30", 64},
                             Row{"RTMAX", 64}, Row{"SIGRTMAX-1", 63}, Row{"rtmax-30", 34});
    INFO(row.text);
    const auto signal = parse_signal(row.text);
    REQUIRE(signal);
    CHECK(*signal == row.number);
}

TEST_CASE("every signal that the C library can name is known by that name", "[runtime]") {
    for (int number = 1; number < 32; ++number) {
        const char* name = sigabbrev_np(number);
        REQUIRE(name != nullptr);
        INFO(name);
        CHECK(parse_signal(name).value_or(-1) == number);
        CHECK(parse_signal(std::string("SIG") + name).value_or(-1) == number);
    }
}

TEST_CASE("no other text is a signal", "[runtime]") {
    const std::string text =
        GENERATE("", "65", "-1", "-9", "+9", "9 ", " 9", "0x9", "15abc", "99999999999999999999",
                 "SIG", "SIGSIGTERM", "TERMINATE", "TER", "RTMIN+31", "RTMIN-1", "RTMAX+1",
                 "RTMAX-31", "RTMIN+", "RTMIN+x", "RTMIN+-1", "SIG15", "KILL\n");
    INFO(text);
    const auto signal = parse_signal(text);
    REQUIRE_FALSE(signal);
    CHECK(signal.error().text() == "unknown signal \"" + text + "\"");
}
