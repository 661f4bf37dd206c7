// SPDX-License-Identifier: Apache-2.0
#include "libcontainer/cgroup/cgroups_path.h"

#include <catch2/catch.hpp>

using libcontainer::parse_cgroups_path;
using libcontainer::parse_sub_cgroup;
using libcontainer::PathBase;

TEST_CASE("CG-01: an absolute cgroupsPath counts from the hierarchy's root") {
    const auto path = parse_cgroups_path("/docker/abc", "id");
    REQUIRE(path);
    CHECK(path->base == PathBase::hierarchy_root);
    CHECK(path->path == "docker/abc");
}

TEST_CASE("CG-02: a relative cgroupsPath counts from the own cgroup") {
    const auto path = parse_cgroups_path("pod/abc", "id");
    REQUIRE(path);
    CHECK(path->base == PathBase::own_cgroup);
    CHECK(path->path == "pod/abc");
}

TEST_CASE("CG-03: an absent or empty cgroupsPath is the id at the root") {
    for (const std::optional<std::string>& absent : {std::optional<std::string>(), {""}}) {
        const auto path = parse_cgroups_path(absent, "web");
        REQUIRE(path);
        CHECK(path->base == PathBase::hierarchy_root);
        CHECK(path->path == "web");
    }
}

TEST_CASE("T-61: doubled slashes, single dots and slashes at the end vanish") {
    CHECK(parse_cgroups_path("//a//./b/", "id")->path == "a/b");
}

TEST_CASE("T-61: a colon is an ordinary character for the cgroupfs driver") {
    CHECK(parse_cgroups_path("system.slice:docker:abc", "id")->path == "system.slice:docker:abc");
}

TEST_CASE("R-33 T-61: paths that leave the hierarchy or name nothing are refused") {
    const std::string bad[] = {"..",
                               "../x",
                               "/../../x",
                               "/a/../b",
                               "/a/b/..",
                               "/",
                               "///",
                               ".",
                               "/a\nb",
                               "/a\tb",
                               std::string("a\0b", 3),
                               "/" + std::string(256, 'x')};
    for (const std::string& text : bad) {
        INFO(text);
        const auto path = parse_cgroups_path(text, "id");
        REQUIRE_FALSE(path);
        CHECK(path.error().config_path == "linux.cgroupsPath");
        CHECK(path.error().kind == sys::ErrorKind::invalid);
    }
}

TEST_CASE("names that only look like dots are kept") {
    CHECK(parse_cgroups_path("/..a/...", "id")->path == "..a/...");
}

TEST_CASE("T-60: a cgroup below the container's own stays below it") {
    CHECK(*parse_sub_cgroup("a/b") == "a/b");
    CHECK(parse_sub_cgroup("")->empty());
    for (const char* const text : {"/", "/a", "..", "a/../../b", "../evil", "a\n"}) {
        INFO(text);
        CHECK_FALSE(parse_sub_cgroup(text));
    }
}
