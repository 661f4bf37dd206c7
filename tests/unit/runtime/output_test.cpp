// SPDX-License-Identifier: Apache-2.0
// What the verbs make of containers and processes.
#include <catch2/catch.hpp>

#include "oci/parse.h"
#include "runtime/verbs.h"

using runtime::filter_ps;

TEST_CASE("engines 2.8: ps keeps the header and the container's lines", "[runtime]") {
    constexpr std::string_view kOutput =
        "UID          PID    PPID  C STIME TTY          TIME CMD\n"
        "root           1       0  0 01:02 ?        00:00:00 /sbin/init 42\n"
        "root          42       1  0 01:02 ?        00:00:00 sleep 10\n"
        "root         420       1  0 01:02 ?        00:00:00 sleep 42\n"
        "root          43      42  0 01:02 ?        00:00:00 sh\n";
    const std::string table = filter_ps(kOutput, {42, 43}).value();
    CHECK(table ==
          "UID          PID    PPID  C STIME TTY          TIME CMD\n"
          "root          42       1  0 01:02 ?        00:00:00 sleep 10\n"
          "root          43      42  0 01:02 ?        00:00:00 sh\n");
    CHECK(filter_ps(kOutput, {}).value() == kOutput.substr(0, kOutput.find('\n') + 1));
}

TEST_CASE("engines 2.8: without a column PID there is nothing to go by", "[runtime]") {
    CHECK(filter_ps("USER CMD\nroot sh\n", {1}).error().text() == "ps shows no column PID");
    CHECK_FALSE(filter_ps("", {1}));
}
