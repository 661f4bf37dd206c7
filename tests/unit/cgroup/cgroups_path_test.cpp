// SPDX-License-Identifier: Apache-2.0
#include "libcontainer/cgroup/cgroups_path.h"

#include <catch2/catch.hpp>

#include "libcontainer/cgroup/v2/manager.h"

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

TEST_CASE("CG-02 CG-03: where a path leads from the runtime's own cgroup on v2") {
    struct Row {
        const char* own;
        const char* below;
        const char* beside;
    };
    for (const Row& row : {Row{"/user/app/shell", "/c/user/app/shell/id", "/c/user/app/id"},
                           Row{"/shell", "/c/shell/id", "/c/id"}, Row{"/", "/c/id", "/c/id"},
                           Row{"", "/c/id", "/c/id"}, Row{"/../other", "/c/id", "/c/id"},
                           Row{"/..", "/c/id", "/c/id"},
                           Row{"/..other/shell", "/c/..other/shell/id", "/c/..other/id"}}) {
        INFO(row.own);
        const auto place = [&row](PathBase base) {
            return libcontainer::v2::plan_record({"", "/c", row.own}, {base, "id"})
                .directories.front()
                .path;
        };
        CHECK(place(PathBase::own_cgroup) == row.below);
        CHECK(place(PathBase::beside_own) == row.beside);
        CHECK(place(PathBase::hierarchy_root) == "/c/id");
    }
}
