// SPDX-License-Identifier: Apache-2.0
// linux.cgroupsPath for the systemd driver (CG-03, CG-04).
#include "libcontainer/cgroup/systemd/unit.h"

#include <catch2/catch.hpp>

using libcontainer::systemd::Instance;
using libcontainer::systemd::is_slice;
using libcontainer::systemd::parse_unit_place;

namespace {

struct Placed {
    std::string path;
    std::string name;
    std::string slice;
};

}  // namespace

TEST_CASE("CG-04: three parts name a scope and its slice") {
    const Placed vectors[] = {
        {"system.slice:docker:abc", "docker-abc.scope", "system.slice"},
        {"machine.slice:libpod:1f", "libpod-1f.scope", "machine.slice"},
        {"kubepods-burstable-pod1.slice:cri-containerd:c", "cri-containerd-c.scope",
         "kubepods-burstable-pod1.slice"},
        {"-.slice:a:b", "a-b.scope", "-.slice"},
        {":a:b", "a-b.scope", "system.slice"},
        {"a.slice::b", "b.scope", "a.slice"},
        {"::b", "b.scope", "system.slice"},
        {"a.slice:p:b.slice", "b.slice", "a.slice"},
        {"a.slice:p:x@1\\x2d_.y", "p-x@1\\x2d_.y.scope", "a.slice"},
    };
    for (const Placed& vector : vectors) {
        INFO(vector.path);
        const auto place = parse_unit_place(vector.path, "id", Instance::system);
        REQUIRE(place);
        CHECK(place->name == vector.name);
        CHECK(place->slice == vector.slice);
        CHECK(is_slice(place->slice));
    }
    CHECK(parse_unit_place("::b", "id", Instance::user)->slice == "user.slice");
}

TEST_CASE("CG-03: without a path the unit is named by the id") {
    for (const std::optional<std::string>& absent :
         {std::optional<std::string>(), std::optional<std::string>("")}) {
        const auto place = parse_unit_place(absent, "a.b-c_d", Instance::system);
        REQUIRE(place);
        CHECK(place->name == "brig-a.b-c_d.scope");
        CHECK(place->slice == "system.slice");
    }
    CHECK(parse_unit_place({}, "x", Instance::user)->slice == "user.slice");
    CHECK(parse_unit_place({}, "a+b", Instance::system)->name == "brig-a\\x2bb.scope");
}

TEST_CASE("CG-04: any other shape is refused at its place in the config") {
    const std::string long_name(250, 'a');
    const std::string vectors[] = {"name",
                                   "/a/b",
                                   "a.slice:b",
                                   "a.slice:b:",
                                   "a.slice:b:c:d",
                                   "a:b:c",
                                   "a.scope:b:c",
                                   ".slice:b:c",
                                   "a--b.slice:c:d",
                                   "-a.slice:c:d",
                                   "a-.slice:c:d",
                                   "a.slice:b/c:d",
                                   "a/b.slice:c:d",
                                   "a.slice:b:c d",
                                   "a.slice:b:../c",
                                   "a.slice:b:c\n",
                                   "a.slice:b:-.slice",
                                   "a.slice:b:x--y.slice",
                                   "a.slice:b:" + long_name,
                                   "::"};
    for (const std::string& path : vectors) {
        INFO(path);
        const auto place = parse_unit_place(path, "id", Instance::system);
        REQUIRE_FALSE(place);
        CHECK(place.error().kind == sys::ErrorKind::invalid);
        CHECK(place.error().config_path == "linux.cgroupsPath");
    }
    CHECK(parse_unit_place("name", "id", Instance::system)
              .error()
              .message.find("SLICE:PREFIX:NAME") != std::string::npos);
}
