// SPDX-License-Identifier: Apache-2.0
// Where CRIU is not started.
#include "libcontainer/checkpoint/criu.h"

#include <catch2/catch.hpp>

using libcontainer::Criu;

TEST_CASE("G-05: CRIU does not start outside of a cgroup that only systemd can move it to") {
    Criu::Setup setup;
    setup.program = "/bin/true";
    CHECK(Criu::start(setup));
    bool is_moved = false;
    setup.cgroup.attach = [&is_moved](pid_t) {
        is_moved = true;
        return libcontainer::Result<void>();
    };
    const auto criu = Criu::start(setup);
    REQUIRE_FALSE(criu);
    CHECK(criu.error().kind == sys::ErrorKind::unsupported);
    CHECK(criu.error().config_path == "linux.cgroupsPath");
    CHECK_FALSE(is_moved);
}
