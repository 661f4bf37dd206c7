// SPDX-License-Identifier: Apache-2.0
// What is written, and that it is read back as it was.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "oci/default_spec.h"
#include "oci/make_features.h"
#include "oci/parse.h"
#include "oci/validate.h"

using namespace oci;

namespace {

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::filesystem::path> json_files_in(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".json") {
            files.push_back(entry.path());
        }
    }
    return files;
}

const std::filesystem::path kConfigs = std::filesystem::path(BRIG_TEST_DATA) / "configs";

}  // namespace

TEST_CASE("the configs of real engines are read whole, valid and written back", "[writer]") {
    const auto files = json_files_in(kConfigs);
    REQUIRE(files.size() > 40);
    for (const auto& file : files) {
        CAPTURE(file.filename().string());
        std::vector<ParseError> warnings;
        const Parsed<Spec> spec = parse_spec(read_file(file), &warnings);
        REQUIRE(spec);
        CHECK(warnings.empty());
        CHECK(validate(*spec).empty());
        CHECK(unsupported(*spec).empty());
        for (const Layout layout : {Layout::pretty, Layout::compact}) {
            const Parsed<Spec> again = parse_spec(write_spec(*spec, layout));
            REQUIRE(again);
            CHECK(*again == *spec);
        }
    }
}

TEST_CASE("the process files of real engines are read whole and valid", "[writer]") {
    const auto files = json_files_in(kConfigs / "processes");
    REQUIRE_FALSE(files.empty());
    for (const auto& file : files) {
        CAPTURE(file.filename().string());
        const Parsed<Process> process = parse_process(read_file(file));
        REQUIRE(process);
        CHECK(validate(*process).empty());
        CHECK(*parse_process(write_process(*process)) == *process);
    }
}

TEST_CASE("the templates are written and read back", "[writer]") {
    for (const Spec& spec : {default_spec(), rootless_spec(1000, 1000)}) {
        CHECK(*parse_spec(write_spec(spec)) == spec);
    }
}

TEST_CASE("layouts", "[writer]") {
    Spec spec;
    spec.oci_version = "1.0.0";
    spec.hostname = "a";
    spec.process.emplace().cwd = "/";
    CHECK(
        write_spec(spec, Layout::compact) ==
        R"({"ociVersion":"1.0.0","process":{"user":{"uid":0,"gid":0},"cwd":"/"},"hostname":"a"})");
    spec.process.reset();
    spec.linux.seccomp.emplace().flags.emplace();
    CHECK(write_spec(spec) == R"({
    "ociVersion": "1.0.0",
    "hostname": "a",
    "linux": {
        "seccomp": {
            "defaultAction": "SCMP_ACT_KILL",
            "flags": []
        }
    }
}
)");
}

TEST_CASE("strings are escaped so that nothing but themselves is read back", "[writer]") {
    Spec spec;
    spec.oci_version = "1.0.0";
    for (int c = 1; c < 0x80; ++c) {
        spec.annotations[std::string(1, static_cast<char>(c)) + "key"] =
            std::string("a") + static_cast<char>(c) + "z";
    }
    spec.annotations["unicode"] = "\u00fc\u4e2d\U0001f600";
    const std::string written = write_spec(spec, Layout::compact);
    CHECK(written.find('\x1b') == std::string::npos);
    CHECK(written.find('\n') == std::string::npos);
    CHECK(*parse_spec(written) == spec);
}

TEST_CASE("bytes that are no UTF-8 are written as U+FFFD", "[writer]") {
    const State state{.oci_version = "1.0.0", .id = "a", .bundle = "/b\xff\u00fc\xe2\x82"};
    CHECK(parse_state(write_state(state))->bundle == "/b\ufffd\u00fc\ufffd\ufffd");
}

TEST_CASE("the state document has the spec's keys", "[writer]") {
    const State state{.oci_version = "1.0.0",
                      .id = "web",
                      .status = ContainerStatus::running,
                      .pid = 42,
                      .bundle = "/b",
                      .annotations = {{"a", "b"}}};
    CHECK(write_state(state, Layout::compact) ==
          R"({"ociVersion":"1.0.0","id":"web","status":"running","pid":42,"bundle":"/b",)"
          R"("annotations":{"a":"b"}})");
    CHECK(*parse_state(write_state(state)) == state);
}

TEST_CASE("SC-07 the container process state is one line", "[writer]") {
    const ContainerProcessState state{.oci_version = "1.3.0",
                                      .fds = {"seccompFd"},
                                      .pid = 7,
                                      .state = {.oci_version = "1.3.0", .id = "a", .bundle = "/"}};
    CHECK(write_process_state(state) ==
          R"({"ociVersion":"1.3.0","fds":["seccompFd"],"pid":7,"state":{"ociVersion":"1.3.0",)"
          R"("id":"a","status":"creating","bundle":"/"}})");
}

TEST_CASE("the features document is made from the vocabularies", "[writer]") {
    const Features features = make_features({.mount_options = {"ro", "rro"},
                                             .usable_seccomp_flags = {SeccompFlag::log},
                                             .annotations = {{"a", "b"}}});
    CHECK(features.oci_version_min == "1.0.0");
    CHECK(features.oci_version_max == "1.3.0");
    CHECK(features.hooks->front() == "prestart");
    CHECK(features.hooks->size() == 6);
    CHECK(features.mount_options == std::vector<std::string>{"ro", "rro"});
    CHECK(features.linux->namespaces->size() == 8);
    CHECK(features.linux->capabilities->size() == 41);
    CHECK(features.linux->seccomp->supported_flags ==
          std::vector<std::string>{"SECCOMP_FILTER_FLAG_LOG"});
    CHECK(features.linux->seccomp->archs->size() == 23);
    CHECK(features.linux->mount_extensions->idmap->enabled.has_value());
    // Nothing is left unknown: consumers read an absent key as "cannot tell".
    const std::string written = write_features(features, Layout::compact);
    for (const char* key : {"rdma", "systemdUser", "apparmor", "selinux", "intelRdt", "monitoring",
                            "memoryPolicy", "netDevices", "potentiallyUnsafeConfigAnnotations"}) {
        CAPTURE(key);
        CHECK(written.find('"' + std::string(key) + '"') != std::string::npos);
    }
    CHECK(*parse_features(written) == features);
}
