// SPDX-License-Identifier: Apache-2.0
#include "libcontainer/resctrl/schemata.h"

#include <catch2/catch.hpp>

using libcontainer::resctrl::holds_schema;

namespace {

constexpr const char* kPresent =
    "L3CODE:0=00fff;1=00fff\n"
    "    L3:0=007ff;1=0000f\n"
    "    MB:0= 100;1=  20\n";

}  // namespace

TEST_CASE("RDT-04: schemata are compared as the kernel reads them") {
    CHECK(holds_schema(kPresent, "L3:0=7ff;1=f"));
    CHECK(holds_schema(kPresent, "L3:1=f;0=7ff"));
    CHECK(holds_schema(kPresent, " L3 : 00 = 7FF ; 1=0x0F; "));
    CHECK(holds_schema(kPresent, "MB:0=100;1=20"));
    CHECK(holds_schema(kPresent, "MB:1=020"));
    CHECK(holds_schema("L3:0=0\n", "L3:0=000"));
}

TEST_CASE("RDT-04: another value, domain or resource is a difference") {
    CHECK_FALSE(holds_schema(kPresent, "L3:0=7fe"));
    CHECK_FALSE(holds_schema(kPresent, "L3:0=7ff;1=ff"));
    CHECK_FALSE(holds_schema(kPresent, "L3:2=f"));
    CHECK_FALSE(holds_schema(kPresent, "L2:0=f"));
    CHECK_FALSE(holds_schema(kPresent, "MB:0=10"));
    CHECK_FALSE(holds_schema(kPresent, "MB:0"));
    CHECK_FALSE(holds_schema(kPresent, "nonsense"));
    CHECK_FALSE(holds_schema("", "L3:0=f"));
}
