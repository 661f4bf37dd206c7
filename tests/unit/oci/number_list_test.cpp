// SPDX-License-Identifier: Apache-2.0
// Lists of CPUs and nodes as masks.
#include "oci/number_list.h"

#include <catch2/catch.hpp>
#include <string>

using oci::NumberMask;
using oci::parse_number_list;

TEST_CASE("P-17 MP-02: a list becomes the mask that the kernel takes", "[number list]") {
    CHECK(parse_number_list("0", 8) == NumberMask{1});
    CHECK(parse_number_list("0-3,7", 8) == NumberMask{0x8f});
    CHECK(parse_number_list(" 1 , 3-3 ", 8) == NumberMask{0xa});
    CHECK(parse_number_list("7,0,7", 8) == NumberMask{0x81});
    CHECK(parse_number_list("63-64", 128) == NumberMask{1UL << 63, 1});
    CHECK(parse_number_list("0-127", 128) == NumberMask{~0UL, ~0UL});
    CHECK(parse_number_list("8191", 8192)->size() == 128);
}

TEST_CASE("P-17 MP-02: any other text is none", "[number list]") {
    for (const char* bad :
         {"",      " ",   ",",   "0,", ",0",  "0,,1", "-", "-1",  "0-",         "3-0",
          "0-1-2", "a",   "0x1", "+1", "1 2", "0 -1", "8", "0-8", "4294967296", "99999999999999",
          "0-3:2", "0\n", "0;1"}) {
        INFO('"' << std::string(bad) << '"');
        CHECK_FALSE(parse_number_list(bad, 8));
    }
    CHECK_FALSE(parse_number_list(std::string_view("0\0", 2), 8));
}
