// SPDX-License-Identifier: Apache-2.0
// A child's end with its parent.
#include "libcontainer/sys/process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>

TEST_CASE("H-15 T-94: a child whose parent has ended before it could say so ends, too",
          "[process]") {
    std::array<int, 2> alive = {};
    std::array<int, 2> report = {};
    REQUIRE(::pipe(alive.data()) == 0);
    REQUIRE(::pipe(report.data()) == 0);
    const pid_t parent = ::fork();
    REQUIRE(parent >= 0);
    char byte = 'x';
    if (parent == 0) {
        const pid_t self = ::getpid();
        if (::fork() == 0) {
            ::close(alive[1]);
            while (::read(alive[0], &byte, 1) > 0) {
            }
            while (::getppid() == self) {  // the pipe is closed a moment before the end
                ::usleep(1000);
            }
            sys::die_with_parent(self);
            static_cast<void>(!::write(report[1], &byte, 1));
        }
        ::_exit(0);
    }
    ::close(alive[1]);
    ::close(report[1]);
    CHECK(::waitpid(parent, nullptr, 0) == parent);
    CHECK(::read(report[0], &byte, 1) == 0);
    ::close(alive[0]);
    ::close(report[0]);
}

TEST_CASE("O-07 R-37: a process is known by its start time, or is none", "[process]") {
    // Fields 4 to 21 of 52, and 23 to 51.
    constexpr const char* kBefore = " 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21";
    std::string after;
    for (int field = 23; field <= 51; ++field) {
        after += " " + std::to_string(field);
    }
    const auto stat =
        sys::parse_process_stat("7 (a) b ) Z" + std::string(kBefore) + " 2200" + after + " 256\n");
    REQUIRE(stat);
    CHECK(stat->state == 'Z');
    CHECK(stat->start_time == 2200);
    CHECK(stat->exit_code == 256);

    const auto older = sys::parse_process_stat("7 (a) S" + std::string(kBefore) + " 2200 23\n");
    REQUIRE(older);
    CHECK(older->exit_code == 0);

    CHECK_FALSE(sys::parse_process_stat(""));
    CHECK_FALSE(sys::parse_process_stat("7 (a"));
    CHECK_FALSE(sys::parse_process_stat("7 (a) S"));
    CHECK_FALSE(sys::parse_process_stat("7 (a) S" + std::string(kBefore)));
    CHECK_FALSE(sys::parse_process_stat("7 (a) S" + std::string(kBefore) + " x" + after));
}
