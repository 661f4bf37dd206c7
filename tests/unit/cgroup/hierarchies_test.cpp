// SPDX-License-Identifier: Apache-2.0
#include "libcontainer/cgroup/hierarchies.h"

#include <catch2/catch.hpp>

#include "libcontainer/sys/mountinfo.h"
#include "tests/unit/cgroup/temporary_directory.h"

using libcontainer::find_hierarchies;
using libcontainer::Hierarchies;
using libcontainer::Hierarchy;
using libcontainer::HierarchySources;
using libcontainer::parse_memberships;

namespace {

constexpr const char* kHybrid =
    "23 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"
    "50 23 0:60 / /mnt/cgroup\\040files rw - fuse cgroupish rw\n";

}  // namespace

TEST_CASE("mountinfo gives the cgroup mounts and nothing else") {
    const auto mounts = sys::mounts_of_type(kHybrid, {"cgroup", "cgroup2"});
    REQUIRE(mounts.size() == 3);
    CHECK(mounts[0].mount_point == "/sys/fs/cgroup/cpu,cpuacct");
    CHECK(mounts[0].options == "rw,cpu,cpuacct");
    CHECK(mounts[0].type == "cgroup");
    CHECK(mounts[1].options == "rw,xattr,name=systemd");
    CHECK(mounts[2].mount_point == "/sys/fs/cgroup/unified");
    CHECK(mounts[2].type == "cgroup2");
}

TEST_CASE("mountinfo's octal escapes are decoded in root and mount point") {
    const auto mounts = sys::mounts_of_type(
        "32 31 0:29 /a\\040b /mnt/tab\\011x rw - cgroup cgroup rw,memory\n", {"cgroup"});
    REQUIRE(mounts.size() == 1);
    CHECK(mounts[0].root == "/a b");
    CHECK(mounts[0].mount_point == "/mnt/tab\tx");
}

TEST_CASE("mountinfo lines that are cut short are passed over") {
    CHECK(sys::mounts_of_type("32 31 0:29 - cgroup\n - cgroup cgroup rw\n", {"cgroup"}).empty());
    CHECK(sys::mounts_of_type("", {"cgroup"}).empty());
}

TEST_CASE("mountinfo gives the place of one mount") {
    const std::string_view text =
        "32 31 0:29 / /a\\040b rw - tmpfs tmpfs rw\n"
        "320 31 0:30 / /other rw shared:1 - tmpfs tmpfs rw\n32 cut short\n";
    CHECK(sys::mount_point_of(text, 32) == "/a b");
    CHECK(sys::mount_point_of(text, 320) == "/other");
    CHECK_FALSE(sys::mount_point_of(text, 3));
    CHECK_FALSE(sys::mount_point_of("", 32));
}

TEST_CASE("memberships keep colons and blanks of the path") {
    const auto found = parse_memberships("9:name=systemd:/\n2:cpu,cpuacct:/a b/c:d\n0::/x\n");
    REQUIRE(found.size() == 3);
    CHECK(found[0].controllers == "name=systemd");
    CHECK(found[1].controllers == "cpu,cpuacct");
    CHECK(found[1].own_path == "/a b/c:d");
    CHECK(found[2].controllers.empty());
    CHECK(found[2].own_path == "/x");
}

TEST_CASE("a plain folder with a controller's name is no hierarchy") {
    const TemporaryDirectory host;
    host.put("memory/tasks");
    host.put("memberships", "4:memory:/\n0::/\n");
    host.put("mountinfo", "");
    const auto found =
        find_hierarchies({host.path(), host.path() + "/memberships", host.path() + "/mountinfo"});
    REQUIRE(found);
    CHECK(found->v1.empty());
    CHECK_FALSE(found->v2);
}

TEST_CASE("a hierarchy that is mounted elsewhere is found in mountinfo") {
    const TemporaryDirectory host;
    host.put("memberships", "4:cpuacct,cpu:/\n5:name=systemd:/\n6:pids:/\n");
    host.put("mountinfo", kHybrid);
    const auto found =
        find_hierarchies({host.path(), host.path() + "/memberships", host.path() + "/mountinfo"});
    REQUIRE(found);
    REQUIRE(found->v1.size() == 2);
    CHECK(found->v1[0].controllers == "cpuacct,cpu");
    CHECK(found->v1[0].mount_point == "/sys/fs/cgroup/cpu,cpuacct");
    CHECK(found->v1[1].mount_point == "/sys/fs/cgroup/systemd");
}

TEST_CASE("CG-02: the own path counts from what is mounted") {
    const TemporaryDirectory host;
    host.put("mountinfo",
             "32 31 0:29 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
             "33 31 0:29 /docker/abc /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
             "34 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n");
    Hierarchies hierarchies;
    hierarchies.v1 = {{"memory", "/sys/fs/cgroup/memory", "/docker/abc/inner"},
                      {"pids", "/sys/fs/cgroup/pids", "/docker/abcdef"},
                      {"cpu", "/sys/fs/cgroup/cpu", "/docker/abc"}};
    HierarchySources sources;
    sources.mountinfo = host.path() + "/mountinfo";
    REQUIRE(resolve_own_paths(hierarchies, sources));
    CHECK(hierarchies.v1[0].own_path == "/inner");
    CHECK(hierarchies.v1[1].own_path.empty());
    CHECK(hierarchies.v1[2].own_path == "/docker/abc");
}
