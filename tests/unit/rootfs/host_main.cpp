// SPDX-License-Identifier: Apache-2.0
// Main of the tests that mount: skips where that is not possible.
#define CATCH_CONFIG_RUNNER
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>

int main(int argc, char* argv[]) {
    constexpr int kSkipped = 77;
    if (::geteuid() != 0) {
        std::puts("mounting needs root");
        return kSkipped;
    }
    return Catch::Session().run(argc, argv);
}
