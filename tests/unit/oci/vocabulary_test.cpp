// SPDX-License-Identifier: Apache-2.0
#include "oci/vocabulary.h"

#include <catch2/catch.hpp>

#include "oci/capability_names.h"

using namespace oci;

TEST_CASE("N-01 a namespace's name is the spec's, not the kernel's", "[vocabulary]") {
    CHECK(from_name<NamespaceType>("network") == NamespaceType::network);
    CHECK_FALSE(from_name<NamespaceType>("net"));
    CHECK_FALSE(from_name<NamespaceType>("mnt"));
    CHECK_FALSE(from_name<NamespaceType>(""));
    CHECK(to_name(NamespaceType::mount) == "mount");
}

TEST_CASE("D-02 u is another name of a character device", "[vocabulary]") {
    CHECK(from_name<DeviceType>("u") == DeviceType::character);
    CHECK(to_name(DeviceType::character) == "c");
    CHECK_FALSE(from_name<DeviceType>("a"));
}

TEST_CASE("P-07 rlimits carry setrlimit's numbers", "[vocabulary]") {
    CHECK(static_cast<int>(*from_name<RlimitType>("RLIMIT_NOFILE")) == RLIMIT_NOFILE);
    CHECK_FALSE(from_name<RlimitType>("NOFILE"));
}

TEST_CASE("P-09 capabilities have the kernel's numbers", "[vocabulary]") {
    CHECK(capability_number("CAP_CHOWN") == 0);
    CHECK(capability_number("CAP_SYS_ADMIN") == 21);
    CHECK(capability_number("CAP_CHECKPOINT_RESTORE") == 40);
    CHECK_FALSE(capability_number("cap_kill"));
    CHECK_FALSE(capability_number("KILL"));
}
