// SPDX-License-Identifier: Apache-2.0
// Main of the tests that make real cgroups: says why and skips where that is not possible.
#define CATCH_CONFIG_RUNNER
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>

#include "libcontainer/cgroup/hierarchies.h"

namespace {

// Where the tests make their cgroups; empty: nowhere.
std::string place() {
    const auto found = libcontainer::find_hierarchies();
#ifdef BRIG_TEST_CGROUP_V1
    return found && !found->v1.empty() ? found->v1.front().mount_point : "";
#else
    return found && found->v2 ? found->v2->mount_point : "";
#endif
}

}  // namespace

int main(int argc, char* argv[]) {
    constexpr int kSkipped = 77;
    const std::string top = place();
    if (top.empty()) {
        std::puts("this host has no hierarchy of this cgroup version");
        return kSkipped;
    }
    const std::string probe = top + "/brig-test-probe-" + std::to_string(::getpid());
    if (::mkdir(probe.c_str(), 0755) != 0 || ::rmdir(probe.c_str()) != 0) {
        std::perror(("cannot make cgroups here: " + probe).c_str());
        return kSkipped;
    }
    return Catch::Session().run(argc, argv);
}
