// SPDX-License-Identifier: Apache-2.0
// Groups in a folder of plain files; how the kernel's behave is shown by integration/resctrl.t.
#include "libcontainer/resctrl/group.h"

#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/unit/cgroup/temporary_directory.h"

using libcontainer::ResctrlRecord;
using libcontainer::resctrl::NewGroup;

namespace resctrl = libcontainer::resctrl;

namespace {

// A root with the class "gold" and its monitoring groups.
struct Tree : TemporaryDirectory {
    Tree() {
        for (const char* const file : {"tasks", "gold/tasks", "info/last_cmd_status"}) {
            put(file);
        }
        put("gold/schemata", "    L3:0=  f;1= 7ff\n");
        std::filesystem::create_directories(path() + "/gold/mon_groups");
    }
};

oci::IntelRdt gold() {
    oci::IntelRdt config;
    config.clos_id = "gold";
    return config;
}

}  // namespace

TEST_CASE("RDT-01: resctrl is where mountinfo says") {
    const auto root = resctrl::find_root(
        "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
        "52 23 0:41 / /mnt/res\\040ctrl rw,relatime - resctrl resctrl rw,cdp,mba_MBps\n");
    REQUIRE(root);
    CHECK(*root == "/mnt/res ctrl");
    const auto none = resctrl::find_root("50 23 0:60 / /sys/fs/resctrl rw - fuse resctrl rw\n");
    REQUIRE_FALSE(none);
    CHECK(none.error().config_path == "linux.intelRdt");
}

TEST_CASE("RDT-03 RDT-06: only what has the container's name and is new is its own") {
    const Tree tree;
    oci::IntelRdt config;
    CHECK(NewGroup::plan(config, "new", tree.path())->record().is_own);
    CHECK_FALSE(NewGroup::plan(config, "gold", tree.path())->record().is_own);
    config.clos_id = "silver";
    config.l3_cache_schema = "L3:0=f";
    const auto named = NewGroup::plan(config, "new", tree.path());
    CHECK_FALSE(named->record().is_own);
    CHECK(named->record().group == tree.path() + "/silver");
    config.clos_id = "/";
    config.l3_cache_schema.reset();
    CHECK(NewGroup::plan(config, "new", tree.path())->record().group == tree.path());
}

TEST_CASE("RDT-02: what is no class is not taken for one") {
    const Tree tree;
    const auto planned = NewGroup::plan({}, "info", tree.path());
    REQUIRE_FALSE(planned);
    CHECK(planned.error().config_path == "linux.intelRdt");
}

TEST_CASE("RDT-01 RDT-08: a process joins the class and the monitoring group") {
    const Tree tree;
    oci::IntelRdt config = gold();
    config.enable_monitoring = true;
    auto group = NewGroup::plan(config, "one", tree.path());
    REQUIRE(group);
    REQUIRE(group->make());
    CHECK(group->record().monitoring == tree.path() + "/gold/mon_groups/one");
    tree.put("gold/mon_groups/one/tasks");
    REQUIRE(group->join(::getpid()));
    const std::string pid = std::to_string(::getpid()) + "\n";
    CHECK(tree.get("gold/tasks") == pid);
    CHECK(tree.get("gold/mon_groups/one/tasks") == pid);
    CHECK(tree.get("gold/schemata") == "    L3:0=  f;1= 7ff\n");
}

TEST_CASE("RDT-08: a host without monitoring says so") {
    const Tree tree;
    oci::IntelRdt config;
    config.clos_id = "/";
    config.enable_monitoring = true;
    auto group = NewGroup::plan(config, "one", tree.path());
    REQUIRE(group);
    const auto made = group->make();
    REQUIRE_FALSE(made);
    CHECK(made.error().config_path == "linux.intelRdt.enableMonitoring");
}

TEST_CASE("G-05: undo removes what was made and leaves what was there") {
    const Tree tree;
    oci::IntelRdt config = gold();
    config.enable_monitoring = true;
    auto group = NewGroup::plan(config, "one", tree.path());
    REQUIRE(group);
    REQUIRE(group->make());
    group->undo();
    CHECK_FALSE(std::filesystem::exists(group->record().monitoring));
    CHECK(std::filesystem::exists(tree.path() + "/gold/tasks"));
}

TEST_CASE("exec does without a class that is gone, create does not") {
    const Tree tree;
    auto group = NewGroup::plan(gold(), "one", tree.path());
    REQUIRE(group);
    std::filesystem::remove_all(group->record().group);
    CHECK_FALSE(group->join(::getpid()));
    CHECK(resctrl::join_again(group->record(), ::getpid()));
}

TEST_CASE("RDT-03 T-79: remove takes no ordinary folder, and a group that is gone is no error") {
    const Tree tree;
    std::filesystem::create_directories(tree.path() + "/one");
    const ResctrlRecord record = {tree.path() + "/one", tree.path() + "/none/mon_groups/one", true};
    CHECK(resctrl::remove(record));
    CHECK(std::filesystem::exists(tree.path() + "/one"));
    const ResctrlRecord named = {tree.path() + "/gold", "", false};
    CHECK(resctrl::remove(named));
    CHECK(std::filesystem::exists(tree.path() + "/gold"));
}
