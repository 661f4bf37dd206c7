// SPDX-License-Identifier: Apache-2.0
// Small pure pieces of the process layer.
#include <catch2/catch.hpp>

#include "libcontainer/passwd.h"
#include "libcontainer/process/id_mapping.h"
#include "libcontainer/process/program.h"
#include "libcontainer/state/state_directory.h"

using namespace libcontainer;

TEST_CASE("N-10: id maps as the kernel reads them", "[process]") {
    CHECK(format_id_map({{0, 100000, 65536}, {65536, 1000, 1}}) ==
          "0 100000 65536\n65536 1000 1\n");
    CHECK(format_id_map({}).empty());
}

TEST_CASE("N-11: id maps as the kernel shows them", "[process]") {
    const auto maps =
        parse_id_map("      1000     200000          5\n         0     100000 4294967295\n");
    REQUIRE(maps.size() == 2);
    CHECK(maps[0] == oci::IdMapping{0, 100000, 4294967295});
    CHECK(maps[1] == oci::IdMapping{1000, 200000, 5});
    CHECK(parse_id_map("").empty());
    CHECK(parse_id_map("0 1").empty());
    CHECK(parse_id_map("0 0 4294967296\n").empty());
}

TEST_CASE("P-04: the last of several values of a variable counts", "[process]") {
    const std::vector<std::string> env = {"PATH=/a", "PATHS=/no", "PATH=/b", "EMPTY="};
    CHECK(std::string(find_variable(env, "PATH")) == "/b");
    CHECK(std::string(find_variable(env, "EMPTY")).empty());
    CHECK(find_variable(env, "HOME") == nullptr);
}

TEST_CASE("T-95: container ids are checked before any path is made of them", "[state]") {
    for (const char* good : {"a", "web", "0", "a.b", "A_b+c-d.9", "-rf", "_x"}) {
        INFO(good);
        CHECK(check_container_id(good));
    }
    for (const std::string& bad :
         {std::string(), std::string("."), std::string(".."), std::string(".x"), std::string("a/b"),
          std::string("a\n"), std::string("a b"), std::string("\xc3\xa9"), std::string("%n"),
          std::string("a\0b", 3), std::string(256, 'a')}) {
        INFO(bad);
        CHECK_FALSE(check_container_id(bad));
    }
    CHECK(check_container_id(std::string(255, 'a')));
}
