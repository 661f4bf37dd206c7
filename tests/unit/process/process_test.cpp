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
