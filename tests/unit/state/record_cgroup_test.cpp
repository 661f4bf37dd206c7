// SPDX-License-Identifier: Apache-2.0
// Which units a container's record may name.
#include "libcontainer/state/record_cgroup.h"

#include <stdlib.h>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace {

using libcontainer::CgroupDriver;
using libcontainer::ContainerRecord;
using libcontainer::StateDirectory;
using libcontainer::SystemdUnit;

constexpr const char* kOwn = "/run/systemd/private";
constexpr const char* kDescription = "brig container c (7 /run/brig/c)";

bool opens(const SystemdUnit& unit) {
    std::string root = "/tmp/brig-test-record-XXXXXX";
    REQUIRE(::mkdtemp(root.data()) != nullptr);
    const auto directory = StateDirectory::reserve(root, "c");
    REQUIRE(directory);
    ContainerRecord record;
    record.cgroup.driver = CgroupDriver::systemd;
    record.cgroup.unit = unit;
    const auto cgroup = open_cgroup(*directory, record);
    CHECK((cgroup || cgroup.error().kind == sys::ErrorKind::invalid));
    CHECK(directory->remove());
    CHECK(::rmdir(root.c_str()) == 0);
    return cgroup.has_value();
}

}  // namespace

TEST_CASE("T-79: a container's own unit, by whichever systemd made it", "[state]") {
    ::unsetenv("XDG_RUNTIME_DIR");
    ::unsetenv("DBUS_SESSION_BUS_ADDRESS");
    for (const char* const socket : {kOwn, "/run/dbus/system_bus_socket",
                                     "/run/user/1000/systemd/private", "/run/user/1000/bus"}) {
        INFO(socket);
        CHECK(opens({"brig-c.scope", socket, kDescription}));
    }
    CHECK(opens({"a-b.slice", kOwn, kDescription}));
    CHECK(opens({"brig-c.scope", kOwn, "words of an engine (7 /root/x/c)"}));
}

TEST_CASE("T-79: a record names no unit of others", "[state]") {
    for (const char* const name : {"sshd.service", "run-1.mount", "", "scope", "a/b.scope",
                                   "../sshd.service", "sshd.service/x.scope"}) {
        INFO(name);
        CHECK_FALSE(opens({name, kOwn, kDescription}));
    }
    for (const char* const description : {"", "System and Service Manager", "/run/brig/c",
                                          "brig container d (7 /run/brig/d)", "x (c)"}) {
        INFO(description);
        CHECK_FALSE(opens({"init.scope", kOwn, description}));
    }
    for (const char* const socket :
         {"", "/tmp/x", "/tmp/x/systemd/private", "/run/user/bus", "/run/user//bus",
          "/run/user/1000x/bus", "/run/user/../bus", "/run/user/1000/../../tmp/bus",
          "/run/systemd/private/", "run/systemd/private"}) {
        INFO(socket);
        CHECK_FALSE(opens({"brig-c.scope", socket, kDescription}));
    }
}
