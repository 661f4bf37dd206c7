// SPDX-License-Identifier: Apache-2.0
// Main of the tests that make real cgroups: skips where that is not possible.
#define CATCH_CONFIG_RUNNER
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>

#include "libcontainer/cgroup/hierarchies.h"

int main(int argc, char* argv[]) {
    constexpr int kSkipped = 77;
    if (::geteuid() != 0) {
        std::puts("making cgroups needs root");
        return kSkipped;
    }
    const auto found = libcontainer::find_hierarchies();
    if (!found || found->v1.empty()) {
        std::puts("this host has no cgroup v1 hierarchies");
        return kSkipped;
    }
    return Catch::Session().run(argc, argv);
}
