// SPDX-License-Identifier: Apache-2.0
// What the verbs make of containers and processes.
#include <catch2/catch.hpp>

#include "oci/parse.h"
#include "runtime/state_json.h"
#include "runtime/verbs.h"

using runtime::filter_ps;

namespace {

libcontainer::ContainerInfo example() {
    return {.state = {.oci_version = "1.3.0",
                      .id = "web",
                      .status = oci::ContainerStatus::running,
                      .pid = 42,
                      .bundle = "/b",
                      .rootfs = {},
                      .created = {},
                      .owner = {},
                      .annotations = {{"a", "b"}}},
            .rootfs = "/b/rootfs",
            .created = "2026-01-02T03:04:05.000000006Z",
            .owner = "root"};
}

}  // namespace

TEST_CASE("engines 5: state has each key that engines read, with its value", "[runtime]") {
    const std::string json = oci::write_state(runtime::to_state(example()), oci::Layout::compact);
    for (const char* part : {R"("ociVersion":"1.3.0")", R"("id":"web")", R"("pid":42)",
                             R"("status":"running")", R"("bundle":"/b")", R"("rootfs":"/b/rootfs")",
                             R"("created":"2026-01-02T03:04:05.000000006Z")", R"("owner":"root")",
                             R"("annotations":{"a":"b"})"}) {
        INFO(part);
        CHECK(json.find(part) != std::string::npos);
    }
}

TEST_CASE("engines 5: a stopped container has the pid 0", "[runtime]") {
    libcontainer::ContainerInfo info = example();
    info.state.status = oci::ContainerStatus::stopped;
    CHECK(runtime::to_state(info).pid == 0);
    info.state.pid = std::nullopt;
    CHECK(runtime::to_state(info).pid == 0);
}

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
